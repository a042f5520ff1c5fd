// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// eachMember calls f for the members of a JSON object, in their order, until it
// returns an error. encoding/json would first make a map of all of them, which
// takes many times the memory of a document that is made for it.
func eachMember(data []byte, f func(name string, raw json.RawMessage) error) error {
	rest, err := inside(data, '{')
	for err == nil {
		var name, raw []byte
		if name, rest = cutValue(rest); len(name) == 0 {
			return nil
		}
		raw, rest = cutValue(rest)
		if err = f(unescape(name), raw); err != nil {
			return err
		}
	}
	return err
}

// eachElement calls f for the elements of a JSON array, until it returns an error.
func eachElement(data []byte, f func(raw json.RawMessage) error) error {
	rest, err := inside(data, '[')
	for err == nil {
		var raw []byte
		if raw, rest = cutValue(rest); len(raw) == 0 {
			return nil
		}
		err = f(raw)
	}
	return err
}

// inside returns what follows the opening bracket of data, all of which is sound.
func inside(data []byte, opening byte) ([]byte, error) {
	if !json.Valid(data) {
		return nil, &FieldError{Problem: "is not JSON"}
	}
	data = bytes.TrimLeft(data, " \t\r\n")
	if data[0] == opening {
		return data[1:], nil
	}
	kind := "number"
	switch data[0] {
	case '{':
		kind = "object"
	case '[':
		kind = "array"
	case '"':
		kind = "string"
	case 't', 'f':
		kind = "bool"
	case 'n':
		return nil, &FieldError{Problem: "is null"}
	}
	return nil, &FieldError{Problem: wrongType(kind)}
}

// unescape returns what a sound JSON string says.
func unescape(quoted []byte) string {
	if plain := quoted[1 : len(quoted)-1]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
		return string(plain)
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // It is sound.
	return s
}

// cutValue cuts the next value off JSON that is sound, with what separates it from
// the one before. The value is empty at the end of what all of them are in.
func cutValue(b []byte) (value, rest []byte) {
	b = bytes.TrimLeft(b, " \t\r\n,:")
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quoted && c == '\\':
			i++
			continue
		case c == '"':
			quoted = !quoted
		case quoted:
			continue
		case depth == 0 && strings.IndexByte(" \t\r\n,:]}", c) >= 0:
			return b[:i], b[i:]
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			depth--
		}
		if depth == 0 && !quoted && (c == '"' || c == '}' || c == ']') {
			return b[:i+1], b[i+1:]
		}
	}
	return b, nil
}
