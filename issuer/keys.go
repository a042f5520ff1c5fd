// SPDX-License-Identifier: BSD-3-Clause

package issuer

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// Config says whose tokens are accepted, and how their keys are fetched. Only
// Issuers must be set.
type Config struct {
	// Issuers are those whose tokens are accepted, as their tokens name them in
	// iss: https URLs, compared letter by letter, so that a slash at the end
	// counts. Nothing is ever fetched for another one: a token must not make
	// this program call a stranger.
	Issuers []string

	// Audience is what this program is called in the aud claim of tokens, such
	// as "https://data.example.org"; one of several is enough. It is for
	// [Keys.Verify] alone. Leave it empty only if you compare the audience
	// yourself: else a token that was given to another service opens yours.
	Audience []string

	// CacheDir is a folder in which keys are kept for other processes, and for
	// while the issuer cannot be reached; [DefaultCacheDir] is a good one. By
	// default nothing is written.
	CacheDir string

	// Offline is for how long keys serve after the issuer confirmed them last,
	// while it cannot be reached. Zero is 2 days; more than 4 days is an error
	// (WLCG Common JWT Profiles 1.3, section 4.3.1). Whoever withdraws a key
	// must wait for so long until it is out of use everywhere.
	Offline time.Duration

	// RootCAs are the authorities that vouch for the issuers' servers; nil
	// means those of the Transport or else of the system.
	RootCAs *x509.CertPool

	// Transport is how to connect, for a proxy or a network of your own. It is
	// copied, without client certificates. Nil connects as HTTPS_PROXY says.
	Transport *http.Transport

	// Logger is told, at Debug level, what is fetched and why a file of the
	// CacheDir is not used. Nil logs nothing.
	Logger *slog.Logger

	// Now is the clock; nil is [time.Now].
	Now func() time.Time
}

// Keys finds and keeps the public keys of issuers. Make it with [New], once for
// a program: it remembers. It is safe for concurrent use, has nothing to close,
// and runs nothing in the background but a fetch that somebody waited for.
type Keys struct {
	issuers  map[string]*entry
	audience []string
	now      func() time.Time
}

// New returns Keys for the issuers of the Config. It neither fetches nor reads
// anything yet. It fails on a Config that cannot be meant.
func New(c Config) (*Keys, error) {
	if len(c.Issuers) == 0 {
		return nil, errors.New("issuer: Config.Issuers is empty: name the issuers whose tokens are accepted")
	}
	switch {
	case c.Offline < 0 || c.Offline > maxOffline:
		return nil, fmt.Errorf("issuer: Config.Offline must be between 0 and %v", maxOffline)
	case c.Offline == 0:
		c.Offline = defaultOffline
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	client, err := newClient(c.Transport, c.RootCAs)
	if err != nil {
		return nil, fmt.Errorf("issuer: Config.Transport: %w", err)
	}
	disk, err := newCache(c.CacheDir)
	if err != nil {
		return nil, fmt.Errorf("issuer: Config.CacheDir: %w", err)
	}
	k := &Keys{issuers: map[string]*entry{}, audience: slices.Clone(c.Audience), now: c.Now}
	for _, name := range c.Issuers {
		if err := checkIssuer(name); err != nil {
			return nil, fmt.Errorf("issuer: Config.Issuers: %s: %w", quote(name), err)
		}
		k.issuers[name] = &entry{
			issuer: name, client: client, disk: disk, offline: c.Offline, now: c.Now, log: c.Logger.With("issuer", name),
		}
	}
	return k, nil
}

// Key returns the public key with which an issuer signs, so that Keys is a
// verifier of tokens: the *rsa.PublicKey for RS256, RS384 and RS512, the
// *ecdsa.PublicKey for ES256 and ES384, the ed25519.PublicKey for EdDSA. The
// three names are those of the token: iss, alg, and kid, which is "" if the
// token has none. Then there must be exactly one key for that algorithm.
//
// It answers from memory unless the keys are old or lack this one; then the
// issuer is asked, for all who wait at once, and at most once a minute whatever
// names tokens come up with. It waits until ctx ends, at most 10 seconds, and
// at most 2 seconds if there is a key that still counts.
//
// The error is a [KeyError].
func (k *Keys) Key(ctx context.Context, issuer, algorithm, keyID string) (crypto.PublicKey, error) {
	e := k.issuers[issuer]
	var err *KeyError
	switch {
	case e == nil:
		err = &KeyError{Kind: ErrNotAllowed, Problem: "it is not one whose tokens are accepted, so nothing was fetched from it"}
	case !accepted(algorithm):
		err = &KeyError{Kind: ErrAlgorithm, Problem: "tokens signed with " + quote(algorithm) + " are not accepted, only RS256, RS384, RS512, ES256, ES384 and EdDSA"}
	default:
		var public crypto.PublicKey
		if public, err = e.key(ctx, algorithm, keyID); err == nil {
			return public, nil
		}
	}
	return nil, err.of(issuer, algorithm, keyID)
}
