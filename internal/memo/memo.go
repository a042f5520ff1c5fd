// SPDX-License-Identifier: BSD-3-Clause

// Package memo remembers what was made for a key.
package memo

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Max bounds a Map: a client that talks to more targets than this starts anew,
// which costs time and never memory.
const Max = 1024

// Map remembers a value for each key. The zero Map is ready. It is safe for
// concurrent use and must not be copied.
type Map[K comparable, V any] struct {
	mu  sync.Mutex
	now atomic.Pointer[map[K]V]
}

// Of returns the value of the key, made if need be by one caller at a time. A
// hit takes no lock.
func (m *Map[K, V]) Of(k K, create func() V) V {
	if now := m.now.Load(); now != nil {
		if v, ok := (*now)[k]; ok {
			return v
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := map[K]V{}
	if now := m.now.Load(); now != nil {
		if v, ok := (*now)[k]; ok {
			return v
		}
		if len(*now) < Max {
			next = maps.Clone(*now)
		}
	}
	v := create()
	next[k] = v
	m.now.Store(&next)
	return v
}
