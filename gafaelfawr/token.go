// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/scicred/scicred/internal/secret"
)

const (
	tokenPrefix = "gt-"
	partLength  = 22 // 16 bytes in base64 without padding
	tokenLength = len(tokenPrefix) + partLength + len(".") + partLength
)

// Token is a Gafaelfawr token: gt-<key>.<secret>. Its key is no secret; servers
// use it in URLs and logs. Whatever prints a Token shows the key alone: fmt with
// any verb, JSON and slog. [Token.Reveal] returns the whole of it.
//
// The zero Token is none. A Token does not change and may be used by several
// goroutines. It cannot be compared with ==; use [Token.Equal].
type Token struct {
	key string
	raw secret.Text
}

// ParseToken reads a token. It demands what a server accepts: the prefix gt-,
// and key and secret of 22 characters each from the alphabet of URL-safe base64.
// The error wraps [ErrInvalidToken] and holds no part of what was given.
func ParseToken(s string) (Token, error) {
	rest, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok {
		return Token{}, fmt.Errorf("%w: it does not start with gt-", ErrInvalidToken)
	}
	key, part, ok := strings.Cut(rest, ".")
	switch {
	case !ok:
		return Token{}, fmt.Errorf("%w: there is no dot between key and secret", ErrInvalidToken)
	case len(key) != partLength:
		return Token{}, fmt.Errorf("%w: its key has %d characters, not %d", ErrInvalidToken, len(key), partLength)
	case len(part) != partLength:
		return Token{}, fmt.Errorf("%w: its secret has %d characters, not %d", ErrInvalidToken, len(part), partLength)
	case !isBase64URL(key) || !isBase64URL(part):
		return Token{}, fmt.Errorf("%w: it has characters other than letters, digits, - and _", ErrInvalidToken)
	}
	// Copies, so that the token does not keep the text alive that it was part of.
	s = strings.Clone(s)
	return Token{key: s[len(tokenPrefix) : len(tokenPrefix)+partLength], raw: secret.New(s)}, nil
}

// NewToken returns a random token that no server knows yet, for tests and for
// servers that are about to know it.
func NewToken() Token {
	var random [32]byte
	_, _ = rand.Read(random[:]) // It never fails, says crypto/rand.
	enc := base64.RawURLEncoding
	key := enc.EncodeToString(random[:16])
	return Token{key: key, raw: secret.New(tokenPrefix + key + "." + enc.EncodeToString(random[16:]))}
}

func isBase64URL(s string) bool {
	for _, c := range []byte(s) {
		ok := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
		if !ok {
			return false
		}
	}
	return true
}

// Key returns the part of the token that is no secret: 22 characters, by which
// servers name the token. It is "" for the zero Token.
func (t Token) Key() string { return t.key }

// Reveal returns the token as a request carries it, and "" for the zero Token.
func (t Token) Reveal() string { return t.raw.Reveal() }

// IsZero reports whether there is no token.
func (t Token) IsZero() bool { return t.key == "" }

// Equal reports whether both are the same token, in a time that does not depend
// on where they differ.
func (t Token) Equal(other Token) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

// String returns the key.
func (t Token) String() string { return t.key }

// GoString returns the key.
func (t Token) GoString() string { return t.key }

// Format prints the key, whatever the verb.
func (t Token) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, t.key) }

// MarshalJSON writes the key.
func (t Token) MarshalJSON() ([]byte, error) { return json.Marshal(t.key) }

// MarshalText writes the key.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.key), nil }

// LogValue logs the key.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.key) }
