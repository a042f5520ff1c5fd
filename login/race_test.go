// SPDX-License-Identifier: BSD-3-Clause

package login_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/login"
)

// shared returns the login of a refresh token that all processes have.
func shared(provider, dir string) (*login.Cached, error) {
	p, err := login.Given(login.Endpoints{Token: provider + tokenPath})
	if err != nil {
		return nil, err
	}
	r, err := login.NewRefresh(&login.Client{Provider: p, ID: "cli"}, login.NewSecret("r0"))
	if err != nil {
		return nil, err
	}
	return login.NewCached(r, login.CacheConfig{Dir: dir})
}

// raceMain is a process that needs a token once.
func raceMain(arg string) error {
	provider, dir, _ := strings.Cut(arg, " ")
	c, err := shared(provider, dir)
	if err != nil {
		return err
	}
	got, err := c.Token(context.Background())
	if err != nil {
		return err
	}
	_, err = fmt.Print(got.AccessToken().Reveal())
	return err
}

// Without the lock, or without the second look inside it, all but one of the
// processes would fail, and the session would end.
func TestSixteenProcessesRefreshOnce(t *testing.T) {
	t.Parallel()
	for range 3 {
		f := newFake()
		var mu sync.Mutex
		used := 0
		f.on(tokenPath, func(_ int, form url.Values) answer {
			mu.Lock()
			defer mu.Unlock()
			if form.Get("refresh_token") != fmt.Sprintf("r%d", used) {
				used = 1000 // the session ends
				return refused("invalid_grant", "reuse")
			}
			used++
			life := 3600.0
			if used == 1 {
				life = 0.001 // over before the processes start
			}
			return object(map[string]any{"access_token": fmt.Sprintf("a%d", used), "refresh_token": fmt.Sprintf("r%d", used), "expires_in": life})
		})
		server := httptest.NewServer(f)
		t.Cleanup(server.Close)
		dir := filepath.Join(t.TempDir(), "logins")
		c, err := shared(server.URL, dir)
		require.NoError(t, err)
		_, err = c.Login(t.Context())
		require.NoError(t, err)

		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				cmd := exec.CommandContext(t.Context(), os.Args[0])
				cmd.Env = append(os.Environ(), "LOGIN_TEST_RACE="+server.URL+" "+dir)
				out, err := cmd.Output()
				assert.NoError(t, err)
				assert.Equal(t, "a2", string(out))
			})
		}
		wg.Wait()
		assert.Len(t, f.requests(tokenPath), 2, "the login, and one refresh")
		kept, err := c.Peek()
		require.NoError(t, err)
		assert.Equal(t, "r2", kept.RefreshToken().Reveal(), "it is the one that is alive")
	}
}
