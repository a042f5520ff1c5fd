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
const Max = 16

// Answer is an answer of type A that rests on a state of type S. Times are those
// that have elapsed since some beginning.
type Answer[A any, S comparable] struct {
	What  A
	From  S
	host  string // as it is written in the URL; "": those that have none of their own
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

// ForAny reports whether the answer is not for one host.
func (a *Answer[A, S]) ForAny() bool { return a.host == "" }

// For returns the answer for a host, else the one that is not for one host, nil
// if there is neither. Whether it stands is the caller's to see.
func (t *Table[A, S]) For(host string) (found *Answer[A, S]) {
	for a := t.first.Load(); a != nil; a = a.next {
		switch a.host {
		case host:
			return a
		case "":
			found = a
		}
	}
	return found
}

// Keep adds an answer that holds from now on for so long, unless there is no room.
// Others go if they rest on another state or hold no longer. Of two callers at
// once one may lose, whose answer is then found out again.
func (t *Table[A, S]) Keep(what A, host string, from S, now, long time.Duration) {
	if long <= 0 {
		return
	}
	first := t.first.Load()
	live := 0
	for a := first; a != nil; a = a.next {
		if a.stands(from, now) && a.host != host {
			live++
		}
	}
	if live >= Max {
		return
	}
	kept := &Answer[A, S]{what, from, host, now, now + long, nil}
	last := kept
	for a := first; a != nil; a = a.next {
		if a.stands(from, now) && a.host != host {
			last.next = &Answer[A, S]{a.What, a.From, a.host, a.since, a.until, nil}
			last = last.next
		}
	}
	t.first.Store(kept)
}

func (a *Answer[A, S]) stands(from S, now time.Duration) bool { return a.From == from && a.Holds(now) }
