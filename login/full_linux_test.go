// SPDX-License-Identifier: BSD-3-Clause

package login_test

import (
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A limit on the size of files does to a process what a full disk does: the
// first bytes fit. It is another process, since the limit is for all of it.
func TestOnAFullDiskNoRefreshTokenIsUsedUp(t *testing.T) {
	if arg := os.Getenv("LOGIN_TEST_FULL"); arg != "" {
		provider, dir, _ := strings.Cut(arg, " ")
		signal.Ignore(syscall.SIGXFSZ)
		var limit syscall.Rlimit
		require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: limit.Max}))
		defer func() { assert.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)) }() // a report on coverage may follow
		c, err := shared(provider, dir)
		require.NoError(t, err)
		_, err = c.Token(t.Context())
		require.ErrorIs(t, err, syscall.EFBIG)
		require.ErrorContains(t, err, "login: cannot write "+c.Path()+": file too large")
		return
	}
	f := newFake()
	f.on(tokenPath, func(int, url.Values) answer {
		return object(map[string]any{"access_token": "a", "refresh_token": "r", "expires_in": 0.001})
	})
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	dir := filepath.Join(t.TempDir(), "logins")
	c, err := shared(server.URL, dir)
	require.NoError(t, err)
	_, err = c.Login(t.Context())
	require.NoError(t, err)
	before, err := os.ReadFile(c.Path())
	require.NoError(t, err)

	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "LOGIN_TEST_FULL="+server.URL+" "+dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Len(t, f.requests(tokenPath), 1, "the login alone")
	after, err := os.ReadFile(c.Path())
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "nothing is left behind")
}
