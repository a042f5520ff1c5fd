// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawrtest

import (
	"cmp"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scicred/scicred/gafaelfawr"
)

func tokenRoutes() map[string]route {
	return map[string]route{
		"GET /token-info":                       {ManageTokens, "", (*call).tokenInfo},
		"POST /tokens":                          {CreateToken, gafaelfawr.ScopeAdminToken, (*call).createForAnother},
		"GET /users/{username}/tokens":          {ManageTokens, "", (*call).listTokens},
		"POST /users/{username}/tokens":         {CreateToken, "", (*call).createForOneself},
		"GET /users/{username}/tokens/{key}":    {ManageTokens, "", (*call).readToken},
		"PATCH /users/{username}/tokens/{key}":  {ManageTokens, gafaelfawr.ScopeAdminToken, (*call).modifyToken},
		"DELETE /users/{username}/tokens/{key}": {ManageTokens, "", (*call).deleteToken},
		"GET /quota-overrides":                  {QuotaOverrides, "", (*call).readOverrides},
		"PUT /quota-overrides":                  {QuotaOverrides, gafaelfawr.ScopeAdminToken, (*call).setOverrides},
		"DELETE /quota-overrides":               {QuotaOverrides, gafaelfawr.ScopeAdminToken, (*call).deleteOverrides},
	}
}

// mayManage reports whether the caller may manage somebody's tokens, and answers
// if not.
func (c *call) mayManage(username string) bool {
	admin := c.auth.Scopes.Has(gafaelfawr.ScopeAdminToken)
	switch {
	case username != c.auth.Username && !admin:
		fail(c.w, http.StatusForbidden, "permission_denied", "Cannot act on tokens for user "+username)
	case !admin && !c.auth.Scopes.Has(gafaelfawr.ScopeUserToken):
		fail(c.w, http.StatusForbidden, "permission_denied", "Missing required user:token scope")
	default:
		return true
	}
	return false
}

// read decodes the body, and answers if that fails.
func (c *call) read(into any) bool {
	kind, _, _ := mime.ParseMediaType(c.req.Header.Get("Content-Type"))
	switch {
	case kind != "application/json":
		fail(c.w, http.StatusUnprocessableEntity, "model_attributes_type", "Input should be a valid dictionary", "body")
	case c.bodyErr != nil || json.Unmarshal(c.body, into) != nil:
		fail(c.w, http.StatusUnprocessableEntity, "json_invalid", "JSON decode error", "body")
	default:
		return true
	}
	return false
}

// soon reports whether a token would not live for five minutes, and answers if
// so.
func (c *call) soon(expires *time.Time) bool {
	if expires == nil || !gafaelfawr.NewTimestamp(*expires).Before(gafaelfawr.NewTimestamp(c.now()).Add(5*time.Minute)) {
		return false
	}
	fail(c.w, http.StatusUnprocessableEntity, "invalid_expires", "Token must be valid for at least five minutes", "body", "expires")
	return true
}

// taken reports whether a user has a token of that name, and answers if so.
func (c *call) taken(username string, name *string) bool {
	for _, t := range c.tokens {
		if name != nil && t.info.Username == username && t.info.TokenName != nil && *t.info.TokenName == *name {
			fail(c.w, http.StatusConflict, "duplicate_token_name", "Token name "+*name+" already used", "body", "token_name")
			return true
		}
	}
	return false
}

func stamp(t *time.Time) *gafaelfawr.Timestamp {
	if t == nil {
		return nil
	}
	return new(gafaelfawr.NewTimestamp(*t))
}

func (c *call) tokenInfo() { reply(c.w, http.StatusOK, c.auth) }

// createForAnother also takes over what the request says about the user, as
// Gafaelfawr's own mock does.
func (c *call) createForAnother() {
	var r gafaelfawr.AdminTokenRequest
	if !c.read(&r) {
		return
	}
	service := r.TokenType == gafaelfawr.ServiceToken
	switch {
	case !service && r.TokenType != gafaelfawr.UserToken:
		fail(c.w, http.StatusUnprocessableEntity, "value_error", "Value error, token_type must be service or user", "body", "token_type")
	case service && !strings.HasPrefix(r.Username, "bot-"):
		fail(c.w, http.StatusUnprocessableEntity, "value_error", "Username must start with bot-", "body", "username")
	case service == (r.TokenName != nil):
		fail(c.w, http.StatusUnprocessableEntity, "value_error", "Value error, tokens of type user have a name, and no others", "body", "token_name")
	case c.soon(r.Expires), c.taken(r.Username, r.TokenName):
	default:
		c.setInfo(r.Username, &gafaelfawr.UserInfo{Username: r.Username, Name: r.Name, Email: r.Email, UID: r.UID, GID: r.GID, Groups: r.Groups})
		c.made(http.StatusOK, gafaelfawr.TokenInfo{Username: r.Username, TokenType: r.TokenType, TokenName: r.TokenName, Scopes: r.Scopes, Expires: stamp(r.Expires)})
	}
}

func (c *call) createForOneself() {
	username := c.req.PathValue("username")
	var r gafaelfawr.UserTokenRequest
	switch {
	case !c.read(&r):
	case username != c.auth.Username:
		fail(c.w, http.StatusForbidden, "permission_denied", "Cannot act on tokens for user "+username)
	case !c.mayManage(username), c.soon(r.Expires):
	case r.TokenName == "":
		fail(c.w, http.StatusUnprocessableEntity, "string_too_short", "String should have at least 1 character", "body", "token_name")
	case !c.auth.Scopes.Has(gafaelfawr.ScopeAdminToken) && !c.auth.Scopes.Has(r.Scopes...):
		fail(c.w, http.StatusUnprocessableEntity, "invalid_scopes", "Requested scopes are broader than your current scopes", "body", "scopes")
	case c.taken(username, &r.TokenName):
	default:
		c.made(http.StatusCreated, gafaelfawr.TokenInfo{Username: username, TokenType: gafaelfawr.UserToken, TokenName: &r.TokenName, Scopes: r.Scopes, Expires: stamp(r.Expires)})
	}
}

func (c *call) made(status int, info gafaelfawr.TokenInfo) {
	token := c.add(info, c.auth.Username, c.peer())
	c.w.Header().Set("Location", "/auth/api/v1/users/"+info.Username+"/tokens/"+token.Key())
	reply(c.w, status, gafaelfawr.NewTokenReply{Token: token})
}

func (c *call) listTokens() {
	username := c.req.PathValue("username")
	if !c.mayManage(username) {
		return
	}
	found := []gafaelfawr.TokenInfo{}
	for _, t := range c.tokens {
		if t.info.Username == username {
			info := t.info
			info.Parent = nil // Lists do not tell.
			found = append(found, info)
		}
	}
	slices.SortFunc(found, func(a, b gafaelfawr.TokenInfo) int {
		return cmp.Or(b.Created.Compare(a.Created.Time), cmp.Compare(a.Token, b.Token))
	})
	reply(c.w, http.StatusOK, found)
}

// named returns the token in the path, and answers if there is none or if it is
// none of the caller's business: first the one, then the other.
func (c *call) named() *held {
	username, key := c.req.PathValue("username"), c.req.PathValue("key")
	t := c.tokens[key]
	if t == nil || t.info.Username != username {
		c.notFound("key", "Token not found")
		return nil
	}
	if !c.mayManage(username) {
		return nil
	}
	return t
}

func (c *call) readToken() {
	if t := c.named(); t != nil {
		reply(c.w, http.StatusOK, t.info)
	}
}

func (c *call) modifyToken() {
	var changes gafaelfawr.TokenChanges
	if !c.read(&changes) {
		return
	}
	t := c.named()
	if t == nil {
		return
	}
	expires, has := changes.Expires.Time()
	switch {
	case t.info.TokenType != gafaelfawr.UserToken:
		fail(c.w, http.StatusForbidden, "permission_denied", "Only user tokens can be modified")
		return
	case has && c.soon(&expires):
		return
	case changes.TokenName != nil && *changes.TokenName != *cmp.Or(t.info.TokenName, new("")) && c.taken(t.info.Username, changes.TokenName):
		return
	}
	before := t.info
	if changes.TokenName != nil {
		t.info.TokenName = changes.TokenName
	}
	if changes.Scopes != nil {
		t.info.Scopes = changes.Scopes
	}
	switch {
	case has:
		t.info.Expires = stamp(&expires)
	case !changes.Expires.IsZero():
		t.info.Expires = nil
	}
	c.record(t.info, gafaelfawr.TokenEdited, c.auth.Username, c.peer(), func(e *gafaelfawr.ChangeHistoryEntry) {
		if changes.TokenName != nil {
			e.OldTokenName = before.TokenName
		}
		if changes.Scopes != nil {
			e.OldScopes = &before.Scopes
		}
		if !changes.Expires.IsZero() {
			e.OldExpires = before.Expires
		}
	})
	answer := t.info
	answer.Parent = nil
	reply(c.w, http.StatusOK, answer)
}

func (c *call) deleteToken() {
	t := c.named()
	if t == nil {
		return
	}
	delete(c.tokens, t.info.Token)
	c.record(t.info, gafaelfawr.TokenRevoked, c.auth.Username, c.peer(), nil)
	c.w.WriteHeader(http.StatusNoContent)
}

func (c *call) readOverrides() {
	if c.overrides == nil {
		fail(c.w, http.StatusNotFound, "not_found", "No quota overrides set")
		return
	}
	reply(c.w, http.StatusOK, c.overrides)
}

func (c *call) setOverrides() {
	var overrides gafaelfawr.QuotaConfig
	if c.read(&overrides) {
		c.overrides = &overrides
		reply(c.w, http.StatusOK, overrides)
	}
}

func (c *call) deleteOverrides() {
	if c.overrides == nil {
		fail(c.w, http.StatusNotFound, "not_found", "No quota overrides set")
		return
	}
	c.overrides = nil
	c.w.WriteHeader(http.StatusNoContent)
}
