// SPDX-License-Identifier: BSD-3-Clause

package measure

import (
	"errors"
	"os"
	"slices"
	"sync"
	"time"
)

// ErrUnavailable means that something which a task needs is not on this machine.
var ErrUnavailable = errors.New("not available here")

// Quantity is what is measured of a contender.
type Quantity int

// The quantities, each per operation.
const (
	CPU      Quantity = iota // processor time of this process, garbage collection included, in ns
	Wall                     // time that passed, in ns
	Children                 // processor time of processes that have ended, in ns
	Allocs                   // heap allocations
	Bytes                    // heap bytes allocated
	quantities
)

// String returns the quantity's name.
func (q Quantity) String() string {
	return [quantities]string{"cpu", "wall", "cpu of processes", "allocations", "bytes"}[q]
}

// Contender is one way to do a task.
type Contender struct {
	Name string
	// Run does the task n times, one after the other unless the task says
	// otherwise. Nothing but the task may be in it.
	Run func(n int) error
}

// Goal is what the cost of one contender may be at most: relative to another's,
// or by itself.
type Goal struct {
	Of       string   // the contender
	To       string   // the one it is compared with; "" judges the cost by itself
	Quantity Quantity //
	AtMost   float64  // a ratio or, without To, a quantity
}

// Task is something that can be done in several ways.
type Task struct {
	Name  string // short and unique, such as "warm/3"
	Title string // what it is, in tables
	Unit  string // what is done once: "request", "lookup"
	// Base names the contender whose cost all share, such as that of the base
	// RoundTripper alone: it is taken off before contenders are compared. ""
	// compares whole costs.
	Base string
	// To names the contender that tables compare the others with.
	To string
	// Twin names the contender that takes part twice to show the noise. "" is the
	// subject of the first goal or, without goals, the one of To.
	Twin string
	// Show is the quantity that tables show; goals name their own.
	Show Quantity
	// Prepare makes what the task needs and returns the contenders.
	Prepare func(*Stage) ([]Contender, error)
	Goals   []Goal
	// Trust lists conditions without which the run proves nothing.
	Trust []Goal
	// Slice is how long each contender runs in a round, at least; 0 is that of the
	// Plan. A contender always does the task at least once.
	Slice time.Duration
	// Rounds and Turns are the numbers of rounds and of turns in each; 0 are those
	// of the Plan. Of the turns the median counts: a task whose cost is in what
	// happens seldom has one long turn.
	Rounds, Turns int
}

// twin returns the contender that takes part twice.
func (t *Task) twin() string {
	switch {
	case t.Twin != "":
		return t.Twin
	case len(t.Goals) > 0:
		return t.Goals[0].Of
	default:
		return t.To
	}
}

// Fact is something that is counted, once.
type Fact struct {
	Name   string // short and unique
	Title  string // what it is, in tables
	Unit   string
	AtMost float64
	Count  func(*Stage) (float64, error)
}

// Stage is where a task runs: an empty folder, and a list of what is to be done
// at the end.
type Stage struct {
	Dir string
	mu  sync.Mutex
	end []func()
}

// inMemory is where Linux has a file system that no disk slows down.
const inMemory = "/dev/shm"

// NewStage makes a Stage with a new folder, in memory if that can be. Close it.
func NewStage() (*Stage, error) {
	dir, err := os.MkdirTemp(inMemory, "bench")
	if err != nil {
		dir, err = os.MkdirTemp("", "bench")
	}
	if err != nil {
		return nil, err
	}
	return &Stage{Dir: dir}, nil
}

// Cleanup has f called at the end, the last one first. It is safe for concurrent
// use until then.
func (s *Stage) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end = append(s.end, f)
}

// Close does what is to be done at the end and removes the folder.
func (s *Stage) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range slices.Backward(s.end) {
		f()
	}
	s.end = nil
	return os.RemoveAll(s.Dir)
}
