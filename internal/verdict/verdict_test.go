// SPDX-License-Identifier: BSD-3-Clause

package verdict_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/verdict"
)

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// challenges are those of a WWW-Authenticate header.
func challenges(header ...string) []bearer.Challenge { return bearer.ParseChallenges(header) }

// Some pieces of which cases are made.

func token(change ...func(*verdict.Piece)) verdict.Piece {
	return made(verdict.Piece{Kind: "token", Outcome: "attached", From: "BEARER_TOKEN_FILE", Path: "/run/bt_u1000", Identity: "albert", Expiry: now().Add(time.Hour)}, change)
}

func certificate(change ...func(*verdict.Piece)) verdict.Piece {
	return made(verdict.Piece{Kind: "x509", Outcome: "attached", From: "/tmp", Path: "/tmp/x509up_u1000", Identity: "/CN=albert", Expiry: now().Add(time.Hour)}, change)
}

func login(change ...func(*verdict.Piece)) verdict.Piece {
	return made(verdict.Piece{Kind: "basic", Outcome: "attached", From: "WithBasicAuth", Identity: "albert"}, change)
}

func made(p verdict.Piece, change []func(*verdict.Piece)) verdict.Piece {
	for _, c := range change {
		c(&p)
	}
	return p
}

func outcome(o string, why error) func(*verdict.Piece) {
	return func(p *verdict.Piece) { p.Outcome, p.Err = o, why }
}

func expires(in time.Duration) func(*verdict.Piece) {
	return func(p *verdict.Piece) { p.Expiry = now().Add(in) }
}

func claims(audience, scope []string) func(*verdict.Piece) {
	return func(p *verdict.Piece) { p.Audience, p.Scope = audience, scope }
}

func odd(detail string) func(*verdict.Piece) {
	return func(p *verdict.Piece) { p.Detail = detail }
}

func TestTheSentences(t *testing.T) {
	t.Parallel()
	const (
		forbidden = http.StatusForbidden
		unauth    = http.StatusUnauthorized
		nothing   = "no credential was sent"
		tokenFine = "the token from BEARER_TOKEN_FILE /run/bt_u1000 was sent and looked fine from here, but was refused"
		certFine  = "the certificate from /tmp/x509up_u1000 was sent (/CN=albert) and looked fine from here, but was refused"
	)
	mismatch := errors.New("its audience is https://a, not https://b")
	tests := map[string]struct {
		status int
		c      verdict.Case
		want   []string
	}{
		"nothing was there":          {unauth, verdict.Case{Known: true}, []string{nothing}},
		"nobody knows what was sent": {unauth, verdict.Case{}, []string{"what was sent is not known, since no scicred.Transport made the request"}},

		// What was sent.
		"a token, 401":               {unauth, verdict.Case{Known: true, Pieces: []verdict.Piece{token()}}, []string{tokenFine}},
		"a token, 403":               {forbidden, verdict.Case{Known: true, Pieces: []verdict.Piece{token()}}, []string{tokenFine + ": its scope may not cover this operation or path"}},
		"a certificate, 403":         {forbidden, verdict.Case{Known: true, Pieces: []verdict.Piece{certificate()}}, []string{certFine}},
		"a login, 403":               {forbidden, verdict.Case{Known: true, Pieces: []verdict.Piece{login()}}, []string{"the login from WithBasicAuth was sent (albert) and looked fine from here, but was refused"}},
		"a token that does not end":  {unauth, verdict.Case{Known: true, Pieces: []verdict.Piece{token(func(p *verdict.Piece) { p.Expiry = time.Time{} })}}, []string{tokenFine}},
		"a token that expired since": {unauth, verdict.Case{Known: true, Pieces: []verdict.Piece{token(expires(-3 * time.Minute))}}, []string{"the token from BEARER_TOKEN_FILE /run/bt_u1000 was sent; it expired 3m ago"}},
		"a token that expires now":   {forbidden, verdict.Case{Known: true, Pieces: []verdict.Piece{token(expires(0))}}, []string{"the token from BEARER_TOKEN_FILE /run/bt_u1000 was sent; it expired less than 1s ago"}},
		"a certificate that expired since": {
			forbidden,
			verdict.Case{Known: true, Pieces: []verdict.Piece{certificate(expires(-26 * time.Hour))}},
			[]string{"the certificate from /tmp/x509up_u1000 was sent (/CN=albert); it expired 1d2h ago"},
		},
		"the token's own audience and scope": {
			unauth,
			verdict.Case{Known: true, Pieces: []verdict.Piece{token(claims([]string{"https://a", "https://b"}, []string{"read:/", "write:/x"}))}},
			[]string{"the token from BEARER_TOKEN_FILE /run/bt_u1000 was sent (audience https://a https://b, scope read:/ write:/x) and looked fine from here, but was refused"},
		},
		"empty ones": {
			unauth,
			verdict.Case{Known: true, Pieces: []verdict.Piece{token(claims([]string{}, []string{}))}},
			[]string{"the token from BEARER_TOKEN_FILE /run/bt_u1000 was sent (audience empty, scope empty) and looked fine from here, but was refused"},
		},
		"what is odd about it": {
			forbidden,
			verdict.Case{Known: true, Pieces: []verdict.Piece{certificate(odd("warning: the chain is not in the file"))}},
			[]string{"the certificate from /tmp/x509up_u1000 was sent (/CN=albert) and was refused; warning: the chain is not in the file"},
		},
		"a login beside a certificate": {
			unauth,
			verdict.Case{Known: true, Pieces: []verdict.Piece{certificate(), login()}},
			[]string{certFine, "the login from WithBasicAuth was sent (albert) and looked fine from here, but was refused"},
		},
		"a token and a certificate": {
			forbidden,
			verdict.Case{Known: true, Pieces: []verdict.Piece{token(), certificate()}},
			[]string{
				tokenFine + ": its scope may not cover this operation or path", certFine,
				"a token and a certificate were sent, and this server may have judged by the token alone: try without the token",
			},
		},
		"sent a second time": {unauth, verdict.Case{Known: true, Pieces: []verdict.Piece{token()}, Note: "sent a second time"}, []string{tokenFine, "sent a second time"}},

		// What was not.
		"withheld": {
			unauth,
			verdict.Case{Known: true, Pieces: []verdict.Piece{token(outcome("withheld", mismatch))}},
			[]string{nothing, "the token from BEARER_TOKEN_FILE /run/bt_u1000 was not sent: its audience is https://a, not https://b"},
		},
		"rejected": {
			forbidden,
			verdict.Case{Known: true, Pieces: []verdict.Piece{certificate(outcome("rejected", errors.New("expired 2h ago"))), login(outcome("rejected", errors.New("is garbled")))}},
			[]string{nothing, "the certificate from /tmp/x509up_u1000 was not sent: expired 2h ago", "the login from WithBasicAuth was not sent: is garbled"},
		},
		"withheld, while another kind was sent": {
			forbidden,
			verdict.Case{Known: true, Pieces: []verdict.Piece{token(outcome("withheld", mismatch)), certificate()}},
			[]string{certFine, "the token from BEARER_TOKEN_FILE /run/bt_u1000 was not sent: its audience is https://a, not https://b"},
		},
		"rejected, while another of the kind was sent": {
			unauth,
			verdict.Case{Known: true, Pieces: []verdict.Piece{token(outcome("rejected", mismatch)), token()}},
			[]string{tokenFine},
		},
		"not there, shadowed, not asked": {
			unauth, verdict.Case{Known: true, Pieces: []verdict.Piece{
				token(outcome("not found", errors.New("not set"))), login(outcome("shadowed", errors.New("the token takes its place"))), certificate(outcome("not asked", nil)),
			}}, []string{nothing},
		},
		"switched off": {
			unauth,
			verdict.Case{Known: true, Pieces: []verdict.Piece{{Kind: "x509", Outcome: "skipped", From: "-", Detail: "switched off by Without"}}},
			[]string{"no certificate was looked for: switched off by Without", nothing},
		},
		"switched off in one place, sent from another": {
			unauth,
			verdict.Case{Known: true, Pieces: []verdict.Piece{{Kind: "token", Outcome: "skipped", From: "-", Detail: "discovery is off"}, token()}},
			[]string{tokenFine},
		},
		"not looked for, and nobody says why": {unauth, verdict.Case{Known: true, Pieces: []verdict.Piece{{Kind: "token", Outcome: "skipped", From: "-"}}}, []string{nothing}},
		"nothing could go there": {
			unauth,
			verdict.Case{Known: true, Bar: errors.New("redirected here from another origin (https://a)"), Pieces: []verdict.Piece{
				{Kind: "x509", Outcome: "skipped", From: "-", Detail: "switched off by Without"},
			}},
			[]string{"no credential was sent: redirected here from another origin (https://a)"},
		},

		"the caller's own header": {
			unauth,
			verdict.Case{Known: true, Own: true, Pieces: []verdict.Piece{token(outcome("shadowed", nil))}},
			[]string{"the request's own Authorization header was sent"},
		},
		"the caller's own header, to another origin": {
			unauth,
			verdict.Case{Known: true, Own: true, Bar: errors.New("redirected here")},
			[]string{"the request's own Authorization header was sent"},
		},
		"the caller's own header beside a certificate": {
			forbidden,
			verdict.Case{Known: true, Own: true, Pieces: []verdict.Piece{certificate()}},
			[]string{certFine, "the request's own Authorization header was sent"},
		},

		// Other refusals, and what the server says.
		"not found":       {http.StatusNotFound, verdict.Case{Known: true, Pieces: []verdict.Piece{token()}}, nil},
		"broken server":   {http.StatusInternalServerError, verdict.Case{}, nil},
		"proxy wants one": {http.StatusProxyAuthRequired, verdict.Case{Known: true}, nil},
		"it names a scheme": {unauth, verdict.Case{Known: true, Challenges: challenges(`Basic realm="Staff"`, "Negotiate")}, []string{
			"the server asks for Basic authentication", "the server asks for Negotiate authentication", nothing,
		}},
		"it says what is wrong": {unauth, verdict.Case{Known: true, Challenges: challenges(`Bearer realm="x", error="invalid_token", error_description="The token expired"`)}, []string{
			"the server says: invalid_token, The token expired", nothing,
		}},
		"it says what it wants": {forbidden, verdict.Case{Known: true, Challenges: challenges(`Bearer error="insufficient_scope", scope="storage.read:/x storage.stage:/x"`)}, []string{
			"the server says: insufficient_scope, it wants the scope storage.read:/x storage.stage:/x", nothing,
		}},
		"it says so with another status": {http.StatusBadRequest, verdict.Case{Challenges: challenges(`Bearer error="invalid_request"`)}, []string{"the server says: invalid_request"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.c.Status, tt.c.Now = tt.status, now()
			assert.Equal(t, tt.want, tt.c.Facts())
		})
	}
}

func TestNoControlCharacterGetsIntoTheText(t *testing.T) {
	t.Parallel()
	const evil = "\x1b[2J\r\n\x00\x7f\u009b\u202e"
	mean := func(p verdict.Piece) verdict.Piece {
		p.From, p.Path, p.Identity, p.Detail = p.From+evil, p.Path+evil, p.Identity+evil, evil
		p.Audience, p.Scope = []string{"a" + evil}, []string{"s" + evil}
		if p.Outcome != "attached" {
			p.Err = errors.New("why" + evil)
		}
		return p
	}
	for _, c := range []verdict.Case{
		{Challenges: []bearer.Challenge{{Scheme: "Basic" + evil}}},
		{Challenges: []bearer.Challenge{{Scheme: "Bearer", Params: map[string]string{"error": "e" + evil, "error_description": "d" + evil, "scope": "s" + evil}}}},
		{Known: true, Note: "note" + evil, Pieces: []verdict.Piece{mean(token()), mean(certificate()), mean(login())}},
		{Known: true, Pieces: []verdict.Piece{mean(token(outcome("withheld", nil))), mean(certificate(outcome("skipped", nil)))}},
		{Known: true, Bar: errors.New("bar" + evil)},
	} {
		c.Status, c.Now = http.StatusUnauthorized, now()
		facts := c.Facts()
		require.NotEmpty(t, facts)
		for _, f := range facts {
			assert.False(t, strings.ContainsFunc(f, func(r rune) bool { return unicode.IsControl(r) || r == '\u202e' }), "%q", f)
		}
	}
}
