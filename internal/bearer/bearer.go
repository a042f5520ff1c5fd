// SPDX-License-Identifier: BSD-3-Clause

// Package bearer knows how bearer tokens are written: as text (RFC 6750
// section 2.1), in a file, and in a server's challenge. What a token says is
// not its business.
//
// No error of this package holds a token, or more of one than a single byte
// that has no place in it.
package bearer

import (
	"fmt"
	"strings"

	"github.com/scicred/scicred/internal/bearer/charset"
)

// MaxLen is how long a token may be, in bytes. Real ones have one or two
// thousand; servers refuse headers far shorter than this.
const MaxLen = 64 << 10

// SyntaxError says why a text is no bearer token.
type SyntaxError struct {
	// Problem reads on after the name of the place that the text came from,
	// such as "is empty". Bytes are counted from 1.
	Problem string
}

// Error returns the problem.
func (e *SyntaxError) Error() string { return e.Problem }

// Trim takes white space off both ends. WLCG Bearer Token Discovery says what
// that is: what isspace finds in C99's own locale. [strings.TrimSpace] would
// also take U+0085 and U+00A0.
func Trim[T string | []byte](s T) T {
	start, end := 0, len(s)
	for start < end && isSpace(s[start]) {
		start++
	}
	for start < end && isSpace(s[end-1]) {
		end--
	}
	return s[start:end]
}

func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// Check returns nil if s is a b64token of RFC 6750 section 2.1 and at most
// [MaxLen] bytes long, and a [*SyntaxError] otherwise. It trims nothing.
func Check(s string) error {
	if p := problem(s); p != "" {
		return &SyntaxError{Problem: p}
	}
	return nil
}

// problem looks for the usual accidents first: people who copy a token bring
// along what stood around it.
func problem(s string) string {
	if s == "" {
		return "is empty"
	}
	if len(s) > MaxLen {
		return fmt.Sprintf("is longer than %d bytes", MaxLen)
	}
	if p := accident(s); p != "" {
		return p
	}
	body := strings.TrimRight(s, "=")
	if body == "" {
		return "is nothing but '='"
	}
	if charset.Token68(body) {
		return ""
	}
	for i := range len(body) {
		if isToken68(body[i]) {
			continue
		}
		switch at := i + 1; body[i] {
		case '=':
			return fmt.Sprintf("has '=' in the middle, at byte %d", at)
		case '\n', '\r':
			return "has a line break inside"
		case ' ', '\t':
			return fmt.Sprintf("has a blank inside at byte %d", at)
		default:
			return fmt.Sprintf("has a byte that no token may have (0x%02x at byte %d)", body[i], at)
		}
	}
	return ""
}

// accident recognises what gets stuck to a token, or stands in its place.
func accident(s string) string {
	const scheme = "bearer"
	switch {
	case strings.HasPrefix(s, "\xef\xbb\xbf"), strings.HasPrefix(s, "\xff\xfe"), strings.HasPrefix(s, "\xfe\xff"):
		return "starts with a byte order mark: save it as plain ASCII"
	case s[0] == '"', s[0] == '\'':
		return "is in quotes: take them off"
	case s[0] == '{':
		return "is JSON where a token should be"
	case hasPrefixFold(s, "authorization:"):
		return `starts with "Authorization:": leave the header's name out`
	case strings.EqualFold(s, scheme):
		return `is the word "Bearer" and no token`
	case hasPrefixFold(s, scheme) && isSpace(s[len(scheme)]):
		return `starts with "Bearer ": leave the prefix out`
	}
	return ""
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// isToken68 reports whether b may stand in a b64token before the padding. It is
// the token68 of RFC 9110 section 11.2 under an older name.
func isToken68(b byte) bool {
	return isAlphanumeric(b) || strings.IndexByte("-._~+/", b) >= 0
}

func isAlphanumeric(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}
