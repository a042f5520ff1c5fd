// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"errors"
	"slices"
	"strings"

	"github.com/scicred/scicred/internal/human"
)

const hidden = "REDACTED"

// hideTokens replaces the secret of everything in a text that looks like a
// Gafaelfawr token: servers and proxies repeat what they were sent.
func hideTokens(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, tokenPrefix)
		if i < 0 || len(s)-i < tokenLength {
			return b.String() + s
		}
		key := s[i+len(tokenPrefix):][:partLength]
		part := s[i+tokenLength-partLength : i+tokenLength]
		if !isBase64URL(key) || s[i+len(tokenPrefix)+partLength] != '.' || !isBase64URL(part) {
			b.WriteString(s[:i+len(tokenPrefix)])
			s = s[i+len(tokenPrefix):]
			continue
		}
		b.WriteString(s[:i+len(tokenPrefix)+partLength+1] + hidden)
		s = s[i+tokenLength:]
	}
}

// hideSecret hides a token's secret also where it stands alone, in whatever case:
// hosts are written in small letters.
func hideSecret(s string, token Token) string {
	s = hideTokens(s)
	if token.IsZero() {
		return s
	}
	raw := token.Reveal()
	part := raw[len(raw)-partLength:]
	var b strings.Builder
	for {
		i := indexFold(s, part)
		if i < 0 {
			return b.String() + s
		}
		b.WriteString(s[:i] + hidden)
		s = s[i+len(part):]
	}
}

// indexFold returns where part, which is ASCII, begins in s, or -1. The case of
// letters does not count.
func indexFold(s, part string) int {
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i]|0x20 == part[0]|0x20 && strings.EqualFold(s[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

func hideInDetail(d ErrorDetail, token Token) ErrorDetail {
	return ErrorDetail{Message: hideSecret(d.Message, token), Type: hideSecret(d.Type, token), Loc: hideInPath(d.Loc, token)}
}

// hideInField also bounds what an error keeps: names are as long as they like.
func hideInField(e *FieldError, token Token) *FieldError {
	path := hideInPath(e.Path, token)
	for i := range path {
		path[i] = brief(path[i])
	}
	return &FieldError{Path: path, Problem: e.Problem}
}

func hideInPath(path []any, token Token) []any {
	path = slices.Clone(path)
	for i, place := range path {
		if name, ok := place.(string); ok {
			path[i] = hideSecret(name, token)
		}
	}
	return path
}

// quietError stands for an error whose text may repeat what was sent. That error
// is in a function, so that nothing prints it.
type quietError struct {
	text  string
	cause func() error
}

// quiet returns err without secrets in what it prints.
func quiet(err error, token Token) error {
	return &quietError{text: shorten(human.Printable(hideSecret(err.Error(), token)), maxSaid), cause: func() error { return err }}
}

// Error returns the text without secrets.
func (e *quietError) Error() string { return e.text }

// Is lets errors.Is look at the cause.
func (e *quietError) Is(target error) bool { return errors.Is(e.cause(), target) }

// As lets errors.As look at the cause.
func (e *quietError) As(target any) bool { return errors.As(e.cause(), target) }

// maxSaid is how much of what others say goes into a sentence.
const maxSaid = 500

// say returns what an error of others says. Users may have set it too.
func say(err error) string {
	return shorten(human.Printable(hideTokens(err.Error())), maxSaid)
}

// excerpt returns the beginning of a text as one line, and nothing of a page for
// a browser.
func excerpt(s string) string {
	if strings.HasPrefix(strings.TrimSpace(s), "<") {
		return "a page, not JSON"
	}
	s = human.Printable(strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " "))
	return shorten(s, 200)
}
