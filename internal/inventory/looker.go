// SPDX-License-Identifier: BSD-3-Clause

package inventory

import (
	"hash/maphash"
	"time"

	"github.com/scicred/scicred/internal/osfile"
)

// Looker gives a candidate access to the outside world and notes what it asked.
// It is not safe for concurrent use.
type Looker struct {
	world  *World
	notes  *notes
	reader *osfile.Reader
	seen   seen
}

// Now is the time of the look.
func (l *Looker) Now() time.Time { return l.world.Now() }

// Env returns the value of a variable and whether it is set.
func (l *Looker) Env(key string) (value string, ok bool) {
	value, ok = l.world.LookupEnv(key)
	l.seen.env = append(l.seen.env, seenEnv{key: key, ok: ok, sum: maphash.String(l.notes.seed, value)})
	return value, ok
}

// Read reads a file by the rules of package osfile.
func (l *Looker) Read(path string, rule osfile.Rule) ([]byte, osfile.Info, error) {
	data, info, err := l.reader.Read(path, rule)
	l.note(path, info.Stamp)
	return data, info, err
}

// List returns the names in a folder, in name order.
func (l *Looker) List(dir string) ([]string, error) {
	entries, stamp, err := l.reader.List(dir)
	l.note(dir, stamp)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (l *Looker) note(path string, stamp osfile.Stamp) {
	l.seen.files = append(l.seen.files, seenFile{path, stamp})
	if stamp.Fresh(l.world.Now()) {
		l.seen.again = true
	}
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

// seenEnv remembers a hash of the value: it may be a token. The seed is of this
// process, and two values that collide are no more likely than a broken memory.
type seenEnv struct {
	key string
	ok  bool
	sum uint64
}

type seenFile struct {
	path  string
	stamp osfile.Stamp
}

func (s *seen) unchanged(w *World, n *notes) bool {
	if s.again {
		return false
	}
	for i := range s.env {
		e := &s.env[i]
		v, ok := w.LookupEnv(e.key)
		if ok != e.ok || maphash.String(n.seed, v) != e.sum {
			return false
		}
	}
	for i := range s.files {
		f := &s.files[i]
		if w.FS.Stamp(f.path) != f.stamp {
			return false
		}
	}
	return true
}

// sameGuard reports whether what was looked at are the same folders, under the
// same owners and modes.
func (s *seen) sameGuard(t *seen) bool {
	if len(s.files) != len(t.files) {
		return false
	}
	for i := range s.files {
		if s.files[i].path != t.files[i].path || !s.files[i].stamp.SameGuard(t.files[i].stamp) {
			return false
		}
	}
	return true
}
