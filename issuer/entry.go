// SPDX-License-Identifier: BSD-3-Clause

package issuer

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scicred/scicred/internal/human"
)

// How often an issuer is asked, and how long for.
const (
	interval = time.Minute      // between two askings, whatever tokens name
	limit    = 10 * time.Second // of one asking, all its requests together
	patience = 2 * time.Second  // of those who have a key that still counts
	// skew is how far the clocks of two machines that share a cache may differ.
	skew = time.Minute
)

// published is what an issuer publishes, as of a time. It does not change.
type published struct {
	set     *keySet
	jwksURI string
	etag    string    // of the set, "" if it has none
	checked time.Time // when the issuer gave or confirmed it
	fresh   time.Time // until when nobody need ask again
}

// isFresh reports whether nobody need ask again. A clock that was set back must
// not make it last longer.
func (p *published) isFresh(now time.Time) bool {
	return p != nil && now.Before(p.fresh) && !now.Before(p.checked.Add(-skew))
}

// counts reports whether the keys may be used at all.
func (p *published) counts(now time.Time, offline time.Duration) bool {
	return p != nil && now.Sub(p.checked) < offline
}

// entry is one issuer.
type entry struct {
	issuer  string
	client  *http.Client
	disk    *cache
	offline time.Duration
	now     func() time.Time
	log     *slog.Logger

	current atomic.Pointer[published]

	mu     sync.Mutex
	flight *flight   // under way; nil: none
	asked  time.Time // when the issuer was asked last, here or by whoever wrote the cache
	failed *KeyError // why that failed; nil: it did not
}

// flight is one look at the cache and the issuer, shared by all who wait.
type flight struct {
	begun time.Time
	done  chan struct{}
}

// key returns a key, from memory or else from the issuer.
func (e *entry) key(ctx context.Context, algorithm, keyID string) (crypto.PublicKey, *KeyError) {
	// The first look may end with what other processes know, the second asks.
	for range 3 {
		now, p := e.now(), e.current.Load()
		var public crypto.PublicKey
		if p.counts(now, e.offline) {
			if public, _ = p.set.find(algorithm, keyID); public != nil && p.isFresh(now) {
				return public, nil
			}
		}
		f := e.look(now)
		if f == nil {
			break
		}
		if !f.wait(ctx, public != nil) {
			if public != nil {
				return public, nil
			}
			return nil, &KeyError{Kind: ErrUnreachable, Problem: "it had not given its keys when the caller gave up", Err: ctx.Err()}
		}
	}
	return e.conclude(algorithm, keyID)
}

// conclude answers with what there is, since nobody is asked any more.
func (e *entry) conclude(algorithm, keyID string) (crypto.PublicKey, *KeyError) {
	now := e.now()
	p := e.current.Load()
	e.mu.Lock()
	failed, asked := e.failed, e.asked
	e.mu.Unlock()
	if p.counts(now, e.offline) {
		public, problem := p.set.find(algorithm, keyID)
		if public != nil {
			return public, nil
		}
		no := &KeyError{Kind: ErrNoKey, URL: shownURL(p.jwksURI), Problem: "publishes " + problem}
		no.Problem += fmt.Sprintf(" (asked %s ago)", human.Duration(now.Sub(p.checked)))
		if failed != nil {
			no.Problem += ", and asking again failed"
			no.Err = failed
		}
		return nil, no
	}
	switch {
	case failed == nil: // The clock jumped while we looked.
		return nil, &KeyError{Kind: ErrUnreachable, Problem: "it has no keys that still count"}
	case p != nil:
		old := *failed
		old.Problem = fmt.Sprintf("its keys, %s old, count no longer, and %s%s", human.Duration(now.Sub(p.checked)), failed.where(), failed.Problem)
		old.URL = ""
		return nil, &old
	case now.Sub(asked) >= time.Second:
		again := *failed
		again.Problem += fmt.Sprintf(" (tried %s ago, to be tried again in %s)", human.Duration(now.Sub(asked)), human.Duration(interval-now.Sub(asked)))
		return nil, &again
	}
	return nil, failed
}

// where is the beginning of the error's sentence.
func (e *KeyError) where() string {
	if e.URL == "" {
		return ""
	}
	return e.URL + " "
}

// look joins the look that is under way, or begins one; nil if it is too early
// for that.
func (e *entry) look(now time.Time) *flight {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flight != nil {
		return e.flight
	}
	if age := now.Sub(e.asked); !e.asked.IsZero() && age >= 0 && age < interval { // a clock may go backwards
		return nil
	}
	f := &flight{begun: time.Now(), done: make(chan struct{})}
	e.flight = f
	go func() {
		defer func() {
			e.mu.Lock()
			e.flight = nil
			e.mu.Unlock()
			close(f.done)
		}()
		// Nobody's context: whoever began it may leave, and others wait.
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		e.renew(ctx)
	}()
	return f
}

// wait reports whether the look has ended. Who has a key waits from the look's
// beginning on for a while and no longer.
func (f *flight) wait(ctx context.Context, hasKey bool) bool {
	var over <-chan time.Time
	if hasKey {
		t := time.NewTimer(patience - time.Since(f.begun))
		defer t.Stop()
		over = t.C
	}
	select {
	case <-f.done:
		return true
	case <-over:
	case <-ctx.Done():
	}
	return false
}

// renew takes what other processes have learnt, or else asks the issuer.
func (e *entry) renew(ctx context.Context) {
	now, old := e.now(), e.current.Load()
	if p := e.readCache(ctx, now); p != nil && (old == nil || p.checked.After(old.checked)) {
		e.current.Store(p)
		old = p
		if p.isFresh(now) {
			if now.Sub(p.checked) < interval {
				e.note(p.checked, nil) // asked for us, so to speak
			}
			return // Who misses a key all the same looks again.
		}
	}
	p, failed := e.ask(ctx, now, old)
	e.client.CloseIdleConnections() // the next asking is far off
	if failed == nil {
		e.current.Store(p)
	}
	e.note(now, failed)
	if failed != nil {
		e.log.Debug("issuer: keys not renewed", "error", failed.of(e.issuer, "", ""))
		return
	}
	e.log.Debug("issuer: keys renewed", "keys", len(p.set.keys), "refused", len(p.set.refused), "until", p.fresh)
	e.writeCache(ctx, p)
}

// note remembers when the issuer was asked and what came of it.
func (e *entry) note(asked time.Time, failed *KeyError) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked, e.failed = asked, failed
}

// ask fetches the issuer's metadata and then its keys.
func (e *entry) ask(ctx context.Context, now time.Time, old *published) (*published, *KeyError) {
	jwksURI, failed := e.discover(ctx)
	if failed != nil {
		return nil, failed
	}
	etag := ""
	if old != nil && old.jwksURI == jwksURI {
		etag = old.etag
	}
	got, failed := get(ctx, e.client, jwksURI, maxKeySet, etag)
	if failed != nil {
		return nil, failed
	}
	p := &published{jwksURI: jwksURI, checked: now.Round(0), fresh: now.Round(0).Add(freshFor(got.header))}
	if got.notModified {
		p.set, p.etag = old.set, old.etag
		return p, nil
	}
	set, err := parseKeySet(got.body)
	if err != nil {
		return nil, &KeyError{Kind: ErrUnusable, URL: shownURL(jwksURI), Problem: err.Error()}
	}
	p.set, p.etag = set, cleanETag(got.header.Get("ETag"))
	return p, nil
}

// discover returns where the keys are. A place where nothing is, or something
// else, does not end the search; a server that does not answer does, since all
// the places are on one. The error is about the place that came closest.
func (e *entry) discover(ctx context.Context) (string, *KeyError) {
	var worst *KeyError
	rank := -1
	for _, place := range locations(e.issuer) {
		closeness := 0
		got, no := get(ctx, e.client, place, maxDocument, "")
		switch {
		case no == nil:
			uri, err := parseDocument(got.body, e.issuer)
			if err == nil {
				return uri, nil
			}
			no = &KeyError{Kind: ErrUnusable, URL: shownURL(place), Problem: err.Error()}
			closeness = 2
		case no.Err != nil:
			return "", no
		case no.Kind == ErrUnreachable:
			closeness = 1
		}
		if closeness > rank {
			worst, rank = no, closeness
		}
	}
	if rank == 0 {
		worst.Problem += ", and no metadata is in the other places that the standards name either"
	}
	return "", worst
}

// cleanETag returns an entity tag that can be sent back, or nothing.
func cleanETag(s string) string {
	if len(s) > maxETag {
		return ""
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return ""
		}
	}
	return s
}
