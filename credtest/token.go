// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"sync"
	"time"
)

// The audiences that fit every server, which are the defaults.
const (
	// SciTokensAny is the audience ANY of the SciTokens specification.
	SciTokensAny = "ANY"
	// WLCGAny is the audience of the WLCG profile that means any.
	WLCGAny = "https://wlcg.cern.ch/jwt/v1/any"
)

// The names (kid) of an issuer's keys.
const (
	KeyES256 = "es256"
	KeyRS256 = "rs256"
)

// Claims are claims of a token, set over the default ones. A nil value removes
// the claim; [Null] is the JSON null; a [Raw] is any JSON text.
type Claims map[string]any

// Raw is JSON text that goes into a token as it is, such as 1e30.
type Raw string

// Null is the JSON null.
const Null Raw = "null"

// MarshalJSON returns the text.
func (r Raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// TokenOption changes how a token is minted. It comes from [RS256], [Header],
// [Forged], or is an [Option].
type TokenOption interface{ applyToken(*tokenSpec) }

// tokenSpec collects what the options say.
type tokenSpec struct {
	validity validity
	rs256    bool
	forged   bool
	header   map[string]any
}

func newTokenSpec(opts []TokenOption) tokenSpec {
	s := tokenSpec{validity: validity{age: time.Minute, left: time.Hour}}
	for _, o := range opts {
		o.applyToken(&s)
	}
	return s
}

type tokenOption func(*tokenSpec)

func (o tokenOption) applyToken(s *tokenSpec) { o(s) }

// RS256 signs with the issuer's RSA key. The default is its ECDSA key, ES256.
func RS256() TokenOption { return tokenOption(func(s *tokenSpec) { s.rs256 = true }) }

// Header sets parameters of the token's header over the default ones (alg, kid,
// typ). A nil value removes the parameter. The signature stays that of the key
// in use, whatever alg says.
func Header(parameters map[string]any) TokenOption {
	return tokenOption(func(s *tokenSpec) { s.header = parameters })
}

// Forged signs with a key that is not the issuer's, under the name of one that
// is. Nothing but the signature shows it.
func Forged() TokenOption { return tokenOption(func(s *tokenSpec) { s.forged = true }) }

// Issuer is a token issuer with one key for ES256 and one for RS256.
type Issuer struct {
	url   string
	ecKey *ecdsa.PrivateKey
	// rsaKey makes the RSA key when it is first needed, since most tests do not
	// and it takes a tenth of a second.
	rsaKey func() *rsa.PrivateKey
}

// NewIssuer makes an issuer. The URL is the iss claim of its tokens and the base
// of where its keys are published; a slash at its end is kept in iss.
func NewIssuer(url string) *Issuer {
	return &Issuer{
		url:    url,
		ecKey:  must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		rsaKey: sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, rsaBits)) }),
	}
}

// URL returns the iss claim of the issuer's tokens.
func (is *Issuer) URL() string { return is.url }

// PublicKey returns the key of that name, [KeyES256] or [KeyRS256]; nil if there
// is none.
func (is *Issuer) PublicKey(kid string) crypto.PublicKey {
	switch kid {
	case KeyES256:
		return is.ecKey.Public()
	case KeyRS256:
		return is.rsaKey().Public()
	default:
		return nil
	}
}

// JWKS returns the issuer's public keys as a JSON Web Key Set (RFC 7517).
func (is *Issuer) JWKS() []byte {
	point := must(is.ecKey.PublicKey.Bytes()) // 4, x, y
	half := (len(point) - 1) / 2
	rsaKey := is.rsaKey()
	return must(json.Marshal(map[string]any{"keys": []map[string]any{
		{
			"kty": "EC", "use": "sig", "alg": "ES256", "kid": KeyES256, "crv": "P-256",
			"x": base64url(point[1 : 1+half]), "y": base64url(point[1+half:]),
		},
		{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KeyRS256,
			"n": base64url(rsaKey.N.Bytes()), "e": base64url(big.NewInt(int64(rsaKey.E)).Bytes()),
		},
	}}))
}

// OpenIDConfiguration returns the document that the issuer publishes at
// /.well-known/openid-configuration; the keys are at /jwks.
func (is *Issuer) OpenIDConfiguration() []byte {
	base := strings.TrimSuffix(is.url, "/")
	return must(json.Marshal(map[string]any{
		"issuer":                                is.url,
		"jwks_uri":                              base + "/jwks",
		"token_endpoint":                        base + "/token",
		"response_types_supported":              []string{"token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256", "RS256"},
	}))
}

// SciToken mints a token of the SciTokens profile: ver scitoken:2.0, audience
// ANY, scope read:/, subject test.user, issued a minute ago, valid for an hour.
// Claims and options change that.
func (is *Issuer) SciToken(c Claims, opts ...TokenOption) string {
	return is.mint(Claims{"ver": "scitoken:2.0", "aud": SciTokensAny, "scope": "read:/"}, c, opts)
}

// WLCG mints a token of the WLCG profile: wlcg.ver 1.0, audience any, scope
// storage.read:/, subject test.user, issued a minute ago, valid for an hour.
// Claims and options change that.
func (is *Issuer) WLCG(c Claims, opts ...TokenOption) string {
	return is.mint(Claims{"wlcg.ver": "1.0", "aud": WLCGAny, "scope": "storage.read:/"}, c, opts)
}

func (is *Issuer) mint(profile, c Claims, opts []TokenOption) string {
	spec := newTokenSpec(opts)
	notBefore, notAfter := spec.validity.bounds()
	claims := Claims{
		"iss": is.url, "sub": "test.user", "jti": rand.Text(),
		"iat": notBefore.Unix(), "nbf": notBefore.Unix(), "exp": notAfter.Unix(),
	}
	overlay(claims, profile)
	overlay(claims, c)
	return is.sign(&spec, must(json.Marshal(claims)))
}

func overlay(base, over map[string]any) {
	maps.Copy(base, over)
	maps.DeleteFunc(base, func(_ string, v any) bool { return v == nil })
}

// sign makes a compact JWS (RFC 7515, section 7.1) of any payload.
func (is *Issuer) sign(spec *tokenSpec, payload []byte) string {
	header := map[string]any{"typ": "JWT", "alg": "ES256", "kid": KeyES256}
	if spec.rs256 {
		header["alg"], header["kid"] = "RS256", KeyRS256
	}
	overlay(header, spec.header)
	signed := base64url(must(json.Marshal(header))) + "." + base64url(payload)
	return signed + "." + base64url(is.signature(spec, []byte(signed)))
}

func (is *Issuer) signature(spec *tokenSpec, data []byte) []byte {
	ecKey, rsaKey := is.ecKey, is.rsaKey
	if spec.forged {
		forger := NewIssuer(is.url)
		ecKey, rsaKey = forger.ecKey, forger.rsaKey
	}
	sum := sha256.Sum256(data)
	if spec.rs256 {
		return must(rsa.SignPKCS1v15(rand.Reader, rsaKey(), crypto.SHA256, sum[:]))
	}
	r, s, err := ecdsa.Sign(rand.Reader, ecKey, sum[:])
	if err != nil {
		panic(fmt.Sprintf("credtest: %v", err))
	}
	signature := make([]byte, 64) // Two numbers of 32 bytes: RFC 7518, section 3.4.
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signature
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
