// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/gafaelfawr"
	"github.com/scicred/scicred/gafaelfawr/gafaelfawrtest"
)

// responder is an http.RoundTripper for tests that are about time: it works in
// a bubble of testing/synctest.
type responder func(*http.Request) (*http.Response, error)

func (r responder) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

// answer returns an answer to a request.
func answer(req *http.Request, status int, body string, header ...string) (*http.Response, error) {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

// withResponder returns a client of a server that a function plays.
func withResponder(t *testing.T, r responder, opts ...gafaelfawr.Option) *gafaelfawr.Client {
	t.Helper()
	client, err := gafaelfawr.New(append([]gafaelfawr.Option{
		gafaelfawr.WithHTTPClient(&http.Client{Transport: r}), gafaelfawr.WithAPIURL("https://data.example.org/auth/api/v1"),
	}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// clock is a time that tests move.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) Now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

func TestAThousandGoroutinesCostOneRequestForEachUserAndLifetime(t *testing.T) {
	t.Parallel()
	const goroutines, users = 1000, 100
	server, now := newServer(t), newClock()
	client := newClient(t, server, gafaelfawr.WithClock(now.Now))
	admin := server.CreateToken("admin", gafaelfawrtest.TokenOptions{Scopes: []string{gafaelfawr.ScopeAdminUserInfo}})
	tokens := make([]gafaelfawr.Token, users)
	for i := range users {
		name := fmt.Sprintf("user%d", i)
		tokens[i] = server.CreateToken(name, gafaelfawrtest.TokenOptions{})
		info := someUser(name)
		require.NoError(t, server.SetUserInfo(name, &info))
	}
	for lifetime := 1; lifetime <= 3; lifetime++ {
		var wg sync.WaitGroup
		for g := range goroutines {
			wg.Go(func() {
				name := fmt.Sprintf("user%d", g%users)
				byToken, err := client.UserInfo(t.Context(), tokens[g%users])
				assert.NoError(t, err)
				assert.Equal(t, name, byToken.Username)
				byName, err := client.UserInfoByName(t.Context(), admin, name)
				assert.NoError(t, err)
				assert.Equal(t, name, byName.Username)
			})
		}
		wg.Wait()
		calls := map[gafaelfawrtest.Request]int{}
		for _, r := range server.Requests() {
			calls[r]++
		}
		assert.Len(t, calls, 2*users+1, "each user twice, and discovery")
		for r, n := range calls {
			if !strings.HasSuffix(r.Path, "/discovery") {
				assert.Equal(t, lifetime, n, r)
			}
		}
		now.advance(gafaelfawr.DefaultCacheLifetime)
	}
	assert.Equal(t, 1, server.Count("/discovery"), "its clock is the time of day")
}

func TestUserInformationIsRememberedForItsLifetimeToTheNanosecond(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts     []gafaelfawr.Option
		lifetime time.Duration
	}{
		"five minutes by default": {nil, 5 * time.Minute},
		"tuned":                   {[]gafaelfawr.Option{gafaelfawr.WithCacheLifetime(30 * time.Second)}, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, now := newServer(t), newClock()
			client := newClient(t, server, append(c.opts, gafaelfawr.WithClock(now.Now))...)
			token := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{Scopes: []string{gafaelfawr.ScopeAdminUserInfo}})
			server.SetQuota("someuser", nil)
			both := func() (calls int) {
				_, err := client.UserInfo(t.Context(), token)
				require.NoError(t, err)
				_, err = client.UserInfoByName(t.Context(), token, "someuser")
				require.NoError(t, err)
				assert.Equal(t, server.Count("/user-info"), server.Count("/users/someuser"), "the caches are alike")
				return server.Count("/user-info")
			}
			assert.Equal(t, 1, both())
			now.advance(c.lifetime - 1)
			assert.Equal(t, 1, both(), "a hit does not make it younger")
			now.advance(1)
			assert.Equal(t, 2, both())
			client.ClearCache()
			assert.Equal(t, 3, both())
			now.advance(c.lifetime - 1)
			assert.Equal(t, 3, both(), "what was tuned holds after the cache was cleared")
			now.advance(1)
			assert.Equal(t, 4, both())
		})
	}
}

func TestTheUsersAskedForLastAreRemembered(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server, gafaelfawr.WithCacheSize(2))
	admin := server.CreateToken("admin", gafaelfawrtest.TokenOptions{Scopes: []string{gafaelfawr.ScopeAdminUserInfo}})
	for _, name := range []string{"a", "b", "c"} {
		server.SetQuota(name, nil)
	}
	ask := func(name string) {
		_, err := client.UserInfoByName(t.Context(), admin, name)
		require.NoError(t, err)
	}
	for _, name := range []string{"a", "b", "a", "c", "a", "b"} {
		ask(name)
	}
	assert.Equal(t, 1, server.Count("/users/a"), "it was always among the last two")
	assert.Equal(t, 2, server.Count("/users/b"), "c took its place")
	assert.Equal(t, 1, server.Count("/users/c"))
}

func TestACacheOfNothingRemembersNothing(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]gafaelfawr.Option{"size": gafaelfawr.WithCacheSize(0), "lifetime": gafaelfawr.WithCacheLifetime(0)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			client := newClient(t, server, opt)
			token := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{})
			server.SetQuota("someuser", nil)
			for range 3 {
				_, err := client.UserInfo(t.Context(), token)
				require.NoError(t, err)
			}
			assert.Equal(t, 3, server.Count("/user-info"))
		})
	}
}

func TestLargeRepliesAreNotRemembered(t *testing.T) {
	t.Parallel()
	for size, requests := range map[int]int{64 << 10: 1, 64<<10 + 1: 2} {
		body := `{"username":"u","name":"` + strings.Repeat("x", size-len(`{"username":"u","name":""}`)) + `"}`
		calls := 0
		client := withResponder(t, func(req *http.Request) (*http.Response, error) {
			calls++
			return answer(req, 200, body)
		})
		token := gafaelfawr.NewToken()
		for range 2 {
			_, err := client.UserInfo(t.Context(), token)
			require.NoError(t, err)
		}
		assert.Equal(t, requests, calls, size)
	}
}

// What is known needs no time, and a context is about waiting.
func TestWhatIsRememberedIsReturnedAfterTheContextHasEnded(t *testing.T) {
	t.Parallel()
	client := withResponder(t, func(req *http.Request) (*http.Response, error) { return answer(req, 200, `{"username":"u"}`) })
	token := gafaelfawr.NewToken()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := client.UserInfo(ctx, token)
	require.NoError(t, err)
	cancel()
	_, err = client.UserInfo(ctx, token)
	require.NoError(t, err)
	_, err = client.UserInfo(ctx, gafaelfawr.NewToken())
	require.ErrorIs(t, err, context.Canceled)
}

func TestFailuresAreNotRemembered(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	token := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{})
	_, err := client.UserInfo(t.Context(), token)
	require.Error(t, err, "404")
	server.FailOn("someuser", gafaelfawrtest.UserInfo)
	_, err = client.UserInfo(t.Context(), token)
	require.Error(t, err, "500")
	server.FailOn("someuser")
	server.SetQuota("someuser", nil)
	_, err = client.UserInfo(t.Context(), token)
	require.NoError(t, err)
}

func TestTheCacheByNameKnowsNoTokens(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	admin := server.CreateToken("admin", gafaelfawrtest.TokenOptions{Scopes: []string{gafaelfawr.ScopeAdminUserInfo}})
	poor := server.CreateToken("poor", gafaelfawrtest.TokenOptions{})
	server.SetQuota("someuser", nil)
	_, err := client.UserInfoByName(t.Context(), poor, "someuser")
	require.Error(t, err)
	_, err = client.UserInfoByName(t.Context(), admin, "someuser")
	require.NoError(t, err, "what one token is refused is not refused to another")
	_, err = client.UserInfoByName(t.Context(), poor, "someuser")
	require.NoError(t, err, "as documented")
}

func TestWhatIsRememberedSurvivesWhoChangesItsCopy(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	token := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{})
	want := someUser("someuser")
	require.NoError(t, server.SetUserInfo("someuser", &want))
	first, err := client.UserInfo(t.Context(), token)
	require.NoError(t, err)
	first.Username, first.Name = "another", nil
	first.Groups = append(first.Groups, gafaelfawr.Group{Name: "root"})
	second, err := client.UserInfo(t.Context(), token)
	require.NoError(t, err)
	assert.Equal(t, want, second)

	clone := second.Clone()
	*clone.Name, *clone.UID, clone.Groups[0].ID, clone.Quota.API["tap"], clone.Quota.Notebook.CPU = "x", 0, 0, 0, 0
	clone.Quota.Disk["/"], clone.Quota.Tap["x"] = 0, gafaelfawr.TapQuota{}
	third, err := client.UserInfo(t.Context(), token)
	require.NoError(t, err)
	assert.Equal(t, want, third, "a clone shares nothing")
	assert.Equal(t, gafaelfawr.UserInfo{Username: "bare"}, gafaelfawr.UserInfo{Username: "bare"}.Clone())
}

func TestUsersDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := gafaelfawr.NewToken()
		client := withResponder(t, func(req *http.Request) (*http.Response, error) {
			if req.Header.Get("Authorization") == "Bearer "+slow.Reveal() {
				time.Sleep(4 * time.Second)
			}
			return answer(req, 200, `{"username":"u"}`)
		})
		started := time.Now()
		go func() { _, _ = client.UserInfo(t.Context(), slow) }()
		synctest.Wait()
		_, err := client.UserInfo(t.Context(), gafaelfawr.NewToken())
		require.NoError(t, err)
		assert.Zero(t, time.Since(started))
		_, err = client.UserInfo(t.Context(), slow)
		require.NoError(t, err)
		assert.Equal(t, 4*time.Second, time.Since(started), "the second caller shares the first one's request")
	})
}

func TestEachCallerWaitsOnItsOwnContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		client := withResponder(t, func(req *http.Request) (*http.Response, error) {
			calls.Add(1)
			select {
			case <-time.After(3 * time.Second):
				return answer(req, 200, `{"username":"u"}`)
			case <-req.Context().Done():
				return nil, req.Context().Err()
			}
		})
		token := gafaelfawr.NewToken()
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := client.UserInfo(brief, token)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
		synctest.Wait() // The impatient one has started the request.
		_, err := client.UserInfo(t.Context(), token)
		require.NoError(t, err, "who waits on goes on waiting")
		wg.Wait()
		assert.EqualValues(t, 1, calls.Load())
	})
}

func TestARequestThatNobodyWaitsForIsCalledOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended []error
		client := withResponder(t, func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			ended = append(ended, req.Context().Err())
			return nil, req.Context().Err()
		})
		token := gafaelfawr.NewToken()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				_, err := client.UserInfo(ctx, token)
				assert.ErrorIs(t, err, context.Canceled)
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		synctest.Wait()
		assert.Equal(t, []error{context.Canceled}, ended)
		_, err := client.UserInfo(ctx, token)
		require.ErrorIs(t, err, context.Canceled)
		synctest.Wait()
		assert.Len(t, ended, 1, "nothing is asked for on a context that has ended")
	})
}

func TestWhoComesAfterARequestWasCalledOffStartsAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		client := withResponder(t, func(req *http.Request) (*http.Response, error) {
			if calls.Add(1) > 1 {
				return answer(req, 200, `{"username":"u"}`)
			}
			<-req.Context().Done()
			time.Sleep(time.Second) // It takes its time to notice.
			return nil, req.Context().Err()
		})
		token := gafaelfawr.NewToken()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _ = client.UserInfo(ctx, token) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		_, err := client.UserInfo(t.Context(), token)
		require.NoError(t, err)
		time.Sleep(2 * time.Second) // The first is over, and has not taken the second one's place.
		assert.EqualValues(t, 2, calls.Load())
	})
}

func TestClearingTheCacheForgetsWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		client := withResponder(t, func(req *http.Request) (*http.Response, error) {
			n := calls.Add(1)
			time.Sleep(time.Second)
			return answer(req, 200, fmt.Sprintf(`{"username":"u%d"}`, n))
		})
		token := gafaelfawr.NewToken()
		var wg sync.WaitGroup
		wg.Go(func() {
			info, err := client.UserInfo(t.Context(), token)
			assert.NoError(t, err)
			assert.Equal(t, "u1", info.Username)
		})
		synctest.Wait()
		client.ClearCache()
		info, err := client.UserInfo(t.Context(), token)
		require.NoError(t, err)
		assert.Equal(t, "u2", info.Username, "it was asked for after the cache was cleared")
		wg.Wait()
		info, err = client.UserInfo(t.Context(), token)
		require.NoError(t, err)
		assert.Equal(t, "u2", info.Username)
		assert.EqualValues(t, 2, calls.Load())
	})
}

func TestAPanicOfTheRoundTripperReachesItsCallers(t *testing.T) {
	t.Parallel()
	client := withResponder(t, func(*http.Request) (*http.Response, error) { panic("the caller's mistake") })
	assert.PanicsWithValue(t, "the caller's mistake", func() { _, _ = client.UserInfo(t.Context(), gafaelfawr.NewToken()) })
}

func TestARoundTripperThatEndsItsGoroutineIsAnError(t *testing.T) {
	t.Parallel()
	client := withResponder(t, func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil })
	for range 2 {
		info, err := client.UserInfo(t.Context(), gafaelfawr.NewToken())
		require.Error(t, err)
		assert.Contains(t, err.Error(), "runtime.Goexit")
		assert.Equal(t, gafaelfawr.UserInfo{}, info)
	}
}

func TestASlowServerIsGivenUpAfterFiveSeconds(t *testing.T) {
	t.Parallel()
	stalled := func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	// The header comes, the body does not.
	dribbling := func(req *http.Request) (*http.Response, error) {
		resp, err := answer(req, 200, "")
		resp.Body = io.NopCloser(readerFunc(func([]byte) (int, error) {
			<-req.Context().Done()
			return 0, req.Context().Err()
		}))
		return resp, err
	}
	for name, c := range map[string]struct {
		r       responder
		client  time.Duration // of the http.Client
		opts    []gafaelfawr.Option
		timeout time.Duration
		says    string
	}{
		"by default":                 {stalled, 0, nil, 5 * time.Second, "no answer to GET https://data.example.org/auth/api/v1/token-info within 5s"},
		"by an option":               {stalled, time.Minute, []gafaelfawr.Option{gafaelfawr.WithTimeout(time.Second)}, time.Second, "within 1s"},
		"as the http.Client says":    {stalled, 20 * time.Second, nil, 20 * time.Second, "within 20s"},
		"while the body is on a way": {dribbling, 0, nil, 5 * time.Second, "status 200 from GET https://data.example.org/auth/api/v1/token-info within 5s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := append([]gafaelfawr.Option{gafaelfawr.WithHTTPClient(&http.Client{Transport: c.r, Timeout: c.client})}, c.opts...)
				client := withResponder(t, nil, opts...)
				started := time.Now()
				_, err := client.TokenInfo(t.Context(), gafaelfawr.NewToken())
				assert.Equal(t, c.timeout, time.Since(started))
				var web *gafaelfawr.WebError
				require.ErrorAs(t, err, &web)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Contains(t, err.Error(), c.says)
			})
		})
	}
}

func TestTheCallersOwnDeadlineIsNotOurTimeout(t *testing.T) {
	t.Parallel()
	client := withResponder(t, func(req *http.Request) (*http.Response, error) { return nil, req.Context().Err() })
	ctx, cancel := context.WithTimeoutCause(t.Context(), 0, errors.New("x"))
	defer cancel()
	_, err := client.TokenInfo(ctx, gafaelfawr.NewToken())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.NotContains(t, err.Error(), "within")
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// meanwhile is a context that lets something happen when it is asked for the
// first time whether it has ended: after a look into the cache, before a request.
type meanwhile struct {
	context.Context
	once *sync.Once
	do   func()
}

func (m meanwhile) Err() error {
	m.once.Do(m.do)
	return m.Context.Err()
}

func TestWhatCameBetweenALookAndARequestIsUsed(t *testing.T) {
	t.Parallel()
	server, now := newServer(t), newClock()
	token := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{})
	server.SetQuota("someuser", nil)
	discovery, err := gafaelfawr.NewDiscovery(server.DiscoveryURL, gafaelfawr.WithClock(now.Now))
	require.NoError(t, err)
	client := newClient(t, server, gafaelfawr.WithDiscovery(discovery))
	_, err = client.UserInfo(meanwhile{t.Context(), new(sync.Once), func() {
		_, err := client.UserInfo(t.Context(), token)
		assert.NoError(t, err)
	}}, token)
	require.NoError(t, err)
	assert.Equal(t, 1, server.Count("/user-info"))

	now.advance(time.Hour)
	_, err = discovery.Document(meanwhile{t.Context(), new(sync.Once), func() {
		_, err := discovery.Document(t.Context())
		assert.NoError(t, err)
	}})
	require.NoError(t, err)
	assert.Equal(t, 2, server.Count("/discovery"))
}
