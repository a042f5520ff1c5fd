// SPDX-License-Identifier: BSD-3-Clause

package pemfile

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
)

// maxSignatures is how many certificates of one name are tried for an issuer, so
// that a strange file cannot keep a processor busy.
const maxSignatures = 8

// bundle is the certificates of one file, in its order, and which of them issued
// which.
type bundle struct {
	certs   []*x509.Certificate
	issuers map[*x509.Certificate]*x509.Certificate
}

func parseCertificates(found []block) (*bundle, error) {
	b := &bundle{issuers: make(map[*x509.Certificate]*x509.Certificate)}
	for _, block := range found {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("PEM block %d: %w: %s", block.number, ErrBadCertificate, escape(err.Error()))
		}
		b.certs = append(b.certs, c)
	}
	if len(b.certs) == 0 {
		return nil, ErrNoCertificate
	}
	for _, c := range b.certs {
		if parent := issuer(c, b.certs); parent != nil {
			b.issuers[c] = parent
		}
	}
	return b, nil
}

// issuer returns the certificate that c was issued by, nil if it is not there.
// Names tell; only where several have the same name (a certificate and its
// renewal) the signature decides, and if it cannot the later end of validity.
func issuer(c *x509.Certificate, certs []*x509.Certificate) *x509.Certificate {
	var parents []*x509.Certificate
	for _, p := range certs {
		if named(c, p) {
			parents = append(parents, p)
		}
	}
	if len(parents) == 0 {
		return nil
	}
	slices.SortStableFunc(parents, func(a, b *x509.Certificate) int { return b.NotAfter.Compare(a.NotAfter) })
	if len(parents) > 1 {
		for _, p := range parents[:min(len(parents), maxSignatures)] {
			if p.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil {
				return p
			}
		}
	}
	return parents[0]
}

// named says whether c names parent as its issuer and is not its own.
func named(c, parent *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, parent.RawSubject) && !bytes.Equal(c.RawIssuer, c.RawSubject)
}

// likelyLeaves are the certificates that the key can sensibly belong to: those
// that issued no other in the file and are no authorities. It is how an expired
// proxy is told from its user's certificate without looking at the key.
func (b *bundle) likelyLeaves() []*x509.Certificate {
	var tips, users []*x509.Certificate
	for _, c := range b.certs {
		if slices.ContainsFunc(b.certs, func(other *x509.Certificate) bool { return named(other, c) }) {
			continue
		}
		tips = append(tips, c)
		if !c.IsCA {
			users = append(users, c)
		}
	}
	switch {
	case len(users) > 0:
		return users
	case len(tips) > 0:
		return tips
	default: // They issued each other.
		return b.certs
	}
}

// chain returns leaf, its issuer, and so on as far as there are certificates.
func (b *bundle) chain(leaf *x509.Certificate) []*x509.Certificate {
	chain := []*x509.Certificate{leaf}
	for {
		next := b.issuers[chain[len(chain)-1]]
		if next == nil || slices.Contains(chain, next) { // Two authorities may have signed each other.
			return chain
		}
		chain = append(chain, next)
	}
}

// firstValid returns the chain of the first leaf whose chain is within its
// dates. If there is none, the error says what is wrong with the first leaf's.
func (b *bundle) firstValid(leaves []*x509.Certificate, when window) ([]*x509.Certificate, error) {
	var first error
	for _, leaf := range leaves {
		chain := b.chain(leaf)
		err := when.check(chain)
		if err == nil {
			return chain, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// isProxy recognises RFC 3820 proxies by their extension ProxyCertInfo. It must
// be critical, but as OpenSSL does we take a certificate that has it in any form
// for a proxy.
func isProxy(c *x509.Certificate) bool {
	return hasExtension(c, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 14})
}

// isLegacyProxy recognises the proxies of Globus before RFC 3820: those of
// version 3 by the extension of the draft, those of version 2 by a subject that
// is the issuer's name and CN=proxy or CN=limited proxy.
func isLegacyProxy(c *x509.Certificate) bool {
	if isProxy(c) {
		return false
	}
	if hasExtension(c, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 3536, 1, 222}) {
		return true
	}
	names := c.Subject.Names
	if len(names) == 0 {
		return false
	}
	switch last := names[len(names)-1]; {
	case !last.Type.Equal(asn1.ObjectIdentifier{2, 5, 4, 3}):
		return false
	case last.Value != "proxy" && last.Value != "limited proxy":
		return false
	}
	subject, issuer := nameContent(c.RawSubject), nameContent(c.RawIssuer)
	return len(issuer) > 0 && len(subject) > len(issuer) && bytes.HasPrefix(subject, issuer)
}

func hasExtension(c *x509.Certificate, id asn1.ObjectIdentifier) bool {
	for _, ext := range c.Extensions {
		if ext.Id.Equal(id) {
			return true
		}
	}
	return false
}

// nameContent strips the outer sequence of an encoded name, so that a name that
// continues another has it as a prefix.
func nameContent(rawName []byte) []byte {
	var sequence asn1.RawValue
	if _, err := asn1.Unmarshal(rawName, &sequence); err != nil {
		return nil
	}
	return sequence.Bytes
}
