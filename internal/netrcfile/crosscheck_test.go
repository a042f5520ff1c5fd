// SPDX-License-Identifier: BSD-3-Clause

package netrcfile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jdx/go-netrc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/netrcfile"
)

const twoEntries = "machine h.example login u password hunter2\n" +
	"machine h.example password #default\n" +
	"machine o.example login machine password p\n" +
	"default login du password dp\n"

func TestGoNetrcSeesPlaceholdersOfTheHostAlone(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		q    netrcfile.Query
		want string
	}{
		"a host":   {netrcfile.Query{Host: "h.example"}, "machine v0 login v1 password v2\nmachine v3 password v5\n"},
		"default":  {netrcfile.Query{Host: "x.example", AllowDefault: true}, "default login v1 password v2\n"},
		"no entry": {netrcfile.Query{Host: "x.example"}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen strings.Builder
			_, _, err := parsed(t, twoEntries).LookupWith(c.q, func(text string) (*netrc.Netrc, error) {
				seen.WriteString(text)
				return netrc.ParseString(text)
			})
			require.NoError(t, err)
			assert.Equal(t, c.want, seen.String())
		})
	}
}

func TestADisagreementIsAnErrorAndNoGuess(t *testing.T) {
	t.Parallel()
	says := func(text string) func(string) (*netrc.Netrc, error) {
		return func(string) (*netrc.Netrc, error) { return netrc.ParseString(text) }
	}
	const right = "machine v0 login v1 password v2\nmachine v3 password v5\n"
	cases := map[string]struct {
		library func(string) (*netrc.Netrc, error)
		line    string
	}{
		"a panic":                {func(text string) (*netrc.Netrc, error) { panic(text + "hunter2") }, "1"},
		"a panic that is nil":    {func(string) (*netrc.Netrc, error) { panic(error(nil)) }, "1"},
		"an error":               {func(string) (*netrc.Netrc, error) { return nil, errors.New("hunter2") }, "1"},
		"an error and a result":  {func(string) (*netrc.Netrc, error) { n, _ := netrc.ParseString(right); return n, errors.New("x") }, "1"},
		"nothing":                {func(string) (*netrc.Netrc, error) { return nil, nil }, "1"},
		"no machine":             {says(""), "1"},
		"a machine less":         {says("machine v0 login v1 password v2\n"), "1"},
		"a machine more":         {says(right + "machine v6\n"), "1"},
		"machines exchanged":     {says("machine v3 password v5\nmachine v0 login v1 password v2\n"), "1"},
		"login and password":     {says("machine v0 login v2 password v1\nmachine v3 password v5\n"), "1"},
		"a default entry":        {says("machine v0 login v1 password v2\ndefault password v5\n"), "2"},
		"another's password":     {says("machine v0 login v1 password v2\nmachine v3 password v2\n"), "2"},
		"a login out of nowhere": {says("machine v0 login v1 password v2\nmachine v3 login v4 password v5\n"), "2"},
		"a value of its own":     {says("machine v0 login v1 password v2\nmachine v3 password v05\n"), "2"},
		"no machine at all": {func(string) (*netrc.Netrc, error) {
			n, err := netrc.ParseString(right)
			n.Machines()[1] = nil
			return n, err
		}, "2"},
		"a value that is missing": {says("machine v0 login v1 password v2\nmachine v3\n"), "2"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, found, err := parsed(t, twoEntries).LookupWith(netrcfile.Query{Host: "h.example"}, c.library)
			assert.False(t, found)
			assert.Equal(t, netrcfile.Entry{}, e)
			require.ErrorIs(t, err, netrcfile.ErrCrossCheck)
			assert.EqualError(t, err, "netrc: internal cross-check failed at line "+c.line)
		})
	}
	_, found, err := parsed(t, twoEntries).LookupWith(netrcfile.Query{Host: "h.example"}, says(right))
	require.NoError(t, err)
	assert.True(t, found, "the right answer passes")
}

func TestWhetherAnEntryIsTheDefaultIsChecked(t *testing.T) {
	t.Parallel()
	// An empty entry, since in others go-netrc no longer finds the values either.
	_, found, err := parsed(t, "machine h.example\ndefault\n").LookupWith(netrcfile.Query{Host: "x.example", AllowDefault: true},
		func(text string) (*netrc.Netrc, error) {
			n, err := netrc.ParseString(text)
			n.Machines()[0].IsDefault = false
			return n, err
		})
	assert.False(t, found)
	require.EqualError(t, err, "netrc: internal cross-check failed at line 2")
}
