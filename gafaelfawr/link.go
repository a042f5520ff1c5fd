// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import "strings"

// links returns the targets of a Link header (RFC 8288) by relation: first, next
// and prev, which some write previous. The first of several counts. What is no
// link is passed over.
func links(headers []string) map[string]string {
	found := map[string]string{}
	for _, h := range headers {
		for h != "" {
			target, params, rest := nextLink(h)
			h = rest
			if target == "" {
				continue
			}
			for relation := range strings.FieldsSeq(strings.ToLower(params["rel"])) {
				if relation == "previous" {
					relation = "prev"
				}
				if _, ok := found[relation]; !ok {
					found[relation] = target
				}
			}
		}
	}
	return found
}

// nextLink reads one element of a Link header, and returns what comes after it.
// Commas and semicolons separate nothing within <> and "".
func nextLink(h string) (target string, params map[string]string, rest string) {
	h = strings.TrimLeft(h, " \t,")
	element, rest := until(h, ',')
	if !strings.HasPrefix(element, "<") {
		return "", nil, rest
	}
	target, tail, ok := strings.Cut(element[1:], ">")
	if !ok {
		return "", nil, rest
	}
	params = map[string]string{}
	for tail != "" {
		var param string
		param, tail = until(strings.TrimLeft(tail, " \t;"), ';')
		name, v, _ := strings.Cut(param, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, ok := params[name]; !ok { // Only the first rel counts (section 3.3).
			params[name] = unquote(strings.TrimSpace(v))
		}
	}
	return strings.TrimSpace(target), params, rest
}

// until splits s before the first separator that stands neither in <> nor in "".
func until(s string, separator byte) (before, after string) {
	inTarget, inQuotes := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case inQuotes && c == '\\':
			i++
		case c == '"' && !inTarget:
			inQuotes = !inQuotes
		case c == '<' && !inQuotes:
			inTarget = true
		case c == '>' && !inQuotes:
			inTarget = false
		case c == separator && !inQuotes && !inTarget:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// unquote returns what a quoted string says; others say themselves.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	var b strings.Builder
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '\\' && i < len(s)-2 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
