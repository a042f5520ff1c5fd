// SPDX-License-Identifier: BSD-3-Clause

package pemfile

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/scicred/scicred/internal/der"
	"github.com/scicred/scicred/internal/griddn"
	"github.com/scicred/scicred/internal/pemkey"
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

// matchingKey returns the first key that fits a certificate, and the certificates
// that it fits. Keys that are encrypted come after those that are not, so that
// nobody is asked for a passphrase in vain.
//
// If there is none, the error says why; that a key is encrypted or broken goes
// before that another is somebody else's, since it may have been the right one.
func matchingKey(ctx context.Context, keys []block, certs *bundle, ask Passphrase) (*signer, []*x509.Certificate, error) {
	var sealed []block
	var broken error
	for _, b := range keys {
		if pemkey.IsSealed(b.Block) {
			sealed = append(sealed, b)
			continue
		}
		key, err := parseKey(b.Bytes, b.number)
		if err != nil {
			broken = cmp.Or(broken, err)
			continue
		}
		if owners := certs.owners(key.Public()); len(owners) > 0 {
			return hide(key), owners, nil
		}
	}
	if len(sealed) > 0 {
		key, owners, err := matchingSealed(ctx, sealed, certs, ask)
		if key != nil || err != nil {
			return key, owners, err
		}
	}
	switch {
	case len(keys) == 0:
		return nil, nil, ErrNoKey
	case broken != nil:
		return nil, nil, broken
	case len(keys) > 1:
		return nil, nil, fmt.Errorf("%w: none of the %d in the file fits", ErrKeyMismatch, len(keys))
	default:
		return nil, nil, ErrKeyMismatch
	}
}

// matchingSealed is matchingKey for encrypted keys. It returns nothing at all if
// each opens and none fits.
func matchingSealed(ctx context.Context, keys []block, certs *bundle, ask Passphrase) (*signer, []*x509.Certificate, error) {
	if ask == nil {
		return nil, nil, ErrEncrypted
	}
	var problem error
	opened, iterations := make(map[int]*pemkey.Sealed), 0
	for i, b := range keys {
		s, err := pemkey.Read(b.Block)
		if err == nil {
			if iterations += s.Iterations(); iterations > pemkey.MaxIterations {
				err = fmt.Errorf("%w: the keys of the file together", pemkey.ErrTooManyIterations)
			}
		}
		if err != nil {
			problem = cmp.Or(problem, fmt.Errorf("PEM block %d: %w", b.number, err))
			continue
		}
		opened[i] = s
	}
	if len(opened) == 0 {
		return nil, nil, problem
	}
	passphrase, err := ask(ctx)
	defer clear(passphrase)
	if err != nil {
		return nil, nil, fmt.Errorf("no passphrase: %w", err)
	}
	for i, b := range keys {
		s := opened[i]
		if s == nil {
			continue
		}
		content, err := s.Open(ctx, passphrase)
		if err != nil {
			problem = cmp.Or(problem, err)
			continue
		}
		key, err := parseKey(content, b.number)
		clear(content)
		if err != nil {
			problem = cmp.Or(problem, err)
			continue
		}
		if owners := certs.owners(key.Public()); len(owners) > 0 {
			return hide(key), owners, nil
		}
	}
	return nil, nil, problem
}

func hide(key crypto.Signer) *signer {
	return &signer{public: key.Public(), key: func() crypto.Signer { return key }}
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
	var owners []*x509.Certificate
	for _, c := range b.certs {
		if key.Equal(c.PublicKey) {
			owners = append(owners, c)
		}
	}
	if len(owners) > 1 {
		likely := b.likelyLeaves()
		slices.SortStableFunc(owners, func(c, d *x509.Certificate) int {
			return unlikely(likely, c) - unlikely(likely, d)
		})
	}
	return owners
}

func unlikely(likely []*x509.Certificate, c *x509.Certificate) int {
	if slices.Contains(likely, c) {
		return 0
	}
	return 1
}

// parseKey goes by the content, since the name of a block is not always that of
// what is in it.
func parseKey(content []byte, number int) (crypto.Signer, error) {
	key, err := parseForm(content)
	if signer, ok := key.(crypto.Signer); ok && err == nil {
		return signer, nil
	}
	if err == nil {
		err = errors.New("it cannot sign")
	}
	return nil, fmt.Errorf("PEM block %d: %w%s", number, ErrBadKey, reason(err))
}

// parseForm tells the three forms of a private key apart by what follows the
// version: a number in PKCS#1, an octet string in SEC 1, a sequence in PKCS#8.
// crypto/tls tries one after the other, and each failure costs some microseconds.
func parseForm(key []byte) (any, error) {
	sequence, _, _ := der.ReadTag(key, der.Sequence)
	_, afterVersion, _ := der.ReadTag(sequence.Content, der.Integer)
	switch next, _, _ := der.Read(afterVersion); next.Tag {
	case der.Integer:
		return x509.ParsePKCS1PrivateKey(key)
	case der.OctetString:
		return x509.ParseECPrivateKey(key)
	default:
		return x509.ParsePKCS8PrivateKey(key)
	}
}

// reason is what to tell of an error of crypto/x509 about a key. Those of
// encoding/asn1 speak of single bytes of the content, so they are kept back.
func reason(err error) string {
	text := err.Error()
	if strings.Contains(text, "asn1:") {
		return ""
	}
	return ": " + griddn.Escape(text)
}
