// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"encoding/json"
	"time"
)

// UserTokenRequest asks for a token for programs, with a subset of the scopes of
// the token that asks.
type UserTokenRequest struct {
	TokenName string // 1 to 64 characters, unique among the user's tokens
	Scopes    []string
	// Expires is nil for a token that never expires. It must be five minutes
	// ahead; fractions of a second are cut off.
	Expires *time.Time
}

// AdminTokenRequest asks for a token for another user. What is nil of the user's
// data is looked up by the server, if it has where to look.
type AdminTokenRequest struct {
	Username  string    // begins with bot- if the token is of type service
	TokenType TokenType // [ServiceToken] or [UserToken]
	TokenName *string   // of a token of type user, and of none other
	Scopes    []string
	Expires   *time.Time // nil: never
	Name      *string
	Email     *string
	UID       *int64
	GID       *int64
	// Groups is nil for those that the server finds, and empty for none.
	Groups []Group
}

// ServiceTokenRequest asks for a token for a service, which acts under its own
// name. What is nil is looked up by the server, if it has where to look.
type ServiceTokenRequest struct {
	Username string // begins with bot-
	Scopes   []string
	Expires  *time.Time // nil: never
	Name     *string
	UID      *int64
	GID      *int64
	// Groups is nil for those that the server finds, and empty for none.
	Groups []Group
}

// TokenChanges says what to change about a token of type user. The zero value
// changes nothing.
type TokenChanges struct {
	TokenName *string // nil: leave it
	// Scopes replaces all scopes; nil leaves them. Some servers take an empty
	// list for nil.
	Scopes []string
	// Expires is the zero [Expiry] to leave it.
	Expires Expiry
}

// Expiry is a change of a token's expiry. The zero value leaves it as it is;
// [Never] and [ExpireAt] make the others.
type Expiry struct {
	set bool
	at  Timestamp
}

// Never lets a token live until it is deleted.
func Never() Expiry { return Expiry{set: true} }

// ExpireAt lets a token expire. Fractions of a second are cut off.
func ExpireAt(t time.Time) Expiry { return Expiry{set: true, at: NewTimestamp(t)} }

// IsZero reports whether the expiry is left as it is.
func (e Expiry) IsZero() bool { return !e.set }

// Time returns the time to expire at, and false if there is none: see
// [Expiry.IsZero] for which of the two reasons it has.
func (e Expiry) Time() (time.Time, bool) { return e.at.Time, e.set && !e.at.IsZero() }

// MarshalJSON writes a time, or null for never.
func (e Expiry) MarshalJSON() ([]byte, error) {
	if t, ok := e.Time(); ok {
		return json.Marshal(t)
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads a time in any form that a server reads, or null for never.
func (e *Expiry) UnmarshalJSON(data []byte) error {
	if isNull(data) {
		*e = Never()
		return nil
	}
	var t Timestamp
	if err := t.UnmarshalJSON(data); err != nil {
		return err
	}
	*e = ExpireAt(t.Time)
	return nil
}

// NewTokenReply is the reply to a request for a token.
type NewTokenReply struct{ Token Token }

// MarshalJSON writes the whole token, since that is what the reply is for. It is
// the only thing in this package that does.
func (r NewTokenReply) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"token": r.Token.Reveal()})
}

// UnmarshalJSON reads a token, which must be sound.
func (r *NewTokenReply) UnmarshalJSON(data []byte) error {
	var raw string
	if err := object(data, required("token", value(&raw))); err != nil {
		return err
	}
	token, err := ParseToken(raw)
	if err != nil {
		return &FieldError{Path: []any{"token"}, Problem: "is no Gafaelfawr token"}
	}
	r.Token = token
	return nil
}

// MarshalJSON writes all three members.
func (r UserTokenRequest) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		TokenName string     `json:"token_name"`
		Scopes    Scopes     `json:"scopes"`
		Expires   *time.Time `json:"expires"`
	}{r.TokenName, r.Scopes, whole(r.Expires)})
}

// UnmarshalJSON reads what a client may send.
func (r *UserTokenRequest) UnmarshalJSON(data []byte) error {
	var out UserTokenRequest
	var expires *Timestamp
	err := object(data, required("token_name", value(&out.TokenName)), optional("scopes", value((*Scopes)(&out.Scopes))), nullable("expires", value(&expires)))
	if err == nil {
		out.Expires = plain(expires)
		*r = out
	}
	return err
}

// MarshalJSON writes all members, nulls too, but a name of the token only if
// there is one, as Gafaelfawr's own client does.
func (r AdminTokenRequest) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Username  string     `json:"username"`
		TokenType TokenType  `json:"token_type"`
		TokenName *string    `json:"token_name,omitempty"`
		Scopes    Scopes     `json:"scopes"`
		Expires   *time.Time `json:"expires"`
		Name      *string    `json:"name"`
		Email     *string    `json:"email"`
		UID       *int64     `json:"uid"`
		GID       *int64     `json:"gid"`
		Groups    []Group    `json:"groups"`
	}{r.Username, r.TokenType, r.TokenName, r.Scopes, whole(r.Expires), r.Name, r.Email, r.UID, r.GID, r.Groups})
}

// UnmarshalJSON reads what a client may send.
func (r *AdminTokenRequest) UnmarshalJSON(data []byte) error {
	var out AdminTokenRequest
	var expires *Timestamp
	err := object(
		data, required("username", value(&out.Username)), required("token_type", value(&out.TokenType)), nullable("token_name", value(&out.TokenName)),
		optional("scopes", value((*Scopes)(&out.Scopes))), nullable("expires", value(&expires)),
		nullable("name", value(&out.Name)), nullable("email", value(&out.Email)),
		nullable("uid", value(&out.UID)), nullable("gid", value(&out.GID)), nullable("groups", listOf(&out.Groups)),
	)
	if err == nil {
		out.Expires = plain(expires)
		*r = out
	}
	return err
}

// MarshalJSON writes only what is to be changed.
func (c TokenChanges) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		TokenName *string `json:"token_name,omitempty"`
		Scopes    Scopes  `json:"scopes,omitzero"`
		Expires   Expiry  `json:"expires,omitzero"`
	}{c.TokenName, c.Scopes, c.Expires})
}

// UnmarshalJSON reads what a client may send: null leaves name and scopes as
// they are, and lifts the expiry.
func (c *TokenChanges) UnmarshalJSON(data []byte) error {
	var out TokenChanges
	err := object(
		data, nullable("token_name", value(&out.TokenName)), nullable("scopes", value((*Scopes)(&out.Scopes))),
		field{name: "expires", decode: func(raw json.RawMessage) error { return out.Expires.UnmarshalJSON(raw) }, keepNull: true},
	)
	if err == nil {
		*c = out
	}
	return err
}

// whole returns a time as requests carry it: in UTC, of whole seconds.
func whole(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(NewTimestamp(*t).Time)
}

func plain(t *Timestamp) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.Time)
}
