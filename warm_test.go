// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/pool"
)

// A Transport keeps decisions at hand. That must never show: what a warm one
// sends is what one sends that is made for this very request.

// outcome is what became of a request.
type outcome struct {
	authorization, lower string
	failed               bool
}

// outcomeOf makes a request and says what arrived.
func outcomeOf(rt http.RoundTripper, base *answering, req *http.Request) outcome {
	base.mu.Lock()
	base.seen = nil
	base.mu.Unlock()
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return outcome{failed: true}
	}
	_ = resp.Body.Close()
	last := base.seen[len(base.seen)-1]
	return outcome{fmt.Sprint(last.Header["Authorization"]), fmt.Sprint(last.Header["authorization"]), false} //nolint:staticcheck // the lower-case spelling is in use
}

// oddRequests are those whose decision depends on more than their host.
func oddRequests() map[string]func(*http.Request) {
	earlier := func(from string) func(*http.Request) {
		return func(req *http.Request) {
			u, _ := url.Parse(from)
			req.Response = &http.Response{Request: &http.Request{URL: u, Header: http.Header{}}}
		}
	}
	return map[string]func(*http.Request){
		"plain":              func(*http.Request) {},
		"path":               func(r *http.Request) { r.URL.Path = "/else" },
		"query":              func(r *http.Request) { r.URL.RawQuery = "a=b" },
		"presigned":          func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=x" },
		"own":                func(r *http.Request) { r.Header.Set("Authorization", "Bearer own") },
		"own, lower case":    func(r *http.Request) { r.Header["authorization"] = []string{"Bearer own"} },
		"own, empty":         func(r *http.Request) { r.Header["Authorization"] = nil },
		"no header":          func(r *http.Request) { r.Header = nil },
		"user":               func(r *http.Request) { r.URL.User = url.User("albert") },
		"user and password":  func(r *http.Request) { r.URL.User = url.UserPassword("albert", "x") },
		"cleartext":          func(r *http.Request) { r.URL.Scheme = "http" },
		"redirected at home": func(r *http.Request) { earlier(r.URL.String())(r) },
		"redirected":         earlier("https://first.example.org/"),
		"upper case":         func(r *http.Request) { r.URL.Host = "DATA.example.org" },
		"the default port":   func(r *http.Request) { r.URL.Host += ":443" },
		"another port":       func(r *http.Request) { r.URL.Host += ":8443" },
		"Host header":        func(r *http.Request) { r.Host = "other.example.org" },
	}
}

// machine is one on which there are tokens of all sorts.
type machine struct {
	*credtest.World
	mint *credtest.Issuer
}

func newMachine() *machine {
	return &machine{credtest.NewWorld(), issuer()}
}

// token returns a new token for an audience that lives for so long; no audience
// stands for a token that names none.
func (m *machine) token(life time.Duration, audience ...string) string {
	claims := credtest.Claims{"sub": fmt.Sprint(rand.Int64()), "exp": m.Now().Add(life).Unix(), "iat": m.Now().Unix(), "nbf": m.Now().Unix(), "aud": audience}
	if len(audience) == 0 {
		claims["aud"], claims["ver"] = nil, nil
	}
	return m.mint.SciToken(claims)
}

func TestAWarmTransportSendsWhatAFreshOneWould(t *testing.T) {
	t.Parallel()
	named := func(m *machine) []scicred.Option {
		return []scicred.Option{scicred.WithToken(m.token(time.Hour, "https://data.example.org"))}
	}
	constructors := map[string]func(*machine) []scicred.Option{
		"default": func(*machine) []scicred.Option { return nil },
		"hosts": func(*machine) []scicred.Option {
			return []scicred.Option{scicred.WithHosts("data.example.org", "*.cern.ch")}
		},
		"trusted":   func(*machine) []scicred.Option { return []scicred.Option{scicred.WithTrustedHosts("data.example.org")} },
		"audience":  func(*machine) []scicred.Option { return []scicred.Option{scicred.WithAudience("https://se.cern.ch")} },
		"fail":      func(*machine) []scicred.Option { return []scicred.Option{scicred.FailIfNoAuth()} },
		"plaintext": func(*machine) []scicred.Option { return []scicred.Option{scicred.WithPlaintextHTTP()} },
		"WLCG": func(*machine) []scicred.Option {
			return []scicred.Option{scicred.WithTokenPolicy(scicred.TokenPolicy{Selection: scicred.SelectWLCG})}
		},
		"named":    named,
		"no token": func(*machine) []scicred.Option { return []scicred.Option{scicred.Without(scicred.KindToken)} },
		"only netrc": func(*machine) []scicred.Option {
			return []scicred.Option{scicred.WithoutDiscovery(), scicred.WithNetrc("/home/user/.netrc")}
		},
		"a login": func(*machine) []scicred.Option {
			return []scicred.Option{scicred.WithBasicAuth("u", "p"), scicred.WithHosts("*.example.org")}
		},
		"named and hosts": func(m *machine) []scicred.Option { return append(named(m), scicred.WithHosts("data.example.org")) },
		"a source": func(m *machine) []scicred.Option {
			tok := mustToken(t, m.token(3*time.Hour, "https://data.example.org", "https://nowhere.example.org"))
			return []scicred.Option{scicred.WithTokenSource("s", scicred.TokenSourceFunc(func(_ context.Context, target scicred.Target) (*scicred.Token, error) {
				if target.URL.Host != "data.example.org" {
					return nil, scicred.ErrNoCredentials
				}
				return tok, nil
			}))}
		},
		"a named file": func(*machine) []scicred.Option { return []scicred.Option{scicred.WithTokenFile("/home/user/named")} },
	}
	requests := map[string][]scicred.RequestOption{
		"":          nil,
		"audience":  {scicred.WithAudience("https://se.cern.ch")},
		"hosts":     {scicred.WithHosts("data.example.org:443")},
		"without":   {scicred.Without(scicred.KindToken)},
		"none":      {scicred.ForceNoAuth()},
		"scope":     {scicred.WithScope("storage.read:/")},
		"login":     {scicred.WithBasicAuth("u", "p")},
		"token":     {scicred.WithToken(issuer().SciToken(credtest.Claims{"sub": "other", "aud": "https://se.cern.ch"}))},
		"elsewhere": {scicred.WithoutDiscovery()},
	}
	hosts := []string{"data.example.org", "se.cern.ch", "se.cern.ch:1094", "nowhere.example.org"}
	odd := oddRequests()
	for name, options := range constructors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(4) {
				r := rand.New(rand.NewPCG(seed, 1))
				m := newMachine()
				m.SetEnv("BEARER_TOKEN_FILE", "/home/user/token")
				m.SetEnv("_CONDOR_CREDS", "/home/user/creds")
				change := func() {
					m.Put("/home/user/.netrc", fmt.Sprintf("machine %s login albert password %d\n", []string{"data.example.org", "nowhere.example.org", "se.cern.ch"}[r.IntN(3)], r.Int64()))
					m.Put("/home/user/named", m.token(time.Duration(61+r.IntN(10))*time.Second, "https://data.example.org", "https://se.cern.ch"))
					m.Put("/home/user/token", m.token(time.Duration(58+r.IntN(12))*time.Second, [][]string{{"https://data.example.org"}, {"ANY"}, {"https://se.cern.ch:1094", "https://se.cern.ch"}, nil}[r.IntN(4)]...))
					m.Put("/home/user/creds/a.use", m.token(time.Duration(61+r.IntN(12))*time.Second, []string{"https://se.cern.ch:1094", "ANY"}[r.IntN(2)]))
					m.SetEnv("SCITOKEN", []string{"", m.token(65*time.Second, "https://se.cern.ch"), "garbage", ""}[r.IntN(4)])
				}
				change()
				m.Advance(time.Minute)
				change()
				base := &answering{answer: status(http.StatusOK)} //nolint:bodyclose // it has none
				opts := append(options(m), scicred.WithSystem(m.System()))
				warm, err := scicred.NewTransport(base, opts...)
				require.NoError(t, err)
				contexts := map[string]context.Context{}
				for what, o := range requests {
					contexts[what] = t.Context()
					if o != nil {
						contexts[what] = scicred.NewContext(t.Context(), o...) //nolint:fatcontext // each is of its own
					}
				}
				sent := map[outcome]bool{}
				for step := range 400 {
					if r.IntN(40) == 0 {
						change()
						m.Advance(3 * time.Second) // the warm one looks once a second, and at new files twice
					}
					m.Advance(time.Duration(r.IntN(150)) * time.Millisecond)
					host, what, with := hosts[r.IntN(len(hosts))], pick(r, odd), pick(r, requests)
					if r.IntN(2) == 0 {
						what, with = "plain", "" // so that something is at hand
					}
					request := func() *http.Request {
						req, err := http.NewRequestWithContext(contexts[with], http.MethodGet, "https://"+host+"/f", http.NoBody)
						require.NoError(t, err)
						odd[what](req)
						return req
					}
					fresh, err := scicred.NewTransport(base, opts...)
					var want outcome
					if err == nil { // else a named token has expired
						want = outcomeOf(fresh, base, request())
					} else {
						want = outcome{failed: true}
						if first := outcomeOf(warm, base, request()); !first.failed {
							continue // the request may need none
						}
					}
					got := outcomeOf(warm, base, request())
					for range 100 { // a busy machine may take longer for a look than a request waits for it
						if got == want {
							break
						}
						time.Sleep(10 * time.Millisecond)
						got = outcomeOf(warm, base, request())
					}
					require.Equal(t, want, got, "seed %d, step %d: %s, %s, options %q", seed, step, host, what, with)
					sent[got] = true
				}
				assert.Greater(t, len(sent), 3, "the test has seen too little")
			}
		})
	}
}

// pick returns a key by chance, the same one in every run.
func pick[V any](r *rand.Rand, m map[string]V) string {
	return slices.Sorted(maps.Keys(m))[r.IntN(len(m))]
}

func TestAWarmRequestObeysTheEndOfItsToken(t *testing.T) {
	t.Parallel()
	m := newMachine()
	m.SetEnv("BEARER_TOKEN", m.token(70*time.Second, "https://data.example.org"))
	base := &answering{answer: status(http.StatusOK)} //nolint:bodyclose // it has none
	tr, err := scicred.NewTransport(base, scicred.WithSystem(m.System()))
	require.NoError(t, err)
	start := m.Now()
	for m.Now().Sub(start) < 15*time.Second {
		require.NoError(t, get(t, t.Context(), tr, dataURL))
		headers := base.headers()
		// The second in which the token was made has begun before the start.
		if left := start.Truncate(time.Second).Add(70 * time.Second).Sub(m.Now()); left >= time.Minute {
			require.NotEmpty(t, headers[len(headers)-1], "%s left", left)
		} else {
			require.Empty(t, headers[len(headers)-1], "%s left", left)
		}
		m.Advance(10 * time.Millisecond)
	}
}

func TestAClockThatIsSetBackDoesNotKeepADecisionAlive(t *testing.T) {
	t.Parallel()
	m := newMachine()
	m.SetEnv("BEARER_TOKEN_FILE", "/home/user/token")
	m.Put("/home/user/token", m.token(time.Hour, "https://data.example.org"))
	m.Advance(time.Minute)
	base := &answering{answer: status(http.StatusOK)} //nolint:bodyclose // it has none
	tr, err := scicred.NewTransport(base, scicred.WithSystem(m.System()))
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, get(t, t.Context(), tr, dataURL))
	}
	m.Advance(-30 * time.Second)
	m.Put("/home/user/token", m.token(time.Hour, "https://data.example.org"))
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	headers := base.headers()
	assert.Equal(t, headers[0], headers[1])
	assert.NotEqual(t, headers[1], headers[2])
}

func TestAWarmRequestSeesThatItsTokenWasReplacedByARefusal(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]scicred.Option{"discovered": nil, "named": {scicred.WithTokenFile("/home/user/token")}} {
		m := newMachine()
		m.SetEnv("BEARER_TOKEN_FILE", "/home/user/token")
		m.Put("/home/user/token", m.token(time.Hour, "https://data.example.org"))
		m.Advance(time.Minute)
		bad := atomic.Pointer[string]{}
		base := &answering{answer: func(req *http.Request) *http.Response {
			if b := bad.Load(); b != nil && req.Header.Get("Authorization") == *b {
				return &http.Response{StatusCode: http.StatusUnauthorized}
			}
			return &http.Response{StatusCode: http.StatusOK}
		}}
		tr, err := scicred.NewTransport(base, append(opts, scicred.WithSystem(m.System()))...)
		require.NoError(t, err)
		require.NoError(t, get(t, t.Context(), tr, dataURL))
		require.NoError(t, get(t, t.Context(), tr, dataURL))
		old := base.headers()[1]
		bad.Store(&old)
		m.Put("/home/user/token", m.token(time.Hour, "https://data.example.org"))
		require.NoError(t, get(t, t.Context(), tr, dataURL)) // refused, looked again, sent again
		require.NoError(t, get(t, t.Context(), tr, dataURL))
		headers := base.headers()
		require.Len(t, headers, 5, "%s: the last one is not refused any more", name)
		assert.Equal(t, old, headers[2])
		assert.NotEqual(t, old, headers[3])
		assert.Equal(t, headers[3], headers[4])
	}
}

// What one host's request found out is looked at again when it is due, however
// lately another host's was decided by it.
func TestAWarmRequestLooksAgainASecondAfterTheLastLook(t *testing.T) {
	t.Parallel()
	const other = "https://other.example.org/"
	for name, opts := range map[string][]scicred.Option{"discovered": nil, "named": {scicred.WithTokenFile("/home/user/token")}} {
		m := newMachine()
		m.SetEnv("BEARER_TOKEN_FILE", "/home/user/token")
		both := []string{"https://data.example.org", "https://other.example.org"}
		m.Put("/home/user/token", m.token(time.Hour, both...))
		m.Advance(time.Minute)
		base := &answering{answer: status(http.StatusOK)} //nolint:bodyclose // it has none
		tr, err := scicred.NewTransport(base, append(opts, scicred.WithSystem(m.System()))...)
		require.NoError(t, err)
		m.Advance(5 * time.Second)
		require.NoError(t, get(t, t.Context(), tr, dataURL))
		m.Advance(900 * time.Millisecond)
		m.Put("/home/user/token", m.token(time.Hour, both...))
		require.NoError(t, get(t, t.Context(), tr, other))
		m.Advance(200 * time.Millisecond)
		require.NoError(t, get(t, t.Context(), tr, other))
		headers := base.headers()
		assert.Equal(t, headers[0], headers[1], name)
		assert.NotEqual(t, headers[1], headers[2], name)
	}
}

func TestAWarmRequestWithALoginSeesThatItChanges(t *testing.T) {
	t.Parallel()
	for _, refused := range []bool{true, false} {
		m := newMachine()
		put := func(password string) {
			m.Put("/home/user/.netrc", "machine data.example.org login u password "+password+"\n")
		}
		put("old")
		m.Advance(time.Minute)
		base := &answering{answer: func(req *http.Request) *http.Response {
			if refused && req.URL.Path == "/refuse" && req.Header.Get("Authorization") == basic("u", "old") {
				return &http.Response{StatusCode: http.StatusUnauthorized}
			}
			return &http.Response{StatusCode: http.StatusOK}
		}}
		tr, err := scicred.NewTransport(base, scicred.WithSystem(m.System()))
		require.NoError(t, err)
		require.NoError(t, get(t, scicred.NewContext(t.Context(), scicred.Without(scicred.KindToken)), tr, dataURL)) // looks at netrc alone
		m.Advance(900 * time.Millisecond)
		for range 3 {
			require.NoError(t, get(t, t.Context(), tr, dataURL))
		}
		put("new")
		if refused {
			require.NoError(t, get(t, t.Context(), tr, "https://data.example.org/refuse"))
		} else {
			m.Advance(200 * time.Millisecond)
		}
		require.NoError(t, get(t, t.Context(), tr, dataURL))
		headers := base.headers()
		assert.Equal(t, basic("u", "old"), headers[3])
		assert.Equal(t, basic("u", "new"), headers[len(headers)-1], "refused: %v", refused)
	}
}

func TestAWarmRequestAsksItsSourcesASecondAfterTheLastTime(t *testing.T) {
	t.Parallel()
	const other = "https://other.example.org/"
	for _, gives := range []bool{true, false} {
		m := newMachine()
		m.SetEnv("BEARER_TOKEN", m.token(time.Hour, "https://data.example.org", other[:len(other)-1]))
		tok := mustToken(t, m.token(time.Hour, "ANY"))
		var asked, later atomic.Int32
		first := scicred.TokenSourceFunc(func(_ context.Context, target scicred.Target) (*scicred.Token, error) {
			if target.URL.Host == "data.example.org" {
				asked.Add(1)
				if gives {
					return tok, nil
				}
			}
			return nil, scicred.ErrNoCredentials
		})
		second := scicred.TokenSourceFunc(func(context.Context, scicred.Target) (*scicred.Token, error) {
			later.Add(1)
			return nil, scicred.ErrNoCredentials
		})
		tr, err := scicred.NewTransport(&stub{}, scicred.WithSystem(m.System()), scicred.WithTokenSource("first", first), scicred.WithTokenSource("second", second))
		require.NoError(t, err)
		at := func(d time.Duration, u string) {
			m.Advance(d)
			require.NoError(t, get(t, t.Context(), tr, u))
		}
		at(0, other)
		at(500*time.Millisecond, dataURL)
		at(500*time.Millisecond, other) // looks at the places
		at(100*time.Millisecond, dataURL)
		at(0, dataURL)
		assert.Equal(t, int32(1), asked.Load())
		at(500*time.Millisecond, dataURL)
		assert.Equal(t, int32(2), asked.Load())
		if gives {
			assert.Equal(t, int32(2), later.Load(), "a source behind the one that answers has no say")
		}
	}
}

func TestAWarmRequestObeysTheEndOfItsSourcesToken(t *testing.T) {
	t.Parallel()
	m := newMachine()
	tok := mustToken(t, m.token(3*time.Second, "ANY")) // a source keeps its own margin
	var ended atomic.Bool
	tr, err := scicred.NewTransport(&stub{}, scicred.WithSystem(m.System()), scicred.WithTokenSource("s", scicred.TokenSourceFunc(func(context.Context, scicred.Target) (*scicred.Token, error) {
		if ended.Load() {
			return nil, scicred.ErrNoCredentials
		}
		return tok, nil
	})), scicred.FailIfNoAuth())
	require.NoError(t, err)
	exp, _ := tok.Expiry()
	m.Advance(exp.Sub(m.Now()) - 500*time.Millisecond)
	for range 2 {
		require.NoError(t, get(t, t.Context(), tr, dataURL))
	}
	ended.Store(true)
	m.Advance(499 * time.Millisecond)
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	m.Advance(time.Millisecond)
	require.Error(t, get(t, t.Context(), tr, dataURL))
}

func TestAWarmRequestSeesThatASourcesTokenWasReplacedByARefusal(t *testing.T) {
	t.Parallel()
	m := newMachine()
	var next atomic.Int32
	toks := []*scicred.Token{mustToken(t, m.token(time.Hour, "ANY")), mustToken(t, m.token(time.Hour, "ANY"))}
	src := scicred.TokenSourceFunc(func(context.Context, scicred.Target) (*scicred.Token, error) { return toks[next.Load()], nil })
	base := &answering{answer: func(req *http.Request) *http.Response {
		if next.Load() == 1 && req.Header.Get("Authorization") == "Bearer "+toks[0].Reveal() {
			return &http.Response{StatusCode: http.StatusUnauthorized}
		}
		return &http.Response{StatusCode: http.StatusOK}
	}}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(m.System()), scicred.WithTokenSource("s", src))
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, get(t, t.Context(), tr, dataURL))
	}
	next.Store(1)
	for range 2 {
		require.NoError(t, get(t, t.Context(), tr, dataURL))
	}
	assert.Len(t, base.headers(), 5, "the last one is not refused any more")
}

func TestAWarmRequestThatASourceMakesGoesWithoutTheSource(t *testing.T) {
	t.Parallel()
	m := newMachine()
	found, tok := m.token(time.Hour, "ANY"), mustToken(t, m.token(time.Hour, "ANY"))
	m.SetEnv("BEARER_TOKEN", found)
	base := &answering{answer: status(http.StatusOK)} //nolint:bodyclose // it has none
	var inner context.Context
	tr, err := scicred.NewTransport(base, scicred.WithSystem(m.System()), scicred.WithTokenSource("s", scicred.TokenSourceFunc(func(ctx context.Context, _ scicred.Target) (*scicred.Token, error) {
		inner = context.WithoutCancel(ctx) //nolint:fatcontext // asked twice at most
		return tok, nil
	})))
	require.NoError(t, err)
	var want []string
	for _, bySource := range []bool{false, false, true, true, true, false, false} {
		ctx, is := t.Context(), tok.Reveal()
		if bySource {
			ctx, is = inner, found
		}
		require.NoError(t, get(t, ctx, tr, dataURL))
		want = append(want, "Bearer "+is)
	}
	assert.Equal(t, want, base.headers())
}

func TestAWarmRequestThatACertificateFunctionMakesShowsNoCertificate(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	cert := credtest.NewCA("Users").User("u").TLS()
	frozen := time.Now()
	sys := empty(t, map[string]string{"BEARER_TOKEN": issuer().SciToken(credtest.Claims{"aud": "ANY"})})
	sys.Now = func() time.Time { return frozen }
	var inner atomic.Pointer[context.Context]
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(sys), scicred.WithCertificate(func(ctx context.Context) (*tls.Certificate, error) {
		ctx = context.WithoutCancel(ctx)
		inner.Store(&ctx)
		return &cert, nil
	}))
	require.NoError(t, err)
	t.Cleanup(tr.CloseIdleConnections)
	shown := func(ctx context.Context) bool {
		fetch(t, ctx, tr, site.Origin+"/")
		all := site.Arrivals()
		return len(all[len(all)-1].Certificates) > 0
	}
	for range 3 {
		assert.True(t, shown(t.Context()))
	}
	assert.False(t, shown(*inner.Load()), "it would wait for itself")
	assert.True(t, shown(t.Context()))
}

// What is at hand counts as usable only if it fits, and there is time for it.
func TestARequestWaitsForALookIfNothingAtHandFits(t *testing.T) {
	t.Parallel()
	for name, old := range map[string]func(*machine) string{
		"within its leeway":  func(m *machine) string { return m.token(70*time.Second, "ANY") },
		"for another server": func(m *machine) string { return m.token(time.Hour, "https://other.example.org") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine()
			m.SetEnv("BEARER_TOKEN_FILE", "/home/user/token")
			m.Put("/home/user/token", old(m))
			base := &answering{answer: status(http.StatusOK)} //nolint:bodyclose // it has none
			tr, err := scicred.NewTransport(base, scicred.WithSystem(m.System()))
			require.NoError(t, err)
			require.NoError(t, get(t, t.Context(), tr, dataURL))
			m.Put("/home/user/token", m.token(time.Hour, "ANY"))
			m.Advance(20 * time.Second)
			release := m.Stall("/home/user/token")
			time.AfterFunc(300*time.Millisecond, release) // three times as long as a request waits that has something
			require.NoError(t, get(t, t.Context(), tr, dataURL))
			assert.NotEmpty(t, base.headers()[1])
		})
	}
}

// withCertificate is a machine with a token for every server and a certificate.
func withCertificate(t *testing.T, now func() time.Time) (sys *scicred.System, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "proxy")
	sys = empty(t, map[string]string{"BEARER_TOKEN": issuer().SciToken(credtest.Claims{"aud": "ANY"}, credtest.ExpiresIn(8*time.Hour)), "X509_USER_PROXY": path})
	sys.Now = now
	return sys, path
}

func TestAWarmRequestShowsARenewedCertificate(t *testing.T) {
	t.Parallel()
	for _, refused := range []bool{true, false} {
		site := credtest.NewSite()
		t.Cleanup(site.Close)
		var c clock
		sys, path := withCertificate(t, c.now)
		ca := credtest.NewCA("Users")
		replace(t, path, ca.User("old").Proxy().PEM())
		site.HandleFunc("/f", func(w http.ResponseWriter, r *http.Request) {
			if refused && r.TLS.PeerCertificates[1].Subject.CommonName == "old" {
				w.WriteHeader(http.StatusForbidden)
			}
		})
		tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(sys))
		require.NoError(t, err)
		t.Cleanup(tr.CloseIdleConnections)
		c.advance(5 * time.Second) // so that the file is not too new to be trusted
		own := scicred.NewContext(t.Context(), scicred.WithToken("opaque"))
		fetch(t, own, tr, site.Origin+"/") // looks at the certificate alone
		c.advance(900 * time.Millisecond)
		fetch(t, t.Context(), tr, site.Origin+"/")
		fetch(t, t.Context(), tr, site.Origin+"/")
		replace(t, path, ca.User("new").Proxy().PEM())
		if !refused {
			c.advance(200 * time.Millisecond)
		}
		fetch(t, t.Context(), tr, site.Origin+"/f")
		fetch(t, t.Context(), tr, site.OtherPort+"/f")
		all := site.Arrivals()
		assert.Contains(t, all[len(all)-2].Subject(), "CN=new")
		assert.Contains(t, all[len(all)-1].Subject(), "CN=new")
	}
}

func TestAWarmRequestObeysTheEndOfItsCertificate(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	var c clock
	sys, path := withCertificate(t, c.now)
	replace(t, path, credtest.NewCA("Users").User("u").Proxy(credtest.ExpiresIn(time.Hour)).PEM())
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(sys), scicred.WithCertificateLeeway(time.Minute))
	require.NoError(t, err)
	t.Cleanup(tr.CloseIdleConnections)
	creds, err := tr.Credentials(t.Context(), parse(t, site.Origin))
	require.NoError(t, err)
	end := creds.X509.Expiry().Add(-time.Minute)
	c.advance(end.Sub(c.now()) - 3*time.Second)
	for seen := 0; seen < 100; c.advance(5 * time.Millisecond) {
		after := !c.now().Before(end)
		fetch(t, t.Context(), tr, site.Origin+"/")
		all := site.Arrivals()
		shown := len(all[len(all)-1].Certificates) > 0
		require.False(t, after && shown)
		require.True(t, after || shown || !c.now().Before(end))
		if after {
			seen++
		}
	}
}

func TestAWarmRequestIsLoggedLikeAColdOne(t *testing.T) {
	t.Parallel()
	m := newMachine()
	m.SetEnv("BEARER_TOKEN", m.token(time.Hour, "ANY"))
	var lines atomic.Int32
	logger := slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) { lines.Add(1); return len(p), nil }), &slog.HandlerOptions{Level: slog.LevelDebug}))
	tr, err := scicred.NewTransport(&stub{}, scicred.WithSystem(m.System()), scicred.WithLogger(logger))
	require.NoError(t, err)
	for range 5 {
		require.NoError(t, get(t, t.Context(), tr, dataURL))
	}
	assert.Equal(t, int32(5), lines.Load())
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestAWarmCertificateIsKeptFromAProxyThatComesLater(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	var proxied atomic.Bool
	proxy := &url.URL{Scheme: "https", Host: "127.0.0.1:1"}
	base := site.Transport()
	base.Proxy = func(*http.Request) (*url.URL, error) {
		if proxied.Load() {
			return proxy, nil
		}
		return nil, nil //nolint:nilnil // no proxy, as net/http has it
	}
	sys := greedy(t, scicred.KindX509)
	look, tok := sys.LookupEnv, issuer().SciToken(credtest.Claims{"aud": "ANY"})
	sys.LookupEnv = func(key string) (string, bool) {
		if key == "BEARER_TOKEN" {
			return tok, true
		}
		return look(key)
	}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(sys))
	require.NoError(t, err)
	for range 2 {
		fetch(t, t.Context(), tr, site.Origin+"/f")
	}
	proxied.Store(true)
	require.Error(t, get(t, t.Context(), tr, site.OtherPort+"/f"), "there is no such proxy")
	proxied.Store(false)
	fetch(t, t.Context(), tr, site.OtherPort+"/f")
	all := site.Arrivals()
	assert.NotEmpty(t, all[len(all)-1].Certificates, "nor is a decision for the proxy kept")
	proxied.Store(true)
	err = get(t, t.Context(), tr, site.Origin+"/f")
	require.Error(t, err, "there is no such proxy")
	assert.NotErrorIs(t, err, pool.ErrHTTPSProxy, "it goes without the certificate, and not on connections that refuse such a proxy")
}
