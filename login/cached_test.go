// SPDX-License-Identifier: BSD-3-Clause

package login_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/login"
)

// rotating makes the provider give a new refresh token each time and end the
// session when an old one comes, as RFC 9700 section 4.14.2 says. It returns the
// number of refreshes that were granted.
func (f *fake) rotating(life time.Duration) (granted func() int) {
	var mu sync.Mutex
	n, good := 0, "r0"
	f.on(tokenPath, func(_ int, form url.Values) answer {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case strings.HasPrefix(form.Get("grant_type"), "urn:"):
			good = "r0"
		case form.Get("refresh_token") != good:
			good = ""
			return refused("invalid_grant", "reuse")
		default:
			n++
			good = fmt.Sprintf("r%d", n)
		}
		return object(map[string]any{"access_token": "access-" + good, "refresh_token": good, "expires_in": life.Seconds(), "refresh_expires_in": 0})
	})
	f.always(devicePath, code(nil))
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

func cached(t *testing.T, f login.Fetcher, dir string) *login.Cached {
	t.Helper()
	c, err := login.NewCached(f, login.CacheConfig{Dir: dir})
	require.NoError(t, err)
	return c.WithoutJitter()
}

// loggedIn returns a login that somebody made just now.
func loggedIn(t *testing.T, f *fake) *login.Cached {
	t.Helper()
	c := cached(t, device(t, f.public(t)), filepath.Join(t.TempDir(), "scicred", "logins"))
	_, err := c.Login(t.Context())
	require.NoError(t, err)
	return c
}

// again returns the same login in another process.
func again(t *testing.T, f *fake, c *login.Cached) *login.Cached {
	t.Helper()
	return cached(t, device(t, f.public(t)), filepath.Dir(c.Path()))
}

func access(t *testing.T, c *login.Cached) string {
	t.Helper()
	got, err := c.Token(t.Context())
	require.NoError(t, err)
	return got.AccessToken().Reveal()
}

func TestATokenIsRenewedInTimeAndNotBefore(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for life, margin := range map[time.Duration]time.Duration{
		4 * s: 2 * s, 60 * s: 30 * s, 100 * s: 30 * s, 300 * s: 30 * s, 1000 * s: 100 * s, 3600 * s: 360 * s,
	} {
		t.Run(life.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				granted := f.rotating(life)
				c := loggedIn(t, f)
				for n := range 3 {
					time.Sleep(life - margin - time.Millisecond)
					assert.Equal(t, fmt.Sprintf("access-r%d", n), access(t, c))
					assert.Equal(t, n, granted())
					time.Sleep(time.Millisecond)
					assert.Equal(t, fmt.Sprintf("access-r%d", n+1), access(t, c))
				}
			})
		})
	}
}

func TestALoginIsSharedByAllProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		granted := f.rotating(time.Minute)
		first := loggedIn(t, f)
		all := []*login.Cached{first}
		for range 9 {
			all = append(all, again(t, f, first))
		}
		for round := range 5 {
			var wg sync.WaitGroup
			for _, c := range all {
				for range 10 {
					wg.Go(func() { assert.Equal(t, fmt.Sprintf("access-r%d", round), access(t, c)) })
				}
			}
			wg.Wait()
			assert.Equal(t, round, granted(), "one refresh for each expiry")
			time.Sleep(time.Minute)
		}
	})
}

func TestAFileIsPrivateVersionedAndTidy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.rotating(time.Minute)
		c := loggedIn(t, f)
		time.Sleep(time.Minute)
		access(t, c)
		entries, err := os.ReadDir(filepath.Dir(c.Path()))
		require.NoError(t, err)
		assert.Len(t, entries, 2, "the login and its lock")
		text, err := os.ReadFile(c.Path())
		require.NoError(t, err)
		assert.Contains(t, string(text), `"version":1`)
		if runtime.GOOS == "windows" {
			return // it has other modes
		}
		for path, mode := range map[string]os.FileMode{c.Path(): 0o600, c.LockPath(): 0o600, filepath.Dir(c.Path()): 0o700, filepath.Dir(filepath.Dir(c.Path())): 0o700} {
			fi, err := os.Stat(path)
			require.NoError(t, err)
			assert.Equal(t, mode, fi.Mode().Perm(), path)
		}
	})
}

func TestEachLoginHasItsOwnFile(t *testing.T) {
	t.Parallel()
	f := newFake()
	dir := t.TempDir()
	path := func(change func(*login.Client), name string) string {
		client := f.confidential(t)
		change(client)
		c, err := login.NewCached(device(t, client), login.CacheConfig{Dir: dir, Name: name})
		require.NoError(t, err)
		return c.Path()
	}
	same := path(func(c *login.Client) { c.Scopes = []string{"a", "b"} }, "")
	assert.Equal(t, same, path(func(c *login.Client) { c.Scopes = []string{"b", "a", "b"} }, ""))
	seen := map[string]string{same: "scopes"}
	for what, p := range map[string]string{
		"nothing":  path(func(*login.Client) {}, ""),
		"name":     path(func(*login.Client) {}, "bob"),
		"client":   path(func(c *login.Client) { c.ID = "other" }, ""),
		"audience": path(func(c *login.Client) { c.Audience = []string{"a", "b"} }, ""),
		"resource": path(func(c *login.Client) { c.Resource = []string{"a", "b"} }, ""),
		"joined":   path(func(c *login.Client) { c.Scopes = []string{"a b"} }, ""),
		"issuer": path(func(c *login.Client) {
			var err error
			c.Provider, err = login.OpenID("https://other.example.org")
			require.NoError(t, err)
		}, ""),
		"grant": func() string {
			g, err := login.NewClientCredentials(f.confidential(t))
			require.NoError(t, err)
			return cached(t, g, dir).Path()
		}(),
	} {
		assert.Empty(t, seen[p], what)
		seen[p] = what
	}
}

func TestNobodyIsAskedToLogInWhereNobodyCan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		client := f.public(t)
		client.Scopes = []string{"openid", "it's"}
		asked := false
		d, err := login.NewDevice(client, login.PrompterFunc(func(context.Context, login.Prompt) error { asked = true; return nil }))
		require.NoError(t, err)
		dir := filepath.Join(t.TempDir(), "logins")
		c, err := login.NewCached(d, login.CacheConfig{Dir: dir, Name: "bob"})
		require.NoError(t, err)
		_, err = c.Token(t.Context())
		var need *login.InteractionRequiredError
		require.ErrorAs(t, err, &need)
		assert.EqualError(t, err, `login: somebody must log in: run scicred login --issuer https://op.example.org --client-id cli --scope 'openid it'\''s' --as bob`)
		assert.False(t, asked)
		assert.Empty(t, f.asked)
		assert.NoDirExists(t, dir)
	})
}

func TestAFailureThatMayPassLosesNothing(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{"reset": {}, "503": html(503), "HTML": html(200), "429": html(429), "wrong client": refused("invalid_client", "")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.rotating(time.Minute)
				c := loggedIn(t, f)
				before, err := os.ReadFile(c.Path())
				require.NoError(t, err)
				f.always(tokenPath, a)
				polled := len(f.requests(tokenPath))
				time.Sleep(35 * time.Second)
				for range 5 {
					assert.Equal(t, "access-r0", access(t, c), "it is good until it expires")
				}
				assert.Len(t, f.requests(tokenPath), polled+1, "the provider is left alone for a while")
				time.Sleep(25 * time.Second)
				_, err = c.Token(t.Context())
				var refresh *login.TokenRefreshError
				require.ErrorAs(t, err, &refresh)
				after, err := os.ReadFile(c.Path())
				require.NoError(t, err)
				assert.Equal(t, string(before), string(after))
				f.rotating(time.Minute)
				assert.Equal(t, "access-r1", access(t, c))
			})
		})
	}
}

func TestARefreshTokenThatIsRefusedIsClearedAndTheAccessTokenIsNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.rotating(time.Minute)
		c := loggedIn(t, f)
		f.always(tokenPath, refused("invalid_grant", "Session not active"))
		time.Sleep(35 * time.Second)
		polled := len(f.requests(tokenPath))
		assert.Equal(t, "access-r0", access(t, c))
		kept, err := again(t, f, c).Peek()
		require.NoError(t, err)
		assert.True(t, kept.RefreshToken().IsZero())
		assert.Equal(t, "access-r0", kept.AccessToken().Reveal())
		time.Sleep(25 * time.Second)
		var need *login.InteractionRequiredError
		_, err = c.Token(t.Context())
		require.ErrorAs(t, err, &need)
		_, err = again(t, f, c).Token(t.Context())
		require.ErrorAs(t, err, &need)
		assert.Len(t, f.requests(tokenPath), polled+1, "it is tried once")
	})
}

// Where locks do not reach, another machine may refresh at the same time.
func TestANewerLoginIsAdoptedAfterInvalidGrant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.rotating(time.Minute)
		c := loggedIn(t, f)
		path := c.Path()
		stored, err := os.ReadFile(path)
		require.NoError(t, err)
		time.Sleep(45 * time.Second)
		other := strings.NewReplacer(`access-r0`, `access-other`, `"r0"`, `"other"`).Replace(string(stored))
		f.on(tokenPath, func(_ int, form url.Values) answer {
			if form.Get("refresh_token") == "other" {
				return token("newest")
			}
			require.NoError(t, os.WriteFile(path, []byte(other), 0o600))
			return refused("invalid_grant", "reuse")
		})
		assert.Equal(t, "newest", access(t, c))
	})
}

func TestALogoutElsewhereCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.rotating(time.Hour)
		c := loggedIn(t, f)
		other := again(t, f, c)
		assert.Equal(t, "access-r0", access(t, other))
		gone, err := other.Forget(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "r0", gone.RefreshToken().Reveal(), "so that it can be revoked")
		for _, c := range []*login.Cached{c, other} {
			_, err = c.Token(t.Context())
			var need *login.InteractionRequiredError
			assert.ErrorAs(t, err, &need)
		}
		gone, err = other.Forget(t.Context())
		require.NoError(t, err)
		assert.Nil(t, gone)
	})
}

func TestALogoutWaitsForARenewalAndRemovesWhatItGot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.rotating(time.Minute)
		c := loggedIn(t, f)
		time.Sleep(time.Minute)
		f.on(tokenPath, func(int, url.Values) answer {
			time.Sleep(5 * time.Second)
			return token("late")
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, err := c.Token(t.Context())
			assert.NoError(t, err)
		}()
		time.Sleep(time.Second)
		gone, err := again(t, f, c).Forget(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "refresh-of-late", gone.RefreshToken().Reveal())
		<-done
		assert.NoFileExists(t, c.Path())
	})
}

func TestARenewalOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.rotating(time.Minute)
		c := loggedIn(t, f)
		time.Sleep(time.Minute)
		f.on(tokenPath, func(int, url.Values) answer {
			time.Sleep(5 * time.Second)
			return token("new")
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Token(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(10 * time.Second)
		kept, err := again(t, f, c).Peek()
		require.NoError(t, err)
		assert.Equal(t, "refresh-of-new", kept.RefreshToken().Reveal())
	})
}

func TestATokenThatAServerRefusedIsRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		granted := f.rotating(time.Hour)
		c := loggedIn(t, f)
		got, err := c.Token(t.Context())
		require.NoError(t, err)
		c.Reject(got.AccessToken())
		assert.Equal(t, "access-r1", access(t, c))
		c.Reject(got.AccessToken())
		assert.Equal(t, "access-r1", access(t, c), "it was another")
		assert.Equal(t, 1, granted())
	})
}

func TestAClockThatWasWrongMakesNoTokenLiveLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		granted := f.rotating(5 * time.Minute)
		c := loggedIn(t, f)
		text, err := os.ReadFile(c.Path())
		require.NoError(t, err)
		ahead := text
		for _, at := range []time.Time{time.Now(), time.Now().Add(5 * time.Minute)} {
			format := func(at time.Time) []byte { b, _ := at.Round(0).MarshalText(); return b }
			ahead = []byte(strings.ReplaceAll(string(ahead), string(format(at)), string(format(at.Add(10*time.Minute).Add(time.Nanosecond)))))
		}
		require.NotEqual(t, string(text), string(ahead))
		require.NoError(t, os.WriteFile(c.Path(), ahead, 0o600))
		assert.Equal(t, "access-r1", access(t, again(t, f, c)))
		assert.Equal(t, 1, granted())
	})
}

func TestAFileThatCannotBeTrustedOrReadIsNotUsed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // it has neither owners nor modes
	}
	for name, tt := range map[string]struct {
		spoil func(path string) error
		says  string // "": somebody must log in
		root  bool   // needs another user's file
	}{
		"truncated":            {func(p string) error { return os.Truncate(p, 100) }, "", false},
		"empty":                {func(p string) error { return os.Truncate(p, 0) }, "", false},
		"of a later version":   {func(p string) error { return replace(p, `"version":1`, `"version":2`) }, "", false},
		"of another login":     {func(p string) error { return replace(p, `"cli"`, `"other"`) }, "", false},
		"others may read it":   {func(p string) error { return os.Chmod(p, 0o640) }, "may be read or written by others (mode 0640, want 0600)", false},
		"folder is open":       {func(p string) error { return os.Chmod(filepath.Dir(p), 0o770) }, "the folder may be read or written by others (mode 0770, want 0700)", false},
		"a folder":             {func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, "is not a regular file but a directory", false},
		"another's":            {func(p string) error { return os.Chown(p, 12345, -1) }, "belongs to another user (uid 12345", true},
		"in another's folder":  {func(p string) error { return os.Chown(filepath.Dir(p), 12345, -1) }, "the folder belongs to another user (uid 12345", true},
		"endless":              {func(p string) error { return os.Truncate(p, 2<<20) }, "is too large", false},
		"gone with its folder": {func(p string) error { return os.RemoveAll(filepath.Dir(p)) }, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.root && os.Geteuid() != 0 {
				return // only root can give a file away
			}
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.rotating(time.Minute)
				c := loggedIn(t, f)
				require.NoError(t, tt.spoil(c.Path()))
				_, err := again(t, f, c).Token(t.Context())
				if tt.says == "" {
					var need *login.InteractionRequiredError
					require.ErrorAs(t, err, &need)
					_, err = c.Login(t.Context())
					require.NoError(t, err)
					assert.Equal(t, "access-r0", access(t, again(t, f, c)))
					return
				}
				var e *login.CacheError
				require.ErrorAs(t, err, &e)
				assert.ErrorContains(t, err, tt.says)
				assert.NotContains(t, err.Error(), "r0")
			})
		})
	}
}

func replace(path, old, with string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.Replace(string(text), old, with, 1)), 0o600)
}

func TestAWaitForALockThatIsHeldEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.rotating(time.Minute)
		c := loggedIn(t, f)
		release, err := again(t, f, c).Acquire(t.Context())
		require.NoError(t, err)
		defer release()
		time.Sleep(40 * time.Second)
		start := time.Now()
		assert.Equal(t, "access-r0", access(t, again(t, f, c)), "it is good until it expires")
		assert.LessOrEqual(t, time.Since(start), 6*time.Second)
		time.Sleep(30 * time.Second)
		_, err = again(t, f, c).Token(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var e *login.CacheError
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "lock", e.Op)
	})
}

// A login that has no place is not refreshed: the new refresh token would be
// lost. One that needs none is kept in memory.
func TestWithoutAPlaceToWriteNoRefreshTokenIsUsedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		granted := f.rotating(time.Minute)
		c := loggedIn(t, f)
		lockDir := filepath.Join(t.TempDir(), "not a folder")
		require.NoError(t, os.WriteFile(lockDir, nil, 0o600))
		other, err := login.NewCached(device(t, f.public(t)), login.CacheConfig{Dir: filepath.Dir(c.Path()), LockDir: lockDir})
		require.NoError(t, err)
		time.Sleep(40 * time.Second)
		assert.Equal(t, "access-r0", access(t, other))
		time.Sleep(30 * time.Second)
		_, err = other.Token(t.Context())
		var e *login.CacheError
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, err, syscall.ENOTDIR)
		assert.ErrorContains(t, err, "give a lock folder")
		assert.Zero(t, granted())

		f.always(tokenPath, token("robot"))
		g, err := login.NewClientCredentials(f.confidential(t))
		require.NoError(t, err)
		noDir := filepath.Join(t.TempDir(), "no")
		if runtime.GOOS == "linux" {
			noDir = "/proc/scicred/logins" // where not even root can make a folder
		}
		robot, err := login.NewCached(g, login.CacheConfig{Dir: noDir})
		require.NoError(t, err)
		before := len(f.requests(tokenPath))
		for range 3 {
			assert.Equal(t, "robot", access(t, robot))
		}
		assert.Len(t, f.requests(tokenPath), before+1)
	})
}

func TestARobotNeedsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		g, err := login.NewClientCredentials(f.confidential(t))
		require.NoError(t, err)
		c := cached(t, g, filepath.Join(t.TempDir(), "logins"))
		f.inTurn(tokenPath, token("one"), token("two"))
		assert.Equal(t, "one", access(t, c))
		assert.Equal(t, "one", access(t, cached(t, g, filepath.Dir(c.Path()))))
		time.Sleep(5 * time.Minute)
		assert.Equal(t, "two", access(t, c))

		p, err := login.NewPassword(f.public(t), "albert", login.NewSecret("hunter2"))
		require.NoError(t, err)
		c = cached(t, p, filepath.Dir(c.Path()))
		f.always(tokenPath, token("first"))
		assert.Equal(t, "first", access(t, c))
		time.Sleep(5 * time.Minute)
		f.on(tokenPath, func(_ int, form url.Values) answer {
			if form.Get("grant_type") == "refresh_token" {
				return refused("invalid_grant", "")
			}
			return token("second")
		})
		assert.Equal(t, "second", access(t, c), "the password is still good")
		text, err := os.ReadFile(c.Path())
		require.NoError(t, err)
		assert.NotContains(t, string(text), "hunter2")
	})
}

func FuzzStored(f *testing.F) {
	fetcher, err := login.NewStatic("a-token")
	require.NoError(f, err)
	c, err := login.NewCached(fetcher, login.CacheConfig{Dir: f.TempDir()})
	require.NoError(f, err)
	f.Add(`{"version":1,"issuer":"","client_id":"","grant":"static token","access_token":"a","expiry":"2026-06-01T12:00:00Z"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := c.ParseStored(text); err == nil {
			assert.NotEmpty(t, got.AccessToken().Reveal())
		}
	})
}
