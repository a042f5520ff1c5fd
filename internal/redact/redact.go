// SPDX-License-Identifier: BSD-3-Clause

// Package redact makes URLs fit to be printed.
package redact

import (
	"net/url"
	"slices"
	"strings"
)

// Mark stands where a secret was.
const Mark = "REDACTED"

// marks are parts of parameter names that speak of secrets: RFC 6750 section
// 2.3 (access_token), XRootD (authz), the signing schemes of Amazon, Google
// and Azure (X-Amz-Signature, Signature, sig), dCache's one-use transfer ids.
func marks() []string {
	return []string{
		"token", "auth", "secret", "pass", "pwd", "signature", "accesskey", "cred", "ticket", "jwt", "assertion", "session", "sessid",
		"uuid", "x-amz-", "x-goog-", "hmac", "policy", "cookie", "macaroon", "bearer", "saml", "private",
	}
}

// names are those that are too short to be looked for within others.
func names() []string {
	return []string{"sig", "sid", "pin", "otp", "sas", "state", "code", "pw", "totp", "verifier"}
}

// URL returns u for people: the password, values of query parameters that may
// be secrets, the fragment, and what looks like a token anywhere are hidden. A
// nil URL is "".
func URL(u *url.URL) string {
	if u == nil {
		return ""
	}
	c := *u
	if c.User != nil {
		_, has := c.User.Password()
		switch name := c.User.Username(); {
		case has && looksSecret(name):
			c.User = url.UserPassword(Mark, Mark)
		case has:
			c.User = url.UserPassword(name, Mark)
		case looksSecret(name):
			c.User = url.User(Mark)
		}
	}
	c.RawQuery = Query(c.RawQuery)
	if c.Fragment != "" || c.RawFragment != "" {
		c.Fragment, c.RawFragment = Mark, ""
	}
	if c.Opaque != "" {
		c.Opaque = Mark
	}
	if path := c.EscapedPath(); looksSecret(path) || suspiciousPath(path) {
		c.Path, c.RawPath = "/"+Mark, ""
	}
	return c.String()
}

// suspiciousPath finds parameters in a path: /f;token=x and /f%3Fauthz=x.
func suspiciousPath(path string) bool {
	path = unescaped(path)
	i := strings.IndexAny(path, ";?&")
	return i >= 0 && strings.Contains(path[i:], "=") && Query(path[i+1:]) != strings.NewReplacer(";", "&", "?", "&").Replace(path[i+1:])
}

// Query hides the values in a raw query that may be secrets: by the
// parameter's name, because the value looks like a token by itself, or because
// it is a URL or a query of its own that has such a parameter.
func Query(raw string) string {
	if raw == "" {
		return ""
	}
	pairs := strings.FieldsFunc(raw, func(r rune) bool { return r == '&' || r == ';' || r == '?' })
	for i, pair := range pairs {
		key, value, has := strings.Cut(pair, "=")
		switch {
		case !has && looksSecret(key):
			pairs[i] = Mark
		case has && (suspicious(key) || looksSecret(value) || nested(value)):
			pairs[i] = key + "=" + Mark
		}
	}
	return strings.Join(pairs, "&")
}

// nested reports whether a value holds a parameter that may be a secret.
func nested(value string) bool {
	value = unescaped(value)
	parts := strings.FieldsFunc(value, func(r rune) bool { return r == '&' || r == ';' || r == '?' || r == '#' })
	for _, p := range parts {
		if key, _, has := strings.Cut(p, "="); has && suspicious(key) {
			return true
		}
	}
	return strings.Contains(value, "@") && strings.Contains(value, "://")
}

func suspicious(key string) bool {
	key = strings.ToLower(unescaped(key))
	for _, m := range marks() {
		if strings.Contains(key, m) {
			return true
		}
	}
	parts := strings.FieldsFunc(key, func(r rune) bool { return r == '_' || r == '-' || r == '.' })
	return strings.HasSuffix(key, "key") || slices.ContainsFunc(parts, func(p string) bool { return p == "key" || slices.Contains(names(), p) })
}

// looksSecret reports whether a text would be a secret under any name: a JWT
// begins with {" in base64, a macaroon with its first packet's length, and
// Bearer or Basic may be percent-encoded before either.
func looksSecret(s string) bool {
	s = unescaped(s)
	lower := strings.ToLower(s)
	return strings.Contains(s, "eyJ") || strings.Contains(s, "MDAx") || strings.Contains(s, "MDAy") ||
		strings.Contains(lower, "bearer ") || strings.Contains(lower, "basic ") || strings.HasPrefix(lower, "ghp_") || strings.HasPrefix(lower, "gt-")
}

// unescaped undoes percent-encoding, twice over if need be.
func unescaped(s string) string {
	for range 2 {
		u, err := url.QueryUnescape(s)
		if err != nil {
			return s
		}
		s = u
	}
	return s
}

// Scrubber returns a function that hides secrets in what a server has written:
// some servers echo what they refuse. Very short ones are left, since they
// would be found everywhere.
func Scrubber(secrets ...string) func(string) string {
	const short = 4
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // one may begin like another
	var pairs []string
	for _, s := range secrets {
		if len(s) >= short {
			pairs = append(pairs, s, Mark)
		}
	}
	return strings.NewReplacer(pairs...).Replace
}
