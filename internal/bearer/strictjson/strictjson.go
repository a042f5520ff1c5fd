// SPDX-License-Identifier: BSD-3-Clause

// Package strictjson reads a JSON object in the one way in which no two readers
// can disagree about it.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// Error says why a text is refused. It holds nothing of the text.
type Error string

// Error implements error.
func (e Error) Error() string { return string(e) }

// What can be wrong. The texts read on after the name of what was read.
const (
	ErrEncoding  Error = "is not UTF-8"          // RFC 8259 section 8.1
	ErrSyntax    Error = "is broken JSON"        //
	ErrNotObject Error = "is not a JSON object"  //
	ErrDuplicate Error = "names a member twice"  // RFC 8259 section 4 leaves open what that means
	ErrTrailing  Error = "goes on after its end" // a second value, or anything else but white space
)

// Object returns the members of the one JSON object that data is. Names compare
// exactly, case included, and none may stand twice; inside of the values,
// encoding/json's rules hold.
func Object(data []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(data) {
		return nil, ErrEncoding
	}
	d := json.NewDecoder(bytes.NewReader(data))
	switch t, err := d.Token(); {
	case err != nil:
		return nil, ErrSyntax
	case t != json.Delim('{'):
		return nil, ErrNotObject
	}
	members := map[string]json.RawMessage{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, ErrSyntax
		}
		if _, again := members[name]; again {
			return nil, ErrDuplicate
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, ErrSyntax
		}
		members[name] = value
	}
	if _, err := d.Token(); err != nil { // The closing brace.
		return nil, ErrSyntax
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrTrailing
	}
	return members, nil
}
