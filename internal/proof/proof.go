// SPDX-License-Identifier: BSD-3-Clause

// Package proof remembers whether the signature of a token was found good.
package proof

import (
	"context"
	"crypto"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scicred/scicred/internal/jwtclaims"
	"github.com/scicred/scicred/internal/source"
)

// Proof is what is known of the signature of one token. A nil Proof stands for
// one that nobody asks for. It is safe for concurrent use.
type Proof struct {
	known atomic.Pointer[finding]
	busy  atomic.Bool
}

type finding struct {
	err   error
	final bool
	retry time.Time // when a key that could not be had is asked for again
}

// How long is waited for keys, and until one that could not be had is asked for
// again: an issuer that hangs must not hold up every look.
const (
	Patience = 5 * time.Second
	Pause    = 10 * time.Second
)

// Question is a signature that somebody wants to know about.
type Question struct {
	Proof *Proof
	Token string
	Key   func(ctx context.Context, algorithm, keyID string) (crypto.PublicKey, error)
}

// All finds out about signatures, all at once, and reports whether anything has
// changed. Those that are known, and those whose key is not to be asked for again
// yet, are left alone.
func All(ctx context.Context, now time.Time, questions []Question) bool {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	var all sync.WaitGroup
	var changed atomic.Bool
	for _, q := range questions {
		if !q.Proof.pending(now) {
			continue
		}
		all.Go(func() {
			ask := func(algorithm, keyID string) (crypto.PublicKey, error) { return q.Key(ctx, algorithm, keyID) }
			if q.Proof.Try(q.Token, now, ask) {
				changed.Store(true)
			}
		})
	}
	done := make(chan struct{})
	go func() { defer close(done); all.Wait() }()
	select {
	case <-done:
	case <-ctx.Done(): // somebody's function may not mind
	}
	return changed.Load()
}

func (p *Proof) pending(now time.Time) bool {
	if p == nil {
		return false
	}
	f := p.known.Load()
	return f == nil || !f.final && !now.Before(f.retry)
}

// Why a signature is not known to be good, beside what package jwtclaims says.
var (
	ErrUntried  = errors.New("nobody has verified its signature yet")
	ErrPanicked = errors.New("the Verifier panicked")
)

// Try finds out whether the signature of a token is good, unless that is known,
// and reports whether something has changed. A key that could not be had may be
// had later: then it is asked for again after a [Pause].
func (p *Proof) Try(token string, now time.Time, key func(algorithm, keyID string) (crypto.PublicKey, error)) (changed bool) {
	if !p.pending(now) || !p.busy.CompareAndSwap(false, true) {
		return false
	}
	defer p.busy.Store(false)
	before := p.known.Load()
	err := jwtclaims.Verify(token, func(algorithm, keyID string) (crypto.PublicKey, error) { return guarded(key, algorithm, keyID) })
	f := &finding{err: err, final: !errors.Is(err, jwtclaims.ErrNoKey), retry: now.Add(Pause)}
	p.known.Store(f)
	return before == nil || f.final || f.err.Error() != before.err.Error()
}

// guarded asks a function of somebody else's for a key.
func guarded(ask func(algorithm, keyID string) (crypto.PublicKey, error), algorithm, keyID string) (key crypto.PublicKey, err error) {
	defer source.Guard(&key, &err, ErrPanicked)
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
