// SPDX-License-Identifier: BSD-3-Clause

package netrcfile

import (
	"errors"
	"strconv"
)

// SyntaxError says where a file cannot be read, and why. Its text is made of
// fixed sentences and a number: it never holds a word of the file.
type SyntaxError struct {
	Line    int // From 1.
	Problem string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return "netrc line " + strconv.Itoa(e.Line) + ": " + e.Problem
}

// Reasons for which an entry that was found is not used. Lookup returns them
// inside an EntryError.
var (
	// ErrNoPassword means that the entry names no password. An empty password
	// has to be written as such: password "".
	ErrNoPassword = errors.New("entry without a password")
	// ErrColon means that the login holds a colon. RFC 7617 section 2 forbids
	// it: the server would take the rest of the login for the password.
	ErrColon = errors.New("colon in the login (RFC 7617 forbids it)")
	// ErrControl means that the login or the password holds a tab, the one
	// control character that a quoted value may have. RFC 7617 section 2 forbids
	// it.
	ErrControl = errors.New("tab in the login or password (RFC 7617 forbids it)")
	// ErrCrossCheck means that go-netrc read an entry differently. No file is
	// known that leads to it.
	ErrCrossCheck = errors.New("internal cross-check failed")
)

// EntryError says why the entry on a line is not used. Its text never holds a
// word of the file.
type EntryError struct {
	Line int   // Of the entry's machine or default keyword, from 1.
	Err  error // ErrNoPassword, ErrColon, ErrControl or ErrCrossCheck.
}

// Error implements error.
func (e *EntryError) Error() string {
	return "netrc: " + e.Err.Error() + " at line " + strconv.Itoa(e.Line)
}

// Unwrap returns the reason.
func (e *EntryError) Unwrap() error { return e.Err }
