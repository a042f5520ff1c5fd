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
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

// replace writes a file as careful writers do: beside it, then renamed.
func replace(t *testing.T, path string, data []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", data, 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

// clock is a clock that the test moves.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

func fetch(t *testing.T, ctx context.Context, rt http.RoundTripper, u string) { //nolint:revive // t first, as everywhere in tests
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, http.NoBody)
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: rt}).Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
}

func TestARequestWithoutCertificateNeverSharesAConnectionWithOneThatHasIt(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{true, false} {
		site := credtest.NewSite()
		t.Cleanup(site.Close)
		base := site.Transport()
		base.ForceAttemptHTTP2 = h2
		base.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(8)
		tr, err := scicred.NewTransport(base, scicred.WithSystem(greedy(t, scicred.KindX509)))
		require.NoError(t, err)
		t.Cleanup(tr.CloseIdleConnections)
		with := t.Context()
		without := map[string]context.Context{
			"ForceNoAuth": scicred.NewContext(with, scicred.ForceNoAuth()),
			"Without":     scicred.NewContext(with, scicred.Without(scicred.KindX509)),
			"WithHosts":   scicred.NewContext(with, scicred.WithHosts("elsewhere.example")),
		}
		conns := map[string]bool{}
		for range 3 {
			site.Forget()
			fetch(t, with, tr, site.Origin+"/with")
			for name, ctx := range without {
				fetch(t, ctx, tr, site.Origin+"/"+name)
			}
			for _, a := range site.Arrivals() {
				if a.Path == "/with" {
					assert.Contains(t, a.Subject(), "albert")
					conns[a.Conn] = true
				} else {
					assert.Empty(t, a.Secrets(), a.Path)
					assert.False(t, conns[a.Conn], "%s rode a connection that was opened with a certificate", a.Path)
				}
			}
		}
		assert.Len(t, conns, 1, "requests with the same certificate share a connection")
	}
}

func TestARenewedCertificateGetsConnectionsOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{true, false} {
		site := credtest.NewSite()
		t.Cleanup(site.Close)
		base := site.Transport()
		base.ForceAttemptHTTP2 = h2
		base.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(8)
		path := filepath.Join(t.TempDir(), "proxy")
		ca := credtest.NewCA("Users")
		replace(t, path, ca.User("old").Proxy().PEM())
		var c clock
		sys := empty(t, map[string]string{"X509_USER_PROXY": path})
		sys.Now = c.now
		tr, err := scicred.NewTransport(base, scicred.WithSystem(sys))
		require.NoError(t, err)
		t.Cleanup(tr.CloseIdleConnections)

		// A request that stays under way keeps the old connection busy.
		release, held := make(chan struct{}), make(chan struct{})
		site.HandleFunc("/slow", func(http.ResponseWriter, *http.Request) { close(held); <-release })
		var slow sync.WaitGroup
		slow.Go(func() { fetch(t, t.Context(), tr, site.Origin+"/slow") })
		<-held
		replace(t, path, ca.User("new").Proxy().PEM())
		c.advance(2 * time.Second)
		for range 3 {
			fetch(t, t.Context(), tr, site.Origin+"/after")
		}
		close(release)
		slow.Wait()
		for range 3 {
			fetch(t, t.Context(), tr, site.Origin+"/after")
		}
		for _, a := range site.Arrivals() {
			if a.Path == "/after" {
				assert.Contains(t, a.Subject(), "CN=new")
			} else {
				assert.Contains(t, a.Subject(), "CN=old")
			}
		}
	}
}

func TestARefusedRequestIsSentAgainWithARenewedCertificate(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	path := filepath.Join(t.TempDir(), "proxy")
	ca := credtest.NewCA("Users")
	replace(t, path, ca.User("old").Proxy().PEM())
	site.HandleFunc("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.PeerCertificates[1].Subject.CommonName == "old" {
			replace(t, path, ca.User("new").Proxy().PEM())
			w.WriteHeader(http.StatusForbidden)
		}
	})
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(empty(t, map[string]string{"X509_USER_PROXY": path})))
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, site.Origin+"/f", strings.NewReader("payload"))
	require.NoError(t, err)
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	all := site.Arrivals()
	require.Len(t, all, 2)
	assert.Contains(t, all[1].Subject(), "new")
	assert.Equal(t, credtest.SHA256([]byte("payload")), all[1].BodySHA256)
}

func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	dir := t.TempDir()
	token, proxy := filepath.Join(dir, "token"), filepath.Join(dir, "proxy")
	is, ca := issuer(), credtest.NewCA("Users")
	var valid sync.Map
	renew := func() {
		raw := is.SciToken(credtest.Claims{"aud": "https://localhost"})
		valid.Store(raw, true)
		replace(t, token, []byte(raw))
		replace(t, proxy, ca.User("load").Proxy().PEM())
	}
	renew()
	var c clock
	sys := empty(t, map[string]string{"BEARER_TOKEN_FILE": token, "X509_USER_PROXY": proxy})
	sys.Now = c.now
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(sys), scicred.FailIfNoAuth(scicred.KindToken, scicred.KindX509))
	require.NoError(t, err)
	t.Cleanup(tr.CloseIdleConnections)
	site.HandleFunc("/f", func(w http.ResponseWriter, r *http.Request) {
		if _, ok := valid.Load(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); !ok || len(r.TLS.PeerCertificates) == 0 {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	const workers, each, renewals = 16, 40, 20
	var failures atomic.Int32
	var load sync.WaitGroup
	for range workers {
		load.Go(func() {
			for range each {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.Origin+"/f", http.NoBody)
				if err != nil {
					failures.Add(1)
					continue
				}
				resp, err := tr.RoundTrip(req)
				if err != nil || resp.StatusCode != http.StatusOK {
					failures.Add(1)
					continue
				}
				_ = resp.Body.Close()
			}
		})
	}
	for range renewals {
		renew()
		c.advance(time.Second)
		fetch(t, t.Context(), tr, site.Origin+"/f")
	}
	load.Wait()
	assert.Zero(t, failures.Load(), "no request fails while credentials rotate")
}

func TestWithX509(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Users")
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	user := ca.User("albert")
	cert, key := write("cert", user.CertPEM()), write("key", user.KeyPEM())
	proxy := write("proxy", user.Proxy().PEM())
	other := greedy(t, scicred.KindX509) // has a discovered one too
	tests := map[string]struct {
		opt  scicred.Option
		want string
	}{
		"a pair":             {scicred.WithX509(cert, key), "/CN=albert"},
		"a combined file":    {scicred.WithX509(proxy, ""), "/CN=albert/CN="},
		"a function":         {scicred.WithCertificate(func(context.Context) (*tls.Certificate, error) { c := ca.User("card").TLS(); return &c, nil }), "/CN=card"},
		"another certleeway": {scicred.WithCertificateLeeway(time.Hour), "/CN=albert/CN="},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := credtest.NewSite()
			t.Cleanup(site.Close)
			tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(other), tt.opt)
			require.NoError(t, err)
			fetch(t, t.Context(), tr, site.Origin+"/f")
			assert.Contains(t, site.Arrivals()[0].Subject(), tt.want)
		})
	}
}

func TestACertificateFunctionThatFailsServesItsLastCertificate(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	var c clock
	var broken atomic.Bool
	held := credtest.NewCA("Users").User("card").TLS()
	sys := empty(t, nil)
	sys.Now = c.now
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(sys), scicred.WithCertificate(func(context.Context) (*tls.Certificate, error) {
		if broken.Load() {
			return nil, errors.New("the card is not in the reader")
		}
		return &held, nil
	}))
	require.NoError(t, err)
	fetch(t, t.Context(), tr, site.Origin+"/1")
	broken.Store(true)
	c.advance(2 * time.Second)
	fetch(t, t.Context(), tr, site.Origin+"/2")
	for _, a := range site.Arrivals() {
		assert.Contains(t, a.Subject(), "CN=card")
	}
	c.advance(48 * time.Hour) // expired by now
	err = get(t, t.Context(), tr, site.Origin+"/3")
	require.ErrorContains(t, err, "WithCertificate")
}

func TestABaseWithItsOwnCertificateKeepsItAndLosesItWhereNothingMayGo(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	base := site.Transport()
	base.TLSClientConfig.Certificates = []tls.Certificate{site.CA.User("base").TLS()}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(greedy(t, scicred.KindX509)))
	require.NoError(t, err)
	fetch(t, t.Context(), tr, site.Origin+"/own")
	fetch(t, scicred.NewContext(t.Context(), scicred.ForceNoAuth()), tr, site.Origin+"/bare")
	site.Handle("/away", credtest.Redirect(302, site.OtherHost+"/foreign"))
	fetch(t, t.Context(), tr, site.Origin+"/away")
	for _, a := range site.Arrivals() {
		switch a.Path {
		case "/own", "/away":
			assert.Contains(t, a.Subject(), "CN=base")
		default:
			assert.Empty(t, a.Secrets(), a.Path)
		}
	}
	u, err := url.Parse(site.Origin)
	require.NoError(t, err)
	assert.Contains(t, tr.Explain(t.Context(), u).String(), "a client certificate of its own")
}

func TestAnHTTPSProxyIsNotOfferedTheCertificate(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Proxy CA")
	shown := make(chan int, 8)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{ca.Host("127.0.0.1").TLS()}, ClientAuth: tls.RequestClientCert})
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1024)) // the CONNECT
			if c, ok := conn.(*tls.Conn); ok {
				shown <- len(c.ConnectionState().PeerCertificates)
			}
			_ = conn.Close()
		}
	}()
	u, err := url.Parse("https://" + listener.Addr().String())
	require.NoError(t, err)
	base := &http.Transport{Proxy: http.ProxyURL(u), TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}}
	tr, err := scicred.NewTransport(base, scicred.WithSystem(greedy(t, scicred.KindX509)))
	require.NoError(t, err)
	require.Error(t, get(t, t.Context(), tr, dataURL), "it is no proxy; what it was shown counts")
	assert.Zero(t, <-shown)
	data, err := url.Parse(dataURL)
	require.NoError(t, err)
	assert.Contains(t, tr.Explain(t.Context(), data).String(), "an https proxy is in the way")
}

// locks collects every mutex of ours that can be reached from a value.
type locks struct {
	found map[*sync.Mutex]bool
	seen  map[unsafe.Pointer]bool
}

func (l *locks) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || l.seen[v.UnsafePointer()] || strings.HasPrefix(v.Type().Elem().PkgPath(), "net/") || strings.HasPrefix(v.Type().Elem().PkgPath(), "crypto/") {
			return
		}
		l.seen[v.UnsafePointer()] = true
		l.walk(v.Elem())
	case reflect.Interface:
		if !v.IsNil() {
			l.walk(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			l.walk(v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			l.walk(v.MapIndex(k))
		}
	case reflect.Struct:
		if !v.CanAddr() {
			break
		}
		ptr := reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr()))
		if mu, ok := ptr.Interface().(*sync.Mutex); ok {
			l.found[mu] = true
			return
		}
		if v.Type().PkgPath() == "sync/atomic" {
			if load := ptr.MethodByName("Load"); load.IsValid() {
				l.walk(load.Call(nil)[0])
			}
			return
		}
		for i := range v.NumField() {
			l.walk(v.Field(i))
		}
	}
}

// TestAWarmRequestTakesNoLock holds every mutex of the Transport while a warm
// request is made: it must not wait for any.
func TestAWarmRequestTakesNoLock(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	env := map[string]string{"BEARER_TOKEN": issuer().SciToken(credtest.Claims{"aud": "ANY"}), "X509_USER_PROXY": filepath.Join(t.TempDir(), "proxy")}
	replace(t, env["X509_USER_PROXY"], credtest.NewCA("Users").User("u").Proxy().PEM())
	frozen := time.Now()
	sys := netrcWorld(t, "machine login.example.org login u password p\n", env)
	sys.Now = func() time.Time { return frozen }
	ctx := scicred.NewContext(t.Context(), scicred.WithScope("read:/"))
	src := scicred.TokenSourceFunc(func(context.Context, scicred.Target) (*scicred.Token, error) { return nil, scicred.ErrNoCredentials })
	tests := map[string]struct {
		base http.RoundTripper
		u    string
		opts []scicred.Option
		ctx  context.Context
	}{
		"a token":              {&stub{}, dataURL, nil, t.Context()},
		"options of a request": {&stub{}, dataURL, nil, ctx},
		"a certificate":        {site.Transport(), site.Origin + "/f", nil, t.Context()},
		"a source":             {&stub{}, dataURL, []scicred.Option{scicred.WithTokenSource("s", src)}, t.Context()},
		"a login":              {&stub{}, "https://login.example.org/", []scicred.Option{scicred.Without(scicred.KindToken)}, t.Context()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr, err := scicred.NewTransport(tt.base, append(tt.opts, scicred.WithSystem(sys))...)
			require.NoError(t, err)
			fetch(t, tt.ctx, tr, tt.u)
			l := locks{map[*sync.Mutex]bool{}, map[unsafe.Pointer]bool{}}
			l.walk(reflect.ValueOf(tr))
			require.NotEmpty(t, l.found)
			for mu := range l.found {
				mu.Lock()
			}
			done := make(chan error, 1)
			go func() {
				req, err := http.NewRequestWithContext(tt.ctx, http.MethodGet, tt.u, http.NoBody)
				if err == nil {
					var resp *http.Response
					if resp, err = tr.RoundTrip(req); err == nil {
						err = resp.Body.Close()
					}
				}
				done <- err
			}()
			select {
			case err := <-done:
				require.NoError(t, err)
			case <-time.After(10 * time.Second):
				t.Error("a warm request waits for a lock")
			}
			for mu := range l.found {
				mu.Unlock()
			}
		})
	}
}

func TestAWarmRequestMakesNoFileSystemCall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := map[string]string{"BEARER_TOKEN_FILE": filepath.Join(dir, "token"), "X509_USER_PROXY": filepath.Join(dir, "proxy")}
	require.NoError(t, os.WriteFile(env["BEARER_TOKEN_FILE"], []byte(issuer().SciToken(credtest.Claims{"aud": "https://localhost"})), 0o600))
	require.NoError(t, os.WriteFile(env["X509_USER_PROXY"], credtest.NewCA("Users").User("u").Proxy().PEM(), 0o600))
	var calls, lookups atomic.Int32
	sys := empty(t, env)
	look := sys.LookupEnv
	sys.LookupEnv = func(k string) (string, bool) { lookups.Add(1); return look(k) }
	sys.Open = func(name string) (fs.File, error) { calls.Add(1); return os.Open(name) }
	sys.Stat = func(name string) (fs.FileInfo, error) { calls.Add(1); return os.Stat(name) }
	sys.Lstat = func(name string) (fs.FileInfo, error) { calls.Add(1); return os.Lstat(name) }
	sys.ReadDir = func(name string) ([]fs.DirEntry, error) { calls.Add(1); return os.ReadDir(name) }
	frozen := time.Now()
	sys.Now = func() time.Time { return frozen }
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	tr, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(sys))
	require.NoError(t, err)
	fetch(t, t.Context(), tr, site.Origin+"/cold")
	cold, coldEnv := calls.Load(), lookups.Load()
	assert.Positive(t, cold)
	for range 100 {
		fetch(t, t.Context(), tr, site.Origin+"/warm")
		fetch(t, scicred.NewContext(t.Context(), scicred.WithScope("read:/")), tr, site.Origin+"/warm")
	}
	assert.Equal(t, cold, calls.Load())
	assert.LessOrEqual(t, lookups.Load()-coldEnv, int32(200), "options in a new context may ask for the two variables of igwn-auth-utils")
}
