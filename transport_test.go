// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

// answering is a RoundTripper that answers with a function and keeps what it
// was given.
type answering struct {
	mu     sync.Mutex
	answer func(*http.Request) *http.Response
	seen   []*http.Request
}

func (a *answering) RoundTrip(req *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.seen = append(a.seen, req)
	a.mu.Unlock()
	resp := a.answer(req)
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	resp.Request = req
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	return resp, nil
}

func (a *answering) headers() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, r := range a.seen {
		out = append(out, r.Header.Get("Authorization"))
	}
	return out
}

func status(code int) func(*http.Request) *http.Response {
	return func(*http.Request) *http.Response { return &http.Response{StatusCode: code} }
}

// netrcWorld has a netrc file and, if given, a token.
func netrcWorld(t *testing.T, netrc string, env map[string]string) *scicred.System {
	t.Helper()
	sys := empty(t, env)
	home, err := sys.HomeDir()
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(home, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".netrc"), []byte(netrc), 0o600))
	return sys
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestOneAuthorizationHeader(t *testing.T) {
	t.Parallel()
	tok := issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"})
	const netrc = "machine data.example.org login albert password einstein\nmachine data.example.org login marie password curie\n"
	tests := []struct {
		rule   string
		token  bool
		url    string
		header http.Header
		opts   []scicred.Option
		want   http.Header
	}{
		{"netrc where no token fits", false, dataURL, nil, nil, http.Header{"Authorization": {basic("albert", "einstein")}}},
		{"a token goes before netrc", true, dataURL, nil, nil, http.Header{"Authorization": {"Bearer " + tok}}},
		{"a named login goes before a token", true, dataURL, nil, []scicred.Option{scicred.WithBasicAuth("u", "p"), scicred.WithHosts("*")}, http.Header{"Authorization": {basic("u", "p")}}},
		{"the caller's own is untouched", true, dataURL, http.Header{"Authorization": {"Digest x"}}, nil, http.Header{"Authorization": {"Digest x"}}},
		{"the caller's own in lower case is untouched", true, dataURL, http.Header{"authorization": {"Bearer mine"}}, nil, http.Header{"authorization": {"Bearer mine"}}},
		{"the caller's own is untouched, an empty value too", true, dataURL, http.Header{"Authorization": {""}}, nil, http.Header{"Authorization": {""}}},
		{"netrc fills what net/http made of the URL's user", true, "https://marie@data.example.org/", http.Header{"Authorization": {basic("marie", "")}}, nil, http.Header{"Authorization": {basic("marie", "curie")}}},
		{"the URL's user without an entry stays as net/http made it", true, "https://niels@data.example.org/", http.Header{"Authorization": {basic("niels", "")}}, nil, http.Header{"Authorization": {basic("niels", "")}}},
		{"the URL's user with a password is the caller's own", true, "https://marie:x@data.example.org/", http.Header{"Authorization": {basic("marie", "x")}}, nil, http.Header{"Authorization": {basic("marie", "x")}}},
		{"nothing on http", true, "http://data.example.org/", nil, nil, http.Header{}},
		{"WithPlaintextHTTP", false, "http://data.example.org/", nil, []scicred.Option{scicred.WithPlaintextHTTP()}, http.Header{"Authorization": {basic("albert", "einstein")}}},
		{"nothing discovered on http to this machine", true, "http://localhost/", nil, []scicred.Option{scicred.WithAudience("https://data.example.org")}, http.Header{}},
		{"a presigned URL gets neither token nor login", true, dataURL + "?X-Amz-Signature=abc", nil, nil, http.Header{}},
		{"a presigned URL gets no named token", false, dataURL + "?sig=abc", nil, []scicred.Option{scicred.WithToken("opaque"), scicred.WithHosts("*")}, http.Header{}},
		{"a host that WithHosts does not name gets nothing", true, dataURL, nil, []scicred.Option{scicred.WithHosts("other.example.org")}, http.Header{}},
		{"Without(token) leaves the place to netrc", true, dataURL, nil, []scicred.Option{scicred.Without(scicred.KindToken)}, http.Header{"Authorization": {basic("albert", "einstein")}}},
		{"Without(basic)", false, dataURL, nil, []scicred.Option{scicred.Without(scicred.KindBasic)}, http.Header{}},
		{"ForceNoAuth: netrc included", true, dataURL, nil, []scicred.Option{scicred.ForceNoAuth()}, http.Header{}},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{}
			if tt.token {
				env["BEARER_TOKEN"] = tok
			}
			base := &answering{answer: status(200)}
			tr, err := scicred.NewTransport(base, append([]scicred.Option{scicred.WithSystem(netrcWorld(t, netrc, env))}, tt.opts...)...)
			require.NoError(t, err)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, http.NoBody)
			require.NoError(t, err)
			if req.Header = tt.header.Clone(); req.Header == nil {
				req.Header = http.Header{}
			}
			before := req.Header.Clone()
			resp, err := tr.RoundTrip(req)
			require.NoError(t, err)
			assert.Equal(t, tt.want, base.seen[0].Header)
			assert.Equal(t, before, req.Header, "the caller's header is never changed")
			assert.Same(t, req, resp.Request)

			// Explain and Credentials say the same.
			c, err := tr.Credentials(t.Context(), req.URL)
			require.NoError(t, err)
			if len(tt.header) == 0 {
				would := ""
				if c.Token != nil {
					would = "Bearer " + c.Token.Reveal()
				}
				if c.Login != nil {
					would = basic(c.Login.User(), c.Login.Reveal())
				}
				assert.Equal(t, tt.want.Get("Authorization"), would)
			}
			assert.Equal(t, c.Report.String(), tr.Explain(t.Context(), req.URL).String())
		})
	}
}

func TestExplainSaysWhatBecameOfEach(t *testing.T) {
	t.Parallel()
	tok := issuer().SciToken(credtest.Claims{"aud": "https://data.example.org", "sub": "marie"})
	sys := netrcWorld(t, "machine data.example.org login albert password einstein\nmachine port.example.org:8443 login a password b\n", map[string]string{"BEARER_TOKEN": tok})
	tr, err := scicred.NewTransport(&stub{}, scicred.WithSystem(sys))
	require.NoError(t, err)
	tests := []struct {
		rule, url string
		want      map[scicred.Kind]string // "outcome: part of the detail"
	}{
		{"attached and shadowed", dataURL, map[scicred.Kind]string{scicred.KindToken: "attached: marie, expires in", scicred.KindX509: "skipped: not an *http.Transport", scicred.KindBasic: "shadowed: the token takes the Authorization header"}},
		{"withheld on http", "http://data.example.org/", map[scicred.Kind]string{scicred.KindToken: "rejected: its audience is", scicred.KindBasic: "withheld: http would show it"}},
		{"withheld on a presigned URL", dataURL + "?Signature=x", map[scicred.Kind]string{scicred.KindToken: "withheld: presigned", scicred.KindBasic: "withheld: presigned"}},
		{"an entry for another port", "https://port.example.org/", map[scicred.Kind]string{scicred.KindBasic: "not found: no entry for port.example.org, only for its port 8443"}},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(tt.url)
			require.NoError(t, err)
			report := tr.Explain(t.Context(), u)
			for kind, want := range tt.want {
				outcome, detail, _ := strings.Cut(want, ": ")
				found := false
				for line := range strings.Lines(report.String()) {
					found = found || strings.HasPrefix(line, kind.String()) && strings.Contains(line, "  "+outcome+" ") && strings.Contains(line, detail)
				}
				assert.True(t, found, "%s %s in\n%s", kind, want, report)
			}
		})
	}
}

func TestChainErrorHasALineForEachCandidate(t *testing.T) {
	t.Parallel()
	sys := empty(t, map[string]string{
		"BEARER_TOKEN":      issuer().SciToken(credtest.Claims{"aud": "https://other.example"}),
		"BEARER_TOKEN_FILE": "/nowhere/token",
	})
	tr, err := scicred.NewTransport(nil, scicred.WithSystem(sys), scicred.FailIfNoAuth())
	require.NoError(t, err)
	err = get(t, t.Context(), tr, dataURL+"?access_token=secret")
	var chain *scicred.ChainError
	require.ErrorAs(t, err, &chain)
	text := err.Error()
	for _, want := range []string{
		"scicred: no usable credential for https://data.example.org/f?access_token=REDACTED:",
		"its audience is https://other.example, not https://data.example.org",
		"no such file, and its folder does not exist either", "SCITOKEN", "X509_USER_PROXY", "_netrc",
	} {
		assert.Contains(t, text, want)
	}
	require.ErrorIs(t, err, scicred.ErrNoCredentials)
	require.ErrorIs(t, err, scicred.ErrMismatch, "what was found and refused can be tested for")
	assert.NotErrorIs(t, err, os.ErrNotExist, "what was merely not there cannot")
}

func TestOtherSchemesGoToTheBase(t *testing.T) {
	t.Parallel()
	base := &answering{answer: status(200)}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, nil)), scicred.FailIfNoAuth())
	require.NoError(t, err)
	require.NoError(t, get(t, t.Context(), tr, "file:///etc/motd"))
	assert.Len(t, base.seen, 1)
}

type closeCounter struct {
	io.Reader
	closed atomic.Int32
}

func (c *closeCounter) Close() error { c.closed.Add(1); return nil }

func TestTheBodyIsClosedOnEveryErrorPath(t *testing.T) {
	t.Parallel()
	tests := map[string][]scicred.RequestOption{
		"a bad option":     {scicred.WithToken("")},
		"nothing to send":  {scicred.FailIfNoAuth()},
		"a broken file":    {scicred.WithTokenFile("/nowhere")},
		"an expired token": {scicred.WithToken(issuer().SciToken(nil, credtest.Expired()))},
	}
	for name, opts := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr, err := scicred.NewTransport(&stub{}, scicred.WithSystem(empty(t, nil)))
			require.NoError(t, err)
			body := &closeCounter{Reader: strings.NewReader("x")}
			req, err := http.NewRequestWithContext(scicred.NewContext(t.Context(), opts...), http.MethodPut, dataURL, body)
			require.NoError(t, err)
			_, err = tr.RoundTrip(req)
			require.Error(t, err)
			assert.EqualValues(t, 1, body.closed.Load())
		})
	}
}

// rotating is a token file that the test rewrites.
func rotating(t *testing.T, claims credtest.Claims) (path string, write func(text string), mint func(sub string) string) {
	t.Helper()
	is := issuer()
	path = filepath.Join(t.TempDir(), "token")
	write = func(text string) {
		tmp := path + ".new"
		require.NoError(t, os.WriteFile(tmp, []byte(text), 0o600))
		require.NoError(t, os.Rename(tmp, path))
	}
	mint = func(sub string) string {
		c := credtest.Claims{"aud": "https://data.example.org", "sub": sub}
		for k, v := range claims {
			c[k] = v
		}
		return is.SciToken(c)
	}
	return path, write, mint
}

func TestARefusedRequestIsSentAgainIfTheTokenWasReplaced(t *testing.T) {
	t.Parallel()
	for _, code := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		path, write, mint := rotating(t, nil)
		one, two := mint("one"), mint("two")
		write(one)
		base := &answering{}
		base.answer = func(req *http.Request) *http.Response {
			if req.Header.Get("Authorization") == "Bearer "+one {
				write(two) // somebody renews it meanwhile
				return &http.Response{StatusCode: code}
			}
			return &http.Response{StatusCode: http.StatusOK}
		}
		tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, map[string]string{"BEARER_TOKEN_FILE": path})))
		require.NoError(t, err)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, dataURL, strings.NewReader("payload"))
		require.NoError(t, err)
		resp, err := tr.RoundTrip(req)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Equal(t, []string{"Bearer " + one, "Bearer " + two}, base.headers())
		assert.Equal(t, base.seen[0].URL, base.seen[1].URL)
	}
}

func TestARefusedRequestIsNotSentAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule   string
		change func(write func(string), mint func(string) string)
		body   io.Reader
		header string
	}{
		{"if nothing has changed", func(func(string), func(string) string) {}, nil, ""},
		{"if the file is garbled", func(write func(string), _ func(string) string) { write("gar bled") }, nil, ""},
		{"if the file is empty", func(write func(string), _ func(string) string) { write("") }, nil, ""},
		{"if the body cannot be sent again", func(write func(string), mint func(string) string) { write(mint("two")) }, io.MultiReader(strings.NewReader("x")), ""},
		{"with the caller's own header", func(write func(string), mint func(string) string) { write(mint("two")) }, nil, "Bearer mine"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			path, write, mint := rotating(t, nil)
			write(mint("one"))
			base := &answering{}
			base.answer = func(*http.Request) *http.Response {
				tt.change(write, mint)
				return &http.Response{StatusCode: http.StatusUnauthorized}
			}
			tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, map[string]string{"BEARER_TOKEN_FILE": path})))
			require.NoError(t, err)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, dataURL, tt.body)
			require.NoError(t, err)
			if tt.header != "" {
				req.Header.Set("Authorization", tt.header)
			}
			resp, err := tr.RoundTrip(req)
			require.NoError(t, err)
			assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
			assert.Len(t, base.seen, 1)
			if strings.Contains(tt.rule, "garbled") {
				var se *scicred.StatusError
				require.ErrorAs(t, scicred.CheckResponse(resp), &se)
				assert.Contains(t, se.Report.String(), "the file has changed and is unusable")
			}
		})
	}
}

func TestARequestIsSentAgainOnlyOnce(t *testing.T) {
	t.Parallel()
	path, write, mint := rotating(t, nil)
	write(mint("0"))
	n := 0
	base := &answering{}
	base.answer = func(*http.Request) *http.Response {
		n++
		write(mint(fmt.Sprint(n)))
		return &http.Response{StatusCode: http.StatusUnauthorized}
	}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, map[string]string{"BEARER_TOKEN_FILE": path})))
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, dataURL, http.NoBody)
	require.NoError(t, err)
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	assert.Len(t, base.seen, 2)
	require.ErrorContains(t, scicred.CheckResponse(resp), "sent a second time")
}

func TestATokenIsPickedUpWithinASecondAndLogoutWorks(t *testing.T) {
	t.Parallel()
	path, write, mint := rotating(t, nil)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		sys := empty(t, map[string]string{"BEARER_TOKEN_FILE": path})
		base := &answering{answer: status(200)}
		tr, err := scicred.NewTransport(base, scicred.WithSystem(sys))
		require.NoError(t, err)
		mintAt := func(sub string) string {
			return issuer().SciToken(credtest.Claims{"aud": "https://data.example.org", "sub": sub}, credtest.At(start))
		}
		_ = mint
		sent := func() string {
			require.NoError(t, get(t, t.Context(), tr, dataURL))
			h := base.headers()
			return h[len(h)-1]
		}
		assert.Empty(t, sent(), "there is none yet")
		one := mintAt("one")
		write(one)
		assert.Empty(t, sent(), "absence is remembered for a second")
		time.Sleep(time.Second)
		assert.Equal(t, "Bearer "+one, sent())
		two := mintAt("two")
		write(two)
		assert.Equal(t, "Bearer "+one, sent())
		time.Sleep(time.Second)
		assert.Equal(t, "Bearer "+two, sent())
		write("gar bled")
		for range 5 {
			time.Sleep(time.Second)
			assert.Equal(t, "Bearer "+two, sent(), "a garbled file does not end a good token")
		}
		three := mintAt("three")
		write(three)
		time.Sleep(time.Second)
		assert.Equal(t, "Bearer "+three, sent())
		require.NoError(t, os.Remove(path))
		time.Sleep(time.Second)
		assert.Equal(t, "Bearer "+three, sent(), "gone for one look may be a writer at work")
		time.Sleep(time.Second)
		assert.Empty(t, sent(), "gone for two looks is a logout")
	})
}

func TestAGarbledFileEndsWithItsTokensLife(t *testing.T) {
	t.Parallel()
	path, write, _ := rotating(t, nil)
	synctest.Test(t, func(t *testing.T) {
		write(issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"}, credtest.At(time.Now())))
		base := &answering{answer: status(200)}
		tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, nil)), scicred.WithTokenFile(path))
		require.NoError(t, err)
		write("gar bled")
		time.Sleep(30 * time.Minute)
		require.NoError(t, get(t, t.Context(), tr, dataURL), "the last good token serves")
		time.Sleep(31 * time.Minute)
		err = get(t, t.Context(), tr, dataURL)
		require.ErrorContains(t, err, path)
		require.Error(t, err, "a named file that is broken fails the request once its last token has expired")
	})
}

func TestSourcesAreAskedInOrderAndOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tok := mustToken(t, issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"}, credtest.At(time.Now())))
		var first, second atomic.Int32
		var target atomic.Value
		tr, err := scicred.NewTransport(&stub{}, scicred.WithSystem(empty(t, nil)),
			scicred.WithScope("read:/"),
			scicred.WithTokenSource("first", scicred.TokenSourceFunc(func(_ context.Context, tg scicred.Target) (*scicred.Token, error) {
				first.Add(1)
				target.Store(tg)
				return nil, fmt.Errorf("not mine: %w", scicred.ErrNoCredentials)
			})),
			scicred.WithTokenSource("second", scicred.TokenSourceFunc(func(context.Context, scicred.Target) (*scicred.Token, error) {
				second.Add(1)
				return tok, nil
			})))
		require.NoError(t, err)
		for range 10 {
			require.NoError(t, get(t, t.Context(), tr, dataURL))
		}
		assert.EqualValues(t, 1, first.Load())
		assert.EqualValues(t, 1, second.Load())
		got, _ := target.Load().(scicred.Target)
		assert.Equal(t, "https://data.example.org", got.URL.String(), "a source sees the origin, not the whole URL")
		assert.Equal(t, []string{"read:/"}, got.Scope)
		time.Sleep(time.Second)
		require.NoError(t, get(t, t.Context(), tr, dataURL))
		synctest.Wait()
		assert.EqualValues(t, 2, second.Load())
		require.NoError(t, get(t, t.Context(), tr, "https://other.example.org/"))
		assert.EqualValues(t, 3, second.Load(), "another origin is another target")
	})
}

func mustToken(t *testing.T, raw string) *scicred.Token {
	t.Helper()
	tok, err := scicred.ParseToken(raw)
	require.NoError(t, err)
	return tok
}

func TestASourcesErrorIsFatalAndItsPanicDoesNotEndTheProcess(t *testing.T) {
	t.Parallel()
	boom := errors.New("the login server is down")
	for name, f := range map[string]scicred.TokenSourceFunc{
		"the login server is down": func(context.Context, scicred.Target) (*scicred.Token, error) { return nil, boom },
		"panicked":                 func(context.Context, scicred.Target) (*scicred.Token, error) { panic("secret-in-a-panic") },
		"neither a token":          func(context.Context, scicred.Target) (*scicred.Token, error) { return nil, nil },
	} {
		s := &stub{}
		tr, err := scicred.NewTransport(s, scicred.WithSystem(empty(t, nil)), scicred.WithTokenSource("sso", f))
		require.NoError(t, err)
		err = get(t, t.Context(), tr, dataURL)
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, "sso")
		assert.NotContains(t, err.Error(), "secret-in-a-panic")
		assert.Empty(t, s.requests)
	}
}

// peeking is a source with both optional methods.
type peeking struct {
	asked, peeked atomic.Int32
	rejected      atomic.Pointer[scicred.Token]
	tokens        []*scicred.Token
}

func (p *peeking) Token(context.Context, scicred.Target) (*scicred.Token, error) {
	n := p.asked.Add(1)
	return p.tokens[min(int(n), len(p.tokens))-1], nil
}

func (p *peeking) Peek(context.Context, scicred.Target) (*scicred.Token, error) {
	p.peeked.Add(1)
	return p.tokens[0], nil
}

func (p *peeking) Reject(tok *scicred.Token) { p.rejected.Store(tok) }

func TestExplainAsksASourceOnlyThroughPeek(t *testing.T) {
	t.Parallel()
	tok := mustToken(t, issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"}))
	src := &peeking{tokens: []*scicred.Token{tok}}
	silent := scicred.TokenSourceFunc(func(context.Context, scicred.Target) (*scicred.Token, error) { panic("asked") })
	tr, err := scicred.NewTransport(&stub{}, scicred.WithSystem(empty(t, nil)), scicred.WithTokenSource("silent", silent), scicred.WithTokenSource("peeking", src))
	require.NoError(t, err)
	u, err := url.Parse(dataURL)
	require.NoError(t, err)
	text := tr.Explain(t.Context(), u).String()
	assert.Regexp(t, `token +not asked +silent`, text)
	assert.Regexp(t, `token +attached +peeking`, text)
	assert.EqualValues(t, 0, src.asked.Load())
	assert.EqualValues(t, 1, src.peeked.Load())
}

func TestASourceIsToldOfARefusalAndAskedAgain(t *testing.T) {
	t.Parallel()
	one := mustToken(t, issuer().SciToken(credtest.Claims{"aud": "https://data.example.org", "sub": "one"}))
	two := mustToken(t, issuer().SciToken(credtest.Claims{"aud": "https://data.example.org", "sub": "two"}))
	src := &peeking{tokens: []*scicred.Token{one, two}}
	base := &answering{answer: func(req *http.Request) *http.Response {
		if strings.HasSuffix(req.Header.Get("Authorization"), one.Reveal()) {
			return &http.Response{StatusCode: http.StatusUnauthorized}
		}
		return &http.Response{StatusCode: http.StatusOK}
	}}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, nil)), scicred.WithTokenSource("sso", src))
	require.NoError(t, err)
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	assert.Equal(t, []string{"Bearer " + one.Reveal(), "Bearer " + two.Reveal()}, base.headers())
	require.NotNil(t, src.rejected.Load())
	assert.Equal(t, one.Reveal(), src.rejected.Load().Reveal())
}

func TestASourceThatUsesTheTransportDoesNotWaitForItself(t *testing.T) {
	t.Parallel()
	tok := mustToken(t, issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"}))
	var tr *scicred.Transport
	base := &answering{answer: status(200)}
	src := scicred.TokenSourceFunc(func(ctx context.Context, _ scicred.Target) (*scicred.Token, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://login.example.org/token", http.NoBody)
		if err != nil {
			return nil, err
		}
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		return tok, resp.Body.Close()
	})
	tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, nil)), scicred.WithTokenSource("sso", src))
	require.NoError(t, err)
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	assert.Equal(t, []string{"", "Bearer " + tok.Reveal()}, base.headers())
}

func TestAWaiterLeavesOnItsOwnContextWhileTheRefreshGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tok := mustToken(t, issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"}, credtest.At(time.Now())))
		var asked atomic.Int32
		src := scicred.TokenSourceFunc(func(ctx context.Context, _ scicred.Target) (*scicred.Token, error) {
			asked.Add(1)
			select {
			case <-time.After(10 * time.Second):
				return tok, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		base := &answering{answer: status(200)}
		tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, nil)), scicred.WithTokenSource("slow", src))
		require.NoError(t, err)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		left := make(chan time.Duration, 1)
		start := time.Now()
		go func() {
			req, err := http.NewRequestWithContext(impatient, http.MethodGet, dataURL, http.NoBody)
			if err == nil {
				_, err = tr.RoundTrip(req)
			}
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			left <- time.Since(start)
		}()
		require.NoError(t, get(t, t.Context(), tr, dataURL))
		assert.Equal(t, time.Second, <-left)
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.EqualValues(t, 1, asked.Load(), "one refresh for both")
		assert.Equal(t, []string{"Bearer " + tok.Reveal()}, base.headers())
	})
}

func TestNothingIsLoggedByDefaultAndNoSecretOnDemand(t *testing.T) {
	t.Parallel()
	tok := issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"})
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tr, err := scicred.NewTransport(&stub{}, scicred.WithSystem(empty(t, map[string]string{"BEARER_TOKEN": tok})), scicred.WithLogger(log))
	require.NoError(t, err)
	require.NoError(t, get(t, t.Context(), tr, dataURL+"?token=secret-in-a-query"))
	assert.Contains(t, b.String(), "BEARER_TOKEN")
	assert.NotContains(t, b.String(), tok)
	assert.NotContains(t, b.String(), "secret-in-a-query")
}
