// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"encoding/json"
	"slices"
	"strings"
)

// TokenType says how a token came to be and what it is for.
type TokenType string

// The types of tokens.
const (
	SessionToken  TokenType = "session"  // of a browser that logged in
	UserToken     TokenType = "user"     // made by a user, for programs
	NotebookToken TokenType = "notebook" // delegated to the user's notebook
	InternalToken TokenType = "internal" // delegated to a service for a request
	ServiceToken  TokenType = "service"  // of a service that acts for itself
	OIDCToken     TokenType = "oidc"     // of a login by OpenID Connect
)

// The scopes that this API asks for.
const (
	ScopeAdminToken    = "admin:token"    // manage anybody's tokens
	ScopeAdminUserInfo = "admin:userinfo" // read anybody's user information
	ScopeUserToken     = "user:token"     // manage one's own tokens
)

// Scopes say what a token may do.
type Scopes []string

// Has reports whether all of the scopes are among s.
func (s Scopes) Has(scopes ...string) bool {
	return !slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(s, scope) })
}

// MarshalJSON writes a sorted array without duplicates, which is never null.
func (s Scopes) MarshalJSON() ([]byte, error) {
	sorted := slices.Compact(slices.Sorted(slices.Values(s)))
	if sorted == nil {
		sorted = []string{}
	}
	return json.Marshal(sorted)
}

// UnmarshalJSON reads an array, or what servers take for one: a string with
// commas.
func (s *Scopes) UnmarshalJSON(data []byte) error {
	var joined string
	if json.Unmarshal(data, &joined) == nil {
		if isNull(data) {
			return &FieldError{Problem: "is null"}
		}
		*s = Scopes(strings.FieldsFunc(joined, func(r rune) bool { return r == ',' }))
		return nil
	}
	return listOf((*[]string)(s))(data)
}

// TokenInfo is what a server says about a token. It does not hold the token. What
// does not apply is nil.
type TokenInfo struct {
	Token     string     `json:"token"` // the key
	Username  string     `json:"username"`
	TokenType TokenType  `json:"token_type"`
	TokenName *string    `json:"token_name,omitempty"` // of tokens of type user
	Service   *string    `json:"service,omitempty"`    // the service that the token was delegated to
	Scopes    Scopes     `json:"scopes"`
	Created   Timestamp  `json:"created"`
	Expires   *Timestamp `json:"expires,omitempty"`   // nil: never
	LastUsed  *Timestamp `json:"last_used,omitempty"` // today's servers do not say
	// Parent is the key of the token that this one was derived from. Lists do
	// not tell.
	Parent *string `json:"parent,omitempty"`
}

// UnmarshalJSON reads what the routes token-info and users/{username}/tokens
// say.
func (t *TokenInfo) UnmarshalJSON(data []byte) error {
	var out TokenInfo
	err := object(
		data, required("token", text(&out.Token)), required("username", text(&out.Username)), required("token_type", text(&out.TokenType)),
		nullable("token_name", value(&out.TokenName)), nullable("service", value(&out.Service)), required("scopes", value(&out.Scopes)),
		required("created", value(&out.Created)), nullable("expires", value(&out.Expires)), nullable("last_used", value(&out.LastUsed)),
		nullable("parent", value(&out.Parent)),
	)
	if err == nil {
		*t = out
	}
	return err
}
