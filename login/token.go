// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/internal/bearer/strictjson"
)

// TokenData is what a login gave: an access token, often a refresh token, and
// what is known of both. It prints without either. It is immutable and safe for
// concurrent use. It has the name of its counterpart in Wallaroo's SDK.
type TokenData struct {
	access        *scicred.Token
	refresh       Secret
	issued        time.Time
	expiry        time.Time // zero: unknown
	refreshExpiry time.Time // zero: unknown
	scopes        []string
	user, email   string
}

// newTokenData returns an access token that came at that time, with the expiry
// that it names itself, if it does.
func newTokenData(access string, now time.Time) (*TokenData, error) {
	token, err := scicred.ParseToken(access)
	if err != nil {
		return nil, fmt.Errorf("the access token cannot be sent: %w", err)
	}
	t := &TokenData{access: token, issued: now}
	t.expiry, _ = token.Expiry()
	return t, nil
}

// AccessToken returns the access token.
func (t *TokenData) AccessToken() *scicred.Token { return t.access }

// Expiry returns when the access token expires by this machine's clock; zero if
// nobody said.
func (t *TokenData) Expiry() time.Time { return t.expiry }

// Issued returns when the access token was received.
func (t *TokenData) Issued() time.Time { return t.issued }

// RefreshToken returns the refresh token; the zero Secret if there is none.
func (t *TokenData) RefreshToken() Secret { return t.refresh }

// RefreshExpiry returns when the refresh token expires; zero if nobody said,
// which does not mean that it has.
func (t *TokenData) RefreshExpiry() time.Time { return t.refreshExpiry }

// Scopes returns what was granted; nil if the provider did not say, which means
// what was asked for (RFC 6749 section 5.1).
func (t *TokenData) Scopes() []string { return slices.Clone(t.scopes) }

// UserID returns the user's identifier at the provider (sub), or "". Nobody has
// verified it.
func (t *TokenData) UserID() string { return t.user }

// UserEmail returns the user's mail address, or "". Nobody has verified it.
func (t *TokenData) UserEmail() string { return t.email }

// String describes the token without its text.
func (t *TokenData) String() string {
	if t == nil {
		return "no token"
	}
	s := "token"
	if t.user != "" {
		s += fmt.Sprintf(" of %q", t.user)
	}
	if !t.expiry.IsZero() {
		s += " until " + t.expiry.UTC().Format(time.RFC3339)
	}
	if !t.refresh.IsZero() {
		s += ", with a refresh token"
	}
	return s
}

// LogValue implements [slog.LogValuer].
func (t *TokenData) LogValue() slog.Value { return slog.StringValue(t.String()) }

// identify takes from a JWT what it says of the user and is not known yet. What
// is no JWT says nothing.
func (t *TokenData) identify(jwt string) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return
	}
	object, err := strictjson.Object(payload)
	if err != nil {
		return
	}
	m := members(object)
	if s, err := m.text("sub"); err == nil && t.user == "" {
		t.user = s
	}
	if s, err := m.text("email"); err == nil && t.email == "" {
		t.email = s
	}
}

// after returns what a refresh gave, with what it left out: a provider that
// sends no new refresh token means the old one to be used again, and one that
// names no scope means the old ones (RFC 6749 section 6).
func (t *TokenData) after(old *TokenData) *TokenData {
	c := *t
	if c.refresh.IsZero() {
		c.refresh, c.refreshExpiry = old.refresh, old.refreshExpiry
	}
	if c.scopes == nil {
		c.scopes = old.scopes
	}
	if c.user == "" {
		c.user = old.user
	}
	if c.email == "" {
		c.email = old.email
	}
	return &c
}
