// SPDX-License-Identifier: BSD-3-Clause

// Package ready keeps answers at hand for as long as what they rest on stands.
//
// Most requests of a program differ from the one before in their path alone, so
// that the answer of the full decision can serve again. It is found without a
// lock, and nothing is kept for hosts that no credential names.
package ready

import (
	"sync/atomic"
	"time"
)

// Max bounds the answers that a Table keeps. Looking for one is a walk, and a
// program that asks more hosts than this of which each has an answer of its own
// goes without.
const Max = 8

// Answer is an answer of type A that rests on a state of type S. Times are those
// that have elapsed since some beginning.
type Answer[A any, S comparable] struct {
	What  A
	From  S
	host  string // as it is written in the URL; "": every host
	since time.Duration
	until time.Duration
	next  *Answer[A, S]
}

// Holds reports whether the answer's time has begun and is not over: where the
// time comes from a clock, that may be set back.
func (a *Answer[A, S]) Holds(now time.Duration) bool { return a.since <= now && now < a.until }

// Table holds answers. The zero Table is empty. It is safe for concurrent use
// and must not be copied.
type Table[A any, S comparable] struct {
	first atomic.Pointer[Answer[A, S]]
}

// For returns the answer for a host, nil if there is none. Whether it still
// stands is the caller's to see.
func (t *Table[A, S]) For(host string) *Answer[A, S] {
	a := t.first.Load()
	for a != nil && a.host != "" && a.host != host {
		a = a.next
	}
	return a
}

// Keep adds an answer that holds from now on for so long. Of the others those are
// kept that rest on the same state and still hold. Of two callers at once one may
// lose, whose answer is then found out again.
func (t *Table[A, S]) Keep(what A, host string, from S, now, long time.Duration) {
	if long <= 0 {
		return
	}
	first := &Answer[A, S]{what, from, host, now, now + long, nil}
	last := first
	for old, n := t.first.Load(), 1; old != nil && n < Max; old = old.next {
		if old.From == from && old.host != host && old.Holds(now) {
			last.next = &Answer[A, S]{old.What, old.From, old.host, old.since, old.until, nil}
			last = last.next
			n++
		}
	}
	t.first.Store(first)
}
