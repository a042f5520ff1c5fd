// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"context"
	"errors"
	"sync"
)

// flights let those who want the same at the same time share one request. The
// zero value is ready. No lock is held while the request is under way.
type flights[K comparable, V any] struct {
	mu sync.Mutex
	of map[K]*flight[V]
}

type flight[V any] struct {
	done    chan struct{} // closed when the rest is set
	value   V
	err     error
	crash   any // what fetch panicked with
	waiters int
	cancel  context.CancelFunc
}

// do returns what fetch returns, called by itself or by somebody who asked for
// the same key a little earlier. The request outlives the caller who started it
// as long as another waits: each waits on its own context, and the last to leave
// calls the request off. It has the values of the first caller's context.
func (g *flights[K, V]) do(ctx context.Context, key K, fetch func(context.Context) (V, error)) (V, error) {
	var none V
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	g.mu.Lock()
	f := g.of[key]
	if f == nil {
		shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
		f = &flight[V]{done: make(chan struct{}), cancel: cancel}
		if g.of == nil {
			g.of = map[K]*flight[V]{}
		}
		g.of[key] = f
		go g.run(shared, key, f, fetch)
	}
	f.waiters++
	g.mu.Unlock()

	select {
	case <-f.done:
		if f.crash != nil {
			panic(f.crash) // Of the caller's RoundTripper: let the caller deal with it.
		}
		return f.value, f.err
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		if f.waiters--; f.waiters == 0 {
			g.forget(key, f)
			f.cancel()
		}
		return none, context.Cause(ctx)
	}
}

func (g *flights[K, V]) run(ctx context.Context, key K, f *flight[V], fetch func(context.Context) (V, error)) {
	returned := false
	defer func() {
		if f.crash = recover(); f.crash == nil && !returned {
			f.err = errors.New("gafaelfawr: the goroutine of the request was ended by runtime.Goexit, so there is no answer")
		}
		f.cancel()
		g.mu.Lock()
		g.forget(key, f)
		g.mu.Unlock()
		close(f.done)
	}()
	f.value, f.err = fetch(ctx)
	returned = true
}

// forget lets the next caller start anew, unless one has already.
func (g *flights[K, V]) forget(key K, f *flight[V]) {
	if g.of[key] == f {
		delete(g.of, key)
	}
}
