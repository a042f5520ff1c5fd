// SPDX-License-Identifier: BSD-3-Clause

package pemfile

import (
	"cmp"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// signer is a private key that cannot be printed: fmt shows a closure as an
// address, while an *rsa.PrivateKey in a tls.Certificate is printed in full.
type signer struct {
	public crypto.PublicKey
	key    func() crypto.Signer
}

// Public implements [crypto.Signer].
func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign implements [crypto.Signer].
func (s *signer) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.key().Sign(rand, digest, opts) //nolint:wrapcheck // crypto/tls wants the key's own error.
}

// matchingKey returns the first key that fits a certificate. If there is none,
// the error says why; that a key is encrypted or broken goes before that another
// is somebody else's, since it may have been the right one.
func matchingKey(keys []block, certs *bundle) (*signer, error) {
	var encrypted bool
	var broken error
	for _, b := range keys {
		if b.encrypted() {
			encrypted = true
			continue
		}
		key, err := parseKey(b)
		if err != nil {
			broken = cmp.Or(broken, err)
			continue
		}
		if len(certs.owners(key.Public())) > 0 {
			return &signer{public: key.Public(), key: func() crypto.Signer { return key }}, nil
		}
	}
	switch {
	case len(keys) == 0:
		return nil, ErrNoKey
	case encrypted:
		return nil, ErrEncrypted
	case broken != nil:
		return nil, broken
	default:
		return nil, ErrKeyMismatch
	}
}

// owners returns the certificates that a key belongs to: usually one, more where
// a certificate was renewed with the same key. Likely leaves come first.
func (b *bundle) owners(public crypto.PublicKey) []*x509.Certificate {
	key, ok := public.(interface {
		Equal(other crypto.PublicKey) bool
	})
	if !ok {
		return nil
	}
	isOther := func(c *x509.Certificate) bool { return !key.Equal(c.PublicKey) }
	return slices.DeleteFunc(slices.Concat(b.likelyLeaves(), b.certs), isOther) // Some twice, which does no harm.
}

// parseKey tries every form, since the name of a block is not always that of its
// content; crypto/tls does the same.
func parseKey(b block) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS1PrivateKey(b.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(b.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(b.Bytes)
	if signer, ok := key.(crypto.Signer); ok {
		return signer, nil
	}
	if err == nil {
		err = errors.New("it cannot sign")
	}
	return nil, fmt.Errorf("PEM block %d: %w%s", b.number, ErrBadKey, reason(err))
}

// reason is what to tell of an error of crypto/x509 about a key. Those of
// encoding/asn1 speak of single bytes of the content, so they are kept back.
func reason(err error) string {
	text := err.Error()
	if strings.Contains(text, "asn1:") {
		return ""
	}
	return ": " + escape(text)
}
