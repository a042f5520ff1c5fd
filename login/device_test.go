// SPDX-License-Identifier: BSD-3-Clause

package login_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/login"
)

const deviceSecret = "hidden-device-code"

// code is an answer of a device authorization endpoint.
func code(more map[string]any) answer {
	m := map[string]any{
		"device_code": deviceSecret, "user_code": "WDJB-MJHT", "verification_uri": "https://op.example.org/device",
		"verification_uri_complete": "https://op.example.org/device?user_code=WDJB-MJHT", "expires_in": 600, "interval": 5,
	}
	for name, value := range more {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
	return object(m)
}

func token(access string) answer {
	return object(map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300, "refresh_token": "refresh-of-" + access})
}

var (
	pending = refused("authorization_pending", "")
	slower  = refused("slow_down", "")
)

// quiet shows the code to nobody.
func quiet(context.Context, login.Prompt) error { return nil }

func device(t *testing.T, c *login.Client) *login.Device {
	t.Helper()
	d, err := login.NewDevice(c, login.PrompterFunc(quiet))
	require.NoError(t, err)
	return d
}

func TestTheProviderIsAskedAsOftenAsItWants(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for name, tt := range map[string]struct {
		code    answer
		answers []answer
		at      []time.Duration // of the requests, after the code came
	}{
		"at once":                          {code(nil), []answer{token("a")}, []time.Duration{5 * s}},
		"pending twice":                    {code(nil), []answer{pending, pending, token("a")}, []time.Duration{5 * s, 10 * s, 15 * s}},
		"its own interval":                 {code(map[string]any{"interval": 2}), []answer{pending, token("a")}, []time.Duration{2 * s, 4 * s}},
		"interval as a string":             {code(map[string]any{"interval": "2", "expires_in": "600"}), []answer{pending, token("a")}, []time.Duration{2 * s, 4 * s}},
		"no interval is 5":                 {code(map[string]any{"interval": nil}), []answer{token("a")}, []time.Duration{5 * s}},
		"interval -1 is 5":                 {code(map[string]any{"interval": -1, "expires_in": -1}), []answer{token("a")}, []time.Duration{5 * s}},
		"interval 0 is 5":                  {code(map[string]any{"interval": 0}), []answer{token("a")}, []time.Duration{5 * s}},
		"slow_down is for good":            {code(nil), []answer{slower, pending, slower, pending, token("a")}, []time.Duration{5 * s, 15 * s, 25 * s, 40 * s, 55 * s}},
		"503 backs off, for a while":       {code(nil), []answer{html(503), html(503), {}, pending, token("a")}, []time.Duration{5 * s, 15 * s, 35 * s, 75 * s, 80 * s}},
		"resets back off":                  {code(nil), []answer{{}, {}, token("a")}, []time.Duration{5 * s, 15 * s, 35 * s}},
		"HTML backs off":                   {code(nil), []answer{html(200), token("a")}, []time.Duration{5 * s, 15 * s}},
		"no more than a minute":            {code(nil), []answer{{}, {}, {}, {}, {}, {}, token("a")}, []time.Duration{5 * s, 15 * s, 35 * s, 75 * s, 135 * s, 195 * s, 255 * s}},
		"slow_down stays through failures": {code(nil), []answer{slower, {}, pending, token("a")}, []time.Duration{5 * s, 15 * s, 35 * s, 45 * s}},
		"Retry-After":                      {code(nil), []answer{{status: 429, header: map[string]string{"Retry-After": "42"}}, token("a")}, []time.Duration{5 * s, 47 * s}},
		"an interval longer than the code": {code(map[string]any{"interval": 600, "expires_in": 100}), []answer{token("a")}, []time.Duration{99 * s}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.always(devicePath, tt.code)
				start := time.Now()
				var at []time.Duration
				f.on(tokenPath, func(n int, _ url.Values) answer {
					at = append(at, time.Since(start))
					return tt.answers[n-1]
				})
				got, err := device(t, f.public(t)).Fetch(t.Context())
				require.NoError(t, err)
				assert.Equal(t, "a", got.AccessToken().Reveal())
				assert.Equal(t, "refresh-of-a", got.RefreshToken().Reveal())
				assert.Equal(t, tt.at, at)
			})
		})
	}
}

func TestExpiryDenialAndTheCallersDeadlineAreThreeErrors(t *testing.T) {
	t.Parallel()
	all := []error{login.ErrCodeExpired, login.ErrDenied, context.DeadlineExceeded, context.Canceled, login.ErrTemporary}
	for name, tt := range map[string]struct {
		answers []answer
		wait    time.Duration // of the caller
		after   time.Duration
		is      []error
		says    string
	}{
		"the provider says expired":      {[]answer{pending, refused("expired_token", "")}, time.Hour, 10 * time.Second, []error{login.ErrCodeExpired}, "no token by device: token from https://op.example.org/token: refused with expired_token, which means that the code expired before anybody entered it"},
		"the time is over":               {[]answer{pending}, time.Hour, time.Minute, []error{login.ErrCodeExpired}, "no token by device: the code expired before anybody entered it: start again"},
		"the time is over, and it hangs": {[]answer{html(502)}, time.Hour, time.Minute, []error{login.ErrCodeExpired, login.ErrTemporary}, "at the end the provider was not well: login: token from https://op.example.org/token: it answered 502 Bad Gateway (text/html)"},
		"denied":                         {[]answer{refused("access_denied", "")}, time.Hour, 5 * time.Second, []error{login.ErrDenied}, "no token by device: token from https://op.example.org/token: refused with access_denied, which means that the login was denied"},
		"the caller's deadline":          {[]answer{pending}, 12 * time.Second, 12 * time.Second, []error{context.DeadlineExceeded}, "no token by device: waiting for the user to enter the code: the time that the caller allowed is over: context deadline exceeded"},
		"called off":                     {[]answer{pending}, -12 * time.Second, 12 * time.Second, []error{context.Canceled}, "no token by device: waiting for the user to enter the code: called off: context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.always(devicePath, code(map[string]any{"expires_in": 60}))
				f.inTurn(tokenPath, tt.answers...)
				ctx, cancel := context.WithCancel(t.Context())
				if tt.wait < 0 {
					time.AfterFunc(-tt.wait, cancel)
				} else {
					ctx, cancel = context.WithTimeout(ctx, tt.wait)
				}
				defer cancel()
				start := time.Now()
				_, err := device(t, f.public(t)).Fetch(ctx)
				var fetch *login.TokenFetchError
				require.ErrorAs(t, err, &fetch)
				assert.Equal(t, "device", fetch.Grant)
				assert.ErrorContains(t, err, tt.says)
				assert.NotContains(t, err.Error(), deviceSecret)
				var is []error
				for _, e := range all {
					if errors.Is(err, e) {
						is = append(is, e)
					}
				}
				assert.Equal(t, tt.is, is)
				assert.Equal(t, tt.after, time.Since(start))
			})
		})
	}
}

func TestTheCodeIsBoundToThisClientByPKCE(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.always(devicePath, code(nil))
		f.inTurn(tokenPath, pending, token("a"))
		c := f.public(t)
		c.Scopes, c.Audience, c.Resource = []string{"openid", "offline_access"}, []string{"a1", "a2"}, []string{"https://r.example.org"}
		d := device(t, c)
		for range 2 {
			f.inTurn(tokenPath, pending, token("a"))
			_, err := d.Fetch(t.Context())
			require.NoError(t, err)
		}
		started, polled := f.requests(devicePath), f.requests(tokenPath)
		require.Len(t, started, 2)
		require.Len(t, polled, 3)
		assert.NotEqual(t, started[0].form.Get("code_challenge"), started[1].form.Get("code_challenge"), "a fresh one each time")
		assert.Equal(t, "S256", started[0].form.Get("code_challenge_method"))
		verifier := polled[0].form.Get("code_verifier")
		assert.Len(t, verifier, 43)
		sum := sha256.Sum256([]byte(verifier))
		assert.Equal(t, base64.RawURLEncoding.EncodeToString(sum[:]), started[0].form.Get("code_challenge"))
		assert.Equal(t, verifier, polled[1].form.Get("code_verifier"))

		assert.Equal(t, "cli", started[0].form.Get("client_id"))
		assert.Equal(t, "openid offline_access", started[0].form.Get("scope"))
		assert.Equal(t, []string{"a1", "a2"}, started[0].form["audience"])
		assert.Equal(t, []string{"https://r.example.org"}, started[0].form["resource"])
		assert.Equal(t, "urn:ietf:params:oauth:grant-type:device_code", polled[0].form.Get("grant_type"))
		assert.Equal(t, deviceSecret, polled[0].form.Get("device_code"))
		assert.NotContains(t, polled[0].form, "scope")
	})
}

func TestAClientProvesItselfAsItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			auth             login.ClientAuth
			secret           string
			user, pass, id   string
			inForm, mistaken bool
		}{
			{auth: login.AuthDefault, id: "cli"},
			{auth: login.AuthNone, id: "cli", secret: clientSecret},
			{auth: login.AuthDefault, secret: clientSecret, user: "cli", pass: url.QueryEscape(clientSecret)},
			{auth: login.AuthBasic, secret: clientSecret, user: "cli", pass: url.QueryEscape(clientSecret)},
			{auth: login.AuthPost, secret: clientSecret, id: "cli", inForm: true},
			{auth: login.AuthBasic, mistaken: true},
			{auth: login.AuthPost, mistaken: true},
			{auth: 77, secret: clientSecret, mistaken: true},
		} {
			f := newFake()
			f.always(devicePath, code(nil))
			f.always(tokenPath, token("a"))
			c := f.public(t)
			c.Auth, c.Secret = tt.auth, login.NewSecret(tt.secret)
			d, err := login.NewDevice(c, login.PrompterFunc(quiet))
			if tt.mistaken {
				assert.Error(t, err, "%+v", tt)
				continue
			}
			require.NoError(t, err)
			_, err = d.Fetch(t.Context())
			require.NoError(t, err)
			for _, path := range []string{devicePath, tokenPath} {
				r := f.requests(path)[0]
				assert.Equal(t, tt.user, r.user, "%+v", tt)
				assert.Equal(t, tt.pass, r.pass)
				assert.Equal(t, tt.id, r.form.Get("client_id"))
				assert.Equal(t, tt.inForm, r.form.Get("client_secret") == clientSecret)
			}
		}
	})
}

func TestTheDeviceEndpointIsAskedAgainAfterAShortFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.inTurn(devicePath, html(500), code(nil))
		f.always(tokenPath, token("a"))
		_, err := device(t, f.public(t)).Fetch(t.Context())
		require.NoError(t, err)

		f.always(devicePath, refused("invalid_client", "who is cli?"))
		_, err = device(t, f.public(t)).Fetch(t.Context())
		assert.EqualError(t, err, `no token by device: device code from https://op.example.org/device/auth: refused with invalid_client, which means that the provider does not know this client, or its secret is wrong (the provider says "who is cli?")`)
	})
}

func TestAProviderWithoutDeviceCodesSaysSo(t *testing.T) {
	t.Parallel()
	f := newFake()
	m := f.metadata()
	delete(m, "device_authorization_endpoint")
	f.always(metadataPath, object(m))
	_, err := device(t, f.public(t)).Fetch(t.Context())
	require.ErrorIs(t, err, login.ErrNotOffered)
	assert.EqualError(t, err, "no token by device: login with a code (RFC 8628) at https://op.example.org: the provider does not offer it")
}

// A provider, or what pretends to be one, may repeat what it was sent.
func TestAnEchoOfWhatWasSentIsNotPrinted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.always(devicePath, code(nil))
		f.on(tokenPath, func(_ int, form url.Values) answer {
			return refused("invalid_request", "no: "+form.Encode()+" "+form.Get("device_code")+" "+form.Get("client_secret")+" \x1b[31m")
		})
		c := f.confidential(t)
		c.Auth = login.AuthPost
		_, err := device(t, c).Fetch(t.Context())
		require.Error(t, err)
		for _, secret := range []string{deviceSecret, clientSecret, url.QueryEscape(clientSecret), f.requests(tokenPath)[0].form.Get("code_verifier"), "\x1b"} {
			assert.NotContains(t, err.Error(), secret)
		}
		assert.Contains(t, err.Error(), "REDACTED")
		f.on(tokenPath, func(int, url.Values) answer { return refused("Secret-Code", "") })
		_, err = device(t, c).Fetch(t.Context())
		assert.ErrorContains(t, err, "it answered 400 Bad Request")
		assert.NotContains(t, err.Error(), "Secret-Code", "that is no code of any provider")
	})
}

func TestASecretDoesNotFollowARedirect(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.always(devicePath, answer{status: http.StatusTemporaryRedirect, header: map[string]string{"Location": f.base + "/elsewhere"}})
	_, err := device(t, f.confidential(t)).Fetch(t.Context())
	assert.ErrorContains(t, err, "it answered with a redirect, which is not followed with secrets: give the address it leads to, https://op.example.org/elsewhere")
	assert.Empty(t, f.requests("/elsewhere"))
}

func TestThePromptShowsCodeAndBothAddresses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := login.Prompt{UserCode: "WDJB-MJHT", VerificationURI: "https://op.example.org/device", CompleteURI: "https://op.example.org/device?c=1", Expires: time.Now().Add(10 * time.Minute)}
		require.NoError(t, login.TextPrompter{Writer: &out}.Prompt(t.Context(), p))
		assert.Equal(t, "To log in, open this page in a browser, on any device:\n\n    https://op.example.org/device\n\nand enter the code\n\n    WDJB-MJHT\n\n"+
			"Or open this address and check that it shows that code:\n\n    https://op.example.org/device?c=1\n\nThe code expires in 10m.\n", out.String())
		out.Reset()
		require.NoError(t, login.TextPrompter{Writer: &out}.Prompt(t.Context(), login.Prompt{UserCode: "A\x1b[2J", VerificationURI: "https://a"}))
		assert.NotContains(t, out.String(), "\x1b")
		assert.NotContains(t, out.String(), "expires")
		assert.NotContains(t, out.String(), "Or open")
	})
}

func TestAPromptThatCannotBeShownEndsTheLogin(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.always(devicePath, code(nil))
	broken := errors.New("no terminal")
	d, err := login.NewDevice(f.public(t), login.PrompterFunc(func(context.Context, login.Prompt) error { return broken }))
	require.NoError(t, err)
	_, err = d.Fetch(t.Context())
	require.ErrorIs(t, err, broken)
	assert.Empty(t, f.requests(tokenPath))
}

func TestACodeThatCannotBeUsedIsRefused(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]map[string]any{
		"device_code is missing":                             {"device_code": nil},
		"user_code is missing":                               {"user_code": ""},
		"verification_uri is missing":                        {"verification_uri": nil},
		"interval is not a number of seconds":                {"interval": "soon"},
		"expires_in is not a number of seconds":              {"expires_in": []int{1}},
		"the verification address http://op.example.org/d":   {"verification_uri": "http://op.example.org/d"},
		"the verification address javascript:":               {"verification_uri_complete": "javascript:alert(1)"},
		"verification_uri_complete is not a string":          {"verification_uri_complete": 1},
		"the verification address https://op.example.org is": {"verification_uri": "https://a:b@op.example.org"},
	} {
		_, _, err := login.ParseDeviceCode(code(change).body, noon)
		if says == "the verification address https://op.example.org is" {
			assert.Error(t, err)
			assert.NotContains(t, err.Error(), "a:b")
			continue
		}
		assert.ErrorContains(t, err, says)
	}
	p, interval, err := login.ParseDeviceCode(code(map[string]any{"verification_uri": nil, "verification_url": "https://op.example.org/u", "verification_uri_complete": nil, "expires_in": nil}).body, noon)
	require.NoError(t, err)
	assert.Equal(t, login.Prompt{UserCode: "WDJB-MJHT", VerificationURI: "https://op.example.org/u", Expires: noon.Add(10 * time.Minute)}, p)
	assert.Equal(t, 5*time.Second, interval)
}

func TestAClientMustSayWhoAndWhere(t *testing.T) {
	t.Parallel()
	f := newFake()
	for name, c := range map[string]*login.Client{"nil": nil, "zero": {}, "no provider": {ID: "cli"}, "no ID": {Provider: f.provider(t)}} {
		_, err := login.NewDevice(c, nil)
		assert.Error(t, err, name)
	}
	d, err := login.NewDevice(f.public(t), nil)
	require.NoError(t, err)
	assert.Equal(t, login.About{Issuer: f.base, ClientID: "cli", Grant: "device", Interactive: true}, d.About())
}

func FuzzDeviceCode(f *testing.F) {
	f.Add(code(nil).body)
	f.Add(code(map[string]any{"interval": "5", "verification_uri": "https://[::1"}).body)
	f.Fuzz(func(t *testing.T, text string) {
		p, interval, err := login.ParseDeviceCode(text, noon)
		if err != nil {
			return
		}
		assert.NotEmpty(t, p.UserCode)
		assert.NotEmpty(t, p.VerificationURI)
		assert.Positive(t, interval)
		assert.True(t, p.Expires.After(noon))
	})
}
