// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/scicred/scicred/internal/human"
)

// The exit codes. Scripts rely on them.
const (
	exitOK           = 0
	exitFailure      = 1  // network, TLS, files
	exitUsage        = 2  // the command line is wrong
	exitNoCredential = 3  // no usable credential
	exitStatus       = 22 // the server answered with a status of 400 or more, as curl -f
)

// failure is an error with its exit code and all that helps.
type failure struct {
	code    int
	err     error
	details []string // facts, a line each
	hints   []string // advice, a line each
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

func (f *failure) hint(hints ...string) *failure {
	f.hints = append(f.hints, hints...)
	return f
}

func usage(format string, args ...any) *failure {
	return &failure{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// explain says on standard error what went wrong and returns the exit code.
func (p *program) explain(err error) int {
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{code: exitFailure, err: err}
	}
	p.note("scicred: %s", printable(withoutPrefix(f.err.Error())))
	for _, d := range f.details {
		p.note("  %s", printable(d))
	}
	for _, h := range f.hints {
		p.note("hint: %s", printable(h))
	}
	return f.code
}

// withoutPrefix removes the name that the library's errors begin with.
func withoutPrefix(s string) string {
	for {
		rest, found := strings.CutPrefix(s, "scicred: ")
		if !found {
			return s
		}
		s = rest
	}
}

// printable keeps control characters from the terminal, but for line ends.
func printable(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = human.Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}
