// SPDX-License-Identifier: BSD-3-Clause

package cadir

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// parse takes the certificates out of a file. One that Go cannot read takes no
// other with it: which authorities are trusted is not for one of them to say.
func (l *look) parse(e *entry, data []byte) {
	whole, begun := 0, beginnings(data)
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE": // The second is OpenSSL's old name for it.
			whole++
			if err := l.certificate(e, block.Bytes); err != nil {
				e.problems = append(e.problems, fmt.Errorf("certificate %d: %w", whole, err))
			}
		case "TRUSTED CERTIFICATE":
			whole++
			e.problems = append(e.problems, ErrTrustSettings)
		}
	}
	switch {
	case whole < begun: // pem.Decode passes over those that are damaged without a word.
		e.problems = append(e.problems, fmt.Errorf("%w: %d of %d", ErrDamaged, begun-whole, begun))
	case whole == 0:
		e.problems = append(e.problems, ErrNone)
	}
}

// beginnings counts the lines that begin a certificate.
func beginnings(text []byte) (n int) {
	for _, kind := range []string{"", "X509 ", "TRUSTED "} {
		line := []byte("-----BEGIN " + kind + "CERTIFICATE-----")
		n += bytes.Count(text, append([]byte("\n"), line...))
		if bytes.HasPrefix(text, line) {
			n++
		}
	}
	return n
}

func (l *look) certificate(e *entry, der []byte) error {
	sum := sha256.Sum256(der)
	c, known := l.parsed[sum]
	if !known {
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			return err //nolint:wrapcheck // The caller says which.
		}
		c = certificate{parsed, sum}
		l.parsed[sum] = c
	}
	e.certs = append(e.certs, c)
	return nil
}
