// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import "encoding/json"

// TokenChange is what was done to a token.
type TokenChange string

// The changes of tokens.
const (
	TokenCreated TokenChange = "create"
	TokenRevoked TokenChange = "revoke" // deleted before its time
	TokenExpired TokenChange = "expire"
	TokenEdited  TokenChange = "edit"
)

// ChangeHistoryEntry says what was done to a token, when, by whom and from
// where. What does not apply is nil.
type ChangeHistoryEntry struct {
	Token     string // the key
	Username  string
	TokenType TokenType
	TokenName *string // after the change
	Parent    *string // the key of the token that this one was derived from
	Scopes    Scopes  // after the change
	Service   *string // the service that the token was delegated to
	Expires   *Timestamp
	// Actor is a user, or <bootstrap> or <internal> for the server itself.
	Actor  string
	Action TokenChange
	// What an edit has replaced. OldExpires is nil also if the token did not
	// expire before.
	OldTokenName *string
	OldScopes    *Scopes
	OldExpires   *Timestamp
	IPAddress    *string // nil if the server did it by itself
	EventTime    Timestamp
}

// MarshalJSON writes an entry as a server does. Expires and IPAddress may be
// null; names, parent and service are left out instead. Only edits tell what was
// before, and they leave the old expiry out if there is neither an old nor a new
// one.
func (e ChangeHistoryEntry) MarshalJSON() ([]byte, error) {
	members := map[string]any{
		"token": e.Token, "username": e.Username, "token_type": e.TokenType, "scopes": e.Scopes, "expires": e.Expires,
		"actor": e.Actor, "action": e.Action, "ip_address": e.IPAddress, "event_time": e.EventTime,
	}
	add := func(name string, present bool, v any) {
		if present {
			members[name] = v
		}
	}
	add("token_name", e.TokenName != nil, e.TokenName)
	add("parent", e.Parent != nil, e.Parent)
	add("service", e.Service != nil, e.Service)
	if e.Action == TokenEdited {
		add("old_token_name", e.OldTokenName != nil, e.OldTokenName)
		add("old_scopes", e.OldScopes != nil, e.OldScopes)
		add("old_expires", e.OldExpires != nil || e.Expires != nil, e.OldExpires)
	}
	return json.Marshal(members)
}

// UnmarshalJSON reads an entry.
func (e *ChangeHistoryEntry) UnmarshalJSON(data []byte) error {
	var out ChangeHistoryEntry
	err := object(
		data, required("token", text(&out.Token)), required("username", text(&out.Username)), required("token_type", text(&out.TokenType)),
		nullable("token_name", value(&out.TokenName)), nullable("parent", value(&out.Parent)), required("scopes", value(&out.Scopes)),
		nullable("service", value(&out.Service)), nullable("expires", value(&out.Expires)),
		required("actor", text(&out.Actor)), required("action", text(&out.Action)),
		nullable("old_token_name", value(&out.OldTokenName)), nullable("old_scopes", value(&out.OldScopes)), nullable("old_expires", value(&out.OldExpires)),
		nullable("ip_address", value(&out.IPAddress)), required("event_time", value(&out.EventTime)),
	)
	if err == nil {
		*e = out
	}
	return err
}
