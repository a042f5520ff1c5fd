// SPDX-License-Identifier: BSD-3-Clause

// Package inventory looks at the places where credentials may be and remembers
// what it saw, so that the next look reads only what has changed.
//
// It also holds the rules of rotation: while a file is unreadable or garbled
// (writers truncate before they write) the last good credential stays; a file
// that is gone for two looks is withdrawn, since a logout has to work.
//
// # How old an answer may be
//
// A look sees every change of a variable, of a file that is a place by itself,
// of the list of files in a folder, and of the files in it whose credentials are
// in use ([Place.Use]). A file that is renamed into a folder, as careful writers
// do, changes the folder, and then all its files are looked at.
//
// What is left are the other files of a folder, if they are written over in
// place or changed behind a symbolic link. A folder may hold ten thousand, and
// to look at each of them every second would cost more than all the rest. They
// are looked at every [Sweep], 30 seconds; at every look while no credential is
// in use, since then somebody waits for one; at every look from [Ahead], 2
// seconds, before the time until which a credential in use is good, so that its
// successor is known by then; and at the look after [Inventory.Doubt].
package inventory

import (
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/scicred/scicred/internal/osfile"
)

// Place is one candidate after a look at it.
type Place[C any] struct {
	Candidate string // its name, such as BEARER_TOKEN_FILE
	Path      string // the file; "" for the text of a variable
	KeyPath   string // the file with the private key, where it is another one
	Cred      *C     // nil if there is none
	Err       error  // why there is none; beside a Cred: why the file as it is now was not taken
	Absent    bool   // there is nothing, rather than something unusable
	Empty     bool   // there is a file or a variable, with nothing but white space
	Sound     bool   // readable but of no use (expired): replaces what was there before
	Warning   string // said in the report, of a credential that is used all the same
	missed    int    // looks for which the file has been gone while Cred was kept
	watch     *watch
}

// Candidate is a place to look at, or a folder of places: it has either Look or
// Folder.
type Candidate[C any] struct {
	Name   string
	Look   func(*Looker) []Place[C]
	Folder *Folder[C]
}

// World is where candidates are looked for. Its functions are called from
// several goroutines at once where a folder is large.
type World struct {
	FS        osfile.FS
	LookupEnv func(string) (string, bool)
	Now       func() time.Time
}

// Inventory is the result of one look around. It is immutable but for the notes
// of what is in use, which are safe for concurrent use.
type Inventory[C any] struct {
	Places []Place[C] // in the order of discovery
	groups []*group[C]
	notes  *notes
}

// group is what came of one candidate.
type group[C any] struct {
	name   string
	places []Place[C]
	seen   seen   // what the places, or the list of files, depended on
	files  []file // of a folder: what each place depended on
}

// builder makes one inventory.
type builder[C any] struct {
	world World
	alive func(*C) bool
	notes *notes
	all   bool    // look at the files too that nobody uses
	first *Looker // of the goroutine that builds
}

// Build looks at the candidates. What has not changed since old was built is
// taken over from it. alive says whether a credential is still worth keeping
// while its file is unreadable. Build returns old itself if nothing changed, and
// an inventory with the same slice of Places if none of them did.
func Build[C any](w World, old *Inventory[C], candidates []Candidate[C], alive func(*C) bool) *Inventory[C] {
	b := &builder[C]{world: w, alive: alive}
	now := w.Now()
	if old != nil && old.notes != nil {
		b.notes, b.all = old.notes, old.due(now)
	} else {
		b.notes, b.all = newNotes(), true
	}
	var groups []*group[C] // made when something has changed
	if old == nil || len(old.groups) != len(candidates) {
		groups = make([]*group[C], len(candidates))
	}
	moved := groups != nil
	for i := range candidates {
		c := &candidates[i]
		var before *group[C]
		if old != nil && i < len(old.groups) && old.groups[i].name == c.Name {
			before = old.groups[i]
		}
		g := b.look(c, before)
		if g != before && groups == nil {
			groups = slices.Clone(old.groups)
		}
		if groups != nil {
			groups[i] = g
		}
		moved = moved || before == nil || !identical(g.places, before.places)
	}
	if b.all {
		b.notes.swept.Store(now.UnixNano())
		old.fade()
	}
	if groups == nil {
		return old
	}
	inv := &Inventory[C]{groups: groups, notes: b.notes}
	if !moved {
		inv.Places = old.Places
		return inv
	}
	n := 0
	for _, g := range inv.groups {
		n += len(g.places)
	}
	inv.Places = make([]Place[C], 0, n)
	for _, g := range inv.groups {
		inv.Places = append(inv.Places, g.places...)
	}
	return inv
}

// identical reports whether two slices are one.
func identical[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// look returns what has become of a candidate; before itself if it has not
// changed.
func (b *builder[C]) look(c *Candidate[C], before *group[C]) *group[C] {
	if c.Folder != nil {
		return b.folder(c, before)
	}
	if before != nil && before.seen.unchanged(&b.world, b.notes) {
		return before
	}
	l := b.again()
	g := &group[C]{name: c.Name, places: c.Look(l)}
	if before != nil && keepAll(g.places, before.places, b.alive) {
		l.seen.again = true // it must be seen to be gone a second time
	}
	g.seen = l.seen
	watchAll(g.places)
	return g
}

func (b *builder[C]) looker() *Looker {
	return &Looker{world: &b.world, notes: b.notes, reader: b.world.FS.NewReader()}
}

// again returns the Looker of the goroutine that builds, with nothing seen.
func (b *builder[C]) again() *Looker {
	if b.first == nil {
		b.first = b.looker()
	}
	b.first.seen = seen{}
	return b.first
}

// keepAll carries good credentials over a short time of trouble and reports
// whether one is on notice because its file is gone.
func keepAll[C any](now, before []Place[C], alive func(*C) bool) (onNotice bool) {
	for i := range now {
		for j := range before {
			if now[i].succeeds(&before[j]) && alive(before[j].Cred) {
				onNotice = now[i].keep(&before[j]) || onNotice
				break
			}
		}
	}
	return onNotice
}

// succeeds reports whether the place has nothing usable where there was
// something before, and may be in trouble that passes.
func (p *Place[C]) succeeds(b *Place[C]) bool {
	return p.Cred == nil && !p.Sound && p.Path != "" && b.Cred != nil && b.Path == p.Path && b.KeyPath == p.KeyPath
}

// keep takes the credential over from before, unless its file is gone for the
// second time. It reports whether it is gone for the first.
func (p *Place[C]) keep(b *Place[C]) (onNotice bool) {
	gone := p.Absent || errors.Is(p.Err, fs.ErrNotExist) // the key file of a pair may be what is gone
	if !gone {
		p.Cred, p.missed = b.Cred, 0
	} else if b.missed == 0 {
		p.Cred, p.missed, onNotice = b.Cred, 1, true
	}
	return onNotice
}
