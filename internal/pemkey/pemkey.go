// SPDX-License-Identifier: BSD-3-Clause

// Package pemkey opens private keys that a passphrase protects: PKCS#8 with PBES2
// (RFC 8018), which OpenSSL 1.1 and newer and Java write, and the traditional form
// of OpenSSL (Proc-Type: 4,ENCRYPTED).
//
// A key is opened in two steps, so that what cannot be opened at all is known
// before anybody is asked for a passphrase.
package pemkey

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/scicred/scicred/internal/der"
)

// Why a key is not opened. A way of encryption that is not known here is an
// [*UnsupportedError].
var (
	// ErrMalformed means that the encrypted key is damaged.
	ErrMalformed = errors.New("malformed encrypted private key")
	// ErrTooManyIterations means that deriving the key from the passphrase would
	// take more than [MaxIterations].
	ErrTooManyIterations = errors.New("too many iterations to get the key from its passphrase")
	// ErrWrongPassphrase means that the passphrase does not open the key. Damage
	// in the encrypted bytes looks just the same.
	ErrWrongPassphrase = errors.New("the passphrase is wrong")
)

// MaxIterations is how often the passphrase may be hashed. OpenSSL writes 2,048
// by default, Java 10,000, and 600,000 is today's advice; five million take some
// seconds. A file may demand 2³¹-1, which would take a quarter of an hour.
const MaxIterations = 5_000_000

// UnsupportedError says that a key is encrypted in a way that is not known here,
// and how to convert it.
type UnsupportedError struct {
	// Scheme is the way: "scrypt".
	Scheme string
	// Legacy says that OpenSSL 3 needs its legacy provider to read it.
	Legacy bool
}

// Error names the scheme and the command that converts the key.
func (e *UnsupportedError) Error() string {
	provider := ""
	if e.Legacy {
		provider = "-provider legacy -provider default "
	}
	return "the private key is encrypted with " + e.Scheme + ", which is not supported; to convert it: " +
		"openssl pkcs8 -topk8 -v2 aes-256-cbc " + provider + "-in KEY -out NEWKEY"
}

// Sealed is an encrypted key whose encryption is understood. It is immutable and
// safe for concurrent use.
type Sealed struct {
	iterations int
	decrypt    func(ctx context.Context, passphrase []byte) ([]byte, error)
}

// pkcs8 is the type of the PEM block of RFC 5958, section 3.
const pkcs8 = "ENCRYPTED PRIVATE KEY"

// IsSealed reports whether a block is a private key under a passphrase.
func IsSealed(b *pem.Block) bool {
	return b.Type == pkcs8 || strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED")
}

// Read finds out how a key is encrypted. The error is ErrMalformed,
// ErrTooManyIterations or an *UnsupportedError. It keeps b.Bytes, which must not
// be changed.
func Read(b *pem.Block) (*Sealed, error) {
	if b.Type == pkcs8 {
		return readPKCS8(b.Bytes)
	}
	return readTraditional(b)
}

// Iterations returns how often Open hashes the passphrase.
func (s *Sealed) Iterations() int { return s.iterations }

// Open returns the key: a DER sequence that begins with a version, in one of the
// forms that crypto/x509 parses. The caller should clear it after use. The error
// is ErrWrongPassphrase, or that of the context, which is looked at every few
// hundred microseconds.
func (s *Sealed) Open(ctx context.Context, passphrase []byte) ([]byte, error) {
	key, err := s.decrypt(ctx, passphrase)
	if err != nil {
		return nil, err
	}
	// The padding alone is right for one wrong passphrase in 256.
	sequence, rest, ok := der.ReadTag(key, der.Sequence)
	_, _, hasVersion := der.ReadTag(sequence.Content, der.Integer)
	if !ok || len(rest) > 0 || !hasVersion {
		clear(key)
		return nil, ErrWrongPassphrase
	}
	return key, nil
}

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }
