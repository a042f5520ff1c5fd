// SPDX-License-Identifier: BSD-3-Clause

// Package p12file opens PKCS#12 files (RFC 7292; .p12, .pfx), in which browsers,
// portals and Java keep a certificate with its key.
//
// A file is taken apart here, up to what is encrypted, within fixed bounds of
// size, depth, number and work. What is encrypted goes through go-pkcs12, but
// that never sees the file: it is given small files of our own making, which
// hold one question each (see library.go). Read by itself it would run a key
// derivation of two thousand million iterations if a file says so, which takes
// minutes and cannot be called off. What comes out is handed to package pemfile,
// so that a certificate is judged by the same rules in either format.
//
// Nothing here is kept between calls, so everything may be called from several
// goroutines.
package p12file

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/scicred/scicred/internal/pemfile"
)

// Bounds of what is opened. An ordinary file has 3 kB, a key and two to five
// certificates, and key derivations of 2,048 (OpenSSL), 10,000 (Java) or 600,000
// iterations (NSS, which is in Firefox).
const (
	// MaxSize is how many bytes a file may have.
	MaxSize = 1 << 20
	// MaxIterations is how many iterations one key derivation may have. On a
	// machine of today it is about a second.
	MaxIterations = 5_000_000
	// MaxWork is how many iterations the key derivations of one file may have
	// together: those of the integrity check, the certificates and the key.
	MaxWork = 3 * MaxIterations
	// MaxBags is how many certificates and other things a file may hold.
	MaxBags = 100
)

// Why a file is refused. What is wrong with the certificates and the key
// themselves is said by the errors of package pemfile: ErrNoCertificate, ErrNoKey,
// ErrBadCertificate, ErrBadKey, ErrKeyMismatch and *ValidityError. That a
// passphrase is needed and there is no way to ask for it is said by its
// ErrEncrypted, and what is sound and cannot be read by an [*UnsupportedError].
var (
	// ErrMalformed means that it is no PKCS#12 file, or a damaged one.
	ErrMalformed = errors.New("malformed or damaged PKCS#12")
	// ErrTooLarge means that it is larger than [MaxSize], or that a part of it is
	// larger than any that makes sense.
	ErrTooLarge = errors.New("too large for PKCS#12")
	// ErrTooMany means that it has more parts than any that makes sense.
	ErrTooMany = errors.New("too many parts in the PKCS#12 file")
	// ErrIterations means that opening it would take more than [MaxIterations] or
	// [MaxWork].
	ErrIterations = errors.New("opening the PKCS#12 file would take too long")
	// ErrPassphrase means that the passphrase does not open it.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrSeveralKeys means that it has more than one private key, so that nobody
	// can tell which certificate is meant.
	ErrSeveralKeys = errors.New("more than one private key in the PKCS#12 file")
)

// Reexport is the command that makes a file that can be read of one that cannot.
// openssl asks for the old passphrase, then for a new one. Before OpenSSL 3 it
// reads every file; since then, files with old ciphers need the option -legacy
// besides.
const Reexport = "openssl pkcs12 -in OLD.p12 -nodes -out TMP.pem && openssl pkcs12 -export -in TMP.pem -out NEW.p12 && rm TMP.pem"

// UnsupportedError means that the file is sound as far as one can see, and uses
// something that is not supported.
type UnsupportedError struct {
	// What is not supported, in words.
	What string
}

// Error says what is not supported, and what to do.
func (e *UnsupportedError) Error() string {
	return "the PKCS#12 file has " + e.What + ", which is not supported; re-export it: " + Reexport
}

// A Passphrase asks for the passphrase of a file. What it returns is overwritten
// once the file is open. nil stands for nobody who could be asked.
type Passphrase = pemfile.Passphrase

// Looks reports whether data begins as a PKCS#12 file does, in DER or BER: a
// sequence of the version 3 and of a PKCS#7 content. Neither PEM nor a certificate
// or key in DER does.
func Looks(data []byte) bool {
	for _, want := range []string{"\x02\x01\x03", "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"} {
		h, err := readHeader(data)
		if err != nil || h.tag != sequence {
			return false
		}
		data = data[h.size:]
		if len(data) < len(want) || string(data[:len(want)]) != want {
			return false
		}
		data = data[3:] // To the second sequence. What remains after that is not looked at.
	}
	return true
}

// Parse reads a certificate, its private key and its chain. It works as
// [pemfile.ParsePair] does: the leaf is the certificate that the key belongs to,
// the chain is put in order from there, certificates that are not in it are left
// out, since TLS wants each to certify the one before (RFC 8446, section 4.4.2),
// and no certificate of the chain may be expired at now+margin or not yet valid
// at now, which is found out before the key is decrypted.
//
// No passphrase, and an empty one, are tried first: many files have none. Only if
// these do not open it the passphrase is asked for, once, and only of a file that
// holds what is needed: one key, at least one certificate, nothing unsupported.
// ctx ends the work between two steps; each takes [MaxIterations] at most.
func Parse(ctx context.Context, data []byte, ask Passphrase, now time.Time, margin time.Duration) (*pemfile.Credential, error) {
	f, err := read(data)
	if err != nil {
		return nil, err
	}
	switch {
	case len(f.certs)+len(f.sealed) == 0:
		return nil, pemfile.ErrNoCertificate
	case len(f.keys) > 1:
		return nil, fmt.Errorf("%w: %d", ErrSeveralKeys, len(f.keys))
	case len(f.keys) == 0 && len(f.sealed) > 0:
		return nil, fmt.Errorf("%w outside the encrypted certificates", pemfile.ErrNoKey)
	case len(f.keys) == 0:
		return nil, pemfile.ErrNoKey
	}
	encrypted := len(f.sealed) > 0 || f.keys[0].encrypted
	return unlock(ctx, f, encrypted, ask, func(pw *password) (*pemfile.Credential, error) {
		certs, err := f.certificates(ctx, pw)
		if err != nil {
			return nil, err
		}
		chain := certificatesPEM(certs)
		if _, err := pemfile.ParsePair(chain, nil, now, margin); !errors.Is(err, pemfile.ErrNoKey) {
			return nil, err //nolint:wrapcheck // It is about the dates, and says all.
		}
		key, err := f.privateKey(ctx, pw, certs[0])
		if err != nil {
			return nil, err
		}
		defer clear(key)
		return pemfile.ParsePair(chain, key, now, margin) //nolint:wrapcheck // As above.
	})
}

// Certificates returns the certificates of a file, in no order, whatever their
// dates and whether or not there is a key. The key is left alone. The passphrase
// is asked for as [Parse] does, if the certificates are encrypted; mostly they
// are.
func Certificates(ctx context.Context, data []byte, ask Passphrase) ([]*x509.Certificate, error) {
	f, err := read(data)
	if err != nil {
		return nil, err
	}
	return unlock(ctx, f, len(f.sealed) > 0, ask, func(pw *password) ([]*x509.Certificate, error) {
		return f.certificates(ctx, pw)
	})
}

// unlock calls use with the passphrase that opens the file.
//
// What is not encrypted is used as it is, and its MAC not looked at: that is the
// passphrase's proof, not the content's, for whoever can change the file can also
// leave the MAC out.
func unlock[T any](ctx context.Context, f *file, encrypted bool, ask Passphrase, use func(*password) (T, error)) (result T, err error) {
	if !encrypted {
		return use(noPassword())
	}
	try := func(pw *password) (T, error) {
		defer pw.clear()
		if f.mac != nil {
			if err := f.mac.verify(ctx, f.safe, pw); err != nil {
				return result, err
			}
		}
		return use(pw)
	}
	for _, pw := range []*password{emptyPassword(), noPassword()} {
		if result, err = try(pw); !errors.Is(err, ErrPassphrase) {
			return result, err
		}
	}
	if ask == nil {
		return result, pemfile.ErrEncrypted
	}
	if err := ctx.Err(); err != nil {
		return result, context.Cause(ctx)
	}
	text, err := ask(ctx)
	defer clear(text)
	if err != nil {
		return result, fmt.Errorf("the passphrase: %w", err)
	}
	pw, err := newPassword(text)
	if err != nil {
		return result, err
	}
	return try(pw)
}
