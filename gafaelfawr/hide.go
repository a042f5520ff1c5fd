// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
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

// hideSecret hides a token's secret also where it stands alone.
func hideSecret(s string, token Token) string {
	if token.IsZero() {
		return s
	}
	raw := token.Reveal()
	return hideTokens(strings.ReplaceAll(s, raw[len(raw)-partLength:], hidden))
}

// excerpt returns the beginning of a text as one line, and nothing of a page for
// a browser.
func excerpt(s string) string {
	const most = 200
	if strings.HasPrefix(strings.TrimSpace(s), "<") {
		return "a page, not JSON"
	}
	s = human.Printable(strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " "))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
