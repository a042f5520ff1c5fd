// SPDX-License-Identifier: BSD-3-Clause

package bearer

import "strings"

// How much of a server's challenges is read.
const (
	maxChallenges      = 64
	maxChallengesBytes = 16 << 10
)

const blanks = " \t" // OWS and BWS of RFC 9110 section 5.6.3

// Challenge is one challenge of a WWW-Authenticate header field (RFC 9110
// section 11.6.1).
type Challenge struct {
	// Scheme is as the server wrote it. Schemes compare without case.
	Scheme string
	// Params has the parameters by name, in lower case; it is never nil. Of
	// two parameters with one name the first counts. A token68, which schemes
	// like Negotiate have in place of parameters, is read and left out.
	Params map[string]string
}

// ParseChallenges reads the lines of a WWW-Authenticate header field. A line
// may hold several challenges. What makes no sense is skipped, so that the rest
// can be shown, and what servers really send is forgiven: missing commas, and
// values with a slash or colon that lack their quotes. It reads at most 64
// challenges; a line that would take what is read beyond 16 KiB is left out.
func ParseChallenges(header []string) []Challenge {
	var list []Challenge
	left := maxChallengesBytes
	for _, line := range header {
		if len(line) > left {
			continue
		}
		left -= len(line)
		list = appendChallenges(list, line)
	}
	return list
}

// appendChallenges appends the challenges of one line. A word is a parameter if
// a "=" follows, and the scheme of a new challenge otherwise: the grammar is
// ambiguous about commas, which stand between parameters and challenges alike.
func appendChallenges(list []Challenge, line string) []Challenge {
	var params map[string]string // of the challenge being read
	rest := line
	for {
		rest = strings.TrimLeft(rest, blanks+",")
		if rest == "" {
			return list
		}
		word, after := cutWord(rest)
		switch value, tail, kind := parameter(after); {
		case word == "":
			rest = skipJunk(rest)
		case kind == isParameter:
			name := strings.ToLower(word)
			if _, again := params[name]; params != nil && !again {
				params[name] = value
			}
			rest = tail
		case kind == isJunk || !endsElement(after):
			rest = skipJunk(after)
		case len(list) == maxChallenges:
			return list
		default:
			params = map[string]string{}
			list = append(list, Challenge{Scheme: word, Params: params})
			rest = skipToken68(after)
		}
	}
}

type parameterKind int

const (
	isNone parameterKind = iota
	isParameter
	isJunk
)

// parameter reads the "=" of a parameter and its value.
func parameter(s string) (value, rest string, kind parameterKind) {
	s, found := strings.CutPrefix(strings.TrimLeft(s, blanks), "=")
	if !found {
		return "", "", isNone
	}
	s = strings.TrimLeft(s, blanks)
	if strings.HasPrefix(s, `"`) {
		value, rest, ok := cutQuoted(s)
		if !ok || !endsElement(rest) {
			return "", "", isJunk
		}
		return value, rest, isParameter
	}
	end := strings.IndexAny(s, blanks+",")
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:], isParameter
}

// cutWord cuts a token of RFC 9110 section 5.6.2 off the start of s.
func cutWord(s string) (word, rest string) {
	i := 0
	for i < len(s) && (isAlphanumeric(s[i]) || strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) >= 0) {
		i++
	}
	return s[:i], s[i:]
}

// cutQuoted cuts a quoted-string of RFC 9110 section 5.6.4 off the start of s;
// false if it does not end.
func cutQuoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			i++
			if i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// endsElement reports whether s starts where a word or value may end.
func endsElement(s string) bool {
	return s == "" || strings.IndexByte(blanks+",", s[0]) >= 0
}

// skipToken68 skips the token68 that may follow a scheme. It is one only if
// nothing else follows it: "realm=" in front of a value is none.
func skipToken68(s string) string {
	t := strings.TrimLeft(s, blanks)
	i := 0
	for i < len(t) && isToken68(t[i]) {
		i++
	}
	rest := strings.TrimLeft(strings.TrimLeft(t[i:], "="), blanks)
	if rest == "" || rest[0] == ',' {
		return rest
	}
	return s
}

// skipJunk skips to the next comma outside of quotes.
func skipJunk(s string) string {
	for s != "" && s[0] != ',' {
		if s[0] != '"' {
			s = s[1:]
			continue
		}
		_, rest, ok := cutQuoted(s)
		if !ok {
			return ""
		}
		s = rest
	}
	return s
}
