// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// TokenFault is a way in which a token can be unusable. Its text names it;
// [TokenFault.Sentence] explains it.
type TokenFault string

// The faults. All but the last group are seen without knowing time and server.
const (
	TokenTwoParts         TokenFault = "two parts"
	TokenFourParts        TokenFault = "four parts"
	TokenBadBase64        TokenFault = "bad base64"
	TokenHeaderNotJSON    TokenFault = "header not JSON"
	TokenPayloadNotJSON   TokenFault = "payload not JSON"
	TokenPayloadNotObject TokenFault = "payload not an object"
	TokenInQuotes         TokenFault = "in quotes"
	TokenBearerPrefix     TokenFault = "Bearer prefix"
	TokenLineBreak        TokenFault = "line break inside"
	TokenCarriageReturn   TokenFault = "carriage return inside"
	TokenNUL              TokenFault = "NUL inside"
	TokenNotASCII         TokenFault = "not ASCII"
	TokenOneMegabyte      TokenFault = "one megabyte"

	TokenAlgNone  TokenFault = "alg none"
	TokenAlgHS256 TokenFault = "alg HS256"

	TokenExpNull       TokenFault = "exp null"
	TokenExpHuge       TokenFault = "exp 1e30"
	TokenExpString     TokenFault = "exp a string"
	TokenNbfString     TokenFault = "nbf a string"
	TokenAudNumber     TokenFault = "aud a number"
	TokenAudListNumber TokenFault = "aud a list with a number"
	TokenIssNumber     TokenFault = "iss a number"
	TokenScopeList     TokenFault = "scope a list"
	TokenVerNumber     TokenFault = "ver a number"
	TokenNoIssuer      TokenFault = "no issuer"
	TokenUnknownVer    TokenFault = "unknown ver"

	TokenExpired       TokenFault = "expired"
	TokenExpiresSoon   TokenFault = "expires in 30 seconds"
	TokenNotYetValid   TokenFault = "not yet valid"
	TokenOtherAudience TokenFault = "another audience"
	TokenNoAudience    TokenFault = "no audience"
	TokenEmptyAudience TokenFault = "empty audience"
)

// AllTokenFaults returns every fault.
func AllTokenFaults() []TokenFault {
	return []TokenFault{
		TokenTwoParts, TokenFourParts, TokenBadBase64, TokenHeaderNotJSON, TokenPayloadNotJSON, TokenPayloadNotObject, TokenInQuotes,
		TokenBearerPrefix, TokenLineBreak, TokenCarriageReturn, TokenNUL, TokenNotASCII, TokenOneMegabyte,
		TokenAlgNone, TokenAlgHS256,
		TokenExpNull, TokenExpHuge, TokenExpString, TokenNbfString, TokenAudNumber, TokenAudListNumber, TokenIssNumber, TokenScopeList,
		TokenVerNumber, TokenNoIssuer, TokenUnknownVer,
		TokenExpired, TokenExpiresSoon, TokenNotYetValid, TokenOtherAudience, TokenNoAudience, TokenEmptyAudience,
	}
}

// Sentence says what is wrong with the token.
func (f TokenFault) Sentence() string {
	sentence, _ := f.make(nil, "", nil)
	return sentence
}

// Token mints a SciToken for the audience with this fault and no other. But for
// the fault it would be good: the signature is right where there is one.
func (f TokenFault) Token(is *Issuer, aud string, opts ...TokenOption) string {
	_, token := f.make(is, aud, opts)
	return token
}

// make keeps what a fault means and what it does in one place. It makes nothing
// if is is nil.
func (f TokenFault) make(is *Issuer, aud string, opts []TokenOption) (sentence, token string) {
	claims := func(c Claims, more ...TokenOption) string {
		if is == nil {
			return ""
		}
		all := Claims{"aud": aud}
		maps.Copy(all, c)
		return is.SciToken(all, slices.Concat(opts, more)...) // The fault's own options come last, so that they win.
	}
	edit := func(change func(header, payload, signature string) string) string {
		if is == nil {
			return ""
		}
		parts := strings.Split(claims(nil), ".")
		return change(parts[0], parts[1], parts[2])
	}
	// payload signs any text, so that no other fault gives the token away.
	payload := func(p string) string {
		if is == nil {
			return ""
		}
		spec := newTokenSpec(opts)
		return is.sign(&spec, []byte(p))
	}
	// inside puts something in the middle of the payload.
	inside := func(what string) string {
		return edit(func(h, p, s string) string { return h + "." + p[:len(p)/2] + what + p[len(p)/2:] + "." + s })
	}
	switch f {
	case TokenTwoParts:
		return "The signature is missing.", edit(func(h, p, _ string) string { return h + "." + p })
	case TokenFourParts:
		return "There is one part too many.", edit(func(h, p, s string) string { return h + "." + p + "." + s + "." + s })
	case TokenBadBase64:
		return "The payload holds a character that is legal in a token but not in base64url.", inside("~")
	case TokenHeaderNotJSON:
		return "The header is base64url of something that is not JSON.",
			edit(func(_, p, s string) string { return base64url([]byte("header")) + "." + p + "." + s })
	case TokenPayloadNotJSON:
		return "The payload is base64url of something that is not JSON.", payload("payload")
	case TokenPayloadNotObject:
		return "The payload is a JSON list.", payload(`["payload"]`)
	case TokenInQuotes:
		return "The token is in double quotes, as jq prints a string.",
			edit(func(h, p, s string) string { return `"` + h + "." + p + "." + s + `"` })
	case TokenBearerPrefix:
		return "The word Bearer stands before the token, as in a header line.",
			edit(func(h, p, s string) string { return "Bearer " + h + "." + p + "." + s })
	case TokenLineBreak:
		return "The token is broken into two lines.", inside("\n")
	case TokenCarriageReturn:
		return "The token is broken by a carriage return.", inside("\r")
	case TokenNUL:
		return "The token holds a NUL byte.", inside("\x00")
	case TokenNotASCII:
		return "The token holds a letter that is not ASCII.", inside("é")
	case TokenOneMegabyte:
		return "The token is sound but longer than a megabyte.", claims(Claims{"padding": strings.Repeat("x", 1<<20)})
	case TokenAlgNone:
		return "The token says that it is not signed, and is not.",
			edit(func(_, p, _ string) string { return base64url([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + p + "." })
	case TokenAlgHS256:
		return "The token is signed with a shared secret, which here is the issuer's public key.",
			edit(func(_, p, _ string) string { return is.hs256(p) })
	case TokenExpNull:
		return "The time of expiry is null.", claims(Claims{"exp": Null})
	case TokenExpHuge:
		return "The time of expiry is beyond every calendar.", claims(Claims{"exp": Raw("1e30")})
	case TokenExpString:
		return "The time of expiry is a number in quotes.", claims(Claims{"exp": "4102444800"})
	case TokenNbfString:
		return "The time when the token becomes valid is a number in quotes.", claims(Claims{"nbf": "946684800"})
	case TokenAudNumber:
		return "The audience is a number.", claims(Claims{"aud": 7})
	case TokenAudListNumber:
		return "The audience is a list that holds the right audience and a number.", claims(Claims{"aud": []any{aud, 7}})
	case TokenIssNumber:
		return "The issuer is a number.", claims(Claims{"iss": 7})
	case TokenScopeList:
		return "The scope is a list; RFC 8693 wants one string.", claims(Claims{"scope": []string{"read:/"}})
	case TokenVerNumber:
		return "The profile version is a number.", claims(Claims{"ver": 2})
	case TokenNoIssuer:
		return "The token names no issuer.", claims(Claims{"iss": nil})
	case TokenUnknownVer:
		return "The profile version is one that does not exist.", claims(Claims{"ver": "scitoken:99.0"})
	case TokenExpired:
		return "The token expired an hour ago.", claims(nil, Expired())
	case TokenExpiresSoon:
		return "The token expires before it can be used.", claims(nil, ExpiresIn(30*time.Second))
	case TokenNotYetValid:
		return "The token becomes valid in an hour.", claims(nil, NotYetValid())
	case TokenOtherAudience:
		return "The token is for another server.", claims(Claims{"aud": "https://elsewhere.invalid"})
	case TokenNoAudience:
		return "The token names no audience, which its profile demands.", claims(Claims{"aud": nil})
	case TokenEmptyAudience:
		return "The list of audiences is empty.", claims(Claims{"aud": []string{}})
	default:
		panic(fmt.Sprintf("credtest: unknown fault %q", string(f)))
	}
}

// hs256 signs a payload in the way of the attack that takes a public key for a
// shared secret.
func (is *Issuer) hs256(payload string) string {
	signed := base64url([]byte(`{"alg":"HS256","kid":"`+KeyES256+`","typ":"JWT"}`)) + "." + payload
	mac := hmac.New(sha256.New, must(is.ecKey.PublicKey.Bytes()))
	mac.Write([]byte(signed))
	return signed + "." + base64url(mac.Sum(nil))
}
