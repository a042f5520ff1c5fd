// SPDX-License-Identifier: BSD-3-Clause

package login_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/login"
)

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.always(tokenPath, object(map[string]any{"access_token": "hidden-access", "refresh_token": "hidden-refresh", "expires_in": 60}))
	client := f.public(t)
	client.Secret = login.NewSecret("hidden-secret")
	password, err := login.NewPassword(client, "albert", login.NewSecret("hidden-password"))
	require.NoError(t, err)
	refresh, err := login.NewRefresh(client, login.NewSecret("hidden-first"))
	require.NoError(t, err)
	static, err := login.NewStatic("hidden-static")
	require.NoError(t, err)
	robot, err := login.NewClientCredentials(client)
	require.NoError(t, err)
	d, err := login.NewDevice(client, nil)
	require.NoError(t, err)
	c := cached(t, password, filepath.Join(t.TempDir(), "logins"))
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, "hidden-refresh", token.RefreshToken().Reveal())
	c.Reject(token.AccessToken())
	src, err := login.NewSource(c, login.Binding{Hosts: []string{"*"}})
	require.NoError(t, err)
	f.on(tokenPath, func(_ int, form url.Values) answer { // it repeats what it was sent
		return refused("invalid_grant", form.Get("password")+" "+form.Get("refresh_token")+" hidden-secret")
	})
	_, refused := password.Fetch(t.Context())
	_, ended := c.Token(t.Context())

	for name, v := range map[string]any{
		"client": *client, "pointer": client, "password": *password, "refresh": *refresh, "static": *static, "robot": *robot, "device": *d,
		"cached": c, "token": *token, "tokens": []*login.TokenData{token}, "source": *src, "refused": refused, "ended": ended,
		"about": password.About(), "secret": client.Secret, "nested": struct{ S any }{client.Secret},
		"interaction": &login.InteractionRequiredError{About: d.About(), Err: refused},
	} {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&out, verb, v)
		}
		text, err := json.Marshal(v)
		if err == nil {
			out.Write(text)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		for _, secret := range []string{"hidden", fmt.Sprintf("%x", "hidden"), "104 105 100 100"} {
			assert.NotContains(t, out.String(), secret, name)
		}
		assert.NotEmpty(t, out.String())
	}
}
