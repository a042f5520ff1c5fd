// SPDX-License-Identifier: BSD-3-Clause

// Package redact makes URLs fit to be printed.
package redact

import (
	"net/url"
	"strings"
)

// Mark stands where a secret was.
const Mark = "REDACTED"

// marks are parts of parameter names that speak of secrets: RFC 6750 section
// 2.3 (access_token), XRootD (authz), the signing schemes of Amazon, Google
// and Azure (X-Amz-Signature, Signature, sig), dCache's one-use transfer ids.
func marks() []string {
	return []string{
		"token", "auth", "secret", "pass", "pwd", "sig", "key", "code", "cred", "ticket",
		"jwt", "assertion", "session", "uuid", "x-amz-", "x-goog-", "hmac", "policy", "sas", "otp", "cookie", "macaroon",
	}
}

// URL returns u for people: the password, values of query parameters that may
// be secrets and the fragment are hidden. A nil URL is "".
func URL(u *url.URL) string {
	if u == nil {
		return ""
	}
	c := *u
	if c.User != nil {
		if _, has := c.User.Password(); has {
			c.User = url.UserPassword(c.User.Username(), Mark)
		}
	}
	c.RawQuery = Query(c.RawQuery)
	if c.Fragment != "" || c.RawFragment != "" {
		c.Fragment, c.RawFragment = Mark, ""
	}
	if c.Opaque != "" && strings.Contains(c.Opaque, "?") {
		c.Opaque, _, _ = strings.Cut(c.Opaque, "?")
	}
	return c.String()
}

// Query hides the values in a raw query that may be secrets: by the
// parameter's name, or because the value looks like a token by itself.
func Query(raw string) string {
	if raw == "" {
		return ""
	}
	pairs := strings.FieldsFunc(raw, func(r rune) bool { return r == '&' || r == ';' })
	for i, pair := range pairs {
		key, value, has := strings.Cut(pair, "=")
		if suspicious(key) || looksSecret(value) {
			pairs[i] = key + "=" + Mark
		}
		if !has && looksSecret(key) {
			pairs[i] = Mark
		}
	}
	return strings.Join(pairs, "&")
}

func suspicious(key string) bool {
	if k, err := url.QueryUnescape(key); err == nil {
		key = k
	}
	key = strings.ToLower(key)
	for _, m := range marks() {
		if strings.Contains(key, m) {
			return true
		}
	}
	return false
}

// looksSecret reports whether a value would be a secret under any name: a JWT
// begins with {" in base64, Bearer may be percent-encoded before it.
func looksSecret(value string) bool {
	if v, err := url.QueryUnescape(value); err == nil {
		value = v
	}
	return strings.Contains(value, "eyJ") || strings.Contains(strings.ToLower(value), "bearer ")
}
