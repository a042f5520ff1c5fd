// SPDX-License-Identifier: BSD-3-Clause

package floor

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
)

// Claims are the values of the members that decide whether a token fits, as they
// stand in the token.
type Claims struct {
	Algorithm, Version, Issuer, Audience, Scope []byte
	Expiry, NotBefore                           int64
}

var errToken = errors.New("no token")

// Token reads tokens. It has room that is used again for each.
type Token struct{ room []byte }

// Claims decodes the head and the claims of a token and passes over each once.
func (t *Token) Claims(raw []byte) (c Claims, err error) {
	head, rest, ok := bytes.Cut(raw, []byte("."))
	if !ok {
		return c, errToken
	}
	claims, _, ok := bytes.Cut(rest, []byte("."))
	if !ok {
		return c, errToken
	}
	t.room = t.room[:0]
	if t.room, err = base64.RawURLEncoding.AppendDecode(t.room, head); err != nil {
		return c, err
	}
	n := len(t.room)
	if t.room, err = base64.RawURLEncoding.AppendDecode(t.room, claims); err != nil {
		return c, err
	}
	scan(t.room[:n], &c)
	scan(t.room[n:], &c)
	if len(c.Algorithm) == 0 || c.Expiry == 0 {
		return c, errToken
	}
	return c, nil
}

// scan takes the members of an object without nested ones.
func scan(object []byte, c *Claims) {
	for i := 0; i < len(object); {
		start := bytes.IndexByte(object[i:], '"')
		if start < 0 {
			return
		}
		start += i + 1
		end := start + bytes.IndexByte(object[start:], '"')
		name := object[start:end]
		i = end + 2 // the colon
		value := object[i:]
		if value[0] == '"' {
			end = 1 + bytes.IndexByte(value[1:], '"')
			value = value[1:end]
			i += end + 1
		} else {
			end = bytes.IndexAny(value, ",}]")
			value = value[:end]
			i += end
		}
		switch string(name) {
		case "alg":
			c.Algorithm = value
		case "ver":
			c.Version = value
		case "iss":
			c.Issuer = value
		case "aud":
			c.Audience = value
		case "scope":
			c.Scope = value
		case "exp":
			c.Expiry, _ = strconv.ParseInt(string(value), 10, 64)
		case "nbf":
			c.NotBefore, _ = strconv.ParseInt(string(value), 10, 64)
		}
	}
}
