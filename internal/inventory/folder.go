// SPDX-License-Identifier: BSD-3-Clause

package inventory

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Folder is a candidate of many files, each a place by itself, of which only
// those are read again that have changed.
type Folder[C any] struct {
	// List says which files there are, in the order of discovery and none twice.
	// If there is none it gives the places that say so in the report.
	List func(*Looker) (paths []string, instead []Place[C])
	// File looks at one of them. It goes by that file alone and must be safe for
	// concurrent use, each call with a Looker of its own.
	File func(l *Looker, path string) Place[C]
}

type file struct {
	path string
	seen seen
}

// folder looks at the list of files if that may have changed, then at those of
// the files that are due, and reads those that have changed.
func (b *builder[C]) folder(c *Candidate[C], before *group[C]) *group[C] {
	g := before
	was := func(i int) int { return i } // the file's number before, -1 if it is new
	all, anew := b.all, false
	if before == nil || !before.seen.unchanged(&b.world, b.notes) {
		g, was, anew = b.list(c, before)
		all = true
	}
	due := make([]int, 0, 8)
	if all {
		due = make([]int, 0, len(g.files))
	}
	for i := range g.files {
		if all || g.files[i].seen.again || g.places[i].inUse() {
			due = append(due, i)
		}
	}
	read := due
	if !anew {
		read = b.changed(g, due, was)
	}
	if len(read) == 0 {
		return g
	}
	if before != nil && identical(g.places, before.places) {
		g = &group[C]{name: g.name, seen: g.seen, files: append([]file(nil), g.files...), places: append([]Place[C](nil), g.places...)}
	}
	b.read(c, g, read)
	watches := make([]watch, len(read))
	for k, i := range read {
		p := &g.places[i]
		p.watch = &watches[k] // a new one: what is in use now will be said at the next request
		if j := was(i); j >= 0 {
			if q := &before.places[j]; p.succeeds(q) && b.alive(q.Cred) && p.keep(q) {
				g.files[i].seen.again = true // it must be seen to be gone a second time
			}
		}
	}
	return g
}

// list makes the group of a new list of files, with what is known of them from
// before. anew says that nothing of that counts: the folder is another one, or
// its owner or mode are, on which the rules for files in it depend.
func (b *builder[C]) list(c *Candidate[C], before *group[C]) (g *group[C], was func(int) int, anew bool) {
	l := b.again()
	paths, instead := c.Folder.List(l)
	g = &group[C]{name: c.Name, seen: l.seen}
	if len(paths) == 0 {
		g.places = instead
		watchAll(g.places)
		return g, nil, false
	}
	if before == nil || len(before.files) == 0 {
		g.begin(paths)
		return g, func(int) int { return -1 }, true
	}
	anew = !before.seen.sameGuard(&l.seen)
	if before.lists(paths) {
		g.files, g.places = before.files, before.places
		return g, func(i int) int { return i }, anew
	}
	g.begin(paths)
	numbers := make(map[string]int, len(before.files))
	for j := range before.files {
		numbers[before.files[j].path] = j
	}
	number := make([]int, len(paths))
	for i, path := range paths {
		j, ok := numbers[path]
		if number[i] = j; !ok {
			number[i] = -1
			continue
		}
		g.files[i], g.places[i] = before.files[j], before.places[j]
	}
	return g, func(i int) int { return number[i] }, anew
}

func (g *group[C]) begin(paths []string) {
	g.files, g.places = make([]file, len(paths)), make([]Place[C], len(paths))
	for i, path := range paths {
		g.files[i].path = path
	}
}

// lists reports whether the group is of these files.
func (g *group[C]) lists(paths []string) bool {
	if len(paths) != len(g.files) {
		return false
	}
	for i := range paths {
		if g.files[i].path != paths[i] {
			return false
		}
	}
	return true
}

// changed returns which of the files are new or have changed.
func (b *builder[C]) changed(g *group[C], due []int, was func(int) int) []int {
	yes := make([]bool, len(due))
	share(len(due), func(bool) func(int, int) {
		return func(from, to int) {
			for k := from; k < to; k++ {
				i := due[k]
				yes[k] = was(i) < 0 || !g.files[i].seen.unchanged(&b.world, b.notes)
			}
		}
	})
	var changed []int
	for k := range due {
		if yes[k] {
			changed = append(changed, due[k])
		}
	}
	return changed
}

// read looks at files and enters what it found where they stand.
func (b *builder[C]) read(c *Candidate[C], g *group[C], numbers []int) {
	share(len(numbers), func(here bool) func(int, int) {
		l := b.first
		if !here || l == nil {
			l = b.looker()
		}
		return func(from, to int) {
			room := make([]seenFile, 0, to-from) // one for each, in one piece
			for _, i := range numbers[from:to] {
				n := len(room)
				l.seen = seen{files: room[n : n : n+1]} // a second one goes elsewhere
				g.places[i] = c.Folder.File(l, g.files[i].path)
				g.files[i].seen = l.seen
				if len(l.seen.files) == 1 {
					room = room[:n+1]
				}
			}
		}
	})
}

// How work is shared. Two workers cost more than they save below a hundred
// files; more than a few stand in each other's way.
const (
	block      = 32 // files for one worker at a time
	worthwhile = 3 * block
	maxWorkers = 4
)

// share does n pieces of work, in several goroutines if there are many. worker
// is called once for each of them; here is the one that called share.
func share(n int, worker func(here bool) (do func(from, to int))) {
	workers := min(runtime.GOMAXPROCS(0), maxWorkers)
	if n < worthwhile || workers < 2 {
		if n > 0 {
			worker(true)(0, n)
		}
		return
	}
	var next atomic.Int64
	work := func(here bool) {
		do := worker(here)
		for {
			from := int(next.Add(block)) - block
			if from >= n {
				return
			}
			do(from, min(from+block, n))
		}
	}
	var others sync.WaitGroup
	for range workers - 1 {
		others.Go(func() { work(false) })
	}
	work(true)
	others.Wait()
}
