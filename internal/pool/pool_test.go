// SPDX-License-Identifier: BSD-3-Clause

package pool_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/pool"
)

// server is a TLS server that asks for a certificate and takes any, or none. It
// answers with the common name that it was shown.
type server struct {
	*httptest.Server
	ca *credtest.CA

	mu     sync.Mutex
	open   map[net.Conn]bool
	closed chan struct{} // closed itself when the next connection is
}

// serverOption changes a server before it starts.
type serverOption func(*httptest.Server)

func withHTTP2(s *httptest.Server) { s.EnableHTTP2 = true }

func withTLS(version uint16) serverOption {
	return func(s *httptest.Server) { s.TLS.MinVersion, s.TLS.MaxVersion = version, version }
}

func newServer(t *testing.T, opts ...serverOption) *server {
	t.Helper()
	s := &server{ca: credtest.NewCA("Servers"), open: map[net.Conn]bool{}, closed: make(chan struct{})}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.answer))
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{s.ca.Host("127.0.0.1").TLS()}}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch state {
		case http.StateNew:
			s.open[c] = true
		case http.StateClosed, http.StateHijacked:
			delete(s.open, c)
			close(s.closed)
			s.closed = make(chan struct{})
		}
	}
	for _, o := range opts {
		o(s.Server)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	name := "nobody"
	if certs := r.TLS.PeerCertificates; len(certs) > 0 {
		name = certs[0].Subject.CommonName
	}
	resumed := ""
	if r.TLS.DidResume {
		resumed = " resumed"
	}
	fmt.Fprintf(w, "%s %s%s", name, r.Proto, resumed)
}

// waitForOpen waits until no more than so many connections are open.
func (s *server) waitForOpen(t *testing.T, n int) {
	t.Helper()
	for {
		s.mu.Lock()
		open, closed := len(s.open), s.closed
		s.mu.Unlock()
		if open <= n {
			return
		}
		select {
		case <-closed:
		case <-time.After(20 * time.Second): // only ever waited for in a test that fails
			t.Fatalf("%d connections are open, not %d", open, n)
		}
	}
}

func (s *server) opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// base is a transport that trusts the server.
func (s *server) base(http2 bool) *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.ca.Pool(), MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: http2}
}

// ask sends a request and returns the server's answer, or what went wrong.
func ask(t *testing.T, rt http.RoundTripper, target string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		return err.Error()
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// people are client certificates by name.
type people struct{ ca *credtest.CA }

func newPeople() people { return people{credtest.NewCA("People")} }

func (p people) cert(name string) *tls.Certificate {
	c := p.ca.User(name).TLS()
	return &c
}

func identity(t *testing.T, p *pool.Pool, key string, cert *tls.Certificate) http.RoundTripper {
	t.Helper()
	id, err := p.Identity(key, cert)
	require.NoError(t, err)
	return id.RoundTripper()
}

// protocol is HTTP/1.1 or HTTP/2.
type protocol struct {
	name  string
	http2 bool
}

func protocols() []protocol { return []protocol{{"HTTP/1.1", false}, {"HTTP/2.0", true}} }

// speak lets a server speak the protocol.
func (p protocol) speak(s *httptest.Server) { s.EnableHTTP2 = p.http2 }

func TestEveryIdentityShowsItsOwnCertificateAndBareShowsNone(t *testing.T) {
	t.Parallel()
	for _, proto := range protocols() {
		t.Run(proto.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, proto.speak)
			p, who := pool.New(s.base(proto.http2)), newPeople()
			defer p.CloseIdleConnections()
			alice, bob := who.cert("alice"), who.cert("bob")
			for range 3 { // with all connections open from the second time on
				assert.Equal(t, "nobody "+proto.name, ask(t, p.Bare(), s.URL))
				assert.Equal(t, "alice "+proto.name, ask(t, identity(t, p, "a", alice), s.URL))
				assert.Equal(t, "nobody "+proto.name, ask(t, p.Bare(), s.URL))
				assert.Equal(t, "bob "+proto.name, ask(t, identity(t, p, "b", bob), s.URL))
				assert.Equal(t, "nobody "+proto.name, ask(t, p.Base(), s.URL))
			}
			assert.Equal(t, 3, s.opened(), "one connection each, used again")
		})
	}
}

func TestIdentitiesStayApartUnderLoad(t *testing.T) {
	t.Parallel()
	for _, proto := range protocols() {
		t.Run(proto.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, proto.speak)
			p, who := pool.New(s.base(proto.http2)), newPeople()
			defer p.CloseIdleConnections()
			want, rts := []string{"nobody"}, []http.RoundTripper{p.Bare()}
			for _, n := range []string{"alice", "bob", "carol"} {
				want, rts = append(want, n), append(rts, identity(t, p, n, who.cert(n)))
			}
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					for j := range 20 {
						k := (i + j) % len(rts)
						assert.Equal(t, want[k]+" "+proto.name, ask(t, rts[k], s.URL))
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestAnIdentityIsMadeOnceForItsKey(t *testing.T) {
	t.Parallel()
	p, who := pool.New(&http.Transport{}), newPeople()
	cert := who.cert("alice")
	a, err := p.Identity("a", cert)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			again, err := p.Identity("a", cert)
			assert.NoError(t, err)
			assert.Same(t, a, again)
		})
	}
	wg.Wait()
	b, err := p.Identity("b", cert)
	require.NoError(t, err)
	assert.NotSame(t, a, b)
}

func TestACertificateIsShownWhateverAuthoritiesTheServerNames(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(s *httptest.Server) { s.TLS.ClientCAs = credtest.NewCA("Somebody else").Pool() })
	p := pool.New(s.base(false))
	defer p.CloseIdleConnections()
	assert.Equal(t, "alice HTTP/1.1", ask(t, identity(t, p, "a", newPeople().cert("alice")), s.URL))
}

func TestRotationOpensNewConnectionsAndClosesTheOldIdleOnes(t *testing.T) {
	t.Parallel()
	for _, proto := range protocols() {
		t.Run(proto.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, proto.speak)
			p, who := pool.New(s.base(proto.http2)), newPeople()
			defer p.CloseIdleConnections()
			assert.Equal(t, "old "+proto.name, ask(t, identity(t, p, "1", who.cert("old")), s.URL))
			require.Equal(t, 1, s.opened())
			p.Retire("1")
			s.waitForOpen(t, 0)
			assert.Equal(t, "new "+proto.name, ask(t, identity(t, p, "2", who.cert("new")), s.URL))
		})
	}
}

func TestARequestUnderWayEndsOnTheOldIdentityAndNoneFollowsIt(t *testing.T) {
	t.Parallel()
	for _, proto := range protocols() {
		t.Run(proto.name, func(t *testing.T) {
			t.Parallel()
			arrived, proceed := make(chan struct{}), make(chan struct{})
			s := newServer(t, proto.speak, func(s *httptest.Server) {
				answer := s.Config.Handler
				s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/slow" {
						close(arrived)
						<-proceed
					}
					answer.ServeHTTP(w, r)
				})
			})
			p, who := pool.New(s.base(proto.http2)), newPeople()
			defer p.CloseIdleConnections()
			answers := make(chan string, 1)
			old := identity(t, p, "1", who.cert("old"))
			go func() { answers <- ask(t, old, s.URL+"/slow") }()
			<-arrived
			p.Retire("1")
			fresh := identity(t, p, "2", who.cert("new"))
			assert.Equal(t, "new "+proto.name, ask(t, fresh, s.URL), "while the other is under way")
			close(proceed)
			assert.Equal(t, "old "+proto.name, <-answers, "it ends as it began")
			assert.Equal(t, "new "+proto.name, ask(t, fresh, s.URL), "after it")
		})
	}
}

func TestRetiringAnUnknownIdentityDoesNothing(t *testing.T) {
	t.Parallel()
	p, cert := pool.New(&http.Transport{}), newPeople().cert("alice")
	var ids []*pool.Identity
	for _, key := range []string{"a", "b", "c"} {
		id, err := p.Identity(key, cert)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	p.Retire("unknown")
	p.Retire("b")
	for i, want := range map[int]bool{0: true, 1: false, 2: true} {
		id, err := p.Identity([]string{"a", "b", "c"}[i], cert)
		require.NoError(t, err)
		assert.Equal(t, want, id == ids[i], i)
	}
}

func TestAnIdentitySignsWithTheKeyThatItWasGivenLast(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	p, cert := pool.New(s.base(false)), newPeople().cert("alice")
	defer p.CloseIdleConnections()
	pulledOut := *cert // the smart card
	pulledOut.PrivateKey = failingSigner{cert.PrivateKey.(crypto.Signer)}
	rt := identity(t, p, "a", &pulledOut)
	assert.Contains(t, ask(t, rt, s.URL), "no card")
	again := identity(t, p, "a", cert)
	assert.Same(t, rt, again, "the identity is the same")
	assert.Equal(t, "alice HTTP/1.1", ask(t, rt, s.URL))
}

type failingSigner struct{ crypto.Signer }

func (failingSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("no card")
}

func TestAnIdentityNeverGoesThroughAnHTTPSProxy(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	proxies := newServer(t) // it would be shown the certificate in the handshake
	base := s.base(false)
	base.TLSClientConfig.RootCAs = s.ca.Pool()
	base.TLSClientConfig.RootCAs.AddCert(proxies.ca.Certificate())
	target, err := url.Parse(proxies.URL)
	require.NoError(t, err)
	var proxy *url.URL
	base.Proxy = func(*http.Request) (*url.URL, error) { return proxy, nil }
	p := pool.New(base)
	defer p.CloseIdleConnections()
	rt := identity(t, p, "a", newPeople().cert("alice"))
	assert.Equal(t, "alice HTTP/1.1", ask(t, rt, s.URL), "without a proxy")
	p.CloseIdleConnections()

	proxy = target // the function changes its mind after it was asked
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
	_, err = rt.RoundTrip(req) //nolint:bodyclose // there is none
	require.ErrorIs(t, err, pool.ErrHTTPSProxy)
	assert.Zero(t, proxies.opened(), "it was not even connected to")

	proxy = &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	assert.Contains(t, ask(t, rt, s.URL), "127.0.0.1:1", "an http proxy is asked as ever")
	refuses := errors.New("no way")
	base.Proxy = func(*http.Request) (*url.URL, error) { return nil, refuses }
	other := identity(t, pool.New(base), "a", newPeople().cert("alice"))
	_, err = other.RoundTrip(req) //nolint:bodyclose // there is none
	assert.ErrorIs(t, err, refuses)
}

func TestBehindADialTLSHookBareStillHasNoCertificateOfTheBase(t *testing.T) {
	t.Parallel()
	base := &http.Transport{
		TLSClientConfig: &tls.Config{Certificates: make([]tls.Certificate, 1), MinVersion: tls.VersionTLS12},
		DialTLSContext:  func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed },
	}
	p := pool.New(base)
	require.ErrorIs(t, p.Foreign(), pool.ErrDialTLS)
	assert.Empty(t, p.Bare().(*http.Transport).TLSClientConfig.Certificates, "connections through a proxy do not go by the hook")
	assert.Len(t, p.Base().(*http.Transport).TLSClientConfig.Certificates, 1)
}

func TestThereAreEightIdentitiesAtMost(t *testing.T) {
	t.Parallel()
	for _, proto := range protocols() {
		t.Run(proto.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, proto.speak)
			p, cert := pool.New(s.base(proto.http2)), newPeople().cert("alice")
			defer p.CloseIdleConnections()
			var ids []*pool.Identity
			for i := range 9 {
				id, err := p.Identity(fmt.Sprint(i), cert)
				require.NoError(t, err)
				ids = append(ids, id)
				if i < 8 {
					ask(t, id.RoundTripper(), s.URL)
				}
			}
			s.waitForOpen(t, 7)
			for i := 1; i < 9; i++ {
				id, err := p.Identity(fmt.Sprint(i), cert)
				require.NoError(t, err)
				assert.Same(t, ids[i], id, i)
			}
			assert.Equal(t, 7, s.opened(), "the others keep theirs")
			first, err := p.Identity("0", cert)
			require.NoError(t, err)
			assert.NotSame(t, ids[0], first, "the oldest had to go")
		})
	}
}

func TestNoSessionIsResumedAcrossIdentities(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, withTLS(version))
			base := s.base(false)
			base.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(0)
			p, who := pool.New(base), newPeople()
			alice, bob := who.cert("alice"), who.cert("bob")
			again := func(rt http.RoundTripper) string {
				p.CloseIdleConnections()
				s.waitForOpen(t, 0)
				return ask(t, rt, s.URL)
			}
			assert.Equal(t, "nobody HTTP/1.1", again(p.Bare()))
			assert.Equal(t, "nobody HTTP/1.1 resumed", again(p.Bare()), "sessions are resumed here")
			assert.Equal(t, "alice HTTP/1.1", again(identity(t, p, "a", alice)))
			assert.Equal(t, "alice HTTP/1.1 resumed", again(identity(t, p, "a", alice)), "and by identities")
			assert.Equal(t, "bob HTTP/1.1", again(identity(t, p, "b", bob)))
			assert.Equal(t, "nobody HTTP/1.1 resumed", again(p.Bare()))
			p.Retire("a")
			assert.Equal(t, "new HTTP/1.1", again(identity(t, p, "a2", who.cert("new"))), "rotated")
		})
	}
}

func TestWithoutASessionCacheInTheBaseThereIsNone(t *testing.T) {
	t.Parallel()
	p := pool.New(&http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}})
	rt := identity(t, p, "a", newPeople().cert("alice")).(*http.Transport)
	assert.Nil(t, rt.TLSClientConfig.ClientSessionCache)
}

func TestABaseThatHasSpokenHTTP2StillGivesIdentitiesOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newServer(t, withHTTP2)
	base := s.base(true)
	require.Equal(t, "nobody HTTP/2.0", ask(t, base, s.URL))
	p := pool.New(base)
	defer p.CloseIdleConnections()
	assert.Equal(t, "alice HTTP/2.0", ask(t, identity(t, p, "a", newPeople().cert("alice")), s.URL))
	assert.Equal(t, "nobody HTTP/2.0", ask(t, p.Bare(), s.URL))

	clone := pool.New(base.Clone())
	defer clone.CloseIdleConnections()
	assert.Equal(t, "bob HTTP/2.0", ask(t, identity(t, clone, "b", newPeople().cert("bob")), s.URL))
}

// prepared is what http2.ConfigureTransport of golang.org/x/net leaves in a
// transport: a function that takes connections over, for all who have it.
func prepared(base *http.Transport) (taken func() int) {
	var mu sync.Mutex
	n := 0
	base.TLSClientConfig.NextProtos = []string{"h2", "http/1.1"}
	base.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{"h2": func(_ string, c *tls.Conn) http.RoundTripper {
		mu.Lock()
		defer mu.Unlock()
		n++
		_ = c.Close()
		return roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("the connection of somebody else") })
	}}
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestABasePreparedForHTTP2DoesNotGetTheConnectionsOfIdentities(t *testing.T) {
	t.Parallel()
	s := newServer(t, withHTTP2)
	base := s.base(false)
	taken := prepared(base)
	p := pool.New(base)
	defer p.CloseIdleConnections()
	assert.Equal(t, "alice HTTP/2.0", ask(t, identity(t, p, "a", newPeople().cert("alice")), s.URL))
	assert.Zero(t, taken())
}

func TestABaseThatSpeaksNoHTTP2StaysSo(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*http.Transport){
		"no TLSNextProto":     func(tr *http.Transport) { tr.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{} },
		"own TLSClientConfig": func(tr *http.Transport) { tr.ForceAttemptHTTP2 = false },
		"Protocols": func(tr *http.Transport) {
			tr.Protocols = new(http.Protocols)
			tr.Protocols.SetHTTP1(true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, withHTTP2)
			base := s.base(true)
			change(base)
			p := pool.New(base)
			defer p.CloseIdleConnections()
			assert.Equal(t, "alice HTTP/1.1", ask(t, identity(t, p, "a", newPeople().cert("alice")), s.URL))
		})
	}
}

// trusting lets a transport that has no TLS configuration of its own trust the
// server, before its first connection.
func trusting(s *server, rt http.RoundTripper) http.RoundTripper {
	rt.(*http.Transport).TLSClientConfig.RootCAs = s.ca.Pool()
	return rt
}

func TestAZeroTransportAndTheDefaultOneSpeakHTTP2AsIdentities(t *testing.T) {
	t.Parallel()
	s := newServer(t, withHTTP2)
	for name, base := range map[string]http.RoundTripper{"zero": &http.Transport{}, "default": nil} {
		p := pool.New(base)
		rt := trusting(s, identity(t, p, "a", newPeople().cert("alice")))
		assert.Equal(t, "alice HTTP/2.0", ask(t, rt, s.URL), name)
		p.CloseIdleConnections()
	}
}

func TestTheBaseIsNotChangedAndItsTrustIsNotWidened(t *testing.T) {
	t.Parallel()
	roots, cache := x509.NewCertPool(), tls.NewLRUClientSessionCache(0)
	base := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ClientSessionCache: cache, ServerName: "n", MinVersion: tls.VersionTLS13}}
	p := pool.New(base)
	rt := identity(t, p, "a", newPeople().cert("alice")).(*http.Transport)
	assert.Same(t, roots, rt.TLSClientConfig.RootCAs)
	assert.Equal(t, "n", rt.TLSClientConfig.ServerName)
	assert.EqualValues(t, tls.VersionTLS13, rt.TLSClientConfig.MinVersion)
	assert.False(t, rt.TLSClientConfig.InsecureSkipVerify)

	assert.Nil(t, base.TLSClientConfig.GetClientCertificate)
	assert.Empty(t, base.TLSClientConfig.Certificates)
	assert.Same(t, cache, base.TLSClientConfig.ClientSessionCache)
	assert.Zero(t, base.IdleConnTimeout)
	assert.Same(t, base, p.Base())
	assert.Same(t, base, p.Bare(), "a base without a certificate is bare by itself")
}

func TestNoIdleConnectionOfAnIdentityStaysForEver(t *testing.T) {
	t.Parallel()
	for given, want := range map[time.Duration]time.Duration{0: 90 * time.Second, 5 * time.Second: 5 * time.Second, time.Hour: time.Hour} {
		p := pool.New(&http.Transport{IdleConnTimeout: given})
		rt := identity(t, p, "a", newPeople().cert("alice")).(*http.Transport)
		assert.Equal(t, want, rt.IdleConnTimeout, given)
	}
}

func TestABaseWithACertificateOfItsOwnKeepsItToItself(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"Certificates", "GetClientCertificate"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			for _, proto := range protocols() {
				t.Run(proto.name, func(t *testing.T) {
					t.Parallel()
					s := newServer(t, proto.speak)
					base, own := s.base(proto.http2), newPeople().cert("owner")
					if way == "Certificates" {
						base.TLSClientConfig.Certificates = []tls.Certificate{*own}
					} else {
						base.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil }
					}
					p := pool.New(base)
					defer p.CloseIdleConnections()
					require.ErrorIs(t, p.Foreign(), pool.ErrOwnCert)
					id, err := p.Identity("a", newPeople().cert("alice"))
					require.ErrorIs(t, err, pool.ErrOwnCert)
					assert.Nil(t, id)
					for range 2 {
						assert.Equal(t, "owner "+proto.name, ask(t, p.Base(), s.URL))
						assert.Equal(t, "nobody "+proto.name, ask(t, p.Bare(), s.URL))
					}
				})
			}
		})
	}
}

func TestABaseThatCannotBeGivenACertificateSaysWhy(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		base http.RoundTripper
		want error
	}{
		"another type":    {roundTripper(nil), pool.ErrForeign},
		"DialTLSContext":  {&http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }}, pool.ErrDialTLS},
		"DialTLS":         {&http.Transport{DialTLS: func(string, string) (net.Conn, error) { return nil, net.ErrClosed }}, pool.ErrDialTLS}, //nolint:staticcheck // deprecated, and still in use
		"a certificate":   {&http.Transport{TLSClientConfig: &tls.Config{Certificates: make([]tls.Certificate, 1)}}, pool.ErrOwnCert},
		"a zero one":      {&http.Transport{}, nil},
		"a plain config":  {&http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}, nil},
		"a dialler below": {&http.Transport{DialContext: (&net.Dialer{}).DialContext}, nil},
		"a nil pointer":   {(*http.Transport)(nil), nil}, // counts as none given
	}
	for name, tt := range tests {
		p := pool.New(tt.base)
		assert.Equal(t, tt.want, p.Foreign(), name)
		id, err := p.Identity("a", newPeople().cert("alice"))
		assert.Equal(t, tt.want, err, name)
		assert.Equal(t, tt.want == nil, id != nil, name)
		p.Retire("a")
	}
}

func TestABaseOfAnotherTypeCarriesEverything(t *testing.T) {
	t.Parallel()
	closes := 0
	base := &closer{closes: &closes}
	p := pool.New(base)
	assert.Same(t, base, p.Base())
	assert.Same(t, base, p.Bare())
	p.CloseIdleConnections()
	assert.NotZero(t, closes)
	assert.NotPanics(t, pool.New(roundTripper(nil)).CloseIdleConnections, "one that has no idle connections to close")
}

type closer struct{ closes *int }

func (*closer) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("not here") }
func (c *closer) CloseIdleConnections()                         { *c.closes++ }

func TestWithoutABaseTheDefaultTransportIsCloned(t *testing.T) {
	t.Parallel()
	p := pool.New(nil)
	require.NoError(t, p.Foreign())
	base, ok := p.Base().(*http.Transport)
	require.True(t, ok)
	assert.NotSame(t, http.DefaultTransport, base, "its connections are not ours to close")
	assert.NotNil(t, base.Proxy, "but what it says of proxies holds")
}

// Not parallel: it replaces a global of net/http.
func TestADefaultTransportOfAnotherTypeIsUsedAsItIs(t *testing.T) {
	standard := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = standard })
	answer := errors.New("the replacement")
	http.DefaultTransport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, answer })

	p := pool.New(nil)
	require.ErrorIs(t, p.Foreign(), pool.ErrForeign)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.org", nil)
	for _, rt := range []http.RoundTripper{p.Base(), p.Bare()} {
		_, err := rt.RoundTrip(req) //nolint:bodyclose // there is none
		assert.ErrorIs(t, err, answer)
	}
	p.CloseIdleConnections()
}

func TestCloseIdleConnectionsClosesThoseOfAllTransports(t *testing.T) {
	t.Parallel()
	for _, proto := range protocols() {
		t.Run(proto.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, proto.speak)
			p, who := pool.New(s.base(proto.http2)), newPeople()
			ask(t, p.Base(), s.URL)
			ask(t, identity(t, p, "a", who.cert("alice")), s.URL)
			ask(t, identity(t, p, "b", who.cert("bob")), s.URL)
			require.Equal(t, 3, s.opened())
			p.CloseIdleConnections()
			s.waitForOpen(t, 0)
		})
	}
	t.Run("bare beside a base with a certificate", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		base := s.base(false)
		base.TLSClientConfig.Certificates = []tls.Certificate{*newPeople().cert("owner")}
		p := pool.New(base)
		ask(t, p.Base(), s.URL)
		ask(t, p.Bare(), s.URL)
		require.Equal(t, 2, s.opened())
		p.CloseIdleConnections()
		s.waitForOpen(t, 0)
	})
}

func TestTheProxyIsTheOneThatTheBaseWouldTake(t *testing.T) {
	t.Parallel()
	proxy := &url.URL{Scheme: "https", Host: "proxy.example.org"}
	toProxy := func(req *http.Request) (*url.URL, error) {
		switch req.URL.Host {
		case "direct.example.org":
			return nil, nil //nolint:nilnil // that is how net/http says it
		case "broken.example.org":
			return proxy, errors.New("cannot tell")
		}
		return proxy, nil
	}
	for name, tt := range map[string]struct {
		base http.RoundTripper
		host string
		want *url.URL
		sure bool
	}{
		"a proxy":           {&http.Transport{Proxy: toProxy}, "example.org", proxy, true},
		"none for the host": {&http.Transport{Proxy: toProxy}, "direct.example.org", nil, true},
		"an error":          {&http.Transport{Proxy: toProxy}, "broken.example.org", nil, false},
		"no proxies":        {&http.Transport{}, "example.org", nil, true},
		"another type":      {roundTripper(nil), "example.org", nil, false},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+tt.host, nil)
		got, known := pool.New(tt.base).Proxy(req)
		assert.Equal(t, tt.want, got, name)
		assert.Equal(t, tt.sure, known, name)
	}
}
