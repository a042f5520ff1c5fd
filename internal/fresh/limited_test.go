// SPDX-License-Identifier: BSD-3-Clause

package fresh_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/fresh"
)

// building returns a value whose Build is f.
func building(f func(ctx context.Context)) *fresh.Value[int] {
	return &fresh.Value[int]{Now: time.Now, Build: func(ctx context.Context, _ *int) *int { f(ctx); return new(int) }}
}

func TestTheContextOfALookEndsAfterTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		v := building(func(ctx context.Context) {
			end, ok := ctx.Deadline()
			assert.True(t, ok)
			assert.Equal(t, begun.Add(fresh.Limit), end)
			assert.NoError(t, ctx.Err())
			<-ctx.Done()
			assert.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
			assert.Equal(t, fresh.Limit, time.Since(begun))
		})
		_, _ = v.Get(t.Context(), func(*int) bool { return false })
		synctest.Wait()
	})
}

func TestTheContextOfALookEndsWithIt(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(context.Context){
		"never used":      func(context.Context) {},
		"used before":     func(ctx context.Context) { _ = ctx.Done() },
		"a child is made": func(ctx context.Context) { _, cancel := context.WithCancel(ctx); defer cancel() },
	} {
		var kept context.Context
		v := building(func(ctx context.Context) { use(ctx); kept = ctx }) //nolint:fatcontext // to see what becomes of it
		_, err := v.Get(t.Context(), func(*int) bool { return false })
		require.NoError(t, err)
		<-kept.Done()
		require.ErrorIs(t, kept.Err(), context.Canceled, name)
		assert.Nil(t, kept.Value(name))
	}
}
