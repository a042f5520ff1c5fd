// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
)

func TestFlagsMayStandAnywhere(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--scope", "a", "--scope=b", "-v", "x", "y"},
		{"x", "--scope", "a", "y", "-scope", "b", "-v"},
		{"x", "y", "--token-scope=a", "--scope", "b", "--verbose"},
		{"-v", "--scope=a", "--scope=b", "--", "x", "y"},
	} {
		var c common
		f := newFlags("get")
		c.register(f)
		rest, err := f.parse(args)
		require.NoError(t, err, args)
		assert.Equal(t, []string{"x", "y"}, rest, args)
		assert.Equal(t, []string{"a", "b"}, c.scope, args)
		assert.True(t, c.verbose, args)
	}

	var c common
	f := newFlags("get")
	c.register(f)
	rest, err := f.parse([]string{"--", "-v", "--", "x"})
	require.NoError(t, err)
	assert.Equal(t, []string{"-v", "--", "x"}, rest, "after -- nothing is a flag")
	assert.False(t, c.verbose)
}

func TestDemand(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]demand{
		"true":       {on: true},
		"false":      {},
		"token":      {on: true, kinds: []scicred.Kind{scicred.KindToken}},
		"x509,basic": {on: true, kinds: []scicred.Kind{scicred.KindX509, scicred.KindBasic}},
	} {
		var d demand
		require.NoError(t, d.Set(value))
		assert.Equal(t, want, d, value)
	}
}

func TestURLWithoutSchemeIsHTTPS(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"data.example.org":              "https://data.example.org",
		"data.example.org:8443/a?b":     "https://data.example.org:8443/a?b",
		"localhost:1/x?u=http://y":      "https://localhost:1/x?u=http://y",
		"[2001:db8::1]:8443/x":          "https://[2001:db8::1]:8443/x",
		"http://data.example.org":       "http://data.example.org",
		"root://data.example.org//x":    "root://data.example.org//x",
		"osdf://data.example.org/x":     "osdf://data.example.org/x",
		"user:word@data.example.org/ok": "https://user:word@data.example.org/ok",
	} {
		u, err := parseURL(given)
		require.NoError(t, err, given)
		assert.Equal(t, want, u.String())
	}
}

func TestHostPatternIsTheHostAndPortAlone(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://data.example.org/x":   "data.example.org:443",
		"https://data.example.org:1/x": "data.example.org:1",
		"http://localhost":             "localhost:80",
		"https://[2001:db8::1]":        "[2001:db8::1]:443",
		"root://data.example.org//x":   "data.example.org",
	} {
		u, err := parseURL(given)
		require.NoError(t, err)
		assert.Equal(t, want, hostPattern(u))
	}
	assert.Equal(t, "*", hostPattern(nil))
}

func TestWhatCannotBeBoundToAHostIsSaidPlainly(t *testing.T) {
	t.Parallel()
	zone, err := parseURL("https://[fe80::1%25lo]:1/")
	require.NoError(t, err)
	require.EqualError(t, bindable(zone, "[fe80::1]:1"), "that cannot be done for an address with a zone (the part after %)")
	require.NoError(t, bindable(nil, "*"))
	for _, given := range []string{"https://data.example.org/x", "https://[2001:db8::1]:1", "root://data.example.org//x"} {
		u, err := parseURL(given)
		require.NoError(t, err)
		require.NoError(t, bindable(u, hostPattern(u)), given)
	}
}

func TestAdviceCanBePasted(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]bool{
		"https://data.example.org:8443/x": true,
		"https://[2001:db8::1]":           true,
		"root://data_1.example.org":       true,
		"https://a.example.org;id":        false,
		"https://$(id).example.org":       false,
		"https://a'b":                     false,
	} {
		u, err := parseURL(given)
		require.NoError(t, err)
		assert.Equal(t, want, pasteable(originOf(u)), given)
	}
	assert.False(t, pasteable(originOf(nil)))
}

func TestDescribeBuild(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v0.1.0"}}
	assert.Equal(t, "v0.1.0 go1.26.8", describeBuild(info))
	info.Main.Version = "(devel)"
	info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}}
	assert.Equal(t, "(development version) 0123456789ab go1.26.8", describeBuild(info))
}

func TestEveryCommandHasAManualThatNamesItsFlags(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"discover", "get", "token"} {
		assert.NotEmpty(t, manualOf(name))
		assert.Contains(t, manual, "scicred "+name)
	}
	for _, flag := range []string{
		"--url", "--audience", "--token-audience", "--scope", "--token-scope", "--issuer", "--token-issuer", "--token-file", "--cert", "--key",
		"--netrc-file", "--no-token", "--no-x509", "--no-netrc", "--force-noauth", "--fail-if-noauth", "--trust-host", "--cacert", "--capath", "-v",
	} {
		assert.Contains(t, commonFlags, flag)
	}
}
