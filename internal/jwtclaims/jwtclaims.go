// SPDX-License-Identifier: BSD-3-Clause

// Package jwtclaims reads what a JWT (RFC 7519) says of itself, strictly, and
// without verifying the signature: the server does that.
//
// A claim of the wrong type makes the whole token unusable. It is never read as
// absent, since an unreadable "exp" would then become "never expires", and an
// unreadable "aud" would become "for everybody".
package jwtclaims

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Claims is what a token says. Nobody has checked that it is true.
type Claims struct {
	// Algorithm, KeyID and Type are the header's alg, kid and typ.
	Algorithm, KeyID, Type string

	// Issuer, Subject and ID are iss, sub and jti. The issuer is never empty.
	Issuer, Subject, ID string

	// Audience is aud. An empty list with HasAudience is a token for nobody.
	Audience    []string
	HasAudience bool

	// Scope is scope, one item for each.
	Scope    []string
	HasScope bool

	// Expiry and NotBefore are exp and nbf in whole seconds, UTC. A fraction
	// makes the token's life shorter, never longer.
	Expiry, NotBefore       time.Time
	HasExpiry, HasNotBefore bool

	// Version is ver: "scitoken:2.0", or "1" for the number 1 or the string
	// "1"; "" if the token has none.
	Version string
	// WLCGVersion is wlcg.ver; "" if the token has none.
	WLCGVersion string
}

// Error says why a JWT is unusable. It holds no value of the token.
type Error struct {
	// Claim is the claim or header parameter at fault, such as "exp"; "" if the
	// token as a whole is.
	Claim string
	// Problem reads on after "the token is refused because".
	Problem string
}

// Error returns the problem.
func (e *Error) Error() string { return e.Problem }

// broken is the error of a token that is no JWT, though it means to be one.
func broken(format string, args ...any) *Error {
	return &Error{Problem: "it is a broken JWT: " + fmt.Sprintf(format, args...)}
}

// LooksLikeJWT reports whether s means to be a JWT. What does not is an opaque
// token, of which only its issuer knows what it says. What does may still be a
// broken one, for which [Parse] has the reason. These mean to be a JWT:
//
//   - three parts with dots between them, of which the first (the header) or the
//     second (the claims) is base64url of a JSON object, so that damage to either
//     does not make a JWT opaque;
//   - any other number of parts above one, if the first is base64url of a JSON
//     object with "alg", which every JOSE header has (RFC 7515 section 4.1.1): a
//     JWT that lost a part, or got one too many. Five parts with "enc" are an
//     encrypted token (RFC 7516), which is opaque to all but its server.
//
// Base64 in its other alphabet or with padding counts here, but not for [Parse].
func LooksLikeJWT(s string) bool {
	first, rest, found := strings.Cut(s, ".")
	if !found {
		return false
	}
	if isObject(first) && strings.Count(rest, ".") == 1 {
		return true
	}
	header := guessObject(first)
	switch strings.Count(s, ".") + 1 {
	case 3:
		second, _, _ := strings.Cut(rest, ".")
		return header != nil || guessObject(second) != nil
	case 5:
		if _, encrypted := header["enc"]; encrypted {
			return false
		}
	}
	_, signed := header["alg"]
	return signed
}

// isObject tells of most parts that are an object, and of no others.
func isObject(part string) bool {
	var text [512]byte
	if base64.RawURLEncoding.DecodedLen(len(part)) > len(text)-padding {
		return false
	}
	n, ok := decodeTo(text[:], part)
	return ok && text[0] == '{' && skipObject(text[:], 0, 1) == n
}

// guessObject returns the object that a part is meant to be, or nil.
func guessObject(part string) map[string]json.RawMessage {
	part = strings.ReplaceAll(strings.ReplaceAll(strings.TrimRight(part, "="), "+", "-"), "/", "_")
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return nil
	}
	return members
}

// Parse reads a JWT. The error is an [*Error].
//
// Refused are: parts that are not base64url or, of the first two, not a JSON
// object in UTF-8 that names each member once; no signature, alg "none" or one
// of HMAC (HS256 and its kin, whose key the server would have to share); crit,
// since no extension is known here (RFC 7515 section 4.1.11); no iss; and claims
// of the wrong type. Names of claims compare exactly. scp and iat are not looked
// at.
//
// What is not refused needs no other look: [bearer.Check] and [LooksLikeJWT] take
// it too. It costs less than a microsecond if it is as issuers write tokens; the
// rest takes ten times as long.
func Parse(s string) (*Claims, error) {
	if c := parseFast(s); c != nil {
		return c, nil
	}
	return parseCarefully(s)
}
