// SPDX-License-Identifier: BSD-3-Clause

package issuer_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/issuer"
)

const service = "https://data.example.org"

func forService(c *issuer.Config) { c.Audience = []string{service, "https://data.example.org:8443"} }

func TestVerifyAcceptsWhatTheIssuerSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keys(t, forService)
	for name, token := range map[string]string{
		"SciToken, ES256":      w.issuer.SciToken(credtest.Claims{"aud": service}),
		"SciToken, RS256":      w.issuer.SciToken(credtest.Claims{"aud": service}, credtest.RS256()),
		"WLCG token":           w.issuer.WLCG(credtest.Claims{"aud": []string{"https://o.example", "https://data.example.org:8443"}}),
		"for any":              w.issuer.SciToken(nil),
		"for any, WLCG":        w.issuer.WLCG(nil),
		"white space around":   " " + w.issuer.SciToken(nil) + "\n",
		"without a key's name": w.issuer.SciToken(nil, credtest.Header(map[string]any{"kid": nil})),
		"no profile, no aud":   w.issuer.SciToken(credtest.Claims{"ver": nil, "aud": nil}),
		"its clock is ahead":   w.issuer.SciToken(credtest.Claims{"nbf": w.Now().Add(50 * time.Second).Unix()}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := k.Verify(t.Context(), token)
			require.NoError(t, err)
			assert.Equal(t, w.issuer.URL(), c.Issuer)
			assert.Equal(t, "test.user", c.Subject)
			assert.NotEmpty(t, c.Scope)
			assert.False(t, c.Expiry.IsZero())
			assert.NotEmpty(t, c.ID)
		})
	}
}

// tampered returns the token with other claims and the old signature.
func tampered(is *credtest.Issuer) string {
	mine, theirs := strings.Split(is.SciToken(nil), "."), strings.Split(is.SciToken(credtest.Claims{"scope": "write:/"}), ".")
	return mine[0] + "." + theirs[1] + "." + mine[2]
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := credtest.NewIssuer("https://stranger.example")
	tests := map[string]struct {
		token string
		kind  error
		want  string
	}{
		"forged, ES256":       {w.issuer.SciToken(nil, credtest.Forged()), issuer.ErrSignature, "the token is refused: its signature is not one of its issuer's key, or it was changed since"},
		"forged, RS256":       {w.issuer.SciToken(nil, credtest.RS256(), credtest.Forged()), issuer.ErrSignature, "signature"},
		"tampered":            {tampered(w.issuer), issuer.ErrSignature, "signature"},
		"key of another type": {w.issuer.SciToken(nil, credtest.Header(map[string]any{"kid": "rs256"})), issuer.ErrNoKey, `publishes no key "rs256" for ES256`},
		"another key's name":  {w.issuer.SciToken(nil, credtest.Header(map[string]any{"kid": "k9"})), issuer.ErrNoKey, `publishes no key "k9" for ES256`},
		"another algorithm":   {w.issuer.SciToken(nil, credtest.Header(map[string]any{"alg": "RS256"})), issuer.ErrNoKey, `publishes no key "es256" for RS256`},
		"ES512":               {w.issuer.SciToken(nil, credtest.Header(map[string]any{"alg": "ES512"})), issuer.ErrAlgorithm, `tokens signed with "ES512" are not accepted`},
		"a stranger":          {stranger.SciToken(nil), issuer.ErrNotAllowed, `issuer "https://stranger.example": it is not one whose tokens are accepted`},
		"never expires":       {w.issuer.SciToken(credtest.Claims{"exp": nil}), scicred.ErrExpired, "it never expires (no exp)"},
		"opaque":              {"gt-abc.def", scicred.ErrMalformed, "it is no JWT"},
		"nothing":             {"", scicred.ErrMalformed, "it is empty"},
		"expired":             {credtest.TokenExpired.Token(w.issuer, service), scicred.ErrExpired, "it expired "},
		"not yet valid":       {credtest.TokenNotYetValid.Token(w.issuer, service), scicred.ErrNotYetValid, "it is not valid for another "},
		"another audience":    {credtest.TokenOtherAudience.Token(w.issuer, service), scicred.ErrMismatch, "its audience is https://elsewhere.invalid, not https://data.example.org or https://data.example.org:8443"},
		"empty audience":      {credtest.TokenEmptyAudience.Token(w.issuer, service), scicred.ErrMismatch, "its audience is empty"},
		"no audience":         {credtest.TokenNoAudience.Token(w.issuer, service), scicred.ErrMismatch, "it names no audience, which its profile demands"},
		"alg none":            {credtest.TokenAlgNone.Token(w.issuer, service), scicred.ErrMalformed, "its alg is none"},
		"key confusion":       {credtest.TokenAlgHS256.Token(w.issuer, service), scicred.ErrMalformed, "HS256"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := w.keys(t, forService).Verify(t.Context(), tt.token)
			require.ErrorIs(t, err, tt.kind)
			assert.ErrorContains(t, err, tt.want)
			assert.Zero(t, c, "nothing of it can be used by mistake")
			assertNoToken(t, err, tt.token)
		})
	}
}

// assertNoToken checks every form of an error for the parts of a token.
func assertNoToken(t *testing.T, err error, token string) {
	t.Helper()
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		for part := range strings.SplitSeq(token, ".") {
			if len(part) > 20 {
				assert.NotContains(t, text, part[:20])
			}
		}
	}
}

// What package credtest says is unusable is, but for those faults that need not
// trouble a receiver.
func TestVerifyKnowsEveryFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keys(t, forService)
	sound := map[credtest.TokenFault]bool{
		credtest.TokenExpiresSoon: true, // It is valid now.
		credtest.TokenScopeList:   true, // Some issuers write it so.
	}
	for _, fault := range credtest.AllTokenFaults() {
		token := fault.Token(w.issuer, service)
		_, err := k.Verify(t.Context(), token)
		if sound[fault] {
			assert.NoError(t, err, fault)
			continue
		}
		if assert.Error(t, err, fault) {
			assertNoToken(t, err, token)
		}
	}
}

// Neither the signature of an expired token nor that of one for others need be
// known.
func TestVerifyAsksNobodyInVain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keys(t, forService)
	for _, fault := range []credtest.TokenFault{credtest.TokenExpired, credtest.TokenOtherAudience, credtest.TokenAlgNone, credtest.TokenTwoParts} {
		_, err := k.Verify(t.Context(), fault.Token(w.issuer, service))
		require.Error(t, err)
	}
	assert.Empty(t, w.fetched())
}

func TestWithoutAnAudienceVerifyDoesNotLookAtIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, err := w.keys(t).Verify(t.Context(), w.issuer.SciToken(credtest.Claims{"aud": "https://o.example"}))
	require.NoError(t, err)
	assert.Equal(t, []string{"https://o.example"}, c.Audience)
}

func TestVerifyPassesOnWhyThereIsNoKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Handle(jwks, credtest.Answer(http.StatusOK, "<html>"))
	_, err := w.keys(t).Verify(t.Context(), w.issuer.SciToken(nil))
	var e *issuer.KeyError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, issuer.ErrUnusable, e.Kind)
	assert.Equal(t, w.Origin+jwks, e.URL)
	assert.Equal(t, "es256", e.KeyID)
}
