// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// text returns a string; "" if it is absent or null.
func (m members) text(name string) (string, error) {
	raw := m.raw(name)
	if raw == nil {
		return "", nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", fmt.Errorf("%s is not a string", name)
	}
	return s, nil
}

// raw returns a member; nil if it is absent or null.
func (m members) raw(name string) json.RawMessage {
	if raw := m[name]; string(raw) != "null" {
		return raw
	}
	return nil
}

// seconds returns a number of seconds that some providers send as a string; 0 if
// it is absent, null, or not above 0, which means that nothing is known.
// Keycloak sends 0 for the refresh token of an offline session.
func (m members) seconds(name string) (time.Duration, error) {
	raw := m.raw(name)
	if raw == nil {
		return 0, nil
	}
	text := strings.TrimSpace(string(raw))
	if strings.HasPrefix(text, `"`) {
		var err error
		if text, err = m.text(name); err != nil {
			return 0, err
		}
		if text = strings.TrimSpace(text); text == "" {
			return 0, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) {
		return 0, fmt.Errorf("%s is not a number of seconds", name)
	}
	const longest = 100 * 365 * 24 * time.Hour // beyond it a Duration overflows
	if f <= 0 {
		return 0, nil
	}
	if f >= longest.Seconds() {
		return longest, nil
	}
	return time.Duration(f * float64(time.Second)), nil
}

// words returns a list that is written with blanks (RFC 6749 section 3.3) or, by
// some providers, as a JSON list; nil if it is absent.
func (m members) words(name string) ([]string, error) {
	raw := m.raw(name)
	if raw == nil {
		return nil, nil
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list, nil
	}
	s, err := m.text(name)
	if err != nil {
		return nil, fmt.Errorf("%s is neither a string nor a list of strings", name)
	}
	return strings.Fields(s), nil
}

// parseToken reads the answer of a token endpoint (RFC 6749 section 5.1) that
// came at that time. The error holds nothing of the answer.
func parseToken(m members, now time.Time) (*TokenData, error) {
	access, err := m.text("access_token")
	if err == nil && access == "" {
		err = errors.New("access_token is missing")
	}
	kind, kindErr := m.text("token_type")
	if kindErr == nil && kind != "" && !strings.EqualFold(kind, "bearer") {
		kindErr = errors.New("token_type is not Bearer, the only one that can be sent (RFC 6750)")
	}
	life, lifeErr := m.seconds("expires_in")
	refresh, refreshErr := m.text("refresh_token")
	refreshLife, refreshLifeErr := m.seconds("refresh_expires_in") // Keycloak
	if _, has := m["refresh_expires_in"]; !has {
		refreshLife, refreshLifeErr = m.seconds("refresh_token_expires_in")
	}
	scopes, scopeErr := m.words("scope")
	id, idErr := m.text("id_token")
	if err := errors.Join(err, kindErr, lifeErr, refreshErr, refreshLifeErr, scopeErr, idErr); err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	t, err := newTokenData(access, now)
	if err != nil {
		return nil, err
	}
	if life > 0 { // by this machine's clock, however wrong it is
		t.expiry = now.Add(life)
	}
	t.refresh, t.scopes = NewSecret(refresh), scopes
	if refresh != "" && refreshLife > 0 {
		t.refreshExpiry = now.Add(refreshLife)
	}
	t.identify(access)
	t.identify(id)
	return t, nil
}
