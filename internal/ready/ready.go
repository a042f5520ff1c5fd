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

// Answer is an answer of type A that rests on a state of type S.
type Answer[A any, S comparable] struct {
	What  A
	Host  string // as it is written in the URL; "": every host
	From  S
	Until time.Time
	next  *Answer[A, S]
}

// Table holds answers. The zero Table is empty. It is safe for concurrent use
// and must not be copied.
type Table[A any, S comparable] struct {
	first atomic.Pointer[Answer[A, S]]
}

// For returns the answer for a host, nil if there is none. Whether it still
// stands is the caller's to see.
func (t *Table[A, S]) For(host string) *Answer[A, S] {
	a := t.first.Load()
	for a != nil && a.Host != "" && a.Host != host {
		a = a.next
	}
	return a
}

// Keep adds an answer unless its time is over. Of the others those are kept
// that rest on the same state and whose time is not over. Of two callers at
// once one may lose, whose answer is then found out again.
func (t *Table[A, S]) Keep(what A, host string, from S, now, until time.Time) {
	if !now.Before(until) {
		return
	}
	first := &Answer[A, S]{what, host, from, until, nil}
	last := first
	for old, n := t.first.Load(), 1; old != nil && n < Max; old = old.next {
		if old.From == from && old.Host != host && now.Before(old.Until) {
			last.next = &Answer[A, S]{old.What, old.Host, old.From, old.Until, nil}
			last = last.next
			n++
		}
	}
	t.first.Store(first)
}
