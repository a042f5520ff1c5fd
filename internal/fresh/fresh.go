// SPDX-License-Identifier: BSD-3-Clause

// Package fresh keeps a value up to date that is expensive or slow to build:
// from files, which may lie on a file system that hangs, or from a token
// source, which may use the network.
//
// Nothing runs in the background. At most once a second one caller starts a
// rebuild, in a goroutine that ends with it; the others go on with what there
// is. A hit takes no lock and makes no system call.
package fresh

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// How often, and how long.
const (
	Interval = time.Second            // between two looks
	Patience = 100 * time.Millisecond // of a caller who has a usable value already
	Limit    = 30 * time.Second       // of one rebuild
)

// ErrSlow means that a rebuild has been running for longer than Limit and
// there is nothing usable to go on with.
var ErrSlow = errors.New("no answer within 30s (a file system or a service that hangs?)")

// ErrNotAsked means that there is no value, and that nobody looked.
var ErrNotAsked = errors.New("not asked")

// Value is a value that is kept fresh. Build and Now must be set. It is safe
// for concurrent use and must not be copied.
type Value[T any] struct {
	// Build makes the value anew; old is nil the first time. Its context ends
	// after Limit and carries none of the callers' values.
	Build func(ctx context.Context, old *T) *T
	Now   func() time.Time

	cur    atomic.Pointer[state[T]]
	mu     sync.Mutex
	flight *flight
}

type state[T any] struct {
	value   *T
	at      time.Time
	changes uint64 // how often the value has been another than before
}

type flight struct {
	begun time.Time
	done  chan struct{}
}

// Peek returns the value as it is, nil before the first Get.
func (v *Value[T]) Peek() *T {
	if s := v.cur.Load(); s != nil {
		return s.value
	}
	return nil
}

// Due returns when the next look is due, the zero time before the first.
func (v *Value[T]) Due() time.Time {
	if s := v.cur.Load(); s != nil {
		return s.at.Add(Interval)
	}
	return time.Time{}
}

// Changes counts how often a rebuild has come to another value. Whoever rests on
// the value may keep this in its place, and does not keep the value alive.
func (v *Value[T]) Changes() uint64 {
	if s := v.cur.Load(); s != nil {
		return s.changes
	}
	return 0
}

// Get returns the value, rebuilt if the last look is a second old. While a
// rebuild runs, callers for whom the present value is usable go on with it (the
// one who started the rebuild after Patience); the others wait until it ends,
// their context does, or Limit is over. The error says why the value is not
// newer, or why there is none.
func (v *Value[T]) Get(ctx context.Context, usable func(*T) bool) (*T, error) {
	s := v.cur.Load()
	if s != nil {
		if age := v.Now().Sub(s.at); age >= 0 && age < Interval {
			return s.value, nil
		}
	}
	f, started := v.join(s)
	if f == nil { // somebody else has just finished
		return v.Peek(), nil
	}
	if s != nil && usable(s.value) {
		if started {
			t := time.NewTimer(Patience)
			defer t.Stop()
			select {
			case <-f.done:
			case <-t.C:
				return v.Peek(), ErrSlow
			case <-ctx.Done():
			}
		}
		return v.Peek(), nil
	}
	return v.wait(ctx, f)
}

// Wait is how one request waits for the values that it needs. The zero Wait is
// that of a request that has waited for nothing yet.
type Wait struct {
	Never bool // go by what is at hand
	Have  bool // there is something to go on with, so that an old value is an answer
	tired bool // it has waited once for a slow look,
	slow  bool // and in vain
	due   time.Time
}

// Note notes that an answer was asked for that is due to be asked for again then.
func (w *Wait) Note(due time.Time) {
	if w.due.IsZero() || due.Before(w.due) {
		w.due = due
	}
}

// Due returns when the first of the answers that the request has asked for is due
// to be asked for again; the zero time if it has asked for none.
func (w *Wait) Due() time.Time { return w.due }

// Await is Get for a request that needs several values: it waits once for a
// file system that hangs, not once for each value. The error says why the value
// is not newer, or why there is none.
func (v *Value[T]) Await(ctx context.Context, w *Wait, usable func(*T) bool) (*T, error) {
	defer func() { w.Note(v.Due()) }()
	switch {
	case w.Never && v.Peek() != nil:
		return v.Peek(), nil
	case w.slow, w.tired && v.Peek() != nil:
		v.Nudge() // for the next request
		return v.Peek(), ErrSlow
	case w.Never:
		return nil, ErrNotAsked // it played no part
	}
	now, err := v.Get(ctx, func(v *T) bool { return w.Have || usable(v) })
	if errors.Is(err, ErrSlow) {
		w.tired, w.slow = true, now == nil
	}
	return now, err
}

// Nudge starts a rebuild if one is due, and waits for nothing.
func (v *Value[T]) Nudge() {
	s := v.cur.Load()
	if s != nil {
		if age := v.Now().Sub(s.at); age >= 0 && age < Interval {
			return
		}
	}
	v.join(s)
}

// Refresh looks now, however recent the last look is, and returns the value
// that a rebuild begun after the call has made. Callers at the same time share
// one.
func (v *Value[T]) Refresh(ctx context.Context) (*T, error) {
	v.mu.Lock()
	before := v.flight // it may have looked already, and seen what there was
	v.mu.Unlock()
	for {
		f := v.start()
		value, err := v.wait(ctx, f)
		if err != nil || f != before {
			return value, err
		}
	}
}

// join returns the running flight, or starts one unless a newer value than s
// has appeared.
func (v *Value[T]) join(s *state[T]) (f *flight, started bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.flight != nil {
		return v.flight, false
	}
	if v.cur.Load() != s {
		return nil, false
	}
	return v.launch(), true
}

func (v *Value[T]) start() *flight {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.flight != nil {
		return v.flight
	}
	return v.launch()
}

// launch begins a flight; v.mu is held.
func (v *Value[T]) launch() *flight {
	f := &flight{begun: time.Now(), done: make(chan struct{})}
	v.flight = f
	go func() {
		ctx := &limited{end: f.begun.Add(Limit)}
		defer ctx.release()
		next := &state[T]{value: v.Build(ctx, v.Peek()), changes: v.Changes()}
		if next.value != v.Peek() {
			next.changes++
		}
		next.at = v.Now()
		v.cur.Store(next)
		v.mu.Lock()
		v.flight = nil
		v.mu.Unlock()
		close(f.done)
	}()
	return f
}

// wait waits for the flight, at most until Limit after it began.
func (v *Value[T]) wait(ctx context.Context, f *flight) (*T, error) {
	runtime.Gosched() // a short look has ended by then, and costs no timer
	select {
	case <-f.done:
		return v.Peek(), nil
	default:
	}
	t := time.NewTimer(Limit - time.Since(f.begun))
	defer t.Stop()
	select {
	case <-f.done:
		return v.Peek(), nil
	case <-ctx.Done():
		return v.Peek(), context.Cause(ctx)
	case <-t.C:
		return v.Peek(), ErrSlow
	}
}
