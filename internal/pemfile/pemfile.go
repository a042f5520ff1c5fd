// SPDX-License-Identifier: BSD-3-Clause

// Package pemfile reads user certificates and proxies, with their key and chain,
// from PEM text.
//
// It takes blocks in any order: the leaf is the certificate that the private key
// belongs to, the chain is put in order from there. It judges dates, but never
// whether a chain is trusted: x509.Verify refuses every RFC 3820 proxy, and the
// server decides anyway.
package pemfile

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/scicred/scicred/internal/proxycert"
)

// Why a file is refused. Dates are refused with a [*ValidityError].
var (
	// ErrNotPEM means that there is no PEM block at all.
	ErrNotPEM = errors.New("not PEM")
	// ErrGarbled means that a PEM block begins and does not end well.
	ErrGarbled = errors.New("garbled or cut short")
	// ErrTooManyBlocks means that there are more than [MaxBlocks] PEM blocks, or
	// more private keys than anybody needs.
	ErrTooManyBlocks = errors.New("too many PEM blocks")
	// ErrNoCertificate means that no PEM block is a certificate.
	ErrNoCertificate = errors.New("no certificate")
	// ErrBadCertificate means that a certificate does not parse.
	ErrBadCertificate = errors.New("malformed certificate")
	// ErrNoKey means that no PEM block is a private key.
	ErrNoKey = errors.New("no private key")
	// ErrBadKey means that the private key does not parse.
	ErrBadKey = errors.New("malformed private key")
	// ErrEncrypted means that the private key needs a passphrase.
	ErrEncrypted = errors.New("the private key is encrypted")
	// ErrKeyMismatch means that the private key fits none of the certificates.
	ErrKeyMismatch = errors.New("the private key belongs to another certificate")
)

// MaxBlocks is how many PEM blocks a file may have. A chain has a handful; a
// bundle of all grid authorities, which somebody may have appended, has a
// hundred.
const MaxBlocks = 200

// maxKeys is how many of the blocks may be private keys, since checking one
// takes up to some milliseconds.
const maxKeys = 8

// Credential is a usable certificate. It holds the private key in a form that
// cannot be printed. It must not be changed; reading it from several goroutines
// is safe.
type Credential struct {
	// Certificate is ready for crypto/tls: Leaf is set, the chain is in order.
	// Its PrivateKey is a crypto.Signer that hides the key's own type.
	Certificate tls.Certificate
	// Chain is the leaf, its issuer, and so on as far as the file goes. Other
	// certificates of the file are left out: TLS wants each to certify the one
	// before (RFC 8446, section 4.4.2).
	Chain []*x509.Certificate
	// NotBefore and Expiry are the latest beginning and the earliest end of
	// validity in the chain.
	NotBefore, Expiry time.Time
	// Proxy says that the leaf is an RFC 3820 proxy.
	Proxy bool
	// LegacyProxy says that the leaf is a proxy of an older kind, which most
	// servers refuse.
	LegacyProxy bool
	// ChainMissing says that the chain ends in a proxy, so that a server cannot
	// find out whose proxy it is.
	ChainMissing bool
}

// Passphrase returns the passphrase of the private keys of a file, to be cleared
// by who asked for it.
type Passphrase func(ctx context.Context) ([]byte, error)

// ParsePair is [ParsePairWithPassphrase] without one: a key that is encrypted is
// refused with ErrEncrypted.
func ParsePair(certPEM, keyPEM []byte, now time.Time, margin time.Duration) (*Credential, error) {
	return ParsePairWithPassphrase(context.Background(), certPEM, keyPEM, now, margin, nil)
}

// ParsePairWithPassphrase reads a certificate and its private key. With a nil
// keyPEM both are in certPEM; otherwise keys are taken from keyPEM alone.
//
// Of several keys the first that fits a certificate is taken, those that are not
// encrypted before those that are. No certificate of the chain may be expired at
// now+margin or not yet valid at now: that is found out before any key is parsed,
// and before anybody is asked for a passphrase.
//
// The passphrase is asked for at most once, only if a key that can be decrypted
// needs it, and cleared after use. The context is given to ask, and ends the work
// on the passphrase. Errors are of the kinds above, of package pemkey, and of ask;
// they never show what is in a key. PEM blocks are counted from 1.
func ParsePairWithPassphrase(
	ctx context.Context, certPEM, keyPEM []byte, now time.Time, margin time.Duration, ask Passphrase,
) (*Credential, error) {
	file, err := scan(certPEM)
	if err != nil {
		return nil, err
	}
	certs, err := parseCertificates(file.certs)
	if err != nil {
		return nil, err
	}
	when := window{now: now, margin: margin}
	if _, err := certs.firstValid(certs.likelyLeaves(), when); err != nil {
		return nil, err
	}
	keys := file.keys
	if keyPEM != nil {
		keyFile, err := scan(keyPEM)
		if err != nil {
			return nil, fmt.Errorf("private key: %w", err)
		}
		keys = keyFile.keys
	}
	key, owners, err := matchingKey(ctx, keys, certs, ask)
	if err != nil {
		return nil, err
	}
	chain, err := certs.firstValid(owners, when)
	if err != nil {
		return nil, err
	}
	return newCredential(chain, key), nil
}

func newCredential(chain []*x509.Certificate, key *signer) *Credential {
	leaf, last := chain[0], chain[len(chain)-1]
	c := &Credential{
		Certificate:  tls.Certificate{PrivateKey: key, Leaf: leaf},
		Chain:        chain,
		NotBefore:    leaf.NotBefore,
		Expiry:       leaf.NotAfter,
		ChainMissing: proxycert.KindOf(last) != proxycert.None,
	}
	kind := proxycert.KindOf(leaf)
	c.Proxy = kind == proxycert.RFC3820
	c.LegacyProxy = kind == proxycert.Draft || kind == proxycert.Legacy
	for _, cert := range chain {
		c.Certificate.Certificate = append(c.Certificate.Certificate, cert.Raw)
		if cert.NotBefore.After(c.NotBefore) {
			c.NotBefore = cert.NotBefore
		}
		if cert.NotAfter.Before(c.Expiry) {
			c.Expiry = cert.NotAfter
		}
	}
	return c
}
