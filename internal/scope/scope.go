// SPDX-License-Identifier: BSD-3-Clause

// Package scope compares the scopes that a token grants with those that a
// request needs, as SciTokens and the WLCG Common JWT Profile 1.3 (section
// 2.2.1) define them: "authz:path", or "authz" alone.
//
// It judges on the user's machine, so that the right token is chosen and a
// refusal can be explained; the server has the last word. In doubt a token's
// scope covers nothing.
package scope

import (
	"fmt"
	"strings"
)

// Scope is a scope that has been read.
type Scope struct {
	// Authz is what is authorised, such as "storage.read". It is compared
	// exactly, case included.
	Authz string
	// Path is where: "/", or segments that each follow a "/", decoded and
	// without empty, "." and ".." ones. A slash that was encoded is "%2F" still.
	// It is "" in the scopes "read" and "write", which need a path and cover
	// nothing without.
	Path string
}

// Error says why a scope that was asked for cannot be.
type Error struct {
	Scope   string // as it was given
	Problem string
}

// Error quotes the scope, which is the caller's own.
func (e *Error) Error() string { return fmt.Sprintf("scope %q %s", e.Scope, e.Problem) }

// Parse reads a scope that a request needs. Its path is decoded once and ".." is
// resolved. The error is an [*Error].
func Parse(requested string) (Scope, error) {
	s, problem := parse(requested, true)
	if problem != "" {
		return Scope{}, &Error{Scope: requested, Problem: problem}
	}
	return s, nil
}

// ParseGranted reads a scope of a token; false if it covers nothing. Other than
// in a requested scope a ".." is refused: the profile wants issuers to write
// normalised paths, and servers do not agree on what another one means.
func ParseGranted(granted string) (Scope, bool) {
	s, problem := parse(granted, false)
	return s, problem == "" && s.Path != ""
}

// parse returns a problem that reads on after the name of the scope.
func parse(text string, resolve bool) (s Scope, problem string) {
	if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return Scope{}, "has a blank or control character: give one scope at a time, and write a blank in a path as %20"
	}
	authz, path, found := strings.Cut(text, ":")
	switch {
	case authz == "":
		return Scope{}, "does not say what is to be authorised"
	case !found && (authz == "read" || authz == "write"):
		return Scope{Authz: authz}, "" // SciTokens: these two mean nothing without a path.
	case !found:
		return Scope{Authz: authz, Path: "/"}, ""
	}
	path, problem = clean(path, resolve)
	return Scope{Authz: authz, Path: path}, problem
}

// Covers reports whether a token's scope s allows what r asks for. Paths match
// by whole segments: /a covers /a and /a/b, not /ab.
//
// A slash at the end of a path does not count, neither in s nor in r. For the
// profile it makes the granted path a folder, and then the server refuses a file
// of that name; from here nobody can tell files from folders.
func (s Scope) Covers(r Scope) bool {
	return includes(s.Authz, r.Authz) && contains(s.Path, r.Path)
}

// includes knows the authorisations that the profile defines as part of others.
// No other includes one: modify no read, and stage no longer does either.
func includes(granted, requested string) bool {
	switch granted {
	case requested:
		return true
	case "storage.modify":
		return requested == "storage.create"
	case "storage.stage":
		return requested == "storage.poll"
	}
	return false
}

func contains(folder, path string) bool {
	switch {
	case folder == "" || path == "":
		return false
	case folder == "/" || folder == path:
		return true
	}
	return len(path) > len(folder) && path[:len(folder)] == folder && path[len(folder)] == '/'
}

// Covers reports whether one of a token's scopes covers the requested one. The
// error, an [*Error], is about the requested scope alone; granted scopes that
// make no sense are passed over.
func Covers(granted []string, requested string) (bool, error) {
	missing, err := Missing(granted, []string{requested})
	return err == nil && len(missing) == 0, err
}

// Missing returns the requested scopes that none of a token's scopes covers, as
// they were given. The error is that of [Covers]; then missing is nil.
func Missing(granted, requested []string) (missing []string, err error) {
	have := make([]Scope, 0, len(granted))
	for _, text := range granted {
		if s, ok := ParseGranted(text); ok {
			have = append(have, s)
		}
	}
next:
	for _, text := range requested {
		want, err := Parse(text)
		if err != nil {
			return nil, err
		}
		for _, s := range have {
			if s.Covers(want) {
				continue next
			}
		}
		missing = append(missing, text)
	}
	return missing, nil
}
