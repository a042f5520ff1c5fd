// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/scicred/scicred/internal/human"
)

// FieldError says which member of a JSON document is not what it should be. It
// never holds a value of the document.
type FieldError struct {
	// Path leads to the member: names of members as strings, positions in
	// arrays as ints. It is empty for the document itself.
	Path []any
	// Problem is the rest of the sentence, such as "is missing".
	Problem string
}

// Error returns a sentence such as "groups[2].id is missing".
func (e *FieldError) Error() string {
	var b strings.Builder
	for i, p := range e.Path {
		switch p := p.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", p)
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, brief(p))
		}
	}
	if b.Len() == 0 {
		b.WriteString("the document")
	}
	return shorten(b.String(), 300) + " " + e.Problem
}

// brief returns a part of a path for people: names are anybody's text.
func brief(place any) any {
	name, ok := place.(string)
	if !ok {
		return place
	}
	return shorten(human.Printable(name), 64)
}

// shorten returns a text of so many bytes at most, not counting the sign that it
// was cut off.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// within returns err as an error of what it was found in.
func within(place any, err error) error {
	if inner, ok := errors.AsType[*FieldError](err); ok {
		return &FieldError{Path: append([]any{place}, inner.Path...), Problem: inner.Problem}
	}
	return &FieldError{Path: []any{place}, Problem: problem(err)}
}

// problem says what is wrong with a value, and not which value it is: it could
// be a secret that somebody put in the wrong place.
func problem(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		kind, _, _ := strings.Cut(wrong.Value, " ")
		return wrongType(kind)
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return "is not JSON"
	}
	return err.Error()
}

func wrongType(kind string) string { return "has the wrong type or size (" + kind + ")" }

// field is a member that an object may have.
type field struct {
	name     string
	decode   func(json.RawMessage) error
	required bool // it must be there
	nullable bool // null is as good as absent
	keepNull bool // null says something
}

// required is a member that must be there and not be null.
func required(name string, decode func(json.RawMessage) error) field {
	return field{name: name, decode: decode, required: true}
}

// optional is a member that may be absent, but not null.
func optional(name string, decode func(json.RawMessage) error) field {
	return field{name: name, decode: decode}
}

// nullable is a member that may be absent or null.
func nullable(name string, decode func(json.RawMessage) error) field {
	return field{name: name, decode: decode, nullable: true}
}

// object decodes a JSON object. encoding/json by itself takes an absent member
// for a zero, null for absent and "USERNAME" for "username", each of which would
// be a value that lies. Unknown members are ignored.
func object(data []byte, fields ...field) error {
	found := make([]json.RawMessage, len(fields))
	err := eachMember(data, func(name string, raw json.RawMessage) error {
		for i := range fields {
			if fields[i].name == name {
				found[i] = raw // The last one counts, as in encoding/json.
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, f := range fields {
		raw := found[i]
		ok := raw != nil
		switch {
		case !ok && f.required:
			return &FieldError{Path: []any{f.name}, Problem: "is missing"}
		case !ok, isNull(raw) && f.nullable:
			continue
		case isNull(raw) && !f.keepNull:
			return &FieldError{Path: []any{f.name}, Problem: "is null"}
		}
		if err := f.decode(raw); err != nil {
			return within(f.name, err)
		}
	}
	return nil
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

// value decodes what json.Unmarshal decodes.
func value[T any](into *T) func(json.RawMessage) error {
	return func(raw json.RawMessage) error { return json.Unmarshal(raw, into) }
}

// text decodes a string that says something.
func text[T ~string](into *T) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		if s == "" {
			return &FieldError{Problem: "is empty"}
		}
		*into = T(s)
		return nil
	}
}

// listOf decodes an array without nulls.
func listOf[S ~[]T, T any](into *S) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		out := S{}
		err := eachElement(raw, func(e json.RawMessage) error {
			if isNull(e) {
				return &FieldError{Path: []any{len(out)}, Problem: "is null"}
			}
			var v T
			if err := json.Unmarshal(e, &v); err != nil {
				return within(len(out), err)
			}
			out = append(out, v)
			return nil
		})
		if err == nil {
			*into = out
		}
		return err
	}
}

// dictOf decodes an object whose members are all of one type, and not null.
func dictOf[T any](into *map[string]T) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		out := map[string]T{}
		err := eachMember(raw, func(name string, raw json.RawMessage) error {
			if isNull(raw) {
				return &FieldError{Path: []any{name}, Problem: "is null"}
			}
			var v T
			if err := json.Unmarshal(raw, &v); err != nil {
				return within(name, err)
			}
			out[name] = v
			return nil
		})
		if err == nil {
			*into = out
		}
		return err
	}
}

// orEmpty returns m, or an empty map: what upstream writes is never null.
func orEmpty[T any](m map[string]T) map[string]T {
	if m == nil {
		return map[string]T{}
	}
	return m
}
