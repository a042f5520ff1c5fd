// SPDX-License-Identifier: BSD-3-Clause

package inventory

import (
	"hash/maphash"
	"math"
	"sync/atomic"
	"time"
)

// How often the files of a folder are looked at that nobody uses; see the
// comment of the package.
const (
	Sweep = 30 * time.Second // between two looks at all of them, which costs a fifth of reading them
	Ahead = 2 * time.Second  // before the end of a credential in use; more than the time between two looks
)

// lately is for how many sweeps a credential counts as in use. One might come
// right after it was handed out.
const lately = 2

// watch is the note on one place of whether its credential is in use.
type watch struct {
	used  atomic.Uint32 // sweeps for which it still counts
	until atomic.Int64  // when it will be of no use, Unix nanoseconds
}

// watchAll makes a note for each place with a credential.
func watchAll[C any](places []Place[C]) {
	for i := range places {
		if places[i].Cred != nil {
			places[i].watch = new(watch)
		}
	}
}

// inUse reports whether the credential has been handed out, not too long ago.
func (p *Place[C]) inUse() bool { return p.watch != nil && p.watch.used.Load() > 0 }

// InUse reports whether [Place.Use] was called so recently that there is no need
// to call it again. It is one atomic load.
func (p *Place[C]) InUse() bool { return p.watch == nil || p.watch.used.Load() == lately }

// Use notes that the credential is handed out, so that its file is looked at each
// time, until it has not been handed out for one or two times [Sweep]. until is
// the time from which on it will not be handed out any more; zero means that there
// is none. It is safe for concurrent use.
func (p *Place[C]) Use(until time.Time) {
	if p.watch == nil {
		return
	}
	end := int64(math.MaxInt64)
	if !until.IsZero() {
		end = until.UnixNano()
	}
	p.watch.until.Store(end)
	p.watch.used.Store(lately)
}

// notes go from an inventory to the next.
type notes struct {
	seed    maphash.Seed
	swept   atomic.Int64 // when all files were last looked at, Unix nanoseconds
	doubted atomic.Bool
}

func newNotes() *notes { return &notes{seed: maphash.MakeSeed()} }

// Doubt makes the next look one at all files, if the last such look is a second
// old. It is called when there is reason to think that something has changed: a
// server refused what was sent. It is safe for concurrent use.
func (inv *Inventory[C]) Doubt() {
	if inv != nil && inv.notes != nil {
		inv.notes.doubted.Store(true)
	}
}

// due reports whether it is time to look at all files. It goes by the wall
// clock, since a monotonic one may stop while the machine sleeps; a clock that
// was set back makes it due.
func (inv *Inventory[C]) due(now time.Time) bool {
	since := now.UnixNano() - inv.notes.swept.Load()
	if since < 0 || since >= int64(Sweep) {
		return true
	}
	// A server may refuse every request, and each is a doubt.
	if since >= int64(time.Second) && inv.notes.doubted.Swap(false) {
		return true
	}
	inUse, soon := false, now.Add(Ahead).UnixNano()
	for i := range inv.Places {
		p := &inv.Places[i]
		if !p.inUse() {
			continue
		}
		if inUse = true; soon >= p.watch.until.Load() {
			return true
		}
	}
	return !inUse
}

// fade lets what is in use grow older by a sweep.
func (inv *Inventory[C]) fade() {
	if inv == nil {
		return
	}
	for i := range inv.Places {
		if w := inv.Places[i].watch; w != nil {
			if n := w.used.Load(); n > 0 {
				w.used.CompareAndSwap(n, n-1) // if it fails, it has just been used
			}
		}
	}
}
