// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"encoding/pem"
	"slices"
	"strings"

	"github.com/scicred/scicred/internal/griddn"
	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/pemkey"
)

// certificateEntry is what inspect --json prints of certificates: what proxy-info
// does, and the chain.
type certificateEntry struct {
	*proxyEntry
	Chain []linkEntry `json:"chain"`
}

// linkEntry is a certificate of a chain.
type linkEntry struct {
	Subject   string `json:"subject"`
	Issuer    string `json:"issuer"`
	Serial    string `json:"serial"` // hexadecimal
	NotBefore string `json:"not_before"`
	Expires   string `json:"expires"`

	line string
}

func newCertificateEntry(h *held) *certificateEntry {
	e := &certificateEntry{proxyEntry: newProxyEntry(h)}
	for _, c := range h.chain {
		l := linkEntry{
			Subject: griddn.Of(&c.Subject), Issuer: griddn.Of(&c.Issuer), Serial: c.SerialNumber.Text(16),
			NotBefore: rfc3339(c.NotBefore), Expires: rfc3339(c.NotAfter),
		}
		l.line = l.Subject + ", " + human.Expiry(c.NotAfter, h.now) + ", on " + date(c.NotAfter)
		e.Chain = append(e.Chain, l)
	}
	return e
}

func (e *certificateEntry) describe() string {
	rows := [][]string{{"format", e.Format}}
	name := "chain"
	for _, l := range e.Chain {
		rows = append(rows, []string{name, l.line})
		name = "" // It stands above.
	}
	return human.Table(append(proxyRows(e.proxyEntry), rows...)) + "\n"
}

// sealedEntry is what can be said of a file in which no certificate can be seen.
type sealedEntry struct {
	Path    string   `json:"path"`
	Format  string   `json:"format"`
	Content []string `json:"content"`
}

func (e *sealedEntry) describe() string {
	return human.Table([][]string{{"path", e.Path}, {"format", e.Format}, {"content", strings.Join(e.Content, ", ")}}) + "\n"
}

// contentOf says which kinds of PEM blocks there are, in our words: in a file of
// garbage their names may be anything.
func contentOf(data []byte) []string {
	kinds := []string{}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		kind := "something else"
		switch {
		case pemkey.IsSealed(block):
			kind = "an encrypted private key"
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			kind = "a private key"
		case strings.HasSuffix(block.Type, "PUBLIC KEY"):
			kind = "a public key"
		case strings.HasSuffix(block.Type, "CERTIFICATE REQUEST"):
			kind = "a certificate request"
		case block.Type == "X509 CRL":
			kind = "a revocation list"
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return append(kinds, "no certificate")
}
