// SPDX-License-Identifier: BSD-3-Clause

package pemfile

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/scicred/scicred/internal/griddn"
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
			return nil, fmt.Errorf("PEM block %d: %w: %s", block.number, ErrBadCertificate, griddn.Escape(err.Error()))
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
