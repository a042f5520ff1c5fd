// SPDX-License-Identifier: BSD-3-Clause

package fresh

import (
	"context"
	"sync"
	"time"
)

// limited is a context with a deadline that sets its timer when somebody waits
// for it. Most looks ask files alone, which cannot be interrupted anyway, and a
// timer costs as much as reading one.
type limited struct {
	end time.Time

	once   sync.Once
	ctx    context.Context //nolint:containedctx // this is one
	cancel context.CancelFunc
}

func (l *limited) timed() context.Context {
	l.once.Do(func() {
		l.ctx, l.cancel = context.WithDeadline(context.Background(), l.end)
	})
	return l.ctx
}

// release ends the context.
func (l *limited) release() {
	l.once.Do(func() {
		l.ctx, l.cancel = context.WithCancel(context.Background())
	})
	l.cancel()
}

func (l *limited) Deadline() (time.Time, bool) { return l.end, true }
func (l *limited) Done() <-chan struct{}       { return l.timed().Done() }
func (l *limited) Err() error                  { return l.timed().Err() }
func (*limited) Value(any) any                 { return nil }
