// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scicred/scicred/internal/griddn"
	"github.com/scicred/scicred/internal/p12file"
	"github.com/scicred/scicred/internal/pemfile"
	"github.com/scicred/scicred/internal/pemkey"
	"github.com/scicred/scicred/internal/proxycert"
)

// held is what a file with certificates holds, as far as it can be seen.
type held struct {
	path, source string
	now          time.Time
	format       string              // formatPEM and so on
	chain        []*x509.Certificate // the leaf first; empty if it cannot be seen
	others       int                 // certificates that are not in the chain
	keyErr       error               // nil if the leaf's key is there
	notes        []string            // on the file
	warnings     []string            // on the choice of it
}

// The formats of files.
const (
	formatPEM    = "PEM"
	formatPKCS12 = "PKCS#12"
	formatDER    = "DER"
)

// begins is when all of the chain has become valid.
func (h *held) begins() time.Time { return proxycert.Describe(h.chain).NotBefore }

// expires is when the first of the chain expires.
func (h *held) expires() time.Time { return proxycert.Describe(h.chain).NotAfter }

// readHeld reads a file with certificates, whatever their dates. The error is one
// that lets nothing be seen; what is wrong with the key is in the result.
func readHeld(ctx context.Context, data []byte, now time.Time, ask pemfile.Passphrase) (*held, error) {
	h := &held{now: now, format: formatPEM}
	parse := func(at time.Time) (*pemfile.Credential, error) {
		return pemfile.ParsePairWithPassphrase(ctx, data, nil, at, 0, ask)
	}
	certs := func() ([]*x509.Certificate, error) { return certificatesOf(data), nil }
	if p12file.Looks(data) {
		h.format = formatPKCS12
		parse = func(at time.Time) (*pemfile.Credential, error) { return p12file.Parse(ctx, data, ask, at, 0) }
		certs = func() ([]*x509.Certificate, error) { return p12file.Certificates(ctx, data, ask) }
	}
	c, err := whileValid(now, parse)
	switch {
	case err == nil:
		h.chain = c.Chain
	case ctx.Err() != nil || !aboutKeyOrDates(err):
		return nil, err
	default:
		h.keyErr = err
		all, certErr := certs()
		if certErr != nil {
			return nil, certErr
		}
		if len(all) == 0 {
			return nil, err
		}
		h.chain = order(all)
		h.others = len(all) - len(h.chain)
	}
	return h, nil
}

// whileValid parses a file as if it were a time at which its certificates are
// valid, so that expired ones are read like others: when the youngest begins, all
// of a sound chain are. It gives up if there is no such time.
func whileValid(now time.Time, parse func(at time.Time) (*pemfile.Credential, error)) (*pemfile.Credential, error) {
	const tries = 5 // more than the leaf and its issuers need
	for range tries - 1 {
		c, err := parse(now)
		var dates *pemfile.ValidityError
		if !errors.As(err, &dates) {
			return c, err
		}
		now = dates.NotBefore
	}
	return parse(now)
}

// aboutKeyOrDates reports whether the certificates of a file can be seen though
// it cannot be used.
func aboutKeyOrDates(err error) bool {
	var dates *pemfile.ValidityError
	var unsupported *pemkey.UnsupportedError
	return errors.As(err, &dates) || errors.As(err, &unsupported) || slices.ContainsFunc([]error{
		pemfile.ErrNoKey, pemfile.ErrBadKey, pemfile.ErrEncrypted, pemfile.ErrKeyMismatch,
		pemkey.ErrMalformed, pemkey.ErrTooManyIterations, pemkey.ErrWrongPassphrase,
	}, func(kind error) bool { return errors.Is(err, kind) })
}

// certificatesOf returns the certificates of a PEM file, of which package pemfile
// has seen that they can be parsed.
func certificatesOf(data []byte) []*x509.Certificate {
	var certs []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			certs = append(certs, c)
		}
	}
	return certs
}

// order returns a leaf and its issuers as far as they are there. The leaf is the
// first that issued no other and is no authority, or else the first of all.
func order(certs []*x509.Certificate) []*x509.Certificate {
	issued := func(c, parent *x509.Certificate) bool {
		return bytes.Equal(c.RawIssuer, parent.RawSubject) && !bytes.Equal(c.RawIssuer, c.RawSubject)
	}
	first := slices.IndexFunc(certs, func(c *x509.Certificate) bool {
		return !c.IsCA && !slices.ContainsFunc(certs, func(other *x509.Certificate) bool { return issued(other, c) })
	})
	chain := []*x509.Certificate{certs[max(first, 0)]}
	for {
		last := chain[len(chain)-1]
		next := slices.IndexFunc(certs, func(c *x509.Certificate) bool { return issued(last, c) && !slices.Contains(chain, c) })
		if next < 0 {
			return chain
		}
		chain = append(chain, certs[next])
	}
}

// describe says what the chain is, with all that is unusual about it.
func (h *held) describe() (*proxycert.Chain, []string) {
	d := proxycert.Describe(h.chain)
	notes := slices.Clone(d.Notes)
	if d.Leaf.Kind == proxycert.Draft || d.Leaf.Kind == proxycert.Legacy {
		notes = append(notes, "a proxy of the kind before RFC 3820; most servers refuse it")
	}
	if leaf := h.chain[0]; d.NotAfter.Before(leaf.NotAfter) {
		for _, c := range h.chain[1:] {
			if c.NotAfter.Equal(d.NotAfter) {
				notes = append(notes, fmt.Sprintf("it ends with %s, on %s; by itself it would last until %s",
					griddn.Of(&c.Subject), date(c.NotAfter), date(leaf.NotAfter)))
				break
			}
		}
	}
	if h.now.Before(d.NotBefore) {
		notes = append(notes, "not valid before "+date(d.NotBefore))
	}
	if h.keyErr != nil {
		notes = append(notes, h.keyErr.Error())
	}
	if h.others > 0 {
		notes = append(notes, count(int64(h.others), "certificate")+" in the file besides, not in the chain")
	}
	return d, append(notes, h.notes...)
}
