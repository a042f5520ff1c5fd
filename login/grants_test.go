// SPDX-License-Identifier: BSD-3-Clause

package login_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/login"
)

func TestARefreshIsSentOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		r, err := login.NewRefresh(f.confidential(t), login.NewSecret("hidden-refresh"))
		require.NoError(t, err)
		for name, a := range map[string]answer{"reset": {}, "503": html(503), "HTML": html(200)} {
			before := len(f.requests(tokenPath))
			f.always(tokenPath, a)
			_, err := r.Fetch(t.Context())
			require.ErrorIs(t, err, login.ErrTemporary, name)
			assert.Len(t, f.requests(tokenPath), before+1, "%s: a second use may end the session", name)
		}
		f.always(tokenPath, refused("invalid_grant", "Token hidden-refresh is not active"))
		_, err = r.Fetch(t.Context())
		require.ErrorIs(t, err, login.ErrInvalidGrant)
		assert.NotContains(t, err.Error(), "hidden-refresh")
		last := f.requests(tokenPath)[3]
		assert.Equal(t, "refresh_token", last.form.Get("grant_type"))
		assert.Equal(t, "hidden-refresh", last.form.Get("refresh_token"))
		assert.Equal(t, "cli", last.user)
	})
}

func TestARefreshKeepsWhatTheAnswerLeavesOut(t *testing.T) {
	t.Parallel()
	f := newFake()
	r, err := login.NewRefresh(f.public(t), login.NewSecret("first"))
	require.NoError(t, err)
	f.always(tokenPath, object(map[string]any{"access_token": jwt(map[string]any{"sub": "u", "email": "e@x"}), "scope": "a b", "expires_in": 60, "refresh_expires_in": 100}))
	one, err := r.Fetch(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "first", one.RefreshToken().Reveal())
	f.always(tokenPath, object(map[string]any{"access_token": "opaque", "refresh_token": "second"}))
	two, err := r.Refresh(t.Context(), one)
	require.NoError(t, err)
	assert.Equal(t, "second", two.RefreshToken().Reveal())
	assert.Equal(t, []string{"a", "b"}, two.Scopes())
	assert.Equal(t, "u", two.UserID())
	assert.Equal(t, "e@x", two.UserEmail())
	assert.Equal(t, "opaque", two.AccessToken().Reveal())
	assert.True(t, two.Expiry().IsZero())
}

func TestWithoutARefreshTokenNothingIsAsked(t *testing.T) {
	t.Parallel()
	f := newFake()
	d := device(t, f.public(t))
	for _, old := range []*login.TokenData{nil, {}} {
		_, err := d.Refresh(t.Context(), old)
		require.ErrorIs(t, err, login.ErrNoRefresh)
		var e *login.TokenRefreshError
		assert.ErrorAs(t, err, &e)
	}
	assert.Empty(t, f.asked)
	_, err := login.NewRefresh(f.public(t), login.Secret{})
	assert.ErrorIs(t, err, login.ErrNoRefresh)
}

func TestAProgramGetsTokensForItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.confidential(t)
		c.Scopes, c.Audience = []string{"read"}, []string{"https://data.example.org"}
		g, err := login.NewClientCredentials(c)
		require.NoError(t, err)
		f.inTurn(tokenPath, html(500), token("a"))
		got, err := g.Fetch(t.Context())
		require.NoError(t, err)
		assert.True(t, got.RefreshToken().IsZero(), "it is of no use")
		_, err = g.Refresh(t.Context(), got)
		require.NoError(t, err)
		for _, r := range f.requests(tokenPath) {
			assert.Equal(t, "client_credentials", r.form.Get("grant_type"))
			assert.Equal(t, "read", r.form.Get("scope"))
			assert.Equal(t, "https://data.example.org", r.form.Get("audience"))
		}
		_, err = login.NewClientCredentials(f.public(t))
		assert.Error(t, err)
	})
}

func TestAPasswordIsSentAndNeverShown(t *testing.T) {
	t.Parallel()
	f := newFake()
	p, err := login.NewPassword(f.public(t), "albert", login.NewSecret("hunter2 hunter2"))
	require.NoError(t, err)
	assert.Equal(t, "albert", p.About().User)
	f.always(tokenPath, refused("invalid_grant", "hunter2 hunter2 is wrong, and hunter2+hunter2 too"))
	_, err = p.Fetch(t.Context())
	require.ErrorIs(t, err, login.ErrInvalidGrant)
	assert.NotContains(t, err.Error()+fmt.Sprintf("%v %+v %#v", p, *p, p), "hunter2")
	r := f.requests(tokenPath)[0]
	assert.Equal(t, "password", r.form.Get("grant_type"))
	assert.Equal(t, "albert", r.form.Get("username"))
	assert.Equal(t, "hunter2 hunter2", r.form.Get("password"))
	for _, bad := range []string{"", "u"} {
		_, err := login.NewPassword(f.public(t), bad, login.NewSecret(strings.Repeat("x", 1-len(bad))))
		assert.Error(t, err)
	}
}

func TestAStaticTokenStaysWhatItIs(t *testing.T) {
	t.Parallel()
	exp := noon.Add(time.Hour)
	s, err := login.NewStatic(" " + jwt(map[string]any{"sub": "u", "exp": exp.Unix()}) + "\n")
	require.NoError(t, err)
	got, err := s.Fetch(t.Context())
	require.NoError(t, err)
	assert.True(t, exp.Equal(got.Expiry()))
	assert.Equal(t, "u", got.UserID())
	_, err = s.Refresh(t.Context(), got)
	require.ErrorIs(t, err, login.ErrNoRefresh)
	_, err = login.NewStatic("hidden word")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hidden")
}

func TestAFileOfWallarooIsReadAnewEachTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token.json")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	w := login.NewWallarooFile(path)
	_, err := w.Fetch(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.EqualError(t, err, "no token by token file: the file "+path+" no such file or directory")
	write(`{"token":"one","user_email":"e@x","user_id":"u"}`)
	got, err := w.Fetch(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "one", got.AccessToken().Reveal())
	assert.Equal(t, "e@x", got.UserEmail())
	assert.Equal(t, "u", got.UserID())
	assert.WithinDuration(t, time.Now().Add(5*time.Minute), got.Expiry(), time.Minute)
	write(`{"token":"two"}`)
	got, err = w.Refresh(t.Context(), got)
	require.NoError(t, err)
	assert.Equal(t, "two", got.AccessToken().Reveal())
}

func TestAFileThatIsNotOfWallarooSaysWhyAndNotWhat(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"hidden": "is broken JSON", `{}`: `has no member "token"`, `{"token":["hidden"]}`: "token is not a string",
		`{"token":"hidden word"}`: "cannot be sent", `{"token":"hidden","user_id":7}`: "user_id is not a string",
	} {
		_, err := login.ParseWallaroo(text, noon)
		require.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "hidden")
	}
	got, err := login.ParseWallaroo(`{"token":"`+jwt(map[string]any{"exp": noon.Add(time.Hour).Unix()})+`"}`, noon)
	require.NoError(t, err)
	assert.True(t, noon.Add(time.Hour).Equal(got.Expiry()), "what it says itself comes first")
}

// TestMain is also the command, and the other process, that the tests run.
func TestMain(m *testing.M) {
	if arg := os.Getenv("LOGIN_TEST_RACE"); arg != "" {
		if err := raceMain(arg); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	switch os.Getenv("LOGIN_TEST_COMMAND") {
	case "":
		os.Exit(m.Run())
	case "fail":
		fmt.Println("hidden-output")
		fmt.Fprintln(os.Stderr, "hidden-error")
		os.Exit(3)
	case "endless":
		for range 100 {
			fmt.Print(strings.Repeat("x", 64<<10))
		}
	case "hang":
		time.Sleep(time.Hour) // longer than anybody waits
	default:
		fmt.Println(os.Getenv("LOGIN_TEST_COMMAND"))
	}
}

func TestACommandPrintsAToken(t *testing.T) {
	for env, says := range map[string]string{
		"a-token": "", `{"access_token":"a-token","expires_in":"60"}`: "",
		"fail": "failed: exit status 3", "endless": "printed more than 1048576 bytes", "hidden word": "printed no token that can be used: the access token cannot be sent: has a blank inside at byte 7",
		`{"hidden":`: "printed what is broken JSON", `{"access_token":1}`: "access_token is not a string",
	} {
		t.Setenv("LOGIN_TEST_COMMAND", env)
		c, err := login.NewCommand(os.Args[0], "hidden-argument")
		require.NoError(t, err)
		assert.NotContains(t, fmt.Sprint(c), "hidden-argument")
		got, err := c.Fetch(t.Context())
		if says == "" {
			require.NoError(t, err)
			assert.Equal(t, "a-token", got.AccessToken().Reveal())
			assert.Equal(t, env == "a-token", got.Expiry().IsZero())
			continue
		}
		require.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "hidden")
	}
}

func TestACommandThatCannotBeRunOrHangs(t *testing.T) {
	c, err := login.NewCommand(filepath.Join(t.TempDir(), "not there"))
	require.NoError(t, err)
	_, err = c.Fetch(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = login.NewCommand("")
	require.Error(t, err)
	t.Setenv("LOGIN_TEST_COMMAND", "hang")
	c, err = login.NewCommand(os.Args[0])
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = c.Refresh(ctx, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var e *login.TokenFetchError
	assert.ErrorAs(t, err, &e)
}

func FuzzWallarooFile(f *testing.F) {
	f.Add(`{"token":"a","user_email":"b","user_id":"c"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := login.ParseWallaroo(text, noon); err == nil {
			assert.NotEmpty(t, got.AccessToken().Reveal())
			assert.False(t, got.Expiry().IsZero())
		}
	})
}

func FuzzCommandOutput(f *testing.F) {
	f.Add(" token\n")
	f.Add(`{"access_token":"a"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := login.ParseOutput(text, noon); err == nil {
			assert.NotEmpty(t, got.AccessToken().Reveal())
		}
	})
}
