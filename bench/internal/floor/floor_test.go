// SPDX-License-Identifier: BSD-3-Clause

package floor_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/bench/internal/floor"
	"github.com/scicred/scicred/credtest"
)

// A floor that did not do its task would be too low for anybody.

func token(aud string) string {
	return credtest.NewIssuer("https://issuer.example.org").SciToken(credtest.Claims{"aud": aud, "scope": "read:/a write:/b"})
}

func TestClaimsAreThoseOfTheToken(t *testing.T) {
	t.Parallel()
	raw := token("https://data.example.org")
	parsed, err := scicred.ParseToken(raw)
	require.NoError(t, err)
	want, _ := parsed.Claims()

	var reader floor.Token
	for range 2 { // The room is used again.
		c, err := reader.Claims([]byte(raw))
		require.NoError(t, err)
		assert.Equal(t, "ES256", string(c.Algorithm))
		assert.Equal(t, "scitoken:2.0", string(c.Version))
		assert.Equal(t, want.Issuer, string(c.Issuer))
		assert.Equal(t, want.Audience, []string{string(c.Audience)})
		assert.Equal(t, "read:/a write:/b", string(c.Scope))
		assert.Equal(t, want.Expiry.Unix(), c.Expiry)
		assert.Equal(t, want.NotBefore.Unix(), c.NotBefore)
	}
	_, err = reader.Claims([]byte("opaque"))
	assert.Error(t, err)
}

func TestTheLoginIsThatOfTheHost(t *testing.T) {
	t.Parallel()
	file := []byte("machine a login u1 password p1\nmachine b\n\tlogin u2\n\tpassword p2\nmachine c login u3 password p3")
	for host, want := range map[string]string{"a": "u1 p1 true", "b": "u2 p2 true", "c": "u3 p3 true", "d": "  false"} {
		login, password, ok := floor.Login(file, host)
		assert.Equal(t, want, fmt.Sprintf("%s %s %t", login, password, ok), host)
	}
}

// The loop that the first request is measured against opens what discovery opens,
// in the same order: fewer places would be unfair, more would flatter.
func TestTheSamePlacesAreOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	raw := token("https://data.example.org")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bt_u1000"), []byte(raw+"\n"), 0o600))
	env := map[string]string{"XDG_RUNTIME_DIR": filepath.Join(dir, "run")}
	places := floor.Places{LookupEnv: func(k string) (string, bool) { v, ok := env[k]; return v, ok }, TempDir: dir, UID: 1000}
	found, err := places.Find("https://data.example.org")
	require.NoError(t, err)
	assert.Equal(t, raw, found)
	assert.Equal(t, []string{filepath.Join(dir, "run", "bt_u1000"), filepath.Join(dir, "bt_u1000")}, places.Opened)

	world := credtest.NewWorld()
	world.SetEnv("XDG_RUNTIME_DIR", "/run/user/1000")
	world.Put("/tmp/bt_u1000", raw)
	rt, err := scicred.NewTransport(base{}, scicred.WithSystem(world.System()))
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://data.example.org", http.NoBody)
	require.NoError(t, err)
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	var opened []string
	for _, call := range world.Calls() {
		if name, ok := strings.CutPrefix(call, "open "); ok {
			opened = append(opened, name)
		}
	}
	assert.Equal(t, []string{"/run/user/1000/bt_u1000", "/tmp/bt_u1000"}, opened)
}

type base struct{}

func (base) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}
