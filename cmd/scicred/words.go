// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"slices"
	"strings"

	"github.com/scicred/scicred"
)

// words puts the names of flags where the library names its options.
func words(s string) string {
	return strings.NewReplacer(
		"; the default entry is not used without WithNetrcDefault", "; its default entry is not used",
		"(name it to use it)", "(name it with --token-file to use it)",
		"switched off by Without", "switched off on the command line",
		"is not among the hosts that WithHosts names", "is not the URL's host, to which it is bound",
		"WithTokenFile", "--token-file",
		"WithToken", "--token-file",
		"WithX509", "--cert",
		"WithNetrc", "--netrc-file",
		"WithTrustedHosts", "--trust-host",
		"ForceNoAuth", "--force-noauth",
	).Replace(s)
}

// reworded is an error in the words of the command line.
type reworded struct{ error }

func (r reworded) Error() string { return words(r.error.Error()) }

func (r reworded) Unwrap() error { return r.error }

// translated returns a copy of the report in the words of the command line.
func translated(r *scicred.Report) *scicred.Report {
	c := *r
	c.Attempts = slices.Clone(r.Attempts)
	for i := range c.Attempts {
		a := &c.Attempts[i]
		a.Candidate, a.Detail = words(a.Candidate), words(a.Detail)
		if a.Err != nil {
			a.Err = reworded{a.Err}
		}
	}
	return &c
}

// ofKind returns the part of the report that is about one kind.
func ofKind(r *scicred.Report, k scicred.Kind) *scicred.Report {
	c := *r
	c.Attempts = slices.DeleteFunc(slices.Clone(r.Attempts), func(a scicred.Attempt) bool { return a.Kind != k })
	return &c
}
