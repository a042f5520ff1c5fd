// SPDX-License-Identifier: BSD-3-Clause

package login_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/login"
)

// robot returns a login that needs nobody and gives these tokens.
func robot(t *testing.T, f *fake, tokens ...answer) *login.Cached {
	t.Helper()
	f.inTurn(tokenPath, tokens...)
	g, err := login.NewClientCredentials(f.confidential(t))
	require.NoError(t, err)
	return cached(t, g, filepath.Join(t.TempDir(), "logins"))
}

func target(t *testing.T, raw string, audience ...string) scicred.Target {
	t.Helper()
	target := scicred.Target{Audience: audience}
	if raw != "" {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		target.URL = u
	}
	return target
}

func TestALoginGoesOnlyWhereItIsBoundTo(t *testing.T) {
	t.Parallel()
	f := newFake()
	aJWT := jwt(map[string]any{"aud": "https://data.example.org"})
	for name, tt := range map[string]struct {
		bind     login.Binding
		goes     []scicred.Target
		goesNot  []scicred.Target
		mistaken bool
	}{
		"host": {
			bind:    login.Binding{Hosts: []string{"data.example.org"}},
			goes:    []scicred.Target{target(t, "https://data.example.org/x"), target(t, "https://data.example.org:8443", "other")},
			goesNot: []scicred.Target{target(t, "https://evil.example.org"), target(t, "https://x.data.example.org"), target(t, ""), target(t, "", "https://data.example.org")},
		},
		"origin": {
			bind:    login.Binding{Audiences: []string{"https://data.example.org"}},
			goes:    []scicred.Target{target(t, "https://data.example.org/x"), target(t, "", "https://data.example.org")},
			goesNot: []scicred.Target{target(t, "https://evil.example.org"), target(t, "http://data.example.org"), target(t, "https://data.example.org", "other"), target(t, "")},
		},
		"audience": {
			bind:    login.Binding{Audiences: []string{"dcache"}},
			goes:    []scicred.Target{target(t, "https://any.example.org", "x", "dcache")},
			goesNot: []scicred.Target{target(t, "https://any.example.org"), target(t, "https://dcache", "DCACHE")},
		},
		"both must fit": {
			bind:    login.Binding{Hosts: []string{"*.example.org"}, Audiences: []string{"dcache"}},
			goes:    []scicred.Target{target(t, "https://a.example.org", "dcache")},
			goesNot: []scicred.Target{target(t, "https://a.example.org"), target(t, "https://a.example.com", "dcache")},
		},
		"neither":     {mistaken: true},
		"no pattern":  {bind: login.Binding{Hosts: []string{"https://x"}}, mistaken: true},
		"no audience": {bind: login.Binding{Audiences: []string{""}}, mistaken: true},
	} {
		src, err := login.NewSource(robot(t, f, token(aJWT)), tt.bind)
		if tt.mistaken {
			assert.Error(t, err, name)
			continue
		}
		require.NoError(t, err)
		for _, to := range tt.goesNot {
			_, err := src.Token(t.Context(), to)
			assert.ErrorIs(t, err, scicred.ErrNoCredentials, "%s: %v", name, to)
			_, err = src.Peek(t.Context(), to)
			assert.ErrorIs(t, err, scicred.ErrNoCredentials, "%s: %v", name, to)
		}
		assert.Empty(t, f.requests(tokenPath), "for others nobody is asked")
		for _, to := range tt.goes {
			got, err := src.Token(t.Context(), to)
			require.NoError(t, err, "%s: %v", name, to)
			assert.Equal(t, aJWT, got.Reveal())
			_, err = src.Peek(t.Context(), to)
			require.NoError(t, err)
		}
		f.asked = nil
	}
	_, err := login.NewSource(nil, login.Binding{Hosts: []string{"*"}})
	assert.Error(t, err)
}

func TestATokenThatSaysNothingGoesNowhereWithoutHosts(t *testing.T) {
	t.Parallel()
	f := newFake()
	c := robot(t, f, token("opaque"))
	src, err := login.NewSource(c, login.Binding{Audiences: []string{"https://data.example.org"}})
	require.NoError(t, err)
	_, err = src.Token(t.Context(), target(t, "https://data.example.org"))
	require.ErrorContains(t, err, "does not say for whom it is")
	src, err = login.NewSource(c, login.Binding{Hosts: []string{"data.example.org"}})
	require.NoError(t, err)
	got, err := src.Token(t.Context(), target(t, "https://data.example.org"))
	require.NoError(t, err)
	assert.Equal(t, "opaque", got.Reveal())
}

func TestAWrongClockIsSaidToBeOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		// This machine is ten minutes ahead of the provider.
		late := jwt(map[string]any{"exp": time.Now().Add(-5 * time.Minute).Unix(), "aud": "https://data.example.org"})
		src, err := login.NewSource(robot(t, f, token(late)), login.Binding{Hosts: []string{"*"}})
		require.NoError(t, err)
		_, err = src.Token(t.Context(), target(t, "https://data.example.org"))
		var e *login.ClockError
		require.ErrorAs(t, err, &e)
		assert.EqualError(t, err, "login: the clock of this machine is about 10m ahead of the provider's, so that its tokens seem to have expired: set the clock")
	})
}

// protected is a server that wants one of these tokens.
func protected(t *testing.T, good func(string) bool) *httptest.Server {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); !good(got) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "data")
	}))
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, tr *scicred.Transport, address string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode, nil
}

func transport(t *testing.T, server *httptest.Server, c *login.Cached, hosts ...string) *scicred.Transport {
	t.Helper()
	src, err := login.NewSource(c, login.Binding{Hosts: hosts})
	require.NoError(t, err)
	tr, err := scicred.NewTransport(server.Client().Transport, scicred.WithTokenSource("sso", src), scicred.WithoutDiscovery())
	require.NoError(t, err)
	return tr
}

func TestATransportSendsTheLoginAndRenewsWhatIsRefused(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := protected(t, func(token string) bool { return token == "second" })
	tr := transport(t, server, robot(t, f, token("first"), token("second"), token("third")), "127.0.0.1")
	for range 3 {
		code, err := get(t, tr, server.URL)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, code)
	}
	assert.Len(t, f.requests(tokenPath), 2, "the first was refused, the second is kept")
}

func TestATransportSaysWhatToRunAndAsksNobody(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := protected(t, func(token string) bool { return token == "" })
	c := cached(t, device(t, f.public(t)), filepath.Join(t.TempDir(), "logins"))
	_, err := get(t, transport(t, server, c, "127.0.0.1"), server.URL)
	var need *login.InteractionRequiredError
	require.ErrorAs(t, err, &need)
	assert.ErrorContains(t, err, "run scicred login --issuer https://op.example.org --client-id cli")
	assert.Empty(t, f.asked)
	code, err := get(t, transport(t, server, c, "other.example.org"), server.URL)
	require.NoError(t, err, "the login is none of this host's business")
	assert.Equal(t, http.StatusOK, code)

	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	assert.Contains(t, transport(t, server, c, "127.0.0.1").Explain(t.Context(), u).String(), "run scicred login")
}
