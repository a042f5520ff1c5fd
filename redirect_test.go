// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

// greedy is a world with one credential of a kind that would fit every host, so
// that only the rules of attaching keep it at home.
func greedy(t *testing.T, kind scicred.Kind) *scicred.System {
	t.Helper()
	env := map[string]string{}
	sys := netrcWorld(t, "", env)
	dir := t.TempDir()
	switch kind {
	case scicred.KindToken:
		env["BEARER_TOKEN"] = issuer().SciToken(credtest.Claims{"aud": "ANY"})
	case scicred.KindX509:
		env["X509_USER_PROXY"] = filepath.Join(dir, "proxy")
		proxy := credtest.NewCA("Users").User("albert").Proxy()
		require.NoError(t, os.WriteFile(env["X509_USER_PROXY"], proxy.PEM(), 0o600))
	case scicred.KindBasic:
		env["NETRC"] = filepath.Join(dir, "netrc")
		var b strings.Builder
		for _, host := range []string{"localhost", "127.0.0.1", "sub.localhost", "pool.example.org"} {
			fmt.Fprintf(&b, "machine %s login albert password einstein\n", host)
		}
		require.NoError(t, os.WriteFile(env["NETRC"], []byte(b.String()), 0o600))
	}
	return sys
}

// carries reports whether a request arrived with a credential of the kind.
func carries(a credtest.Arrival, kind scicred.Kind) bool {
	for _, s := range a.Secrets() {
		if s.Kind == kind {
			return true
		}
	}
	return false
}

func TestRedirectMatrix(t *testing.T) { //nolint:tparallel // the cases share a site, whose arrivals they read
	t.Parallel()
	destinations := []struct {
		name string
		to   func(*credtest.Site) string // where the first answer sends the client
		then func(*credtest.Site) string // where that one sends it, if anywhere
		goes bool                        // whether the credential goes along to the last one
	}{
		{"same origin", func(s *credtest.Site) string { return s.Origin }, nil, true},
		{"other port", func(s *credtest.Site) string { return s.OtherPort }, nil, false},
		{"other scheme", func(s *credtest.Site) string { return s.Plain }, nil, false},
		{"subdomain", func(s *credtest.Site) string { return s.As("sub.localhost") }, nil, false},
		{"other host", func(s *credtest.Site) string { return s.OtherHost }, nil, false},
		{"trusted host", func(s *credtest.Site) string { return s.As("pool.example.org") }, nil, true},
		{"other host and back", func(s *credtest.Site) string { return s.OtherHost }, func(s *credtest.Site) string { return s.Origin }, false},
		{"other scheme and back", func(s *credtest.Site) string { return s.Plain }, func(s *credtest.Site) string { return s.Origin }, false},
		{"trusted host and back", func(s *credtest.Site) string { return s.As("pool.example.org") }, func(s *credtest.Site) string { return s.Origin }, true},
		{"other host and on to a trusted one", func(s *credtest.Site) string { return s.OtherHost }, func(s *credtest.Site) string { return s.As("pool.example.org") }, false},
		{"trusted host and on to another", func(s *credtest.Site) string { return s.As("pool.example.org") }, func(s *credtest.Site) string { return s.OtherPort }, false},
	}
	for _, kind := range []scicred.Kind{scicred.KindToken, scicred.KindX509, scicred.KindBasic} {
		for _, h2 := range []bool{true, false} {
			site := credtest.NewSite()
			t.Cleanup(site.Close)
			base := site.Transport()
			base.ForceAttemptHTTP2 = h2
			tr, err := scicred.NewTransport(base, scicred.WithSystem(greedy(t, kind)), scicred.WithTrustedHosts("*.example.org"))
			require.NoError(t, err)
			client := &http.Client{Transport: tr}
			t.Cleanup(client.CloseIdleConnections)
			for _, code := range []int{301, 302, 303, 307, 308} {
				for i, d := range destinations {
					t.Run(fmt.Sprintf("%s/http2=%v/%d/%s", kind, h2, code, d.name), func(t *testing.T) {
						start := fmt.Sprintf("/start/%d/%d", code, i)
						middle := fmt.Sprintf("/middle/%d/%d", code, i)
						end := fmt.Sprintf("/end/%d/%d", code, i)
						if d.then != nil {
							site.Handle(middle, credtest.Redirect(code, d.then(site)+end))
							site.Handle(start, credtest.Redirect(code, d.to(site)+middle))
						} else {
							site.Handle(start, credtest.Redirect(code, d.to(site)+end))
						}
						req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, site.Origin+start+"?q=1", strings.NewReader("body"))
						require.NoError(t, err)
						req.Header.Set("TransferHeaderAuthorization", "Bearer for-the-other-side")
						resp, err := client.Do(req)
						require.NoError(t, err)
						require.NoError(t, resp.Body.Close())
						foreign := false
						for _, a := range site.Arrivals() {
							switch a.Path {
							case start:
								assert.True(t, carries(a, kind), "the first hop carries it")
							case middle:
								foreign = foreign || d.to(site) != site.Origin && !strings.Contains(a.Origin, "example.org")
								assert.Equal(t, !foreign, carries(a, kind), "%s", a.Secrets())
							case end:
								assert.Equal(t, d.goes, carries(a, kind), "%s", a.Secrets())
								if !d.goes {
									assert.Empty(t, a.Secrets(), "nothing at all may arrive off the first origin")
								}
							}
						}
						last := site.Arrivals()[len(site.Arrivals())-1]
						assert.Equal(t, end, last.Path)
					})
				}
			}
		}
	}
}

func TestTheCallersOwnHeadersOnARedirect(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(empty(t, nil)))
	require.NoError(t, err)
	do := func(path string, check func(*http.Request, []*http.Request) error) credtest.Arrival {
		site.Forget()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.Origin+path+"?secret=1", http.NoBody)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer mine")
		resp, err := (&http.Client{Transport: tr, CheckRedirect: check}).Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		all := site.Arrivals()
		return all[len(all)-1]
	}
	site.Handle("/port", credtest.Redirect(302, site.OtherPort+"/end"))
	site.Handle("/plain", credtest.Redirect(302, site.Plain+"/end"))
	site.Handle("/same", credtest.Redirect(302, "/end"))
	assert.Empty(t, do("/port", nil).Secrets(), "net/http copies it to another port; it is taken off")
	assert.Empty(t, do("/plain", nil).Secrets(), "net/http copies it to cleartext; it is taken off")
	assert.Equal(t, "mine", do("/same", nil).Token(), "on the same origin net/http's copy stays")
	onPurpose := func(r *http.Request, _ []*http.Request) error {
		r.Header.Set("Authorization", "Bearer for-that-port")
		return nil
	}
	assert.Equal(t, "for-that-port", do("/port", onPurpose).Token(), "what CheckRedirect puts there is the caller's wish")
}

func TestALoopEndsWithAnErrorAndItsBodyClosed(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	site.Handle("/loop", credtest.Redirect(302, "/loop"))
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(greedy(t, scicred.KindToken)))
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: tr}).Get(site.Origin + "/loop")
	require.ErrorContains(t, err, "stopped after 10 redirects")
	require.NotNil(t, resp)
	_, err = resp.Body.Read(make([]byte, 1))
	require.Error(t, err, "the body is closed")
}

func TestATokenForTheDirectorGoesToTrustedCaches(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	site.Handle(site.Origin+"/ns/f", credtest.Redirect(307, site.As("cache.example.org")+"/ns/f"))
	tok := issuer().WLCG(credtest.Claims{"aud": "https://localhost"})
	other := issuer().WLCG(credtest.Claims{"aud": "https://elsewhere.example"})
	for raw, want := range map[string]string{tok: tok, other: ""} {
		site.Forget()
		tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(empty(t, map[string]string{"BEARER_TOKEN": raw})), scicred.WithTrustedHosts("*.example.org"))
		require.NoError(t, err)
		resp, err := (&http.Client{Transport: tr}).Get(site.Origin + "/ns/f")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		all := site.Arrivals()
		require.Len(t, all, 2)
		assert.Equal(t, want, all[1].Token(), "the WLCG profile asks servers to accept the director's audience")
	}
}

func TestFailIfNoAuthIsJudgedOnTheFirstHop(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	site.Handle("/f", credtest.Redirect(302, site.OtherHost+"/presigned?X-Amz-Signature=x"))
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(greedy(t, scicred.KindToken)), scicred.FailIfNoAuth(scicred.KindToken))
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: tr}).Get(site.Origin + "/f")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Empty(t, site.Leaks(site.OtherHost))
}

func TestWithHostsHoldsOnEveryHop(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	site.Handle("/f", credtest.Redirect(302, site.As("a.example.org")+"/g"))
	site.Handle("/g", credtest.Redirect(302, site.As("b.example.net")+"/h"))
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(greedy(t, scicred.KindToken)),
		scicred.WithHosts("localhost"), scicred.WithTrustedHosts("*.example.org", "*.example.net"))
	require.NoError(t, err)
	ctx := scicred.NewContext(t.Context(), scicred.WithHosts("localhost"))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, site.Origin+"/f", http.NoBody)
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: tr}).Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	for _, a := range site.Arrivals() {
		assert.NotEmpty(t, a.Token(), "WithTrustedHosts widens WithHosts on redirects: %s", a.Origin)
	}
	// But never on the first hop.
	site.Forget()
	resp, err = (&http.Client{Transport: tr}).Get(site.As("a.example.org") + "/x")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Empty(t, site.Leaks(site.As("a.example.org")))
}

func TestCheckResponseSeesAWriteThatBecameARead(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(empty(t, nil)))
	require.NoError(t, err)
	tests := []struct {
		method string
		code   int
		want   string
	}{
		{http.MethodPut, 301, "a redirect turned the PUT into a GET"},
		{http.MethodPut, 302, "a redirect turned the PUT into a GET"},
		{http.MethodDelete, 302, "a redirect turned the DELETE into a GET"},
		{"MKCOL", 301, "a redirect turned the MKCOL into a GET"},
		{http.MethodPut, 307, ""},
		{http.MethodPut, 303, ""}, // "see other" means a GET (RFC 9110 section 15.4.4)
		{http.MethodPost, 302, ""},
		{http.MethodGet, 302, ""},
	}
	for _, tt := range tests {
		site.Handle("/w", credtest.Redirect(tt.code, "/elsewhere"))
		req, err := http.NewRequestWithContext(t.Context(), tt.method, site.Origin+"/w", strings.NewReader("data"))
		require.NoError(t, err)
		resp, err := (&http.Client{Transport: tr}).Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		err = scicred.CheckResponse(resp)
		if tt.want == "" {
			assert.NoError(t, err, "%s %d", tt.method, tt.code)
			continue
		}
		require.ErrorContains(t, err, tt.want)
		var se *scicred.StatusError
		require.ErrorAs(t, err, &se)
		assert.Equal(t, http.StatusOK, se.StatusCode)
	}
	// A redirect that was not followed is no success either.
	site.Handle("/w", credtest.Redirect(307, "/elsewhere?token=hidden"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, site.Origin+"/w", &onceReader{strings.NewReader("x")})
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: tr}).Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	err = scicred.CheckResponse(resp)
	require.ErrorContains(t, err, "was not followed")
	assert.NotContains(t, err.Error(), "hidden")
}

// onceReader hides what would let http.NewRequest set GetBody.
type onceReader struct{ *strings.Reader }

func TestARefusalAfterAForeignRedirectSaysSo(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	site.Handle("/f", credtest.Redirect(302, site.OtherHost+"/g"))
	site.Handle("/g", credtest.Answer(http.StatusForbidden, "no"))
	sys := empty(t, map[string]string{"BEARER_TOKEN": issuer().SciToken(credtest.Claims{"aud": "https://localhost"})})
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(sys))
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: tr}).Get(site.Origin + "/f")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.ErrorContains(t, scicred.CheckResponse(resp), "no credential was sent: redirected here from another origin ("+site.Origin+")")
}

func TestCheckResponseStatuses(t *testing.T) {
	t.Parallel()
	u, err := url.Parse("https://u:pw@h.example/f?sig=hidden")
	require.NoError(t, err)
	for code, ok := range map[int]bool{100: true, 101: true, 200: true, 204: true, 206: true, 304: true, 300: false, 302: false, 400: false, 401: false, 404: false, 500: false, 503: false} {
		resp := &http.Response{StatusCode: code, Header: http.Header{"Retry-After": {"7"}}, Request: &http.Request{Method: http.MethodGet, URL: u}}
		err := scicred.CheckResponse(resp)
		if ok {
			assert.NoError(t, err, code)
			continue
		}
		var se *scicred.StatusError
		require.ErrorAs(t, err, &se, code)
		assert.Equal(t, code, se.StatusCode)
		assert.Equal(t, 7*time.Second, se.RetryAfter)
		assert.NotContains(t, err.Error(), "hidden")
		assert.NotContains(t, err.Error(), "pw")
		assert.Contains(t, err.Error(), fmt.Sprint(code))
	}
}
