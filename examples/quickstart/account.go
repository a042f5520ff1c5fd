// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// account is what the program tells. It keeps what it has told.
type account struct {
	out     io.Writer
	written strings.Builder
	claims  int
	unmet   int
	lost    error // of the first write that failed
}

func (a *account) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(io.MultiWriter(&a.written, a.out), format, args...); err != nil && a.lost == nil {
		a.lost = err
	}
}

func (a *account) title(title string) { a.printf("\n%s\n", title) }

// text shows what scicred says.
func (a *account) text(text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		a.printf("    | %s", line)
	}
}

// claim says a sentence that holds if there are no problems.
func (a *account) claim(sentence string, problems ...error) {
	a.claims++
	if err := errors.Join(problems...); err != nil {
		a.unmet++
		a.printf("FAILED  %s\n        but: %s\n", sentence, strings.ReplaceAll(err.Error(), "\n", "\n             "))
		return
	}
	a.printf("ok  %s\n", sentence)
}

// err sums the account up.
func (a *account) err() error {
	switch {
	case a.lost != nil:
		return fmt.Errorf("the account could not be written: %w", a.lost)
	case a.unmet > 0:
		return fmt.Errorf("%d of %d claims do not hold", a.unmet, a.claims)
	}
	a.printf("\nAll %d claims hold.\n", a.claims)
	return a.lost
}
