// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/jwtclaims"
)

// tokenFacts is what inspect --json prints of a token. It never holds the token.
type tokenFacts struct {
	Path      string            `json:"path"`
	Format    string            `json:"format"` // JWT or opaque
	Length    int               `json:"length"` // bytes
	Profile   string            `json:"profile"`
	Algorithm string            `json:"algorithm"`
	KeyID     string            `json:"key_id"`
	Issuer    string            `json:"issuer"`
	Subject   string            `json:"subject"`
	ID        string            `json:"id"`
	Audience  []string          `json:"audience"`
	Scopes    []string          `json:"scopes"`
	NotBefore string            `json:"not_before,omitempty"` // RFC 3339
	Expires   string            `json:"expires,omitempty"`
	Expired   bool              `json:"expired"`
	Timeleft  int64             `json:"timeleft"` // whole seconds; 0 without an end
	Claims    map[string]string `json:"claims"`   // others that are known to hold no secret
	Others    []string          `json:"others"`   // the names of the rest
	GoodFor   []string          `json:"good_for"` // in words
	Signature string            `json:"signature"`
	Verified  bool              `json:"verified"`

	claims *jwtclaims.Claims
	now    time.Time
}

// inspectToken shows what a token says.
func (p *program) inspectToken(ctx context.Context, i *inspectFlags, name, token string) error {
	p.hidden.add(token)
	t := &tokenFacts{
		Path: name, Format: "opaque", Length: len(token), Audience: []string{}, Scopes: []string{}, Claims: map[string]string{}, Others: []string{},
		GoodFor: []string{}, Signature: "none that anybody but its issuer could check", now: p.world().Now(),
	}
	var refused error
	if jwtclaims.LooksLikeJWT(token) {
		c, err := jwtclaims.Parse(token)
		if err != nil {
			return aboutFile(name, fmt.Errorf("the token is unusable: %w", err))
		}
		t.Format, t.claims, t.Signature = "JWT", c, "not verified"
		t.read(token)
		if i.verify {
			if refused, err = p.verify(ctx, i, t, token); err != nil {
				return err
			}
		}
	} else if i.verify {
		refused = &failure{code: exitNoCredential, err: fmt.Errorf("%s: it is no JWT, so it has no signature to be verified", name)}
	}
	if err := p.printInspected(i, t, t.describe); err != nil {
		return err
	}
	return refused
}

// read fills in what the token says.
func (t *tokenFacts) read(token string) {
	c := t.claims
	t.Algorithm, t.KeyID, t.Issuer, t.Subject, t.ID = c.Algorithm, c.KeyID, c.Issuer, c.Subject, c.ID
	t.Audience, t.Scopes = append(t.Audience, c.Audience...), append(t.Scopes, c.Scope...)
	switch {
	case c.WLCGVersion != "":
		t.Profile = "WLCG " + c.WLCGVersion
	case strings.HasPrefix(c.Version, "scitoken"):
		t.Profile = c.Version
	}
	if c.HasNotBefore {
		t.NotBefore = rfc3339(c.NotBefore)
	}
	if c.HasExpiry {
		t.Expires, t.Expired, t.Timeleft = rfc3339(c.Expiry), !t.now.Before(c.Expiry), left(c.Expiry, t.now)
	}
	t.readOthers(token)
	t.GoodFor = t.goodFor()
}

// readOthers reads the claims that decide nothing. The values are shown of those
// that are known to hold no secret, since an issuer may put anything into a token.
func (t *tokenFacts) readOthers(token string) {
	read := []string{"iss", "sub", "jti", "aud", "scope", "exp", "nbf", "ver", "wlcg.ver"}
	times := []string{"iat", "auth_time"}
	known := []string{
		"wlcg.groups", "groups", "entitlements", "eduperson_entitlement", "eduperson_assurance", "client_id", "azp", "acr",
		"name", "email", "preferred_username",
	}
	parts := strings.Split(token, ".")
	var all map[string]any
	if payload, err := base64.RawURLEncoding.DecodeString(parts[1]); err != nil || json.Unmarshal(payload, &all) != nil {
		return // It was parsed before.
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch {
		case slices.Contains(read, name):
			continue
		case slices.Contains(times, name):
			if seconds, ok := all[name].(float64); ok && seconds >= 0 && seconds < 1<<36 {
				t.Claims[name] = date(time.Unix(int64(seconds), 0))
				continue
			}
		case slices.Contains(known, name):
			if text, ok := claimText(all[name]); ok {
				t.Claims[name] = text
				continue
			}
		}
		t.Others = append(t.Others, name)
	}
}

// claimText writes a string, or a list of them.
func claimText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case []any:
		var texts []string
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return "", false
			}
			texts = append(texts, text)
		}
		return strings.Join(texts, " "), true
	}
	return "", false
}

// goodFor says what a server would let the bearer do, a line each.
func (t *tokenFacts) goodFor() []string {
	c := t.claims
	switch {
	case t.Expired:
		return []string{"nothing any more: it has expired"}
	case c.HasNotBefore && t.now.Before(c.NotBefore):
		return []string{"nothing before " + date(c.NotBefore)}
	}
	lines := []string{t.where()}
	if len(t.Scopes) == 0 {
		return append(lines, "what the server lets its bearer do: it has no scope")
	}
	for _, scope := range t.Scopes {
		lines = append(lines, scopeWords(scope))
	}
	return lines
}

// where says at which servers it is good. What means anywhere is what SciTokens
// and WLCG say; of those profiles, a token without audience is for nobody.
func (t *tokenFacts) where() string {
	c := t.claims
	switch {
	case slices.Contains(c.Audience, "ANY") || slices.Contains(c.Audience, "https://wlcg.cern.ch/jwt/v1/any"):
		return "at any server"
	case c.HasAudience && len(c.Audience) == 0, !c.HasAudience && (c.WLCGVersion != "" || c.Version == "scitoken:2.0"):
		return "at no server: it names no audience"
	case !c.HasAudience:
		return "at any server that does not ask for an audience"
	}
	return "at " + strings.Join(c.Audience, ", ")
}

// scopeWords says what a scope allows, as WLCG and SciTokens define it.
func scopeWords(scope string) string {
	what, path, _ := strings.Cut(scope, ":")
	words := map[string]string{
		"read": "read", "write": "write", "storage.read": "read", "storage.create": "create files, but change none,",
		"storage.modify": "create, change and delete files", "storage.stage": "read, and bring from tape,",
	}[what]
	switch {
	case words == "" || (what == "read" || what == "write") && path == "":
		return scope
	case path == "":
		path = "/"
	}
	return words + " under " + path
}

func (t *tokenFacts) describe() string {
	rows := [][]string{{"path", t.Path}}
	row := func(name string, values ...string) {
		for i, value := range values {
			if i > 0 {
				name = "" // It stands above.
			}
			rows = append(rows, []string{name, value})
		}
	}
	if t.claims == nil {
		row("format", "no JWT: only its issuer knows what it says, if it is a token")
		row("length", count(int64(t.Length), "byte"))
		row("signature", t.Signature)
		return human.Table(rows) + "\n"
	}
	format := "JWT"
	if t.Profile != "" {
		format += ", " + t.Profile
	}
	row("format", format)
	row("issuer", t.Issuer)
	for _, part := range [][2]string{{"subject", t.Subject}, {"id", t.ID}} {
		if part[1] != "" {
			row(part[0], part[1])
		}
	}
	row("audience", t.Audience...)
	row("scope", t.Scopes...)
	if t.claims.HasNotBefore {
		row("starts", date(t.claims.NotBefore))
	}
	if t.claims.HasExpiry {
		row("timeleft", timeleft(t.claims.Expiry, t.now))
	} else {
		row("timeleft", "no expiry")
	}
	for _, name := range slices.Sorted(maps.Keys(t.Claims)) {
		row(name, t.Claims[name])
	}
	if len(t.Others) > 0 {
		row("not shown", strings.Join(t.Others, " "))
	}
	row("good for", t.GoodFor...)
	row("signed", strings.TrimSpace(t.Algorithm+" "+t.KeyID))
	row("signature", t.Signature)
	return human.Table(rows) + "\n"
}
