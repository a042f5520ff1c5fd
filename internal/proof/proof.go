// SPDX-License-Identifier: BSD-3-Clause

// Package proof remembers whether the signature of a token was found good.
package proof

import (
	"crypto"
	"errors"
	"sync/atomic"

	"github.com/scicred/scicred/internal/jwtclaims"
)

// Proof is what is known of the signature of one token. A nil Proof stands for
// one that nobody asks for. Err may be called at any time, Try by one at a time.
type Proof struct {
	known atomic.Pointer[finding]
}

type finding struct {
	err   error
	final bool
}

// Why a signature is not known to be good, beside what package jwtclaims says.
var (
	ErrUntried  = errors.New("nobody has verified its signature yet")
	ErrPanicked = errors.New("the Verifier panicked")
)

// Try finds out whether the signature of a token is good, unless that is known,
// and reports whether something has changed. A key that could not be had may be
// had later: then the next call tries again.
func (p *Proof) Try(token string, key func(algorithm, keyID string) (crypto.PublicKey, error)) (changed bool) {
	if p == nil {
		return false
	}
	before := p.known.Load()
	if before != nil && before.final {
		return false
	}
	err := jwtclaims.Verify(token, func(algorithm, keyID string) (crypto.PublicKey, error) { return guarded(key, algorithm, keyID) })
	now := &finding{err: err, final: !errors.Is(err, jwtclaims.ErrNoKey)}
	p.known.Store(now)
	return before == nil || now.final || now.err.Error() != before.err.Error()
}

// guarded asks a function of somebody else's for a key.
func guarded(ask func(algorithm, keyID string) (crypto.PublicKey, error), algorithm, keyID string) (key crypto.PublicKey, err error) {
	defer func() {
		if recover() != nil { // its value may hold a secret
			key, err = nil, ErrPanicked
		}
	}()
	return ask(algorithm, keyID)
}

// Err says why the signature is not known to be good; nil if it is, or if nobody
// asks.
func (p *Proof) Err() error {
	if p == nil {
		return nil
	}
	f := p.known.Load()
	if f == nil {
		return ErrUntried
	}
	return f.err
}
