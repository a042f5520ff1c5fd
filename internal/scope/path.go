// SPDX-License-Identifier: BSD-3-Clause

package scope

import (
	"slices"
	"strings"
)

// encodedSlash stands for %2F while a path is being read. It is NUL, which no
// path may hold, so that it cannot be mistaken for a name that looks like it.
const encodedSlash = '\x00'

// clean decodes a path and brings it into the form of [Scope].Path. It resolves
// ".." or refuses it. What it refuses is what one server reads in one way and
// the next in another.
func clean(raw string, resolve bool) (path, problem string) {
	if !strings.HasPrefix(raw, "/") {
		return "", "has a relative path: it must start with /"
	}
	decoded, problem := decodeOnce(raw)
	if problem != "" {
		return "", problem
	}
	var segments []string
	for segment := range strings.SplitSeq(decoded, "/") {
		switch {
		case segment == "" || segment == ".":
		case segment != "..":
			if slices.Contains(strings.Split(segment, string(encodedSlash)), "..") {
				return "", "has .. beside an encoded slash"
			}
			segments = append(segments, segment)
		case !resolve:
			return "", "has .. in its path"
		case len(segments) == 0:
			return "", "climbs above /"
		default:
			segments = segments[:len(segments)-1]
		}
	}
	return "/" + strings.ReplaceAll(strings.Join(segments, "/"), string(encodedSlash), "%2F"), ""
}

// decodeOnce undoes percent-encoding (RFC 3986 section 2.1), but for slashes.
func decodeOnce(raw string) (decoded, problem string) {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		b := raw[i]
		if b == '%' {
			var ok bool
			if b, ok = escape(raw[i:]); !ok {
				return "", "has a % without two hexadecimal digits after it"
			}
			i += 2
			if b == '/' {
				out = append(out, encodedSlash)
				continue
			}
		}
		if b == 0 || b == '\\' {
			return "", "has a NUL or a backslash in its path"
		}
		out = append(out, b)
	}
	decoded = string(out)
	// A second decoder on the way would turn these into what is refused above.
	for i := range len(decoded) {
		if b, ok := escape(decoded[i:]); ok && strings.IndexByte("./\\%\x00", b) >= 0 {
			return "", "is percent-encoded twice"
		}
	}
	return decoded, ""
}

// escape reads the percent-encoded byte at the start of s.
func escape(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, ok1 := hexDigit(s[1])
	low, ok2 := hexDigit(s[2])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
