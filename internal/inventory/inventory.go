// SPDX-License-Identifier: BSD-3-Clause

// Package inventory looks at the places where credentials may be and remembers
// what it saw, so that the next look reads only what has changed.
//
// It also holds the rules of rotation: while a file is unreadable or garbled
// (writers truncate before they write) the last good credential stays; a file
// that is gone for two looks is withdrawn, since a logout has to work.
package inventory

import (
	"crypto/sha256"
	"errors"
	"io/fs"
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
}

// Candidate is a place, or a folder of places, to look at.
type Candidate[C any] struct {
	Name string
	Look func(*Looker) []Place[C]
}

// World is where candidates are looked for.
type World struct {
	FS        osfile.FS
	LookupEnv func(string) (string, bool)
	Now       func() time.Time
}

// Inventory is the result of one look around. It is immutable.
type Inventory[C any] struct {
	Places []Place[C] // in the order of discovery
	groups []group[C]
}

type group[C any] struct {
	name   string
	places []Place[C]
	seen   seen
}

// Build looks at the candidates. What has not changed since old was built is
// taken over from it. alive says whether a credential is still worth keeping
// while its file is unreadable. Build returns old itself if nothing changed.
func Build[C any](w World, old *Inventory[C], candidates []Candidate[C], alive func(*C) bool) *Inventory[C] {
	reader := w.FS.NewReader()
	inv := &Inventory[C]{groups: make([]group[C], 0, len(candidates))}
	same := old != nil && len(old.groups) == len(candidates)
	for i, c := range candidates {
		var before *group[C]
		if old != nil && i < len(old.groups) && old.groups[i].name == c.Name {
			before = &old.groups[i]
		}
		if before != nil && before.seen.unchanged(w) {
			inv.groups = append(inv.groups, *before)
			continue
		}
		same = false
		l := &Looker{world: w, reader: reader}
		g := group[C]{name: c.Name, places: c.Look(l)}
		if before != nil && keep(g.places, before.places, alive) {
			l.seen.again = true // it must be seen to be gone a second time
		}
		g.seen = l.seen
		inv.groups = append(inv.groups, g)
	}
	if same {
		return old
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

// keep carries good credentials over a short time of trouble and reports
// whether one is on notice because its file is gone.
func keep[C any](now, before []Place[C], alive func(*C) bool) (onNotice bool) {
	good := map[string][]int{} // by path: a folder may hold thousands
	for j := range before {
		if before[j].Cred != nil {
			good[before[j].Path] = append(good[before[j].Path], j)
		}
	}
	for i := range now {
		p := &now[i]
		if p.Cred != nil || p.Sound || p.Path == "" {
			continue
		}
		for _, j := range good[p.Path] {
			b := &before[j]
			if b.KeyPath != p.KeyPath || !alive(b.Cred) {
				continue
			}
			gone := p.Absent || errors.Is(p.Err, fs.ErrNotExist) // the key file of a pair may be what is gone
			if !gone {
				p.Cred, p.missed = b.Cred, 0
			} else if b.missed == 0 {
				p.Cred, p.missed, onNotice = b.Cred, 1, true
			}
			break
		}
	}
	return onNotice
}

// Looker gives a candidate access to the outside world and notes what it asked.
type Looker struct {
	world  World
	reader *osfile.Reader
	seen   seen
}

// Now is the time of the look.
func (l *Looker) Now() time.Time { return l.world.Now() }

// Env returns the value of a variable and whether it is set.
func (l *Looker) Env(key string) (value string, ok bool) {
	value, ok = l.world.LookupEnv(key)
	l.seen.env = append(l.seen.env, seenEnv{key: key, ok: ok, sum: sha256.Sum256([]byte(value))})
	return value, ok
}

// Read reads a file by the rules of package osfile.
func (l *Looker) Read(path string, rule osfile.Rule) ([]byte, osfile.Info, error) {
	data, info, err := l.reader.Read(path, rule)
	l.seen.files = append(l.seen.files, seenFile{path, info.Stamp})
	if info.Stamp.Fresh(l.world.Now()) {
		l.seen.again = true
	}
	return data, info, err
}

// List returns the names in a folder, in name order.
func (l *Looker) List(dir string) ([]string, error) {
	stamp := l.reader.Stamp(dir)
	l.seen.files = append(l.seen.files, seenFile{dir, stamp})
	if stamp.Fresh(l.world.Now()) {
		l.seen.again = true
	}
	entries, err := l.reader.List(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// Again asks for another look next time, though nothing may have changed: time
// alone can change the answer (a certificate that is not valid yet).
func (l *Looker) Again() { l.seen.again = true }

// seen is all that an answer depended on.
type seen struct {
	env   []seenEnv
	files []seenFile
	again bool
}

// seenEnv remembers a hash of the value: it may be a token.
type seenEnv struct {
	key string
	ok  bool
	sum [sha256.Size]byte
}

type seenFile struct {
	path  string
	stamp osfile.Stamp
}

func (s *seen) unchanged(w World) bool {
	if s.again {
		return false
	}
	for _, e := range s.env {
		v, ok := w.LookupEnv(e.key)
		if ok != e.ok || sha256.Sum256([]byte(v)) != e.sum {
			return false
		}
	}
	for _, f := range s.files {
		if w.FS.Stamp(f.path) != f.stamp {
			return false
		}
	}
	return true
}
