// SPDX-License-Identifier: BSD-3-Clause

package issuer_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/issuer"
)

// pipes is a network in memory: in a synctest bubble the time passes while
// everybody waits for it, not so with a real one.
type pipes struct {
	arriving chan net.Conn
	closed   chan struct{}
	away     chan struct{} // closed: nobody answers
}

func (p *pipes) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	select {
	case <-p.away:
		<-ctx.Done()
		return nil, ctx.Err()
	default:
	}
	ours, theirs := net.Pipe()
	select {
	case p.arriving <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.arriving:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }

// bubble is an issuer in a synctest bubble.
type bubble struct {
	issuer *credtest.Issuer
	keys   *issuer.Keys
	net    *pipes
}

// newBubble returns an issuer that answers at once but where the test says
// otherwise. It is for the inside of synctest.Test.
func newBubble(t *testing.T, slow map[string]http.HandlerFunc, change ...func(*issuer.Config)) *bubble {
	t.Helper()
	b := &bubble{
		issuer: credtest.NewIssuer("https://issuer.example"),
		net:    &pipes{make(chan net.Conn), make(chan struct{}), make(chan struct{})},
	}
	mux := http.NewServeMux()
	for path, h := range map[string]http.HandlerFunc{
		openID: func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(b.issuer.OpenIDConfiguration()) },
		jwks:   func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(b.issuer.JWKS()) },
	} {
		if slow[path] != nil {
			h = slow[path]
		}
		mux.HandleFunc(path, h)
	}
	ca := credtest.NewCA("Bubble CA") // made here, where it is the year 2000
	server := &http.Server{Handler: mux, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	var serving sync.WaitGroup
	serving.Go(func() {
		_ = server.Serve(tls.NewListener(b.net, &tls.Config{Certificates: []tls.Certificate{ca.Host("issuer.example").TLS()}}))
	})
	t.Cleanup(func() {
		time.Sleep(issuer.Limit) // what is under way ends
		assert.NoError(t, server.Close())
		serving.Wait()
	})
	c := issuer.Config{Issuers: []string{b.issuer.URL()}, RootCAs: ca.Pool(), Transport: &http.Transport{DialContext: b.net.DialContext}}
	for _, f := range change {
		f(&c)
	}
	var err error
	b.keys, err = issuer.New(c)
	require.NoError(t, err)
	return b
}

// key asks for a key and says how long that took.
func (b *bubble) key(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	_, err := b.keys.Key(ctx, b.issuer.URL(), "ES256", "es256")
	return time.Since(begun), err
}

func TestAnIssuerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	trickle := func(rw http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = rw.Write([]byte(" "))
			_ = http.NewResponseController(rw).Flush()
			time.Sleep(time.Second)
		}
	}
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, slow := range map[string]map[string]http.HandlerFunc{
		"metadata": {openID: silent}, "keys": {jwks: silent}, "metadata by bytes": {openID: trickle}, "keys by bytes": {jwks: trickle},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, slow)
				took, err := b.key(t.Context())
				require.ErrorIs(t, err, issuer.ErrUnreachable)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, issuer.Limit, took)
				took, err = b.key(t.Context())
				require.ErrorIs(t, err, issuer.ErrUnreachable)
				assert.Zero(t, took, "nobody waits again so soon")
			})
		})
	}
}

func TestWaitersLeaveOnTheirOwnContext(t *testing.T) {
	t.Parallel()
	slow := func(d time.Duration) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{openID: func(rw http.ResponseWriter, _ *http.Request) {
			time.Sleep(d)
			_, _ = rw.Write([]byte(metadata("https://issuer.example", "https://issuer.example/jwks")))
		}}
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, slow(5*time.Second))
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*100*time.Millisecond)
				defer cancel()
				took, err := b.key(ctx)
				if i < 48 {
					assert.ErrorIs(t, err, issuer.ErrUnreachable)
					assert.ErrorIs(t, err, context.DeadlineExceeded)
					assert.Equal(t, time.Duration(i+1)*100*time.Millisecond, took)
				} else if i > 51 {
					assert.NoError(t, err, "whoever began the look has left, and it goes on for the others")
					assert.Equal(t, 5*time.Second, took)
				}
			})
		}
		wg.Wait()
	})
}

func TestACancelledCallerDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, map[string]http.HandlerFunc{openID: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		took, err := b.key(ctx)
		require.ErrorIs(t, err, context.Canceled)
		assert.Zero(t, took)
		assert.EqualError(t, err, `issuer "https://issuer.example": it had not given its keys when the caller gave up: context canceled`)
	})
}

func TestWhoHasAKeyWaitsForANewerOneForTwoSecondsInAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil)
		_, err := b.key(t.Context())
		require.NoError(t, err)
		close(b.net.away)
		time.Sleep(issuer.MaxFresh)
		for i, want := range []time.Duration{issuer.Patience, 0, 0} {
			took, err := b.key(t.Context())
			require.NoError(t, err)
			assert.Equal(t, want, took, "call %d", i)
		}
		time.Sleep(issuer.Interval + issuer.Limit)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		took, err := b.key(ctx)
		require.NoError(t, err, "the key counts, though the caller is in a hurry")
		assert.Equal(t, time.Second, took)
	})
}

// Home folders lie on file systems that hang.
func TestACacheThatHangsIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, cached(dir))
		until := make(chan struct{})
		defer close(until)
		b.keys.HangDisk(until)
		took, err := b.key(t.Context())
		require.NoError(t, err)
		assert.Equal(t, issuer.DiskPatience, took)
		time.Sleep(issuer.MaxFresh)
		took, err = b.key(t.Context())
		require.NoError(t, err)
		assert.Zero(t, took)
	})
}
