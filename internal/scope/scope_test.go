// SPDX-License-Identifier: BSD-3-Clause

package scope_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/scope"
)

func TestCovers(t *testing.T) {
	t.Parallel()
	tests := map[string][]struct {
		granted, requested string
		want               bool
	}{
		"paths match by whole segments": {
			{"read:/a", "read:/a", true},
			{"read:/a", "read:/a/b", true},
			{"read:/a", "read:/a/b/c.gwf", true},
			{"read:/a", "read:/ab", false},
			{"read:/a", "read:/", false},
			{"read:/a/b", "read:/a", false},
			{"read:/a/b", "read:/a/c", false},
			{"read:/", "read:/", true},
			{"read:/", "read:/a", true},
			{"storage.create:/foo/bar", "storage.create:/foo/bar/qux", true}, // The profile's own examples.
			{"storage.create:/foo/bar", "storage.create:/foo/bargain", false},
			{"storage.create:/foo/bar", "storage.create:/foo", false},
			{"storage.modify:/baz", "storage.modify:/baz/qux", true},
		},
		"a slash at the end does not count": {
			{"read:/foo/", "read:/foo", true},
			{"read:/foo/", "read:/foo/", true},
			{"read:/foo/", "read:/foo/bar", true},
			{"read:/foo", "read:/foo/", true},
			{"read:/foo/", "read:/foobar", false},
		},
		"paths are cleaned": {
			{"read:/a//b", "read:/a/b", true},
			{"read:/a/b", "read:/a//b", true},
			{"read://a", "read:/a", true},
			{"read:/./a/.", "read:/a", true},
			{"read:/a/b", "read:/a/./b", true},
			{"read:/%2e/a", "read:/a", true},
			{"read:/a/...", "read:/a/...", true}, // Three dots are a name.
			{"read:/a/..b", "read:/a/..b", true},
		},
		"paths are decoded once, on both sides": {
			{"read:/%61", "read:/a", true},
			{"read:/a", "read:/%61/b", true},
			{"read:/a%20b", "read:/a%20b/c", true},
			{"read:/%7Ealbert", "read:/~albert", true},
			{"read:/%C3%A9", "read:/é", true},
			{"read:/a+b", "read:/a%2Bb", true},
			{"read:/a+b", "read:/a%20b", false}, // A plus is no blank in a path.
			{"read:/100%25", "read:/100%25", true},
			{"read:/a%3Fb%23c", "read:/a?b#c", true},
		},
		"an encoded slash stays encoded": {
			{"read:/a%2Fb", "read:/a%2fb", true},
			{"read:/a%2fb", "read:/a%2Fb/c", true},
			{"read:/a%2Fb", "read:/a/b", false},
			{"read:/a/b", "read:/a%2Fb", false},
			{"read:/a", "read:/a%2Fb", false},
			{"read:/", "read:/a%2Fb", true},
			{"read:/a%2F", "read:/a", false},
		},
		".. in a granted path never matches": {
			{"read:/a/../b", "read:/b", false},
			{"read:/a/../b", "read:/a/../b", false},
			{"read:/..", "read:/", false},
			{"read:/a/..", "read:/a", false},
			{"read:/a/%2e%2e/b", "read:/b", false},
			{"read:/a/.%2E/b", "read:/b", false},
			{"read:/a/%2e./b", "read:/b", false},
			{"read:/..%2Fb", "read:/..b", false},
			{"read:/a%2F..", "read:/a", false},
		},
		".. in a requested path is resolved": {
			{"read:/b", "read:/a/../b", true},
			{"read:/a", "read:/a/../b", false},
			{"read:/a", "read:/a/b/..", true},
			{"read:/a", "read:/a/..", false},
			{"read:/b", "read:/a/%2e%2e/b", true},
			{"read:/a", "read:/a/%2e%2e/b", false},
		},
		"a relative granted path never matches": {
			{"read:a", "read:/a", false},
			{"read:", "read:/", false},
			{"read:./a", "read:/a", false},
			{"read:%2Fa", "read:/a", false},
			{"read::/a", "read:/a", false},
		},
		"a granted path that is malformed never matches": {
			{"read:/a%", "read:/a", false},
			{"read:/a%2", "read:/a", false},
			{"read:/a%zz", "read:/a", false},
			{"read:/a%00", "read:/a", false},
			{"read:/a\x00", "read:/a", false},
			{`read:/a\b`, "read:/a", false},
			{"read:/a%5Cb", "read:/a", false},
			{"read:/a read:/b", "read:/a", false},
			{"read:/\t", "read:/", false},
			{":/a", "read:/a", false},
			{"", "read:/a", false},
		},
		"a granted path that is encoded twice never matches": {
			{"read:/a/%252e%252e", "read:/a/b", false},
			{"read:/%252e", "read:/a", false},
			{"read:/a%252Fb", "read:/a%2Fb", false},
			{"read:/a%255Cb", "read:/a", false},
			{"read:/a%2500", "read:/a", false},
			{"read:/%25252e%25252e", "read:/a", false},
			{"read:/%25%32%65", "read:/a", false},
			{"read:/%252561", "read:/a", false},
		},
		"without a path it is /": {
			{"storage.read", "storage.read:/", true},
			{"storage.read", "storage.read:/a/b", true},
			{"storage.read:/", "storage.read", true},
			{"storage.read:/a", "storage.read", false},
			{"gwdatafind.read", "gwdatafind.read", true},
			{"gwdatafind.read:/", "gwdatafind.read", true},
			{"gwdatafind.read", "gwdatafind.read:/", true},
			{"gwdatafind.read:/a", "gwdatafind.read", false},
			{"compute.read", "compute.read", true},
			{"openid", "openid", true},
			{"compute.read", "compute.create", false},
		},
		"read and write without a path match nothing": {
			{"read", "read", false},
			{"read", "read:/", false},
			{"read:/", "read", false},
			{"write", "write", false},
			{"write", "write:/a", false},
			{"write:/", "write", false},
		},
		"authorisations compare exactly": {
			{"read:/a", "write:/a", false},
			{"Read:/a", "read:/a", false},
			{"storage.read:/a", "STORAGE.READ:/a", false},
			{"storage:/a", "storage.read:/a", false},
			{"storage.read:/a", "read:/a", false}, // No mapping between the profiles.
			{"read:/a", "storage.read:/a", false},
			{"rea%64:/a", "read:/a", false}, // Only paths are decoded.
		},
		"an authorisation that the profile makes part of another": {
			{"storage.modify:/a", "storage.create:/a/b", true},
			{"storage.modify:/a", "storage.create:/b", false},
			{"storage.modify:/a", "storage.create:/ab", false},
			{"storage.modify", "storage.create:/a", true},
			{"storage.create:/a", "storage.modify:/a", false},
			{"storage.modify:/a", "storage.read:/a", false},
			{"storage.stage:/a", "storage.poll:/a", true},
			{"storage.poll:/a", "storage.stage:/a", false},
			{"storage.stage:/a", "storage.read:/a", false}, // Until 1.2 it was.
			{"compute.modify", "compute.create", false},
		},
	}
	for rule, cases := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			for _, tt := range cases {
				got, err := scope.Covers([]string{tt.granted}, tt.requested)
				require.NoError(t, err, "%q for %q", tt.granted, tt.requested)
				assert.Equal(t, tt.want, got, "%q for %q", tt.granted, tt.requested)
			}
		})
	}
}

func TestAnyGrantedScopeWillDoAndBadOnesAreIgnored(t *testing.T) {
	t.Parallel()
	got, err := scope.Covers([]string{"", "read", "read:a", "read:/x/..", "read:%", "write:/a", "read:/a"}, "read:/a/b")
	require.NoError(t, err)
	assert.True(t, got)

	got, err = scope.Covers(nil, "read:/a")
	require.NoError(t, err)
	assert.False(t, got)
}

func TestMissingNamesWhatIsNotCoveredAsItWasAskedFor(t *testing.T) {
	t.Parallel()
	granted := []string{"storage.read:/data", "storage.modify:/out", "gwdatafind.read"}
	tests := map[string]struct{ requested, want []string }{
		"nothing asked":    {nil, nil},
		"all there":        {[]string{"storage.create:/out/x", "gwdatafind.read", "storage.read:/data/"}, nil},
		"all missing":      {[]string{"storage.read:/other", "read"}, []string{"storage.read:/other", "read"}},
		"some missing":     {[]string{"storage.read:/data", "storage.read:/data/../%6f", "compute.read"}, []string{"storage.read:/data/../%6f", "compute.read"}},
		"twice if twice":   {[]string{"a", "a"}, []string{"a", "a"}},
		"parts do not add": {[]string{"storage.read:/"}, []string{"storage.read:/"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := scope.Missing(granted, tt.requested)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestARequestedScopeThatCannotBeIsAnError(t *testing.T) {
	t.Parallel()
	blank := "has a blank or control character: give one scope at a time, and write a blank in a path as %20"
	tests := map[string]string{
		"":                        "does not say what is to be authorised",
		":/a":                     "does not say what is to be authorised",
		"read:a":                  "has a relative path: it must start with /",
		"read:":                   "has a relative path: it must start with /",
		"read:../a":               "has a relative path: it must start with /",
		"read:%2Fa":               "has a relative path: it must start with /",
		"storage.read:h:/a":       "has a relative path: it must start with /",
		"read:/..":                "climbs above /",
		"read:/a/../..":           "climbs above /",
		"read:/a/../../a":         "climbs above /",
		"read:/%2e%2e/a":          "climbs above /",
		"read:/./../a":            "climbs above /",
		"read:/a/b%2F..":          "has .. beside an encoded slash",
		"read:/a/..%2f..%2fetc":   "has .. beside an encoded slash",
		"read:/a%":                "has a % without two hexadecimal digits after it",
		"read:/a%4":               "has a % without two hexadecimal digits after it",
		"read:/a%g0":              "has a % without two hexadecimal digits after it",
		"read:/a%00":              "has a NUL or a backslash in its path",
		`read:/a\..\b`:            "has a NUL or a backslash in its path",
		"read:/a%5c":              "has a NUL or a backslash in its path",
		"read:/a/%252e%252e/b":    "is percent-encoded twice",
		"read:/a%252Fb":           "is percent-encoded twice",
		"read:/a write:/b":        blank, // read:/ must not grant this as one path.
		" read:/a":                blank,
		"read:/a\n":               blank,
		"read:/a\x00":             blank,
		"storage read":            blank,
		"gwdatafind.read\r\nX: 1": blank,
	}
	for requested, want := range tests {
		t.Run(requested, func(t *testing.T) {
			t.Parallel()
			_, err := scope.Covers([]string{"read:/", requested}, requested)
			var e *scope.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, want, e.Problem)
			assert.Equal(t, requested, e.Scope)
			assert.NotContains(t, err.Error(), "\n")

			missing, err := scope.Missing([]string{"read:/"}, []string{"read:/a", requested, "x"})
			require.ErrorAs(t, err, &e)
			assert.Nil(t, missing)
		})
	}
}

func TestParseBringsPathsIntoOneForm(t *testing.T) {
	t.Parallel()
	tests := map[string]scope.Scope{
		"read:/":                 {Authz: "read", Path: "/"},
		"read://.//":             {Authz: "read", Path: "/"},
		"read:/a/b/../c/":        {Authz: "read", Path: "/a/c"},
		"read:/a%2fb%20c":        {Authz: "read", Path: "/a%2Fb c"},
		"read":                   {Authz: "read"},
		"storage.read":           {Authz: "storage.read", Path: "/"},
		"storage.read:/a:b":      {Authz: "storage.read", Path: "/a:b"},
		"https://h/scope":        {Authz: "https", Path: "/h/scope"},
		"read:/%E4%BD%A0/\u4f60": {Authz: "read", Path: "/你/你"},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := scope.Parse(text)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

func TestParseGrantedTakesOnlyWhatCanCoverSomething(t *testing.T) {
	t.Parallel()
	got, ok := scope.ParseGranted("storage.read:/a%2f/b/")
	assert.True(t, ok)
	assert.Equal(t, scope.Scope{Authz: "storage.read", Path: "/a%2F/b"}, got)
	for _, text := range []string{"", "read", "write", "read:a", "read:/..", ":/"} {
		_, ok := scope.ParseGranted(text)
		assert.False(t, ok, text)
	}
}

// reference decodes and cleans a path with the standard library.
func reference(t *testing.T, text string) string {
	t.Helper()
	_, raw, found := strings.Cut(text, ":")
	if !found {
		return "/"
	}
	const slash = "\x00" // No path that matches holds it.
	decoded, err := url.PathUnescape(strings.NewReplacer("%2f", "%00", "%2F", "%00").Replace(raw))
	require.NoError(t, err)
	return strings.ReplaceAll(path.Clean(decoded), slash, "%2F")
}

func FuzzCovers(f *testing.F) {
	for _, s := range [][2]string{
		{"read:/a", "read:/a/b"},
		{"read:/a", "read:/ab"},
		{"read:/", "read:/../a"},
		{"storage.modify:/a", "storage.create:/a/%2e%2e/a"},
		{"read", "read"},
		{"a", "a:/"},
		{"read:/a%2Fb", "read:/a%2fb/c"},
		{"read:/%252e", "read:/%2e"},
		{"read:/a/../b", "read:/b"},
		{"x:/é%00", "x:/\xff"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, granted, requested string) {
		covers, err := scope.Covers([]string{granted}, requested)
		if err != nil {
			require.False(t, covers)
			return
		}
		if covers {
			p, r := reference(t, granted), reference(t, requested)
			require.True(t, p == "/" || r == p || strings.HasPrefix(r, p+"/"), "%q covers %q", p, r)
			require.NotContains(t, strings.Split(p, "/"), "..")
			require.NotContains(t, granted+requested, "\x00")
		}
		// What a path covers does not depend on how it is written.
		s, err := scope.Parse(requested)
		require.NoError(t, err)
		if s.Path == "" || strings.Contains(s.Path, "%") {
			return
		}
		plain, err := scope.Covers([]string{granted}, s.Authz+":"+(&url.URL{Path: s.Path}).EscapedPath())
		require.NoError(t, err)
		require.Equal(t, covers, plain)
	})
}
