// SPDX-License-Identifier: BSD-3-Clause

package login_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/login"
)

func TestEndpointsAreLookedUpOnceAndWhenTheyAreNeeded(t *testing.T) {
	t.Parallel()
	f := newFake()
	p, err := login.OpenID(f.base + "/")
	require.NoError(t, err)
	assert.Equal(t, f.base, p.Name())
	assert.Empty(t, f.requests(metadataPath))
	for range 2 {
		e, err := p.Endpoints(t.Context(), f.http())
		require.NoError(t, err)
		assert.Equal(t, login.Endpoints{
			Issuer: f.base, Token: f.base + "/token", Device: f.base + "/device/auth",
			Revocation: f.base + "/revoke", Introspection: f.base + "/introspect", EndSession: f.base + "/end",
		}, e)
	}
	assert.Len(t, f.requests(metadataPath), 1)
}

func TestEndpointsOfARealServerAreLookedUpOverTLS(t *testing.T) {
	t.Parallel()
	f := newFake()
	server := httptest.NewTLSServer(f)
	t.Cleanup(server.Close)
	f.base = server.URL
	e, err := f.provider(t).Endpoints(t.Context(), server.Client())
	require.NoError(t, err)
	assert.Equal(t, server.URL+"/token", e.Token)
}

func TestAKeycloakRealmIsFoundWithAndWithoutTheOldPrefix(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		given, is string
		asked     int // how many documents
	}{
		"new server":                      {"", "", 1},
		"old server":                      {"", "/auth", 2},
		"old server, prefix given":        {"/auth/", "/auth", 1},
		"new server, prefix given":        {"/auth", "", 2},
		"new server below another prefix": {"/kc", "/kc", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			root := f.base + tt.is + "/realms/a realm"
			f.always(tt.is+"/realms/a realm"+metadataPath, object(map[string]any{
				"issuer": f.base + tt.is + "/realms/a%20realm", "token_endpoint": f.base + tokenPath,
			}))
			p, err := login.Keycloak(f.base+tt.given, "a realm")
			require.NoError(t, err)
			e, err := p.Endpoints(t.Context(), f.http())
			require.NoError(t, err, root)
			assert.Equal(t, f.base+tokenPath, e.Token)
			assert.Len(t, f.asked, tt.asked)
		})
	}
}

func TestADocumentAboutAnotherIssuerIsRefused(t *testing.T) {
	t.Parallel()
	f := newFake()
	other := f.metadata()
	other["issuer"] = "https://evil.example.org"
	f.always(metadataPath, object(other))
	_, err := f.provider(t).Endpoints(t.Context(), f.http())
	var e *login.AuthError
	require.ErrorAs(t, err, &e)
	assert.EqualError(t, err, "login: discovery from https://op.example.org/.well-known/openid-configuration: the document cannot be used: it is about the issuer https://evil.example.org")

	f.always("/realms/a"+metadataPath, object(map[string]any{"issuer": f.base + "/realms/b", "token_endpoint": f.base + tokenPath}))
	k, err := login.Keycloak(f.base, "a")
	require.NoError(t, err)
	_, err = k.Endpoints(t.Context(), f.http())
	assert.ErrorContains(t, err, "another realm")
}

func TestOnlyHTTPSOrThisMachineIsAProvider(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"https://op.example.org", "https://op.example.org:8443/x", "http://127.0.0.1:8080", "http://[::1]:1", "http://localhost"} {
		_, err := login.OpenID(good)
		assert.NoError(t, err, good)
		_, err = login.Keycloak(good, "r")
		assert.NoError(t, err, good)
	}
	for _, bad := range []string{"http://op.example.org", "op.example.org", "", "https://", "https://:443", "ftp://op.example.org", "https://user:hunter2@op.example.org", "https://op.example.org#x", "http://localhost.example.org", ":"} {
		for name, provider := range map[string]func() (*login.Provider, error){
			"OpenID":   func() (*login.Provider, error) { return login.OpenID(bad) },
			"Keycloak": func() (*login.Provider, error) { return login.Keycloak(bad, "r") },
			"Given":    func() (*login.Provider, error) { return login.Given(login.Endpoints{Token: bad}) },
			"Device": func() (*login.Provider, error) {
				return login.Given(login.Endpoints{Token: "https://op.example.org", Device: "x" + bad})
			},
		} {
			p, err := provider()
			assert.Nil(t, p, name)
			require.Error(t, err, "%s of %q", name, bad)
			assert.NotContains(t, err.Error(), "hunter2")
		}
	}
	for _, realm := range []string{"", "a/b", "a?", "..", "#"} {
		_, err := login.Keycloak("https://op.example.org", realm)
		assert.Error(t, err, realm)
	}
}

func TestADocumentWithACleartextEndpointIsRefused(t *testing.T) {
	t.Parallel()
	f := newFake()
	m := f.metadata()
	m["device_authorization_endpoint"] = "http://op.example.org/device"
	f.always(metadataPath, object(m))
	_, err := f.provider(t).Endpoints(t.Context(), f.http())
	assert.ErrorContains(t, err, "anybody on the way could read the secrets")
}

func TestGivenEndpointsAreNotLookedUp(t *testing.T) {
	t.Parallel()
	p, err := login.Given(login.Endpoints{Issuer: "https://a.example.org/", Token: "https://b.example.org/t"})
	require.NoError(t, err)
	assert.Equal(t, "https://a.example.org", p.Name())
	e, err := p.Endpoints(t.Context(), &http.Client{Transport: http.NewFileTransport(http.Dir("."))})
	require.NoError(t, err)
	assert.Equal(t, "https://b.example.org/t", e.Token)
}

func TestDiscoveryOutlastsAShortFailureAndTellsALongOne(t *testing.T) {
	t.Parallel()
	good := object(newFake().metadata())
	for name, tt := range map[string]struct {
		answers []answer
		says    string // "" if it works
		tries   int
		seconds int
		is      error
	}{
		"500, then good":           {[]answer{html(500), good}, "", 2, 1, nil},
		"reset, then good":         {[]answer{{}, good}, "", 2, 1, nil},
		"HTML of a proxy, good":    {[]answer{html(200), good}, "", 2, 1, nil},
		"503 with Retry-After":     {[]answer{{status: 503, header: map[string]string{"Retry-After": "7"}}, good}, "", 2, 7, nil},
		"Retry-After of a day":     {[]answer{{status: 503, header: map[string]string{"Retry-After": "86400"}}, good}, "", 2, 60, nil},
		"503 for long":             {[]answer{html(503)}, "it answered 503 Service Unavailable (text/html)", 3, 3, login.ErrTemporary},
		"resets for long":          {[]answer{{}}, "it cannot be reached: connection reset by peer", 3, 3, login.ErrTemporary},
		"HTML for long":            {[]answer{html(200)}, "the answer (text/html) is broken JSON", 3, 3, login.ErrTemporary},
		"not there":                {[]answer{html(404)}, "it answered 404 Not Found (text/html)", 1, 0, nil},
		"redirect":                 {[]answer{{status: 302, header: map[string]string{"Location": "https://sso.example.org/?token=x"}}}, "it answered with a redirect, which is not followed with secrets: give the address it leads to, https://sso.example.org/?token=REDACTED", 1, 0, nil},
		"no token endpoint":        {[]answer{object(map[string]any{"issuer": "https://op.example.org"})}, "the document cannot be used: the token endpoint is missing", 1, 0, nil},
		"endpoint of another type": {[]answer{object(map[string]any{"issuer": "https://op.example.org", "token_endpoint": 7})}, "token_endpoint is not a string", 1, 0, nil},
		"endless":                  {[]answer{{status: 200, body: string(make([]byte, 2<<20))}}, "the answer is longer than 1048576 bytes", 1, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.inTurn(metadataPath, tt.answers...)
				start := time.Now()
				_, err := f.provider(t).Endpoints(t.Context(), f.http())
				if tt.says == "" {
					require.NoError(t, err)
				} else {
					var e *login.AuthError
					require.ErrorAs(t, err, &e)
					assert.ErrorContains(t, err, tt.says)
					assert.NotContains(t, err.Error(), "secret words")
				}
				if tt.is != nil {
					assert.ErrorIs(t, err, tt.is)
				} else {
					assert.NotErrorIs(t, err, login.ErrTemporary)
				}
				assert.Len(t, f.requests(metadataPath), tt.tries)
				assert.Equal(t, time.Duration(tt.seconds)*time.Second, time.Since(start))
			})
		})
	}
}

func TestACallerWhoHasNoTimeIsNotTakenForAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.on(metadataPath, func(int, url.Values) answer { return html(503) })
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		_, err := f.provider(t).Endpoints(ctx, f.http())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.NotErrorIs(t, err, login.ErrTemporary)
		assert.EqualError(t, err, "login: discovery: the time that the caller allowed is over: context deadline exceeded")
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add(`{"issuer":"https://a","token_endpoint":"https://a/t"}`)
	f.Add(`{"issuer":null,"token_endpoint":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := login.ParseMetadata(text)
		if err != nil {
			return
		}
		_, err = login.Given(*e)
		assert.NoError(t, err, "what is taken can be given")
		assert.NotEmpty(t, e.Issuer)
	})
}
