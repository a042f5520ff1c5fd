// SPDX-License-Identifier: BSD-3-Clause

package proxycert

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"time"

	"github.com/scicred/scicred/internal/griddn"
)

// Chain is what a user certificate or proxy and its chain are.
type Chain struct {
	// Subject and Issuer are those of the leaf, in the form of package griddn.
	Subject, Issuer string
	// Identity is the name of the user whom the proxies speak for; the leaf's
	// subject if it is no proxy.
	Identity string
	// EndEntity is the user's certificate; nil if the chain ends in a proxy, in
	// which case Identity is who issued that.
	EndEntity *x509.Certificate
	// Leaf is what the leaf is, and Depth how many proxies there are.
	Leaf  Proxy
	Depth int
	// Limited says that a proxy of the chain is limited, which makes all that are
	// made from it limited too.
	Limited bool
	// Key is the leaf's.
	Key Key
	// KeyUsage are the uses of the leaf's key, in OpenSSL's words.
	KeyUsage []string
	// NotBefore and NotAfter are the latest beginning and the earliest end.
	NotBefore, NotAfter time.Time
	// Notes are what is unusual about the chain, for people.
	Notes []string
}

// Key is the strength of a key.
type Key struct {
	Type string // "RSA", the name of a curve ("P-256"), or "Ed25519".
	Bits int    // 0 if the type is not known.
}

// Describe describes a chain: the leaf, its issuer, and so on, at least the leaf.
// What cannot be read of a proxy's extension becomes a note.
func Describe(chain []*x509.Certificate) *Chain {
	leaf := chain[0]
	d := &Chain{
		Subject: griddn.Of(&leaf.Subject), Issuer: griddn.Of(&leaf.Issuer), Key: keyOf(leaf), KeyUsage: keyUsage(leaf.KeyUsage),
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
	}
	d.Identity = d.Subject
	for i, c := range chain {
		if c.NotBefore.After(d.NotBefore) {
			d.NotBefore = c.NotBefore
		}
		if c.NotAfter.Before(d.NotAfter) {
			d.NotAfter = c.NotAfter
		}
		if d.EndEntity != nil {
			continue // An authority.
		}
		p, err := Inspect(c)
		if i == 0 {
			d.Leaf = p
		}
		d.noteUse(c)
		if p.Kind == None {
			d.EndEntity, d.Identity = c, griddn.Of(&c.Subject)
			continue
		}
		d.Depth++
		d.Identity = griddn.Of(&c.Issuer)
		d.Limited = d.Limited || p.Policy == Limited
		d.noteProxy(c, p, err, i)
		if i > 0 && p.Kind != d.Leaf.Kind {
			d.note("proxies of different kinds in one chain; many servers refuse it")
		}
	}
	if d.EndEntity == nil {
		d.note("the user's certificate is not there")
	}
	return d
}

// noteProxy notes what is unusual about a proxy that others were made from, of
// which there are followers.
func (d *Chain) noteProxy(c *x509.Certificate, p Proxy, err error, followers int) {
	if err != nil {
		d.note(griddn.Of(&c.Subject) + ": " + err.Error())
	}
	if p.PathLength != Unlimited && followers > p.PathLength {
		d.note(griddn.Of(&c.Subject) + ": more proxies follow than its path length allows")
	}
}

// noteUse notes a certificate that is not for clients. One without the extension
// is for everything (RFC 5280, section 4.2.1.12).
func (d *Chain) noteUse(c *x509.Certificate) {
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return
	}
	d.note(griddn.Of(&c.Subject) + ": its extended key usage does not name clientAuth; most servers refuse it")
}

func (d *Chain) note(text string) {
	if !slices.Contains(d.Notes, text) {
		d.Notes = append(d.Notes, text)
	}
}

func keyOf(c *x509.Certificate) Key {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return Key{"RSA", k.N.BitLen()}
	case *ecdsa.PublicKey:
		return Key{k.Params().Name, k.Params().BitSize}
	case ed25519.PublicKey:
		return Key{"Ed25519", 8 * len(k)}
	default:
		return Key{Type: "unknown"}
	}
}

// keyUsage names the bits as OpenSSL and voms-proxy-info do, in their order.
func keyUsage(usage x509.KeyUsage) []string {
	var names []string
	for i, name := range []string{
		"Digital Signature", "Non Repudiation", "Key Encipherment", "Data Encipherment", "Key Agreement",
		"Certificate Sign", "CRL Sign", "Encipher Only", "Decipher Only",
	} {
		if usage&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
