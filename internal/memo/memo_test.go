// SPDX-License-Identifier: BSD-3-Clause

package memo_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/memo"
)

func TestAValueIsMadeOnceForEachKey(t *testing.T) {
	t.Parallel()
	var m memo.Map[string, *int]
	made := 0
	of := func(k string) *int { return m.Of(k, func() *int { made++; n := made; return &n }) }
	a, b := of("a"), of("b")
	assert.Equal(t, []int{1, 2}, []int{*a, *b})
	assert.Same(t, a, of("a"))
	assert.Same(t, b, of("b"))
	assert.Equal(t, 2, made)
}

func TestOneOfManyCallersMakesTheValue(t *testing.T) {
	t.Parallel()
	const callers = 50
	var m memo.Map[int, int]
	for k := range 50 {
		var begun, made atomic.Int32
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				begun.Add(1)
				assert.Equal(t, k*k, m.Of(k, func() int {
					for begun.Load() < callers { // till the others are as good as waiting
						runtime.Gosched()
					}
					for range callers {
						runtime.Gosched()
					}
					made.Add(1)
					return k * k
				}))
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, made.Load(), k)
	}
}

func TestAHitTakesNoLockAndNoMemory(t *testing.T) {
	var m memo.Map[string, int]
	m.Of("known", func() int { return 1 })
	done := make(chan int, 1)
	go m.Of("new", func() int { // called with the lock held
		done <- m.Of("known", func() int { return 2 })
		return 3
	})
	select {
	case got := <-done:
		assert.Equal(t, 1, got)
	case <-time.After(20 * time.Second): // only ever waited for in a test that fails
		t.Fatal("a hit waits for a lock")
	}
	again := func() int { return 2 }
	assert.Zero(t, testing.AllocsPerRun(1000, func() { m.Of("known", again) }))
}

func TestTheNumberOfKeysIsBounded(t *testing.T) {
	t.Parallel()
	var m memo.Map[int, int]
	made := 0
	of := func(k int) {
		require.Equal(t, k, m.Of(k, func() int { made++; return k }))
	}
	for k := range memo.Max {
		of(k)
	}
	for k := range memo.Max {
		of(k)
	}
	require.Equal(t, memo.Max, made, "so many are remembered")
	of(memo.Max) // one too many: all others are forgotten
	of(memo.Max)
	require.Equal(t, memo.Max+1, made)
	of(0)
	assert.Equal(t, memo.Max+2, made)
}

func TestAMakerThatPanicsLeavesNoLockBehind(t *testing.T) {
	t.Parallel()
	var m memo.Map[string, int]
	assert.Panics(t, func() { m.Of("k", func() int { panic("no") }) })
	assert.Equal(t, 1, m.Of("k", func() int { return 1 }))
}
