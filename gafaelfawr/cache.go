// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"container/list"
	"sync"
	"time"
)

// cache remembers the values used last, each for one lifetime. It is safe for
// concurrent use.
type cache[K comparable, V any] struct {
	size     int // at most so many
	lifetime time.Duration
	now      func() time.Time

	mu      sync.Mutex
	items   map[K]*list.Element // of *item[K, V]
	order   list.List           // the one used last is in front
	cleared uint64              // how often it was
}

type item[K comparable, V any] struct {
	key   K
	value V
	until time.Time // it is good before, and no longer at this time
}

// get returns what is remembered for a key.
func (c *cache[K, V]) get(key K) (v V, ok bool) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[key]
	if !ok {
		return v, false
	}
	it := e.Value.(*item[K, V])
	if !now.Before(it.until) {
		c.remove(e)
		return v, false
	}
	c.order.MoveToFront(e)
	return it.value, true
}

// age says how often the cache was cleared.
func (c *cache[K, V]) age() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cleared
}

// put remembers a value from now on, and forgets the one that was not used for
// the longest time if there are too many. What was asked for at another age of
// the cache is what clearing it was meant to forget.
func (c *cache[K, V]) put(key K, v V, age uint64) {
	until := c.now().Add(c.lifetime)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cleared != age {
		return
	}
	if e, ok := c.items[key]; ok {
		c.remove(e)
	}
	if c.items == nil {
		c.items = map[K]*list.Element{}
	}
	c.items[key] = c.order.PushFront(&item[K, V]{key, v, until})
	if c.order.Len() > c.size {
		c.remove(c.order.Back())
	}
}

func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cleared++
	clear(c.items)
	c.order.Init()
}

func (c *cache[K, V]) remove(e *list.Element) {
	it := c.order.Remove(e).(*item[K, V])
	delete(c.items, it.key)
}
