// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/redact"
)

// secrets knows what this run sends and must not show: a server can quote it in
// a status line, a redirect, or what is no answer at all. Whatever goes to
// standard error passes hide. The zero value knows nothing; it is safe for
// concurrent use.
type secrets struct {
	mu    sync.Mutex
	known []string // in lower case, the longest first; never changed in place
}

// shortestSecret is how long a secret must be: a shorter one would make holes
// in every word.
const shortestSecret = 4

// add makes the secret known, in every form that it may come back in.
func (s *secrets) add(secret string) {
	if len(secret) < shortestSecret {
		return
	}
	quoted := strconv.Quote(secret)
	forms := []string{
		secret, human.Printable(secret), quoted[1 : len(quoted)-1], html.EscapeString(secret),
		url.QueryEscape(secret), url.PathEscape(secret), (&url.URL{Path: secret}).EscapedPath(), url.User(secret).String(),
	}
	if text, err := json.Marshal(secret); err == nil {
		forms = append(forms, string(text[1:len(text)-1]))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := slices.Clone(s.known)
	for _, form := range forms {
		known = append(known, lowerASCII(form))
	}
	slices.SortFunc(known, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	s.known = slices.Compact(known)
}

// addLogin makes a password known, and what carries it (RFC 7617).
func (s *secrets) addLogin(user, password string) {
	s.add(password)
	if password != "" {
		s.add(strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(user+":"+password)), "="))
	}
}

// addAuthorization makes known what follows the scheme, such as Bearer.
func (s *secrets) addAuthorization(value string) {
	scheme, secret, _ := strings.Cut(value, " ")
	secret = strings.TrimSpace(secret)
	s.add(secret)
	if data, err := base64.StdEncoding.DecodeString(secret); err == nil && strings.EqualFold(scheme, "Basic") {
		user, password, _ := strings.Cut(string(data), ":")
		s.addLogin(user, password)
	}
}

// addHeader makes a header of the user's known, unless it is known to hold no
// secret.
func (s *secrets) addHeader(name, value string) {
	if shown(name, value) == value {
		return
	}
	s.add(value)
	s.addAuthorization(value)
	if cookies, err := http.ParseCookie(value); err == nil && strings.EqualFold(name, "Cookie") {
		for _, c := range cookies {
			s.add(c.Value)
		}
	}
}

// addURL makes known what the URL holds besides an address: a password, and
// what is hidden of its query. A nil URL holds nothing.
func (s *secrets) addURL(u *url.URL) {
	if u == nil {
		return
	}
	if password, has := u.User.Password(); has {
		s.addLogin(u.User.Username(), password)
	}
	for pair := range strings.FieldsFuncSeq(u.RawQuery, func(c rune) bool { return c == '&' || c == ';' }) {
		if redact.Query(pair) == pair {
			continue
		}
		_, value, _ := strings.Cut(pair, "=")
		s.add(value)
		if text, err := url.QueryUnescape(value); err == nil {
			s.add(text)
			s.addAuthorization(text)
		}
	}
}

// addCredentials makes known what a request would carry.
func (s *secrets) addCredentials(c *scicred.Credentials) {
	if c.Token != nil {
		s.add(c.Token.Reveal())
	}
	if c.Login != nil {
		s.addLogin(c.Login.User(), c.Login.Reveal())
	}
}

// trace makes known what really is sent: after a redirect, or when a request is
// sent a second time, it may be another credential.
func (s *secrets) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{WroteHeaderField: func(name string, values []string) {
		if strings.EqualFold(name, "Authorization") {
			for _, value := range values {
				s.addAuthorization(value)
			}
		}
	}}
}

// hide replaces every secret in the text, and every JWT.
func (s *secrets) hide(text string) string {
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	var b strings.Builder
	// Without regard to case: hosts are printed in lower case, and %2f is %2F.
	for rest, low := text, lowerASCII(text); rest != ""; {
		i := slices.IndexFunc(known, func(secret string) bool { return strings.HasPrefix(low, secret) })
		n := 1
		if i >= 0 {
			n = len(known[i])
			b.WriteString(hiddenValue)
		} else {
			b.WriteByte(rest[0])
		}
		rest, low = rest[n:], low[n:]
	}
	anyJWT := regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`)
	return anyJWT.ReplaceAllString(b.String(), hiddenValue)
}

// lowerASCII is strings.ToLower for ASCII alone: every byte stays in its place.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
