// SPDX-License-Identifier: BSD-3-Clause

package origin_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/origin"
)

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	require.NoError(t, err)
	return u
}

func TestOriginIsSchemeHostAndPort(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b string
		same bool
	}{
		{"https://h.example", "https://h.example/path?q", true},
		{"https://h.example", "https://H.EXAMPLE:443", true},
		{"https://h.example", "https://h.example:8443", false},
		{"https://h.example", "http://h.example", false},
		{"https://h.example", "https://sub.h.example", false},
		{"https://h.example", "https://h.example.", false},
		{"https://h.example", "https://user:p@h.example", true},
		{"http://h.example:80", "http://h.example", true},
		{"https://[::1]", "https://[::1]:443", true},
		{"https://K.example", "https://\u212A.example", false}, // KELVIN SIGN folds to k in Unicode, not here
	}
	for _, tt := range tests {
		t.Run(tt.a+" "+tt.b, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.same, origin.Of(mustURL(t, tt.a)) == origin.Of(mustURL(t, tt.b)))
		})
	}
}

func TestAudiencesOfAnOrigin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want []string
	}{
		{"https://H.example/x", []string{"https://h.example"}},
		{"https://h.example:443", []string{"https://h.example"}},
		{"https://h.example:8443", []string{"https://h.example", "https://h.example:8443"}},
		{"https://[2001:db8::1]:8443", []string{"https://[2001:db8::1]", "https://[2001:db8::1]:8443"}},
		{"http://h.example:443", []string{"http://h.example", "http://h.example:443"}},
		{"osdf://h/ns", []string{"osdf://h"}},
		{"root://h:1094//f", []string{"root://h", "root://h:1094"}},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, origin.Of(mustURL(t, tt.in)).Audiences(), tt.in)
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"http://localhost:1": true, "http://LOCALHOST": true, "http://127.0.0.1": true, "http://127.9.9.9": true, "http://[::1]:1": true,
		"http://[::ffff:127.0.0.1]": true, "http://localhost.example": false, "http://127.0.0.1.example": false, "http://10.0.0.1": false, "http://[::2]": false,
	} {
		assert.Equal(t, want, origin.Of(mustURL(t, in)).Loopback(), in)
	}
}

func TestPresigned(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"https://h/f?X-Amz-Signature=a": true, "https://h/f?a=1&x-amz-signature=a": true, "https://h/f?X%2DAmz%2DSignature=a": true,
		"https://h/f?X-Goog-Signature=a": true, "https://h/f?AWSAccessKeyId=a&Signature=b": true, "https://h/f?sv=1&sig=b": true,
		"https://h/f": false, "https://h/f?signal=1": false, "https://h/sig": false, "https://h/f?design=sig": false,
	} {
		assert.Equal(t, want, origin.Presigned(mustURL(t, in)), in)
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, url string
		match        bool
	}{
		{"h.example", "https://h.example", true},
		{"H.Example", "https://h.eXample:8443", true},
		{"h.example", "https://sub.h.example", false},
		{"h.example:8443", "https://h.example:8443", true},
		{"h.example:8443", "https://h.example", false},
		{"h.example:443", "https://h.example", true},
		{"*.example.org", "https://a.example.org", true},
		{"*.example.org", "https://a.b.example.org", true},
		{"*.example.org", "https://example.org", false},
		{"*.example.org", "https://evilexample.org", false},
		{"*.example.org", "https://example.org.evil", false},
		{"*.example.org:8443", "https://a.example.org:8443", true},
		{"*.example.org:8443", "https://a.example.org", false},
		{"*", "https://anything:1", true},
		{"[::1]:8443", "https://[::1]:8443", true},
		{"::1", "https://[::1]", true},
		{"[::1]", "https://[::1]:9", true},
	}
	for _, tt := range tests {
		p, err := origin.ParsePattern(tt.pattern)
		require.NoError(t, err, tt.pattern)
		assert.Equal(t, tt.match, p.Match(origin.Of(mustURL(t, tt.url))), "%s on %s", tt.pattern, tt.url)
	}
	for _, bad := range []string{"", "https://h", "h/path", "h:0", "h:99999", "h:x", "a.*.org", "*x", "*.", "**", "u@h", "h h", "[::1", "a:b:c", "h:"} {
		_, err := origin.ParsePattern(bad)
		assert.Error(t, err, bad)
	}
	_, err := origin.ParsePatterns(nil)
	assert.Error(t, err, "no pattern at all is neither everywhere nor nowhere")
}

// chain links requests as net/http does: the last is the newest.
func chain(t *testing.T, urls ...string) *http.Request {
	t.Helper()
	var prev *http.Request
	for _, s := range urls {
		r := &http.Request{URL: mustURL(t, s)}
		if prev != nil {
			r.Response = &http.Response{Request: prev}
		}
		prev = r
	}
	return prev
}

func TestWalkIsStickyAndFailsClosed(t *testing.T) {
	t.Parallel()
	trusted, err := origin.ParsePatterns([]string{"*.pool.example", "door.example:8443"})
	require.NoError(t, err)
	const d, p, x = "https://door.example/a", "https://a.pool.example", "https://evil.example"
	tests := []struct {
		name      string
		urls      []string
		hop       origin.Hop
		downgrade bool
	}{
		{"the first request", []string{d}, origin.First, false},
		{"same origin", []string{d, "https://door.example:443/b"}, origin.Same, false},
		{"another port", []string{d, "https://door.example:9/b"}, origin.Foreign, false},
		{"another port that is trusted", []string{d, "https://door.example:8443/b"}, origin.Trusted, false},
		{"subdomain", []string{d, "https://x.door.example"}, origin.Foreign, false},
		{"trusted host", []string{d, p}, origin.Trusted, false},
		{"trusted host and back", []string{d, p, d}, origin.Same, false},
		{"foreign host", []string{d, x}, origin.Foreign, false},
		{"foreign host and back: sticky", []string{d, x, d}, origin.Foreign, false},
		{"trusted after foreign: sticky", []string{d, x, p}, origin.Foreign, false},
		{"cleartext after https", []string{d, "http://door.example/a"}, origin.Foreign, true},
		{"cleartext after https on a trusted host", []string{d, "http://a.pool.example"}, origin.Foreign, true},
		{"https again after cleartext", []string{d, "http://a.pool.example", p}, origin.Foreign, false},
		{"https after cleartext", []string{"http://door.example", d}, origin.Foreign, false},
		{"first in cleartext, trusted TLS, back to cleartext", []string{"http://door.example", p, "http://door.example"}, origin.Same, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := chain(t, tt.urls...)
			got := origin.Walk(req, trusted)
			assert.Equal(t, tt.hop, got.Hop)
			assert.Equal(t, tt.downgrade, got.Downgrade)
			if tt.hop != origin.Foreign {
				assert.Equal(t, tt.urls[0], got.First.URL.String())
			}
		})
	}
	t.Run("a broken link is foreign", func(t *testing.T) {
		t.Parallel()
		r := &http.Request{URL: mustURL(t, d), Response: &http.Response{}}
		assert.Equal(t, origin.Foreign, origin.Walk(r, trusted).Hop)
	})
	t.Run("more than MaxHops hops are foreign", func(t *testing.T) {
		t.Parallel()
		urls := make([]string, origin.MaxHops+1)
		for i := range urls {
			urls[i] = d
		}
		assert.Equal(t, origin.Foreign, origin.Walk(chain(t, urls...), trusted).Hop)
		assert.Equal(t, origin.Same, origin.Walk(chain(t, urls[1:]...), trusted).Hop)
	})
	t.Run("a ring is foreign and ends", func(t *testing.T) {
		t.Parallel()
		r := &http.Request{URL: mustURL(t, d)}
		r.Response = &http.Response{Request: r}
		assert.Equal(t, origin.Foreign, origin.Walk(r, trusted).Hop)
	})
}

func FuzzParsePattern(f *testing.F) {
	for _, s := range []string{"h", "*.e", "[::1]:1", "*", "a:1"} {
		f.Add(s, "https://h.example:8443")
	}
	f.Fuzz(func(t *testing.T, s, raw string) {
		p, err := origin.ParsePattern(s)
		if err != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		_ = p.Match(origin.Of(u))
		_ = origin.Presigned(u)
	})
}

func TestAnOriginIsNamedByItsAudiencesAlone(t *testing.T) {
	t.Parallel()
	audiences := []string{
		"https://h.example", "https://h.example:8443", "https://h.example:443", "https://h.example:84433", "https://h.example:", "https://h.example/",
		"https://H.example", "http://h.example", "https://h.example.org", "h.example", "https://", "", "https://[::1]", "https://[::1]:8443", "https://::1", "https://[::1", "ANY",
	}
	for _, raw := range []string{"https://h.example", "https://h.example:8443", "https://H.EXAMPLE:443/x", "http://h.example:443", "https://[::1]", "https://[::1]:8443", "root://h.example:1094"} {
		o := origin.Of(mustURL(t, raw))
		list := o.Audiences()
		for _, a := range audiences {
			assert.Equal(t, slices.Contains(list, a), o.Names(a), "%s names %s", a, raw)
		}
		for _, a := range list {
			assert.True(t, o.Names(a), "%s names %s", a, raw)
		}
		b, withPort := o.AppendAudience(nil)
		made := []string{string(b)}
		if withPort {
			made = append(made, string(b)+":"+o.Port)
		}
		assert.Equal(t, list, made)
	}
}
