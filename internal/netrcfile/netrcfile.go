// SPDX-License-Identifier: BSD-3-Clause

// Package netrcfile reads the text of a netrc file strictly, and answers which
// login the file gives to a host. It opens no file.
//
// There is no standard for the format: curl, Python and go-netrc disagree about
// quotes, comments, repeated entries and damaged files. Where a mistake could
// give one host's password to another, this package refuses the file instead of
// guessing what was meant:
//
//   - A word is a keyword or a value by its position alone, so that a password
//     may be called default. A value that is missing, a word in the place of a
//     keyword that is none, a second login or password in an entry, a quote that
//     does not end on its line and a control character are errors.
//   - A value may stand on a later line than its keyword, but a keyword or a
//     comment there is not that value: the value is missing.
//   - default starts a line and is the last entry. machine and macdef start a
//     line unless the entry before has its password already.
//
// For the rest: values are as they stand, byte by byte, unless they are in
// double quotes, where \" and \\ stand for " and \. A # starts a comment where a
// keyword could stand, and belongs to the value elsewhere. user means login.
// The value of account is not used. A macro ends at an empty line or with the
// file.
package netrcfile

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/jdx/go-netrc"

	"github.com/scicred/scicred/internal/secret"
)

// File is a parsed netrc file. It is immutable and safe for concurrent use.
// The zero value is an empty file.
type File struct {
	// Behind a closure, so that nothing prints it.
	content func() *content
}

// content is the text and where in it the entries begin, in order of the file.
type content struct {
	text   []byte
	starts []int
}

// Query says what to look up. The zero value finds nothing.
type Query struct {
	// Host is a host name or an IP address without brackets, in any case. An
	// address is looked up as it is written: ::1 and 0:0:0:0:0:0:0:1 are two.
	Host string
	// Port selects entries for host:port ([host]:port for IPv6) before those
	// for the host. Empty, only those for the host.
	Port string
	// User selects entries with exactly this login; one that has only a
	// password does not fit. Empty, any entry fits.
	User string
	// AllowDefault allows the default entry for a host without an entry.
	AllowDefault bool
}

// Entry is an entry of the file that was looked up. It prints without the
// password.
type Entry struct {
	Machine  string // As the file has it, e.g. "h.example:8443"; "default" for the default entry.
	Line     int    // Of the machine or default keyword, from 1.
	Login    string // Empty if the entry has none.
	Password secret.Text
	Default  bool // This is the default entry, not one of a machine of that name.
}

// Parse reads the text of a netrc file. It takes time and memory in proportion
// to the length of data, which it keeps: it must not be changed any more. The
// error is a *SyntaxError.
func Parse(data []byte) (*File, error) {
	starts, err := parse(data)
	if err != nil {
		return nil, err
	}
	c := &content{text: data, starts: starts}
	return &File{content: func() *content { return c }}, nil
}

func (f *File) read() *content {
	if f.content == nil {
		return &content{}
	}
	return f.content()
}

// Lookup returns the entry for a host. Entries for host:port come before those
// for the host, and those further up before those further down; the first that
// has a login or a password counts, as in curl, git and go (with Query.User, the
// first with that login). The default entry counts if it is allowed and the file
// has no entry for the host, whatever its login (one for another port is none).
//
// The result is true if the entry can be used. If there is one but it cannot
// be, the error is an *EntryError with the reason, and Entry is filled but for
// the password (empty for ErrCrossCheck). Without an entry there is no error.
func (f *File) Lookup(q Query) (Entry, bool, error) {
	return f.read().lookup(q, netrc.ParseString)
}

func (c *content) lookup(q Query, parseLibrary parseFunc) (Entry, bool, error) {
	found := c.find(q)
	if len(found) == 0 {
		return Entry{}, false, nil
	}
	if at, ok := crossCheck(found, parseLibrary); !ok {
		return Entry{}, false, &EntryError{Line: lineAt(c.text, found[at].at), Err: ErrCrossCheck}
	}
	e, ok := c.choose(found, q.User)
	if !ok {
		return Entry{}, false, nil
	}
	login, password := c.textOf(e.login), c.textOf(e.password)
	result := Entry{Machine: c.textOf(e.name), Line: lineAt(c.text, e.at), Login: login, Default: e.isDefault}
	var reason error
	switch {
	case !e.password.given():
		reason = ErrNoPassword
	case strings.Contains(login, ":"):
		reason = ErrColon
	case strings.Contains(login, "\t"), strings.Contains(password, "\t"):
		reason = ErrControl
	default:
		result.Password = secret.New(password)
		return result, true, nil
	}
	return result, false, &EntryError{Line: result.Line, Err: reason}
}

// find returns the entries for the host, best first.
func (c *content) find(q Query) []entry {
	if q.Host == "" {
		return nil
	}
	// In brackets is how a URL has an IPv6 address, and the only way to tell
	// its port from its end. The address alone is common without.
	bracketed, port := bracket(q.Host), ":"+q.Port
	var forPort, forHost []entry
	head, plain := headOf(bracketed), headOf(q.Host)
	for _, start := range c.machines() {
		if head.rulesOut(c.text, start) && (plain == head || plain.rulesOut(c.text, start)) {
			continue
		}
		switch rest, ok := c.nameAfter(start, bracketed); {
		case ok && len(rest) == 0, bracketed != q.Host && c.isNamed(start, q.Host):
			forHost = append(forHost, c.entryAt(start))
		case ok && q.Port != "" && equalFold(rest, port):
			forPort = append(forPort, c.entryAt(start))
		}
	}
	found := append(forPort, forHost...)
	if len(found) == 0 && q.AllowDefault && c.hasDefault() {
		found = append(found, c.entryAt(c.starts[len(c.starts)-1]))
	}
	return found
}

// bracket puts an IPv6 address in brackets.
func bracket(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// choose returns the first entry that counts.
func (c *content) choose(found []entry, user string) (entry, bool) {
	for _, e := range found {
		if user == "" && (e.login.given() || e.password.given()) ||
			user != "" && e.login.given() && c.textOf(e.login) == user {
			return e, true
		}
	}
	if user != "" {
		return entry{}, false
	}
	return found[0], true // All are empty: better to say so than that there is none.
}

// machines returns where the entries begin that are not the default entry.
func (c *content) machines() []int {
	if c.hasDefault() {
		return c.starts[:len(c.starts)-1]
	}
	return c.starts
}

// OtherPorts returns the ports for which the file has an entry host:port, in
// ascending order, for a report to say that there is one for another port. The
// host is as in Query.
func (f *File) OtherPorts(host string) []string {
	if host == "" {
		return nil
	}
	c := f.read()
	var ports []string
	for _, start := range c.machines() {
		rest, _ := c.nameAfter(start, bracket(host))
		if port, ok := bytes.CutPrefix(rest, []byte(":")); ok && isPort(string(port)) {
			ports = append(ports, string(port))
		}
	}
	slices.SortFunc(ports, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
	return slices.Compact(ports)
}

func isPort(s string) bool {
	if s == "" || len(s) > len("65535") {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || '9' < s[i] {
			return false
		}
	}
	return true
}

// HasDefault reports whether the file has a default entry.
func (f *File) HasDefault() bool { return f.read().hasDefault() }

// hasDefault relies on default being the last entry.
func (c *content) hasDefault() bool {
	return len(c.starts) > 0 && c.text[c.starts[len(c.starts)-1]] == 'd'
}
