// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
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

// empty is a world without credentials.
func empty(t *testing.T, env map[string]string) *scicred.System {
	t.Helper()
	dir := t.TempDir()
	return &scicred.System{
		LookupEnv: func(k string) (string, bool) { v, ok := env[k]; return v, ok },
		HomeDir:   func() (string, error) { return filepath.Join(dir, "home"), nil },
		TempDir:   func() string { return filepath.Join(dir, "tmp") },
	}
}

// stub answers every request and keeps what it was given.
type stub struct {
	requests []*http.Request
	status   int
}

func (s *stub) RoundTrip(req *http.Request) (*http.Response, error) {
	s.requests = append(s.requests, req)
	status := s.status
	if status == 0 {
		status = http.StatusOK
	}
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}, Request: req}, nil
}

func (s *stub) last(t *testing.T) string {
	t.Helper()
	require.NotEmpty(t, s.requests)
	return s.requests[len(s.requests)-1].Header.Get("Authorization")
}

func get(t *testing.T, ctx context.Context, rt http.RoundTripper, rawURL string) error { //nolint:revive // t first, as everywhere in tests
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, http.NoBody)
	require.NoError(t, err)
	resp, err := rt.RoundTrip(req)
	if err == nil {
		require.NoError(t, resp.Body.Close())
	}
	return err
}

const dataURL = "https://data.example.org/f"

func issuer() *credtest.Issuer { return credtest.NewIssuer("https://issuer.example.org") }

func TestConstructorRefuses(t *testing.T) {
	t.Parallel()
	is := issuer()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	ca := credtest.NewCA("Options CA")
	proxy := file("proxy", string(ca.User("u").Proxy().PEM()))
	good := is.SciToken(credtest.Claims{"aud": "https://data.example.org"})
	noAudience := is.SciToken(credtest.Claims{"aud": nil, "ver": nil})
	foreign := &stub{}
	ownCert := &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{ca.User("v").TLS()}}}
	tests := []struct {
		rule string
		base http.RoundTripper
		opts []scicred.Option
		want string // in the error
		is   error
	}{
		{"ForceNoAuth with FailIfNoAuth", nil, []scicred.Option{scicred.ForceNoAuth(), scicred.FailIfNoAuth()}, "contradict", nil},
		{"FailIfNoAuth with ForceNoAuth", nil, []scicred.Option{scicred.FailIfNoAuth(scicred.KindToken), scicred.ForceNoAuth()}, "contradict", nil},
		{"an empty token", nil, []scicred.Option{scicred.WithToken("")}, "is empty", scicred.ErrMalformed},
		{"a token with a line break", nil, []scicred.Option{scicred.WithToken("a\r\nX-Evil: 1")}, "line break", scicred.ErrMalformed},
		{"a token with the scheme before it", nil, []scicred.Option{scicred.WithToken("Bearer abc")}, "Bearer", scicred.ErrMalformed},
		{"an opaque token without hosts", nil, []scicred.Option{scicred.WithToken("opaque-0123")}, "WithHosts", scicred.ErrNotSent},
		{"a token without audience without hosts", nil, []scicred.Option{scicred.WithToken(noAudience)}, "WithHosts", scicred.ErrNotSent},
		{"an opaque token file without hosts", nil, []scicred.Option{scicred.WithTokenFile(file("opaque", "opaque-0123"))}, "WithHosts", scicred.ErrNotSent},
		{"an expired token", nil, []scicred.Option{scicred.WithToken(is.SciToken(credtest.Claims{"aud": "https://data.example.org"}, credtest.Expired()))}, "expired", scicred.ErrExpired},
		{"a token file that is not there", nil, []scicred.Option{scicred.WithTokenFile(filepath.Join(dir, "nowhere"))}, "nowhere", fs.ErrNotExist},
		{"a token file that is a folder", nil, []scicred.Option{scicred.WithTokenFile(dir)}, "a directory", scicred.ErrMalformed},
		{"a Verifier that is never asked", nil, []scicred.Option{scicred.WithTokenPolicy(scicred.TokenPolicy{Selection: scicred.SelectWLCG, Verifier: &verifier{is: is}})}, "does not look into tokens", nil},
		{"a token file without a name", nil, []scicred.Option{scicred.WithTokenFile("")}, "no file name", nil},
		{"an empty token file", nil, []scicred.Option{scicred.WithTokenFile(file("void", ""))}, "is empty", scicred.ErrMalformed},
		{"a password without hosts", nil, []scicred.Option{scicred.WithBasicAuth("u", "p")}, "WithHosts", nil},
		{"a login with a colon", nil, []scicred.Option{scicred.WithBasicAuth("u:v", "p"), scicred.WithHosts("h")}, "colon", nil},
		{"X.509 on a foreign RoundTripper", foreign, []scicred.Option{scicred.WithX509(proxy, "")}, "not an *http.Transport", nil},
		{"X.509 on a base with its own certificate", ownCert, []scicred.Option{scicred.WithX509(proxy, "")}, "certificate of its own", nil},
		{"a certificate function on a foreign RoundTripper", foreign, []scicred.Option{scicred.WithCertificate(func(context.Context) (*tls.Certificate, error) { return nil, errors.New("x") })}, "not an *http.Transport", nil},
		{"an X.509 file that is not there", nil, []scicred.Option{scicred.WithX509(filepath.Join(dir, "nowhere"), "")}, "nowhere", fs.ErrNotExist},
		{"an X.509 file that is garbage", nil, []scicred.Option{scicred.WithX509(file("garbage", "garbage"), "")}, "garbage", scicred.ErrMalformed},
		{"an expired certificate", nil, []scicred.Option{scicred.WithX509(file("expired", string(ca.User("w", credtest.Expired()).PEM())), "")}, "expired", scicred.ErrExpired},
		{"an encrypted key", nil, []scicred.Option{scicred.WithX509(file("encrypted", string(credtest.CertKeyEncrypted.Bundle(ca))), "")}, "encrypted", scicred.ErrEncrypted},
		{"a netrc that is not there", nil, []scicred.Option{scicred.WithNetrc(filepath.Join(dir, "nowhere"))}, "nowhere", fs.ErrNotExist},
		{"a netrc with a mistake", nil, []scicred.Option{scicred.WithNetrc(file("badnetrc", "machine"))}, "line 1", scicred.ErrMalformed},
		{"no host pattern", nil, []scicred.Option{scicred.WithHosts()}, "no host pattern", nil},
		{"a bad host pattern", nil, []scicred.Option{scicred.WithTrustedHosts("https://h")}, "scheme", nil},
		{"a scope that cannot be", nil, []scicred.Option{scicred.WithScope("read:relative")}, "relative", nil},
		{"an unknown kind", nil, []scicred.Option{scicred.Without(scicred.Kind(9))}, "kind", nil},
		{"an unknown selection", nil, []scicred.Option{scicred.WithTokenPolicy(scicred.TokenPolicy{Selection: 9})}, "selection", nil},
		{"a negative leeway", nil, []scicred.Option{scicred.WithCertificateLeeway(-time.Second)}, "negative", nil},
		{"a source without a name", nil, []scicred.Option{scicred.WithTokenSource("", scicred.TokenSourceFunc(nil))}, "a name", nil},
		{"a nil option", nil, []scicred.Option{nil}, "nil option", nil},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			_, err := scicred.NewTransport(tt.base, append([]scicred.Option{scicred.WithSystem(empty(t, nil))}, tt.opts...)...)
			require.ErrorContains(t, err, tt.want)
			assert.True(t, strings.HasPrefix(err.Error(), "scicred: "), err)
			assert.Equal(t, 1, strings.Count(err.Error(), "scicred: "), err)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			assert.NotContains(t, err.Error(), good)
		})
	}
}

func TestNilBaseSurvivesAReplacedDefaultTransport(t *testing.T) { //nolint:paralleltest // changes a global of net/http
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	s := &stub{}
	http.DefaultTransport = s
	tr, err := scicred.NewTransport(nil, scicred.WithSystem(empty(t, nil)))
	require.NoError(t, err)
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	assert.Len(t, s.requests, 1)
}

func TestRequestOptionsAccumulateAndTheLaterWins(t *testing.T) {
	t.Parallel()
	is := issuer()
	one := is.SciToken(credtest.Claims{"aud": "https://data.example.org", "sub": "one"})
	two := is.SciToken(credtest.Claims{"aud": "https://data.example.org", "sub": "two"})
	type call = []scicred.RequestOption
	opts := func(o ...scicred.RequestOption) call { return o }
	tests := []struct {
		rule  string
		base  []scicred.Option
		calls []call
		want  string // Authorization
		err   error
	}{
		{"the constructor's token", []scicred.Option{scicred.WithToken(one)}, nil, "Bearer " + one, nil},
		{"a request's token wins", []scicred.Option{scicred.WithToken(one)}, []call{opts(scicred.WithToken(two))}, "Bearer " + two, nil},
		{"the inner call wins", nil, []call{opts(scicred.WithToken(one)), opts(scicred.WithToken(two))}, "Bearer " + two, nil},
		{"calls accumulate", nil, []call{opts(scicred.WithToken(one)), opts(scicred.WithScope("read:/"))}, "Bearer " + one, nil},
		{"Without switches a named token off", []scicred.Option{scicred.WithToken(one)}, []call{opts(scicred.Without(scicred.KindToken))}, "", nil},
		{"a token after Without switches the kind on", nil, []call{opts(scicred.Without(scicred.KindToken)), opts(scicred.WithToken(two))}, "Bearer " + two, nil},
		{"ForceNoAuth of a request", []scicred.Option{scicred.WithToken(one)}, []call{opts(scicred.ForceNoAuth())}, "", nil},
		{"ForceNoAuth overrides the constructor's FailIfNoAuth", []scicred.Option{scicred.FailIfNoAuth()}, []call{opts(scicred.ForceNoAuth())}, "", nil},
		{"nothing sneaks past the constructor's ForceNoAuth", []scicred.Option{scicred.ForceNoAuth()}, []call{opts(scicred.WithToken(one))}, "", nil},
		{"ForceNoAuth of the constructor fails a request that must have one", []scicred.Option{scicred.ForceNoAuth()}, []call{opts(scicred.WithToken(one), scicred.FailIfNoAuth())}, "", scicred.ErrNoCredentials},
		{"FailIfNoAuth of a request", nil, []call{opts(scicred.FailIfNoAuth())}, "", scicred.ErrNoCredentials},
		{"FailIfNoAuth is satisfied by any", []scicred.Option{scicred.WithToken(one)}, []call{opts(scicred.FailIfNoAuth())}, "Bearer " + one, nil},
		{"FailIfNoAuth demands every kind", []scicred.Option{scicred.WithToken(one)}, []call{opts(scicred.FailIfNoAuth(scicred.KindToken, scicred.KindX509))}, "", scicred.ErrNoCredentials},
		{"Without takes back a demand", []scicred.Option{scicred.FailIfNoAuth(scicred.KindToken)}, []call{opts(scicred.Without(scicred.KindToken))}, "", nil},
		{"WithHosts of a request narrows", []scicred.Option{scicred.WithToken(one), scicred.WithHosts("*.example.org")}, []call{opts(scicred.WithHosts("other.example.org"))}, "", nil},
		{"WithHosts of a request never widens", []scicred.Option{scicred.WithToken(one), scicred.WithHosts("other.example.org")}, []call{opts(scicred.WithHosts("*"))}, "", nil},
		{"nested WithHosts narrow further", []scicred.Option{scicred.WithToken(one)}, []call{opts(scicred.WithHosts("other.example.org")), opts(scicred.WithHosts("data.example.org"))}, "", nil},
		{"several WithHosts in one call are alternatives", nil, []call{opts(scicred.WithToken(one), scicred.WithHosts("x.example"), scicred.WithHosts("data.example.org"))}, "Bearer " + one, nil},
		{"a login of a request", nil, []call{opts(scicred.WithBasicAuth("u", "p"))}, "Basic dTpw", nil},
		{"a named login goes before a token", []scicred.Option{scicred.WithToken(one)}, []call{opts(scicred.WithBasicAuth("u", "p"))}, "Basic dTpw", nil},
		{"an opaque token of a request", nil, []call{opts(scicred.WithToken("opaque-0123"))}, "Bearer opaque-0123", nil},
		{"a token for another audience is withheld", nil, []call{opts(scicred.WithToken(is.SciToken(credtest.Claims{"aud": "https://other.example"})))}, "", nil},
		{"WithAudience replaces the URL's", nil, []call{opts(scicred.WithToken(is.SciToken(credtest.Claims{"aud": "https://other.example"})), scicred.WithAudience("https://other.example"))}, "Bearer", nil},
		{"WithScope demands coverage", []scicred.Option{scicred.WithToken(one)}, []call{opts(scicred.WithScope("write:/"))}, "", nil},
		{"WithIssuer demands the issuer", []scicred.Option{scicred.WithToken(one)}, []call{opts(scicred.WithIssuer("https://another.example"))}, "", nil},
		{"WithIssuer takes one of several", []scicred.Option{scicred.WithToken(one)}, []call{opts(scicred.WithIssuer("https://another.example", "https://issuer.example.org"))}, "Bearer " + one, nil},
		{"an expired token of a request is fatal", nil, []call{opts(scicred.WithToken(is.SciToken(credtest.Claims{"aud": "https://data.example.org"}, credtest.Expired())))}, "", scicred.ErrExpired},
		{"a missing file of a request is fatal", nil, []call{opts(scicred.WithTokenFile("/nowhere/token"))}, "", fs.ErrNotExist},
		{"a bad option fails the request", nil, []call{opts(scicred.WithToken(""))}, "", scicred.ErrMalformed},
		{"a bad option fails the request in nested calls too", nil, []call{opts(scicred.WithToken("")), opts(scicred.WithToken(one))}, "", scicred.ErrMalformed},
		{"contradiction in one call", nil, []call{opts(scicred.ForceNoAuth(), scicred.FailIfNoAuth())}, "contradict", errors.ErrUnsupported},
		{"Options joins", nil, []call{opts(scicred.Options(scicred.WithToken(one), scicred.WithScope("read:/")))}, "Bearer " + one, nil},
		{"WithoutDiscovery looks at no variable", nil, []call{opts(scicred.WithoutDiscovery())}, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			s := &stub{}
			env := map[string]string{}
			if strings.HasPrefix(tt.rule, "WithoutDiscovery") {
				env["BEARER_TOKEN"] = one
			}
			tr, err := scicred.NewTransport(s, append([]scicred.Option{scicred.WithSystem(empty(t, env))}, tt.base...)...)
			require.NoError(t, err)
			ctx := t.Context()
			for _, c := range tt.calls {
				ctx = scicred.NewContext(ctx, c...) //nolint:fatcontext // nesting is what is tested
			}
			for range 2 { // the second time from what was merged the first time
				err = get(t, ctx, tr, dataURL)
				switch {
				case errors.Is(tt.err, errors.ErrUnsupported):
					require.ErrorContains(t, err, tt.want)
					assert.Empty(t, s.requests)
				case tt.err != nil:
					require.ErrorIs(t, err, tt.err)
					assert.Empty(t, s.requests, "nothing may be sent")
				default:
					require.NoError(t, err)
					if tt.want == "Bearer" {
						assert.True(t, strings.HasPrefix(s.last(t), "Bearer "))
					} else {
						assert.Equal(t, tt.want, s.last(t))
					}
				}
			}
		})
	}
}

func TestOneContextServesTwoTransports(t *testing.T) {
	t.Parallel()
	is := issuer()
	tok := is.SciToken(credtest.Claims{"aud": "https://data.example.org"})
	open, closed := &stub{}, &stub{}
	a, err := scicred.NewTransport(open, scicred.WithSystem(empty(t, nil)))
	require.NoError(t, err)
	b, err := scicred.NewTransport(closed, scicred.WithSystem(empty(t, nil)), scicred.WithHosts("elsewhere.example"))
	require.NoError(t, err)
	ctx := scicred.NewContext(t.Context(), scicred.WithToken(tok))
	for range 3 {
		require.NoError(t, get(t, ctx, a, dataURL))
		require.NoError(t, get(t, ctx, b, dataURL))
		assert.Equal(t, "Bearer "+tok, open.last(t))
		assert.Empty(t, closed.last(t))
	}
}

func TestVariablesOfIGWNAuthUtils(t *testing.T) {
	t.Parallel()
	tok := issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"})
	tests := []struct {
		rule  string
		value string
		opts  []scicred.Option
		has   bool // there is a token to find
		want  bool // it is sent
		fails bool
	}{
		{"yes demands a token", "yes", nil, false, false, true},
		{"1 demands a token", "1", nil, true, true, false},
		{"Y in any case", "Y", nil, false, false, true},
		{"TRUE in any case", "TRUE", nil, false, false, true},
		{"any other value switches tokens off", "no", nil, true, false, false},
		{"0 switches tokens off", "0", nil, true, false, false},
		{"empty counts as unset", "", nil, true, true, false},
		{"an option that speaks of the kind counts more: off", "yes", []scicred.Option{scicred.Without(scicred.KindToken)}, true, false, false},
		{"an option that speaks of the kind counts more: on", "no", []scicred.Option{scicred.FailIfNoAuth(scicred.KindToken)}, true, true, false},
		{"an option of another kind does not count", "no", []scicred.Option{scicred.Without(scicred.KindX509)}, true, false, false},
		{"ForceNoAuth overrides it silently", "yes", []scicred.Option{scicred.ForceNoAuth()}, true, false, false},
		{"WithoutDiscovery does not look at it", "yes", []scicred.Option{scicred.WithoutDiscovery()}, true, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"IGWN_AUTH_UTILS_FIND_SCITOKEN": tt.value}
			if tt.has {
				env["BEARER_TOKEN"] = tok
			}
			s := &stub{}
			tr, err := scicred.NewTransport(s, append([]scicred.Option{scicred.WithSystem(empty(t, env))}, tt.opts...)...)
			require.NoError(t, err)
			err = get(t, t.Context(), tr, dataURL)
			if tt.fails {
				require.ErrorIs(t, err, scicred.ErrNoCredentials)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, s.last(t) != "")
		})
	}
	t.Run("X509 alike", func(t *testing.T) {
		t.Parallel()
		tr, err := scicred.NewTransport(nil, scicred.WithSystem(empty(t, map[string]string{"IGWN_AUTH_UTILS_FIND_X509": "yes"})))
		require.NoError(t, err)
		err = get(t, t.Context(), tr, dataURL)
		require.ErrorIs(t, err, scicred.ErrNoCredentials)
		assert.Contains(t, err.Error(), "no usable x509 credential")
	})
	t.Run("a request's option counts more", func(t *testing.T) {
		t.Parallel()
		s := &stub{}
		tr, err := scicred.NewTransport(s, scicred.WithSystem(empty(t, map[string]string{"IGWN_AUTH_UTILS_FIND_SCITOKEN": "no"})))
		require.NoError(t, err)
		require.NoError(t, get(t, scicred.NewContext(t.Context(), scicred.WithToken(tok)), tr, dataURL))
		assert.Equal(t, "Bearer "+tok, s.last(t))
	})
}

func TestTargetNeverPrintsItsURL(t *testing.T) {
	t.Parallel()
	u, err := url.Parse("https://u:secret@h.example/?token=secret")
	require.NoError(t, err)
	assert.NotContains(t, scicred.Target{URL: u}.String(), "secret")
}
