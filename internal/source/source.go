// SPDX-License-Identifier: BSD-3-Clause

// Package source asks token sources: not too often, not twice at once, and not
// in a circle.
package source

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/scicred/scicred/internal/fresh"
	"github.com/scicred/scicred/internal/memo"
)

// What a source can fail with by itself.
var (
	ErrPanicked = errors.New("the token source panicked")
	ErrNothing  = errors.New("the token source returned neither a token nor an error")
	// ErrNotAsked means that nobody asked the source, or that the request which
	// needs a token is one that the source makes in order to get it.
	ErrNotAsked = errors.New("the token source was not asked")
)

// Source is one source of values T for targets G, which are told apart by K.
// All fields must be set. It must not be copied.
type Source[K comparable, G, T any] struct {
	Ask    func(context.Context, G) (*T, error)
	Alive  func(*T) bool
	Same   func(a, b *T) bool // for Refused alone
	Now    func() time.Time
	NotFor func(error) bool // the error says "not for this target"
	Owner  any              // on whose behalf the source is asked

	answers memo.Map[K, *fresh.Value[Answer[T]]]
	refused memo.Map[K, *atomic.Pointer[refusal[T]]]
}

// refusal is what was refused last by a target, and when.
type refusal[T any] struct {
	value *T
	at    time.Time
}

// Answer is what a source said last.
type Answer[T any] struct {
	Value *T
	Err   error // beside a Value: why there is no newer one
	late  bool  // Value had expired before it came
}

// mark is put into the context with which sources are asked.
type mark struct{}

// Marked returns a context that says that a source is being asked on behalf of
// owner.
func Marked(ctx context.Context, owner any) context.Context {
	owners, _ := ctx.Value(mark{}).([]any)
	return context.WithValue(ctx, mark{}, append(owners[:len(owners):len(owners)], owner))
}

// InCircle reports whether the context is one with which a source of owner is
// being asked.
func InCircle(ctx context.Context, owner any) bool {
	owners, _ := ctx.Value(mark{}).([]any)
	for _, o := range owners {
		if o == owner {
			return true
		}
	}
	return false
}

// Of returns the value that is kept fresh for a target.
func (s *Source[K, G, T]) Of(k K, target G) *fresh.Value[Answer[T]] {
	return s.answers.Of(k, func() *fresh.Value[Answer[T]] {
		return &fresh.Value[Answer[T]]{Now: s.Now, Build: func(ctx context.Context, old *Answer[T]) *Answer[T] {
			v, err := s.ask(Marked(ctx, s.Owner), target)
			if err != nil && !s.NotFor(err) && old != nil && old.Value != nil && s.Alive(old.Value) {
				return &Answer[T]{Value: old.Value, Err: err} // trouble does not end what is still good
			}
			return &Answer[T]{Value: v, Err: err, late: v != nil && !s.Alive(v)}
		}}
	})
}

// Get returns what the source says for a target: at most a second old, and
// asked again at once if it has expired since. A source that gives nothing but
// expired values is asked no more often for that.
func (s *Source[K, G, T]) Get(ctx context.Context, k K, target G) (*T, error) {
	if InCircle(ctx, s.Owner) {
		return nil, ErrNotAsked
	}
	v := s.Of(k, target)
	a, err := v.Get(ctx, func(a *Answer[T]) bool { return a.Value != nil && s.Alive(a.Value) })
	if a != nil && a.Value != nil && !a.late && !s.Alive(a.Value) {
		a, err = v.Refresh(ctx)
	}
	switch {
	case err != nil && (a == nil || a.Value == nil || !s.Alive(a.Value)):
		return nil, err // an expired value does not stand for an answer
	case a == nil:
		return nil, ErrNothing
	case a.Value == nil:
		return nil, a.Err
	}
	return a.Value, nil
}

// Refused tells the source that a value was refused by a target and asks it
// again: once a second for one value, since the server may be wrong for long.
func (s *Source[K, G, T]) Refused(ctx context.Context, k K, target G, v *T, tell func(*T)) error {
	now := s.Now()
	refused := s.refused.Of(k, func() *atomic.Pointer[refusal[T]] { return new(atomic.Pointer[refusal[T]]) })
	if last := refused.Load(); last != nil && s.Same(last.value, v) {
		if age := now.Sub(last.at); age >= 0 && age < fresh.Interval { // a clock may go backwards
			return nil
		}
	}
	refused.Store(&refusal[T]{v, now})
	func() {
		defer func() { _ = recover() }() // it cannot help, and must not harm
		tell(v)
	}()
	_, err := s.Of(k, target).Refresh(ctx)
	return err
}

// Last returns what the source said last, without asking.
func (s *Source[K, G, T]) Last(k K, target G) (*T, error) {
	a := s.Of(k, target).Peek()
	switch {
	case a == nil:
		return nil, ErrNotAsked
	case a.Value == nil:
		return nil, a.Err
	}
	return a.Value, nil
}

// Peek asks for what is at hand, by a function that does not act.
func (s *Source[K, G, T]) Peek(ctx context.Context, target G, peek func(context.Context, G) (*T, error)) (v *T, err error) {
	quick := Source[K, G, T]{Ask: peek}
	if v, err = quick.ask(ctx, target); errors.Is(err, ErrNothing) {
		err = ErrNotAsked
	}
	return v, err
}

// ErrFunction means that a function of the caller's panicked.
var ErrFunction = errors.New("the function panicked")

// Guard makes an error, why, of a panic in the function that defers it; the
// panic's value may hold a secret.
func Guard[T any](v *T, err *error, why error) {
	if recover() != nil {
		*v, *err = *new(T), why
	}
}

// ask guards against what a source of somebody else's may do.
func (s *Source[K, G, T]) ask(ctx context.Context, target G) (v *T, err error) {
	defer Guard(&v, &err, ErrPanicked)
	v, err = s.Ask(ctx, target)
	if v == nil && err == nil {
		err = ErrNothing
	}
	if err != nil {
		v = nil
	}
	return v, err
}
