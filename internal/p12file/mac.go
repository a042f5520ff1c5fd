// SPDX-License-Identifier: BSD-3-Clause

package p12file

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/x509/pkix"
	"hash"
	"math/big"
)

// Integrity checks: RFC 7292, section 4.
type (
	macData struct {
		Mac        digestInfo
		Salt       []byte
		Iterations *big.Int `asn1:"optional"`
	}
	digestInfo struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
)

// mac is an integrity check whose parameters are within bounds.
type mac struct {
	digest []byte
	hash   func() hash.Hash
	key    deriveKey
}

// deriveKey makes a key of a passphrase.
type deriveKey func(context.Context, *password) ([]byte, error)

// verify returns ErrPassphrase if the passphrase is another than the one that the
// MAC was made with, or the content is another.
func (m *mac) verify(ctx context.Context, content []byte, pw *password) error {
	key, err := m.key(ctx, pw)
	if err != nil {
		return err
	}
	defer clear(key)
	h := hmac.New(m.hash, key)
	h.Write(content)
	if !hmac.Equal(h.Sum(nil), m.digest) {
		return ErrPassphrase
	}
	return nil
}

// pkcs12Key is the key derivation of RFC 7292, appendix B.2, for the one case
// that integrity checks need: purpose 3, and a key as long as the hash.
func pkcs12Key(newHash func() hash.Hash, salt []byte, iterations int) deriveKey {
	return func(ctx context.Context, pw *password) ([]byte, error) {
		h := newHash()
		block := h.BlockSize()
		h.Write(bytes.Repeat([]byte{3}, block))
		h.Write(fill(salt, block))
		repeated := fill(pw.bmp, block)
		h.Write(repeated)
		clear(repeated)
		key := h.Sum(nil)
		for i := 1; i < iterations; i++ {
			if i%65536 == 0 && ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			h.Reset()
			h.Write(key)
			key = h.Sum(key[:0])
		}
		return key, nil
	}
}

// fill repeats a text until it fills whole blocks.
func fill(text []byte, block int) []byte {
	if len(text) == 0 {
		return nil
	}
	n := (len(text) + block - 1) / block * block
	return bytes.Repeat(text, (n+len(text)-1)/len(text))[:n]
}

func pbkdf2Key(h func() hash.Hash, salt []byte, iterations, length int) deriveKey {
	return func(ctx context.Context, pw *password) ([]byte, error) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return pbkdf2.Key(h, string(pw.text), salt, iterations, length) //nolint:wrapcheck // It fails in FIPS mode alone, and says so.
	}
}
