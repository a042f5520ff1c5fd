// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"context"
	"crypto/tls"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

func parse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u
}

func TestCredentialsKnowWhatHTTPClientDoesWithAURLsPassword(t *testing.T) {
	t.Parallel()
	sys := netrcWorld(t, "machine data.example.org login u password other\n", map[string]string{
		"BEARER_TOKEN": issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"}),
	})
	tr, err := scicred.NewTransport(nil, scicred.WithSystem(sys))
	require.NoError(t, err)
	c, err := tr.Credentials(t.Context(), parse(t, "https://u:p@data.example.org/"))
	require.NoError(t, err)
	assert.Nil(t, c.Token)
	assert.Nil(t, c.Login)
	assert.Regexp(t, `token +shadowed +BEARER_TOKEN .*Authorization header of its own`, c.Report.String())
	assert.Regexp(t, `basic +shadowed`, c.Report.String())
}

func TestARefusalSaysWhatWasSwitchedOff(t *testing.T) {
	t.Parallel()
	base := &stub{status: http.StatusUnauthorized}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, map[string]string{"IGWN_AUTH_UTILS_FIND_SCITOKEN": "0"})))
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, dataURL, http.NoBody)
	require.NoError(t, err)
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	require.ErrorContains(t, scicred.CheckResponse(resp), "no token was looked for: switched off by IGWN_AUTH_UTILS_FIND_SCITOKEN")
}

func TestFindTokenDoesNotMindTheURLsUser(t *testing.T) {
	t.Parallel()
	sys := empty(t, map[string]string{"BEARER_TOKEN": issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"})})
	tok, err := sys.FindToken(t.Context(), scicred.Target{URL: parse(t, "https://u@data.example.org/")})
	require.NoError(t, err)
	assert.NotNil(t, tok)
}

func TestTheErrorOfAReportSaysWhatTheRequestWouldSay(t *testing.T) {
	t.Parallel()
	sys := empty(t, map[string]string{"BEARER_TOKEN": issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"})})
	tr, err := scicred.NewTransport(nil, scicred.WithSystem(sys), scicred.FailIfNoAuth(scicred.KindX509))
	require.NoError(t, err)
	err = tr.Explain(t.Context(), parse(t, dataURL)).Err()
	require.ErrorIs(t, err, scicred.ErrNoCredentials)
	sent := get(t, t.Context(), tr, dataURL)
	require.Error(t, sent)
	assert.Equal(t, sent.Error(), err.Error())
	tr, err = scicred.NewTransport(nil, scicred.WithSystem(sys), scicred.FailIfNoAuth(scicred.KindToken))
	require.NoError(t, err)
	require.NoError(t, tr.Explain(t.Context(), parse(t, dataURL)).Err())
}

func TestARequestWithTheCallersHeaderIsNotSentAgainForACertificate(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	path := filepath.Join(t.TempDir(), "proxy")
	ca := credtest.NewCA("Users")
	replace(t, path, ca.User("old").Proxy().PEM())
	site.HandleFunc("/f", func(w http.ResponseWriter, _ *http.Request) {
		replace(t, path, ca.User("new").Proxy().PEM())
		w.WriteHeader(http.StatusForbidden)
	})
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(empty(t, map[string]string{"X509_USER_PROXY": path})))
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.Origin+"/f", http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer mine")
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Len(t, site.Arrivals(), 1)
}

func TestOnlyWhatIsNamedGoesToThisMachineInCleartext(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	sys := netrcWorld(t, "machine localhost login u password p\n", map[string]string{"BEARER_TOKEN": issuer().SciToken(credtest.Claims{"aud": "ANY"})})
	home, err := sys.HomeDir()
	require.NoError(t, err)
	here := scicred.WithHosts("localhost")
	tests := map[string]struct {
		opts []scicred.Option
		want string
	}{
		"nothing discovered":          {nil, ""},
		"a netrc file that is named":  {[]scicred.Option{scicred.WithNetrc(filepath.Join(home, ".netrc"))}, "the login of \"u\""},
		"a token":                     {[]scicred.Option{scicred.WithToken("opaque-0123"), here}, "a bearer token ending in …0123"},
		"a login":                     {[]scicred.Option{scicred.WithBasicAuth("v", "p"), here}, "the login of \"v\""},
		"with WithPlaintextHTTP all":  {[]scicred.Option{scicred.WithPlaintextHTTP()}, "a bearer token"},
		"but never through a proxy":   {[]scicred.Option{scicred.WithToken("opaque-0123"), here}, ""},
		"nor through an unknown base": {[]scicred.Option{scicred.WithToken("opaque-0123"), here}, ""},
	}
	for name, tt := range tests {
		site.Forget()
		var base http.RoundTripper = site.Transport()
		switch {
		case strings.Contains(name, "proxy"):
			proxied := site.Transport()
			proxied.Proxy = http.ProxyURL(parse(t, site.Plain))
			base = proxied
		case strings.Contains(name, "unknown"):
			base = struct{ http.RoundTripper }{base}
		}
		tr, err := scicred.NewTransport(base, append(tt.opts, scicred.WithSystem(sys))...)
		require.NoError(t, err)
		require.NoError(t, get(t, t.Context(), tr, site.Plain+"/f"), name)
		secrets := site.Arrivals()[0].Secrets()
		if tt.want == "" {
			assert.Empty(t, secrets, name)
			continue
		}
		require.Len(t, secrets, 1, name)
		assert.Contains(t, secrets[0].String(), tt.want, name)
	}
}

func TestTheDefaultEntryIsUsedOnlyOnDemand(t *testing.T) {
	t.Parallel()
	for _, demand := range []bool{false, true} {
		s := &stub{}
		opts := []scicred.Option{scicred.WithSystem(netrcWorld(t, "default login u password p\n", nil))}
		if demand {
			opts = append(opts, scicred.WithNetrcDefault())
		}
		tr, err := scicred.NewTransport(s, opts...)
		require.NoError(t, err)
		require.NoError(t, get(t, t.Context(), tr, dataURL))
		if demand {
			assert.Equal(t, basic("u", "p"), s.last(t))
		} else {
			assert.Empty(t, s.last(t))
			assert.Contains(t, tr.Explain(t.Context(), parse(t, dataURL)).String(), "WithNetrcDefault")
		}
	}
}

func TestANamedNetrcThatIsGoneFailsTheRequestAtTheSecondLook(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "netrc")
	replace(t, path, []byte("machine data.example.org login u password p\n"))
	var c clock
	sys := empty(t, nil)
	sys.Now = c.now
	s := &stub{}
	tr, err := scicred.NewTransport(s, scicred.WithSystem(sys), scicred.WithNetrc(path))
	require.NoError(t, err)
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	require.NoError(t, os.Remove(path))
	c.advance(2 * time.Second)
	require.NoError(t, get(t, t.Context(), tr, dataURL), "a writer may be at work")
	assert.Equal(t, basic("u", "p"), s.last(t))
	c.advance(2 * time.Second)
	err = get(t, t.Context(), tr, dataURL)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, path)
}

func TestANamedCertificateThatExpiresFailsTheRequest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "proxy")
	replace(t, path, credtest.NewCA("Users").User("u").Proxy(credtest.ExpiresIn(time.Hour)).PEM())
	var c clock
	sys := empty(t, nil)
	sys.Now = c.now
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(sys), scicred.WithX509(path, ""))
	require.NoError(t, err)
	c.advance(59 * time.Minute)
	require.NoError(t, get(t, t.Context(), tr, site.Origin+"/f"), "a named one counts until it expires")
	assert.NotEmpty(t, site.Arrivals()[0].Subject())
	c.advance(2 * time.Minute)
	err = get(t, t.Context(), tr, site.Origin+"/f")
	require.ErrorIs(t, err, scicred.ErrExpired)
	require.ErrorContains(t, err, path)
}

func TestACertificateBecomesValidWithTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cert")
	start := time.Now()
	user := credtest.NewCA("Users").User("u", credtest.WithValidity(start.Add(time.Hour), start.Add(24*time.Hour)))
	replace(t, path, user.PEM())
	var c clock
	c.advance(time.Minute) // so that the file is not looked at again for being new
	sys := empty(t, map[string]string{"X509_USER_PROXY": path})
	sys.Now = c.now
	tr, err := scicred.NewTransport(nil, scicred.WithSystem(sys))
	require.NoError(t, err)
	u := parse(t, dataURL)
	got, err := tr.Credentials(t.Context(), u)
	require.NoError(t, err)
	assert.Nil(t, got.X509)
	assert.Regexp(t, `x509 +rejected +X509_USER_PROXY .*not valid`, got.Report.String())
	c.advance(2 * time.Hour)
	got, err = tr.Credentials(t.Context(), u)
	require.NoError(t, err)
	assert.NotNil(t, got.X509)
}

func TestWithCertificateLeewayZeroMeansUntilItExpires(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "proxy")
	replace(t, path, credtest.NewCA("Users").User("u").Proxy(credtest.ExpiresIn(5*time.Minute)).PEM())
	for _, tt := range []struct {
		opts []scicred.Option
		want bool
	}{{nil, false}, {[]scicred.Option{scicred.WithCertificateLeeway(0)}, true}, {[]scicred.Option{scicred.WithCertificateLeeway(time.Hour)}, false}} {
		tr, err := scicred.NewTransport(nil, append(tt.opts, scicred.WithSystem(empty(t, map[string]string{"X509_USER_PROXY": path})))...)
		require.NoError(t, err)
		got, err := tr.Credentials(t.Context(), parse(t, dataURL))
		require.NoError(t, err)
		assert.Equal(t, tt.want, got.X509 != nil)
	}
}

// closing counts the connections that were closed.
type closing struct {
	net.Conn
	closed *atomic.Int32
}

func (c closing) Close() error { c.closed.Add(1); return c.Conn.Close() }

func TestTheIdleConnectionsOfARotatedIdentityAreClosed(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	base := site.Transport()
	base.ForceAttemptHTTP2 = false
	var closed atomic.Int32
	dial := base.DialContext
	base.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return closing{conn, &closed}, nil
	}
	path := filepath.Join(t.TempDir(), "proxy")
	ca := credtest.NewCA("Users")
	replace(t, path, ca.User("old").Proxy().PEM())
	var c clock
	sys := empty(t, map[string]string{"X509_USER_PROXY": path})
	sys.Now = c.now
	tr, err := scicred.NewTransport(base, scicred.WithSystem(sys))
	require.NoError(t, err)
	fetch(t, t.Context(), tr, site.Origin+"/1")
	fetch(t, t.Context(), tr, site.Origin+"/2")
	assert.Zero(t, closed.Load(), "an identity keeps its connection")
	replace(t, path, ca.User("new").Proxy().PEM())
	c.advance(2 * time.Second)
	fetch(t, t.Context(), tr, site.Origin+"/3")
	assert.EqualValues(t, 1, closed.Load())
}

func TestABodyThatCannotBeSentAgainIsSaid(t *testing.T) {
	t.Parallel()
	path, write, mint := rotating(t, nil)
	write(mint("one"))
	base := &answering{}
	base.answer = func(*http.Request) *http.Response {
		write(mint("two"))
		return &http.Response{StatusCode: http.StatusUnauthorized}
	}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, map[string]string{"BEARER_TOKEN_FILE": path})))
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, dataURL, &onceReader{strings.NewReader("x")})
	require.NoError(t, err)
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	require.Len(t, base.seen, 1)
	require.ErrorContains(t, scicred.CheckResponse(resp), "the body could not be sent again")
}

// oddSource does what sources should not do.
type oddSource struct {
	peek func() (*scicred.Token, error)
}

func (oddSource) Token(context.Context, scicred.Target) (*scicred.Token, error) {
	return &scicred.Token{}, nil
}

func (o oddSource) Peek(context.Context, scicred.Target) (*scicred.Token, error) { return o.peek() }

func TestWhatACallersCodeMayDoWrongIsNoPanic(t *testing.T) {
	t.Parallel()
	u := parse(t, dataURL)
	for name, peek := range map[string]func() (*scicred.Token, error){
		"Peek that has nothing":  func() (*scicred.Token, error) { return nil, nil },
		"Peek that panics":       func() (*scicred.Token, error) { panic("secret-in-a-panic") },
		"Peek with a zero Token": func() (*scicred.Token, error) { return &scicred.Token{}, nil },
	} {
		tr, err := scicred.NewTransport(&stub{}, scicred.WithSystem(empty(t, nil)), scicred.WithTokenSource("odd", oddSource{peek}))
		require.NoError(t, err)
		text := tr.Explain(t.Context(), u).String()
		assert.Contains(t, text, "odd", name)
		assert.NotContains(t, text, "attached", name)
		assert.NotContains(t, text, "secret", name)
		require.NoError(t, get(t, t.Context(), tr, dataURL), "a zero Token is none")
	}
	_, err := scicred.NewTransport(nil, scicred.Options(nil))
	require.ErrorContains(t, err, "nil option")
	tr, err := scicred.NewTransport((*http.Transport)(nil), scicred.WithSystem(empty(t, nil)))
	require.NoError(t, err)
	assert.NotNil(t, tr)
	assert.NotEmpty(t, (&scicred.ChainError{}).Error())
	assert.Empty(t, (&scicred.ChainError{}).Unwrap())

	s := &stub{}
	tr, err = scicred.NewTransport(s, scicred.WithSystem(greedy(t, scicred.KindToken)))
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, dataURL, http.NoBody)
	require.NoError(t, err)
	req.Response = &http.Response{Request: &http.Request{}}
	req.Header.Set("Authorization", "Bearer mine")
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Empty(t, s.last(t), "a chain that cannot be followed is foreign, and nothing of it is kept")
}

func TestSelectWLCGTakesTheFirstPlaceThatIsNotEmpty(t *testing.T) { //nolint:tparallel // the cases share a file
	t.Parallel()
	good := issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"})
	path := filepath.Join(t.TempDir(), "token")
	tests := []struct {
		rule, variable, file, want string
	}{
		{"an opaque token is sent uninspected", "opaque-0123", good, "opaque-0123"},
		{"an expired one too", "expired", good, "expired"},
		{"white space is empty", " \n", good, good},
		{"a file of white space is empty", "", " \n", ""},
		{"what is no token ends the search", "not a token", good, ""},
	}
	expired := issuer().SciToken(credtest.Claims{"aud": "https://elsewhere.example"}, credtest.Expired())
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			if tt.variable == "expired" {
				tt.variable, tt.want = expired, expired
			}
			replace(t, path, []byte(tt.file))
			s := &stub{}
			sys := empty(t, map[string]string{"BEARER_TOKEN": tt.variable, "BEARER_TOKEN_FILE": path})
			tr, err := scicred.NewTransport(s, scicred.WithSystem(sys), scicred.WithTokenPolicy(scicred.TokenPolicy{Selection: scicred.SelectWLCG}))
			require.NoError(t, err)
			require.NoError(t, get(t, t.Context(), tr, dataURL))
			want := ""
			if tt.want != "" {
				want = "Bearer " + tt.want
			}
			assert.Equal(t, want, s.last(t))
			c, err := tr.Credentials(t.Context(), parse(t, dataURL))
			require.NoError(t, err)
			assert.Equal(t, want != "", c.Token != nil, "Credentials agree")
		})
	}
}

func TestARefusalAfterAGarbledReplacementSaysSo(t *testing.T) {
	t.Parallel()
	path, write, mint := rotating(t, nil)
	write(mint("one"))
	base := &answering{}
	base.answer = func(*http.Request) *http.Response {
		write("gar bled")
		return &http.Response{StatusCode: http.StatusUnauthorized}
	}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, map[string]string{"BEARER_TOKEN_FILE": path})))
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, dataURL, http.NoBody)
	require.NoError(t, err)
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	err = scicred.CheckResponse(resp)
	require.ErrorContains(t, err, "the file has changed and is unusable")
	assert.NotContains(t, err.Error(), "looked fine")
}

func TestACachedCertificateThatComesWithinItsLeewayIsNotOffered(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "proxy")
	replace(t, path, credtest.NewCA("Users").User("u").Proxy(credtest.ExpiresIn(time.Hour)).PEM())
	var c clock
	sys := empty(t, map[string]string{"X509_USER_PROXY": path})
	sys.Now = c.now
	tr, err := scicred.NewTransport(nil, scicred.WithSystem(sys))
	require.NoError(t, err)
	u := parse(t, dataURL)
	got, err := tr.Credentials(t.Context(), u)
	require.NoError(t, err)
	assert.NotNil(t, got.X509)
	c.advance(55 * time.Minute)
	got, err = tr.Credentials(t.Context(), u)
	require.NoError(t, err)
	assert.Nil(t, got.X509)
	assert.Contains(t, got.Report.String(), "less than the 10m asked for")
}

func TestACertificateFunctionMayDoAnythingWrong(t *testing.T) {
	t.Parallel()
	good := credtest.NewCA("Users").User("u").TLS()
	for want, f := range map[string]func(context.Context) (*tls.Certificate, error){
		"panicked":                  func(context.Context) (*tls.Certificate, error) { panic("secret-in-a-panic") },
		"no certificate with a key": func(context.Context) (*tls.Certificate, error) { return nil, nil },
		"malformed": func(context.Context) (*tls.Certificate, error) {
			return &tls.Certificate{Certificate: [][]byte{{1}}, PrivateKey: good.PrivateKey}, nil
		},
	} {
		tr, err := scicred.NewTransport(nil, scicred.WithSystem(empty(t, nil)), scicred.WithCertificate(f))
		require.NoError(t, err)
		err = get(t, t.Context(), tr, dataURL)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "secret")
	}
}

func TestARefusalThatDoesNotEndHoldsNobody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ h2, gzip bool }{{true, false}, {false, false}, {true, true}, {false, true}} {
		site := credtest.NewSite()
		t.Cleanup(site.Close)
		path, write, _ := rotating(t, nil)
		is := issuer()
		one := is.SciToken(credtest.Claims{"aud": "https://localhost", "sub": "one"})
		write(one)
		site.HandleFunc("/f", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+one {
				return
			}
			write(is.SciToken(credtest.Claims{"aud": "https://localhost", "sub": "two"}))
			if tt.gzip {
				w.Header().Set("Content-Encoding", "gzip")
			}
			w.WriteHeader(http.StatusUnauthorized)
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		})
		base := site.Transport()
		base.ForceAttemptHTTP2 = tt.h2
		tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, map[string]string{"BEARER_TOKEN_FILE": path})))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.NoError(t, get(t, ctx, tr, site.Origin+"/f"))
		assert.Len(t, site.Arrivals(), 2)
	}
}

func TestAServerThatEchoesWhatItRefusesPutsNoSecretIntoTheError(t *testing.T) {
	t.Parallel()
	tok := issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"})
	base := &answering{answer: func(req *http.Request) *http.Response {
		auth := req.Header.Get("Authorization")
		return &http.Response{
			StatusCode: http.StatusUnauthorized, Status: "401 bad " + auth,
			Header: http.Header{"Www-Authenticate": {`Bearer error="invalid_token", error_description="no ` + strings.TrimPrefix(auth, "Bearer ") + `"`}},
		}
	}}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(netrcWorld(t, "machine login.example.org login u password p4ssw0rd\n", map[string]string{"BEARER_TOKEN": tok})))
	require.NoError(t, err)
	for _, u := range []string{dataURL, "https://login.example.org/"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, http.NoBody)
		require.NoError(t, err)
		resp, err := tr.RoundTrip(req)
		require.NoError(t, err)
		var se *scicred.StatusError
		require.ErrorAs(t, scicred.CheckResponse(resp), &se)
		for _, secret := range []string{tok, "p4ssw0rd", strings.TrimPrefix(basic("u", "p4ssw0rd"), "Basic ")} {
			assert.NotContains(t, se.Error(), secret)
			assert.NotContains(t, se.Status, secret)
			assert.NotContains(t, se.Challenges[0].Params["error_description"], secret)
		}
	}
}

func TestTheOptionsOfManyRequestsShareAConstructorsTokenFile(t *testing.T) {
	t.Parallel()
	path, write, mint := rotating(t, nil)
	write(mint("one"))
	tr, err := scicred.NewTransport(answer{&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}}, scicred.WithSystem(empty(t, nil)), scicred.WithTokenFile(path))
	require.NoError(t, err)
	var load sync.WaitGroup
	for range 8 { // for the race detector
		load.Go(func() {
			for range 50 {
				ctx := scicred.NewContext(t.Context(), scicred.WithIssuer("https://issuer.example.org"))
				if req, err := http.NewRequestWithContext(ctx, http.MethodGet, dataURL, http.NoBody); err == nil {
					_, err = tr.RoundTrip(req)
					assert.NoError(t, err)
				}
			}
		})
	}
	load.Wait()
}

func TestWhatTheVerdictSays(t *testing.T) {
	t.Parallel()
	var c clock
	sys := empty(t, map[string]string{"BEARER_TOKEN": issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"})})
	sys.Now = c.now
	base := &answering{answer: func(*http.Request) *http.Response {
		c.advance(2 * time.Hour)
		return &http.Response{StatusCode: http.StatusUnauthorized}
	}}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(sys))
	require.NoError(t, err)
	do := func(own string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, dataURL, http.NoBody)
		require.NoError(t, err)
		if own != "" {
			req.Header.Set("Authorization", own)
		}
		resp, err := tr.RoundTrip(req)
		require.NoError(t, err)
		return scicred.CheckResponse(resp)
	}
	err = do("")
	require.ErrorContains(t, err, "it expired 1h", "of a token that expired under way")
	assert.NotContains(t, err.Error(), "looked fine")
	err = do("Bearer mine-0123")
	require.ErrorContains(t, err, "the request's own Authorization header was sent")
	assert.NotContains(t, err.Error(), "no credential was sent")
}

func TestAReplayStillSatisfiesFailIfNoAuth(t *testing.T) {
	t.Parallel()
	path, write, mint := rotating(t, nil)
	write(mint("one"))
	base := &answering{}
	base.answer = func(*http.Request) *http.Response {
		write(issuer().SciToken(credtest.Claims{"aud": "https://elsewhere.example"}))
		return &http.Response{StatusCode: http.StatusUnauthorized}
	}
	sys := netrcWorld(t, "machine data.example.org login u password p\n", map[string]string{"BEARER_TOKEN_FILE": path})
	tr, err := scicred.NewTransport(base, scicred.WithSystem(sys))
	require.NoError(t, err)
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	assert.Len(t, base.seen, 1, "a password does not go in the place of a refused token")
}

func TestATokenThatStandsForSomebodyIsNotReplacedByAnothers(t *testing.T) {
	t.Parallel()
	is := issuer()
	service := mustToken(t, is.SciToken(credtest.Claims{"aud": "https://data.example.org", "sub": "service"}))
	src := scicred.TokenSourceFunc(func(context.Context, scicred.Target) (*scicred.Token, error) { return service, nil })
	s := &stub{}
	tr, err := scicred.NewTransport(s, scicred.WithSystem(empty(t, nil)), scicred.WithoutDiscovery(), scicred.WithTokenSource("service", src))
	require.NoError(t, err)
	users := scicred.NewContext(t.Context(), scicred.WithToken(is.SciToken(credtest.Claims{"aud": "https://other.example.org", "sub": "user"})))
	require.NoError(t, get(t, users, tr, dataURL))
	assert.Empty(t, s.last(t))
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	assert.NotEmpty(t, s.last(t))
}

func TestSourcesOfOneNameAreToldApart(t *testing.T) {
	t.Parallel()
	one := mustToken(t, issuer().SciToken(credtest.Claims{"aud": "https://a.example.org"}))
	two := mustToken(t, issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"}))
	a, b := &peeking{tokens: []*scicred.Token{one}}, &peeking{tokens: []*scicred.Token{two}}
	base := &answering{answer: status(http.StatusUnauthorized)}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, nil)), scicred.WithTokenSource("x", a), scicred.WithTokenSource("x", b))
	require.NoError(t, err)
	for range 5 {
		require.NoError(t, get(t, t.Context(), tr, dataURL))
	}
	assert.Nil(t, a.rejected.Load())
	require.NotNil(t, b.rejected.Load())
	assert.EqualValues(t, 2, b.asked.Load(), "a server that refuses for long does not make us ask for each request")
}

func TestANetrcThatBecomesOpenToOthersIsNotKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "netrc")
	replace(t, path, []byte("machine data.example.org login u password p\n"))
	var c clock
	sys := empty(t, map[string]string{"NETRC": path})
	sys.Now = c.now
	s := &stub{}
	tr, err := scicred.NewTransport(s, scicred.WithSystem(sys))
	require.NoError(t, err)
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	assert.NotEmpty(t, s.last(t))
	require.NoError(t, os.Chmod(path, 0o644))
	c.advance(2 * time.Second)
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	assert.Empty(t, s.last(t))
}

func TestOneNetrcFileIsUsedWhileItGivesWayToTheOther(t *testing.T) {
	t.Parallel()
	var c clock
	sys := netrcWorld(t, "machine data.example.org login first password p\n", nil)
	sys.Now = c.now
	home, err := sys.HomeDir()
	require.NoError(t, err)
	s := &stub{}
	tr, err := scicred.NewTransport(s, scicred.WithSystem(sys))
	require.NoError(t, err)
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	require.NoError(t, os.Remove(filepath.Join(home, ".netrc")))
	replace(t, filepath.Join(home, "_netrc"), []byte("machine data.example.org login second password p\n"))
	for _, want := range []string{"first", "second"} { // gone for one look, then for two
		c.advance(2 * time.Second)
		require.NoError(t, get(t, t.Context(), tr, dataURL))
		assert.Equal(t, basic(want, "p"), s.last(t))
		text := tr.Explain(t.Context(), parse(t, dataURL)).String()
		assert.Equal(t, 1, strings.Count(text, "attached"), text)
	}
}

func TestABaseThatReturnsNothingIsAnError(t *testing.T) {
	t.Parallel()
	tr, err := scicred.NewTransport(nothing{}, scicred.WithSystem(empty(t, nil)))
	require.NoError(t, err)
	require.ErrorContains(t, get(t, t.Context(), tr, dataURL), "neither a response nor an error")
}

type nothing struct{}

func (nothing) RoundTrip(*http.Request) (*http.Response, error) { return nil, nil }

func TestASlowTokenFileDoesNotHideARenewedCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := credtest.NewWorld()
		now := credtest.At(w.Now())
		ca := credtest.NewCA("CA", now)
		w.Put("/tmp/bt_u1000", issuer().SciToken(nil, now))
		w.Put("/tmp/x509up_u1000", string(ca.User("old", now).PEM()))
		sys := w.System()
		slowly := func(name string) {
			if strings.Contains(name, "bt_u") {
				time.Sleep(150 * time.Millisecond) // longer than a request has patience
			}
		}
		open, stat, lstat := sys.Open, sys.Stat, sys.Lstat
		sys.Open = func(name string) (fs.File, error) { slowly(name); return open(name) }
		sys.Stat = func(name string) (fs.FileInfo, error) { slowly(name); return stat(name) }
		sys.Lstat = func(name string) (fs.FileInfo, error) { slowly(name); return lstat(name) }
		tr, err := scicred.NewTransport(nil, scicred.WithSystem(sys))
		require.NoError(t, err)
		subject := func() string {
			c, err := tr.Credentials(t.Context(), parse(t, dataURL))
			require.NoError(t, err)
			require.NotNil(t, c.X509)
			return c.X509.Subject()
		}
		assert.Contains(t, subject(), "CN=old")
		w.Put("/tmp/x509up_u1000", string(ca.User("new", now).PEM()))
		var last string
		for range 3 {
			time.Sleep(3 * time.Second)
			w.Advance(3 * time.Second)
			last = subject()
		}
		assert.Contains(t, last, "CN=new")
		time.Sleep(time.Minute)
		synctest.Wait()
	})
}

func TestTheCallersOwnHeaderIsHiddenInErrorsAndNotClaimedToBeSent(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	site.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="`+r.Header.Get("Authorization")+`"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	site.Handle("/away", credtest.Redirect(307, site.OtherPort+"/echo"))
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(empty(t, nil)))
	require.NoError(t, err)
	do := func(path string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.Origin+path, http.NoBody)
		require.NoError(t, err)
		req.Header.Set("Authorization", "s3cr3t-value")
		resp, err := (&http.Client{Transport: tr}).Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return scicred.CheckResponse(resp)
	}
	err = do("/echo")
	require.ErrorContains(t, err, "the request's own Authorization header was sent")
	assert.NotContains(t, err.Error(), "s3cr3t-value")
	err = do("/away")
	require.ErrorContains(t, err, "redirected here from another origin")
	assert.NotContains(t, err.Error(), "own Authorization header was sent")
}
