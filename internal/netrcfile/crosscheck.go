// SPDX-License-Identifier: BSD-3-Clause

package netrcfile

import (
	"strconv"

	"github.com/jdx/go-netrc"
)

// parseFunc is netrc.ParseString, or another in tests.
type parseFunc func(text string) (*netrc.Netrc, error)

// The parts of an entry, in the order of their placeholders.
const (
	namePart = iota
	loginPart
	passwordPart
	parts
)

// crossCheck has go-netrc read the entries and compares what it finds in them.
//
// It reads a text of our own, in which every value is a placeholder: on that
// subset of the format it is right. The user's text can make it panic, run for
// minutes, or take a password for the beginning of a default entry.
//
// What a panic says is of no use to anyone and might show a secret. If the two
// disagree, it returns the first entry that they disagree about.
func crossCheck(entries []entry, parseLibrary parseFunc) (at int, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	library, err := parseLibrary(canonical(entries))
	if err != nil || len(library.Machines()) != len(entries) {
		return at, false
	}
	for at = range entries {
		if !agrees(library.Machines()[at], &entries[at], at) {
			return at, false
		}
	}
	return at, true
}

// canonical writes the entries as go-netrc reads them best: one a line, single
// blanks, no comments, no quotes, and no value that is a keyword.
func canonical(entries []entry) string {
	var b []byte
	for i := range entries {
		e := &entries[i]
		if e.isDefault {
			b = append(b, "default"...)
		} else {
			b = append(b, "machine "...)
			b = appendPlaceholder(b, i, namePart)
		}
		if e.login.given() {
			b = append(b, " login "...)
			b = appendPlaceholder(b, i, loginPart)
		}
		if e.password.given() {
			b = append(b, " password "...)
			b = appendPlaceholder(b, i, passwordPart)
		}
		b = append(b, '\n')
	}
	return string(b)
}

func appendPlaceholder(b []byte, i, part int) []byte {
	return strconv.AppendInt(append(b, 'v'), int64(i*parts+part), 10)
}

// agrees reports whether go-netrc's machine i is the entry, with each
// placeholder where it belongs.
func agrees(m *netrc.Machine, e *entry, i int) bool {
	name := placeholder(e.name, i, namePart)
	if e.isDefault {
		name = "default"
	}
	return m.IsDefault == e.isDefault && m.Name == name &&
		m.Get("login") == placeholder(e.login, i, loginPart) &&
		m.Get("password") == placeholder(e.password, i, passwordPart)
}

// placeholder is empty for a value that is not given, as in go-netrc.
func placeholder(v value, i, part int) string {
	if !v.given() {
		return ""
	}
	return string(appendPlaceholder(nil, i, part))
}
