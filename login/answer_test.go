// SPDX-License-Identifier: BSD-3-Clause

package login_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/login"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func TestAnAnswerWithATokenIsReadAsProvidersWriteIt(t *testing.T) {
	t.Parallel()
	withExpiry := jwt(map[string]any{"exp": noon.Add(time.Hour).Unix(), "sub": "u1", "email": "albert@example.org"})
	for name, tt := range map[string]struct {
		text            string
		life, refresh   time.Duration // 0: unknown
		hasRefresh      bool
		scopes          []string
		user, userEmail string
	}{
		"all of it":                      {text: `{"access_token":"a","token_type":"Bearer","expires_in":300,"refresh_token":"r","refresh_expires_in":1800,"scope":"x y"}`, life: 5 * time.Minute, refresh: 30 * time.Minute, hasRefresh: true, scopes: []string{"x", "y"}},
		"numbers as strings":             {text: `{"access_token":"a","token_type":"bearer","expires_in":"300","refresh_token":"r","refresh_expires_in":" 1800 "}`, life: 5 * time.Minute, refresh: 30 * time.Minute, hasRefresh: true},
		"a fraction, an exponent":        {text: `{"access_token":"a","expires_in":0.5,"refresh_token":"r","refresh_expires_in":1e3}`, life: 500 * time.Millisecond, refresh: 1000 * time.Second, hasRefresh: true},
		"offline session of Keycloak":    {text: `{"access_token":"a","expires_in":60,"refresh_token":"r","refresh_expires_in":0}`, life: time.Minute, hasRefresh: true},
		"zeros as strings":               {text: `{"access_token":"a","expires_in":"0","refresh_token":"r","refresh_expires_in":"0"}`, hasRefresh: true},
		"nulls":                          {text: `{"access_token":"a","expires_in":null,"refresh_token":null,"refresh_expires_in":null,"scope":null,"token_type":null}`},
		"below nothing, and no text":     {text: `{"access_token":"a","expires_in":-5,"refresh_expires_in":""}`},
		"the other name":                 {text: `{"access_token":"a","refresh_token":"r","refresh_token_expires_in":7}`, refresh: 7 * time.Second, hasRefresh: true},
		"a life without a refresh token": {text: `{"access_token":"a","refresh_expires_in":7}`},
		"scopes as a list":               {text: `{"access_token":"a","scope":["x","y"]}`, scopes: []string{"x", "y"}},
		"no number can overflow":         {text: `{"access_token":"a","expires_in":1e300}`, life: 100 * 365 * 24 * time.Hour},
		"expiry of the JWT":              {text: `{"access_token":"` + withExpiry + `"}`, life: time.Hour, user: "u1", userEmail: "albert@example.org"},
		"expires_in before that of JWT":  {text: `{"access_token":"` + withExpiry + `","expires_in":60}`, life: time.Minute, user: "u1", userEmail: "albert@example.org"},
		"identity of the id_token":       {text: `{"access_token":"a","id_token":"` + withExpiry + `"}`, user: "u1", userEmail: "albert@example.org"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := login.ParseToken(tt.text, noon)
			require.NoError(t, err)
			at := func(d time.Duration) time.Time {
				if d == 0 {
					return time.Time{}
				}
				return noon.Add(d)
			}
			assert.True(t, at(tt.life).Equal(got.Expiry()), "expires %v", got.Expiry())
			assert.Equal(t, at(tt.refresh), got.RefreshExpiry())
			assert.Equal(t, tt.hasRefresh, !got.RefreshToken().IsZero())
			assert.Equal(t, tt.scopes, got.Scopes())
			assert.Equal(t, tt.user, got.UserID())
			assert.Equal(t, tt.userEmail, got.UserEmail())
			assert.Equal(t, noon, got.Issued())
		})
	}
}

func TestAnAnswerThatIsNoTokenSaysWhyAndNotWhat(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		`{}`:                             "access_token is missing",
		`{"access_token":null}`:          "access_token is missing",
		`{"access_token":7}`:             "access_token is not a string",
		`{"access_token":"hidden word"}`: "the access token cannot be sent: has a blank inside at byte 7",
		`{"access_token":"hidden","token_type":"mac"}`:                    "token_type is not Bearer, the only one that can be sent (RFC 6750)",
		`{"access_token":"hidden","expires_in":"hidden"}`:                 "expires_in is not a number of seconds",
		`{"access_token":"hidden","expires_in":true}`:                     "expires_in is not a number of seconds",
		`{"access_token":"hidden","expires_in":"NaN"}`:                    "expires_in is not a number of seconds",
		`{"access_token":"hidden","refresh_token":{"x":1}}`:               "refresh_token is not a string",
		`{"access_token":"hidden","scope":7,"refresh_expires_in":[1]}`:    "refresh_expires_in is not a number of seconds; scope is neither a string nor a list of strings",
		`{"access_token":"hidden","access_token":"hidden2"}`:              "names a member twice",
		`{"access_token":"hidden","id_token":["hidden"]}`:                 "id_token is not a string",
		`{"access_token":"` + jwt(map[string]any{"exp": "hidden"}) + `"}`: "exp",
	} {
		_, err := login.ParseToken(text, noon)
		require.Error(t, err, text)
		assert.Contains(t, err.Error(), says)
		assert.NotContains(t, err.Error(), "hidden")
	}
}

func TestTokensPrintWithoutTheirText(t *testing.T) {
	t.Parallel()
	access := jwt(map[string]any{"sub": "albert"})
	got, err := login.ParseToken(`{"access_token":"`+access+`","refresh_token":"hidden-refresh","expires_in":60}`, noon)
	require.NoError(t, err)
	assert.Equal(t, `token of "albert" until 2026-06-01T12:01:00Z, with a refresh token`, got.String())
	assert.Equal(t, "hidden-refresh", got.RefreshToken().Reveal())
	assert.Equal(t, access, got.AccessToken().Reveal())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{got, *got, []any{got.RefreshToken()}, struct{ S login.Secret }{got.RefreshToken()}} {
			text := fmt.Sprintf(verb, v)
			assert.NotContains(t, text, "hidden-refresh", verb)
			assert.NotContains(t, text, fmt.Sprintf("%x", "hidden-refresh"), verb)
			assert.NotContains(t, text, strings.Split(access, ".")[1], verb)
		}
	}
	assert.Equal(t, "no token", (*login.TokenData)(nil).String())
}

func FuzzTokenAnswer(f *testing.F) {
	f.Add(`{"access_token":"a","token_type":"Bearer","expires_in":"300","refresh_token":"r","refresh_expires_in":0,"scope":["x"]}`)
	f.Add(`{"access_token":"a.b.c","expires_in":1e999}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := login.ParseToken(text, noon)
		if err != nil {
			return
		}
		assert.NotEmpty(t, got.AccessToken().Reveal())
		assert.False(t, got.Expiry().Before(time.Unix(0, 0)) && !got.Expiry().IsZero() && strings.Contains(text, "expires_in"), "no overflow")
		assert.False(t, !got.RefreshExpiry().IsZero() && got.RefreshToken().IsZero())
		assert.False(t, !got.RefreshExpiry().IsZero() && !got.RefreshExpiry().After(noon))
	})
}
