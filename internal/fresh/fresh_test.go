// SPDX-License-Identifier: BSD-3-Clause

package fresh_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/fresh"
)

// The clock of these tests is that of testing/synctest: it moves only when all
// wait, and then at once. synctest fails a test that leaves a goroutine behind.

func always(*int) bool { return true }
func never(*int) bool  { return false }

// counter is a Value that counts how often it was built, and is 1 after the
// first time. Each build takes the given time.
func counter(takes time.Duration) *fresh.Value[int] {
	return &fresh.Value[int]{Now: time.Now, Build: func(_ context.Context, old *int) *int {
		time.Sleep(takes)
		next := 1
		if old != nil {
			next = *old + 1
		}
		return &next
	}}
}

// get is a Get that must give a value.
func get(t *testing.T, v *fresh.Value[int], usable func(*int) bool) int {
	t.Helper()
	got, err := v.Get(t.Context(), usable)
	require.NoError(t, err)
	require.NotNil(t, got)
	return *got
}

func TestThereIsNothingBeforeTheFirstGet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := counter(0)
		assert.Nil(t, v.Peek())
		assert.Equal(t, 1, get(t, v, always))
		assert.Equal(t, 1, *v.Peek())
	})
}

func TestAValueIsRebuiltOnceASecondWhateverTheLoad(t *testing.T) {
	t.Parallel()
	for name, usable := range map[string]func(*int) bool{"of use": always, "of no use": never} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := counter(0)
				var wg sync.WaitGroup
				for range 50 {
					wg.Go(func() {
						for begun := time.Now(); time.Since(begun) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
							_, err := v.Get(t.Context(), usable)
							assert.NoError(t, err)
						}
					})
				}
				wg.Wait()
				assert.Equal(t, 10, *v.Peek(), "builds in ten seconds")
			})
		})
	}
}

func TestASecondIsCountedFromTheEndOfTheLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := counter(10 * time.Second)
		assert.Equal(t, 1, get(t, v, never))
		time.Sleep(fresh.Interval - 1)
		assert.Equal(t, 1, get(t, v, never), "not yet a second old")
		time.Sleep(time.Nanosecond)
		assert.Equal(t, 2, get(t, v, never), "a second old")
	})
}

func TestHundredTimesHundredCallersShareOneFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var builds, running atomic.Int32
		v := &fresh.Value[int]{Now: time.Now, Build: func(context.Context, *int) *int {
			assert.EqualValues(t, 1, running.Add(1), "builds at one time")
			defer running.Add(-1)
			time.Sleep(50 * time.Millisecond)
			n := int(builds.Add(1))
			return &n
		}}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				for range 100 {
					got, err := v.Get(t.Context(), always)
					if assert.NoError(t, err) {
						assert.Equal(t, 1, *got)
					}
				}
			})
		}
		wg.Wait()
		assert.EqualValues(t, 1, builds.Load())
	})
}

func TestRefreshesAndGetsNeverBuildAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int32
		v := &fresh.Value[int]{Now: time.Now, Build: func(context.Context, *int) *int {
			assert.EqualValues(t, 1, running.Add(1), "builds at one time")
			defer running.Add(-1)
			time.Sleep(3 * time.Millisecond)
			return new(int)
		}}
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				for range 20 {
					var err error
					if i%2 == 0 {
						_, err = v.Refresh(t.Context())
					} else {
						_, err = v.Get(t.Context(), never)
					}
					assert.NoError(t, err)
					time.Sleep(time.Duration(i) * time.Millisecond)
				}
			})
		}
		wg.Wait()
	})
}

func TestAWaiterLeavesOnItsOwnContextWhileTheLookGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := counter(5 * time.Second)
		begun := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { // it starts the look, and leaves
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			got, err := v.Get(ctx, always)
			assert.Nil(t, got)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, time.Second, time.Since(begun))
		})
		wg.Go(func() { // it joins, and leaves with a cause of its own
			why := errors.New("no longer needed")
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(2*time.Second, func() { cancel(why) })
			got, err := v.Get(ctx, always)
			assert.Nil(t, got)
			assert.ErrorIs(t, err, why)
			assert.Equal(t, 2*time.Second, time.Since(begun))
		})
		time.Sleep(500 * time.Millisecond)
		assert.Equal(t, 1, get(t, v, always), "the look went on")
		assert.Equal(t, 5*time.Second, time.Since(begun))
		wg.Wait()
	})
}

func TestAUsableValueIsServedAtOnceToAllButTheStarter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		v := counter(0)
		build := v.Build
		v.Build = func(ctx context.Context, old *int) *int {
			if slow.Load() {
				time.Sleep(10 * time.Second)
			}
			return build(ctx, old)
		}
		require.Equal(t, 1, get(t, v, always))
		time.Sleep(fresh.Interval)
		slow.Store(true)

		begun := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			got, err := v.Get(t.Context(), always)
			assert.ErrorIs(t, err, fresh.ErrSlow, "and learns that it takes long")
			assert.Equal(t, 1, *got)
			assert.Equal(t, fresh.Patience, time.Since(begun), "the starter waits a little")
		})
		synctest.Wait() // the starter waits for its look now
		for range 10 {
			assert.Equal(t, 1, get(t, v, always))
		}
		assert.Zero(t, time.Since(begun), "the others do not wait")
		assert.Equal(t, 2, get(t, v, never), "unless the value is of no use to them")
		assert.Equal(t, 10*time.Second, time.Since(begun))
		wg.Wait()
	})
}

func TestTheStarterGetsTheNewValueIfItComesInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := counter(fresh.Patience - 1)
		require.Equal(t, 1, get(t, v, always))
		time.Sleep(fresh.Interval)
		begun := time.Now()
		assert.Equal(t, 2, get(t, v, always))
		assert.Equal(t, fresh.Patience-1, time.Since(begun))
	})
}

func TestAStarterWhoseContextEndsStillGetsTheUsableValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := counter(time.Second)
		require.Equal(t, 1, get(t, v, always))
		time.Sleep(fresh.Interval)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		got, err := v.Get(ctx, always)
		require.NoError(t, err)
		assert.Equal(t, 1, *got)
		assert.Equal(t, 10*time.Millisecond, time.Since(begun))
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, 2, *v.Peek(), "and the look goes on")
	})
}

func TestALookThatHangsIsGivenUpAfterThirtySecondsAndThenAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{})
		v := &fresh.Value[int]{Now: time.Now, Build: func(context.Context, *int) *int { <-wake; return new(int) }}
		begun := time.Now()
		var wg sync.WaitGroup
		for late := range 4 {
			wg.Go(func() {
				time.Sleep(time.Duration(late) * 9 * time.Second)
				got, err := v.Get(t.Context(), always)
				assert.Nil(t, got)
				assert.ErrorIs(t, err, fresh.ErrSlow)
				assert.Equal(t, 30*time.Second, time.Since(begun), "from the beginning of the look, not of the call")
			})
		}
		wg.Wait()
		for _, ask := range []func() (*int, error){
			func() (*int, error) { return v.Get(t.Context(), always) },
			func() (*int, error) { return v.Refresh(t.Context()) },
		} {
			got, err := ask()
			assert.Nil(t, got)
			assert.ErrorIs(t, err, fresh.ErrSlow)
			assert.Equal(t, 30*time.Second, time.Since(begun), "from then on at once")
		}
		close(wake)
		synctest.Wait()
		assert.NotNil(t, v.Peek(), "what the look gives in the end is taken")
		_, err := v.Get(t.Context(), never)
		assert.NoError(t, err)
	})
}

func TestALookThatHangsKeepsNobodyFromAUsableValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{})
		v := counter(0)
		build := v.Build
		require.Equal(t, 1, get(t, v, always))
		v.Build = func(ctx context.Context, old *int) *int { <-wake; return build(ctx, old) }
		time.Sleep(fresh.Interval)
		got, err := v.Get(t.Context(), always)
		require.ErrorIs(t, err, fresh.ErrSlow, "who began it learns that it takes long")
		require.Equal(t, 1, *got)
		time.Sleep(time.Hour)
		begun := time.Now()
		assert.Equal(t, 1, get(t, v, always))
		got, err = v.Get(t.Context(), never)
		assert.ErrorIs(t, err, fresh.ErrSlow, "for whom it is of no use, that is said")
		assert.Equal(t, 1, *got)
		assert.Zero(t, time.Since(begun))
		close(wake)
	})
}

func TestANudgeStartsALookThatIsDueAndWaitsForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := counter(time.Second)
		begun := time.Now()
		v.Nudge()
		v.Nudge()
		assert.Zero(t, time.Since(begun))
		assert.Nil(t, v.Peek())
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, 1, *v.Peek(), "two nudges are one look")
		v.Nudge()
		synctest.Wait()
		time.Sleep(fresh.Interval / 2)
		assert.Equal(t, 1, *v.Peek(), "none is due")
		time.Sleep(fresh.Interval)
		v.Nudge()
		time.Sleep(2 * time.Second)
		assert.Equal(t, 2, *v.Peek())
	})
}

type key struct{}

func TestALookIsNobodysRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended time.Duration
		v := &fresh.Value[int]{Now: time.Now, Build: func(ctx context.Context, _ *int) *int {
			begun := time.Now()
			assert.Nil(t, ctx.Value(key{}), "values do not get there")
			<-ctx.Done()
			ended = time.Since(begun)
			return new(int)
		}}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "secret"))
		cancel()
		_, err := v.Get(ctx, always)
		require.ErrorIs(t, err, context.Canceled)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, fresh.Limit, ended, "cancellation does not get there, and a look may take 30 s")
	})
}

func TestRefreshLooksNowHoweverRecentTheLastLookIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := counter(0)
		require.Equal(t, 1, get(t, v, always))
		got, err := v.Refresh(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 2, *got)
		assert.Equal(t, 2, get(t, v, always), "which counts as a look")
	})
}

func TestRefreshSeesALookThatBeganAfterTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := counter(time.Second)
		begun := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { assert.Equal(t, 1, get(t, v, always)) })
		time.Sleep(500 * time.Millisecond) // that look may have seen what has changed since
		for range 10 {
			wg.Go(func() {
				got, err := v.Refresh(t.Context())
				if assert.NoError(t, err) {
					assert.Equal(t, 2, *got)
				}
				assert.Equal(t, 2*time.Second, time.Since(begun))
			})
		}
		wg.Wait()
		assert.Equal(t, 2, *v.Peek(), "all who ask at the same time share one")
	})
}

func TestRefreshLeavesOnItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := counter(10 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := v.Refresh(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Equal(t, 1, *v.Peek())
	})
}

func TestALookThatEndsJustBeforeOneWouldBeginIsEnough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := counter(0)
		require.Equal(t, 1, get(t, v, never))
		time.Sleep(fresh.Interval)
		var begun atomic.Bool
		v.Now = func() time.Time { // Get asks for the time before it decides
			now := time.Now()
			if begun.CompareAndSwap(false, true) {
				_, err := v.Refresh(t.Context())
				assert.NoError(t, err)
			}
			return now
		}
		require.Equal(t, 2, get(t, v, never))
	})
}

func TestAClockThatGoesBackwardsDoesNotStopTheLooking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		v := counter(0)
		v.Now = func() time.Time { return now }
		require.Equal(t, 1, get(t, v, never))
		now = now.Add(-time.Hour)
		assert.Equal(t, 2, get(t, v, never), "set back an hour: not an hour without a look")
		assert.Equal(t, 2, get(t, v, never))
		now = now.Add(time.Second)
		assert.Equal(t, 3, get(t, v, never))
	})
}

func TestAHitCostsNothing(t *testing.T) {
	v := counter(0)
	ctx := t.Context()
	now := time.Now()
	v.Now = func() time.Time { return now }
	get(t, v, always)
	assert.Zero(t, testing.AllocsPerRun(1000, func() { _, _ = v.Get(ctx, always) }), "allocations")
	done := make(chan struct{})
	go fresh.WithLockHeld(v, func() {
		_, _ = v.Get(ctx, always)
		v.Peek()
		close(done)
	})
	select {
	case <-done:
	case <-time.After(20 * time.Second): // only ever waited for in a test that fails
		t.Fatal("a hit waits for a lock")
	}
}
