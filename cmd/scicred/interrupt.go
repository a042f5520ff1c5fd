// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interrupted is why the context ended.
type interrupted struct{ signal os.Signal }

func (i interrupted) Error() string { return "stopped by signal: " + i.signal.String() }

// interruptible returns a context that ends at the first interrupt, so that
// half written files are cleared away; a second one ends the program at once.
// The returned function must be called last: after an interrupt it lets the
// program die of it. A shell tells that from an exit code, and ends the loop
// around the command too.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-signals
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		cancel(interrupted{s})
	}()
	return ctx, func() {
		var i interrupted
		if !errors.As(context.Cause(ctx), &i) {
			return
		}
		if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(i.signal) == nil {
			time.Sleep(time.Second) // The signal may take a moment to arrive.
		}
	}
}
