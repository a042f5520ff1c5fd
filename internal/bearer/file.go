// SPDX-License-Identifier: BSD-3-Clause

package bearer

import (
	"encoding/json"

	"github.com/scicred/scicred/internal/bearer/strictjson"
)

// member is where a token response (RFC 6749 section 5.1) has the token.
// Pelican and pelicanfs keep such responses as token files.
const member = "access_token"

// FromFile returns the token in a token file: the text in it or, if that is a
// JSON object, its member access_token. White space around the token does not
// count. The error is a [*SyntaxError].
func FromFile(data []byte) (string, error) {
	data = Trim(data)
	if len(data) > 0 && data[0] == '{' {
		return fromJSON(data)
	}
	token := string(data)
	if err := Check(token); err != nil {
		return "", err
	}
	return token, nil
}

func fromJSON(data []byte) (string, error) {
	members, err := strictjson.Object(data)
	if err != nil {
		return "", &SyntaxError{Problem: "looks like JSON, but " + err.Error()}
	}
	raw, ok := members[member]
	if !ok {
		return "", &SyntaxError{Problem: "is JSON without an " + member}
	}
	var s *string // A pointer tells null from a string.
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return "", &SyntaxError{Problem: "is JSON whose " + member + " is not a string"}
	}
	token := Trim(*s)
	if p := problem(token); p != "" {
		return "", &SyntaxError{Problem: "is JSON whose " + member + " " + p}
	}
	return token, nil
}
