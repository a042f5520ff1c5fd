// SPDX-License-Identifier: BSD-3-Clause

package issuer

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/scicred/scicred/internal/bearer/strictjson"
)

// Bounds of what a set of keys may hold. Real ones have two or three keys.
const (
	maxKeys    = 256
	minRSABits = 2048 // RFC 7518 section 3.3
	maxRSABits = 4096 // go-jose's own limit; beyond, one signature takes milliseconds
)

// jwk is a public key as RFC 7517 writes it, with those members that say
// something here.
type jwk struct {
	Type      string `json:"kty"`
	ID        string `json:"kid,omitempty"`
	Algorithm string `json:"alg,omitempty"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
}

// key is a key that signatures can be checked with.
type key struct {
	jwk
	public crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// refusedKey is a key that the issuer means for signatures and that must not be
// used for any.
type refusedKey struct {
	ID      string `json:"kid,omitempty"`
	Problem string `json:"problem"` // reads on after the key's name
}

// keySet is what an issuer publishes, with what is of no use here left out.
type keySet struct {
	keys    []key
	refused []refusedKey
}

// parseKeySet reads a JWK Set (RFC 7517 section 5). A key that cannot be used
// does not spoil the others, as that section says. The error reads on after the
// set's name.
func parseKeySet(data []byte) (*keySet, error) {
	members, err := object(data)
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if raw, ok := members["keys"]; !ok {
		return nil, errors.New("has no keys member")
	} else if json.Unmarshal(raw, &list) != nil || list == nil {
		return nil, errors.New("has a keys member that is not a list")
	}
	if len(list) > maxKeys {
		return nil, fmt.Errorf("lists %d keys, at most %d are read", len(list), maxKeys)
	}
	set := &keySet{}
	for _, raw := range list {
		k, no := parseKey(raw)
		switch {
		case k != nil:
			set.keys = append(set.keys, *k)
		case no != nil:
			set.refused = append(set.refused, *no)
		}
	}
	return set, nil
}

// object reads a JSON object. The error reads on after the document's name.
func object(data []byte) (map[string]json.RawMessage, error) {
	if trimmed := bytes.TrimSpace(data); len(trimmed) == 0 {
		return nil, errors.New("is empty")
	} else if trimmed[0] == '<' {
		return nil, errors.New("is a web page where JSON should be")
	}
	return strictjson.Object(data)
}

// parseKey reads one key. It returns neither a key nor a refusal for what is
// none of our business: a key for encryption, for an algorithm that is not
// accepted, or of a type that is not known.
func parseKey(raw json.RawMessage) (*key, *refusedKey) {
	members, err := strictjson.Object(raw)
	if err != nil {
		return nil, &refusedKey{Problem: err.Error()}
	}
	var k key
	var use string
	no := func(format string, args ...any) (*key, *refusedKey) {
		return nil, &refusedKey{ID: k.ID, Problem: fmt.Sprintf(format, args...)}
	}
	for _, m := range []struct {
		name string
		to   *string
	}{{"kid", &k.ID}, {"kty", &k.Type}, {"alg", &k.Algorithm}, {"use", &use}, {"crv", &k.Curve}, {"x", &k.X}, {"y", &k.Y}, {"n", &k.N}, {"e", &k.E}} {
		value, ok := members[m.name]
		if ok && json.Unmarshal(value, m.to) != nil {
			return no("has a member %s that is not a string", m.name)
		}
	}
	switch k.Type {
	case "":
		return no("does not say of what type it is (kty)")
	case "RSA", "EC", "OKP", "oct":
	default:
		return nil, nil
	}
	if use != "" && use != "sig" || !mayVerify(members["key_ops"]) {
		return nil, nil
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, ok := members[private]; ok {
			return no("was published with its private part: anybody can sign with it")
		}
	}
	switch k.Type + " " + k.Curve {
	case "RSA ", "EC P-256", "EC P-384", "OKP Ed25519":
	default:
		return nil, nil
	}
	if bits := k.bits(); k.Type == "RSA" && bits > maxRSABits {
		return no("is an RSA key of %d bits, at most %d are accepted", bits, maxRSABits)
	}
	if k.public, err = k.decode(); err != nil {
		return no("is broken: %v", err)
	}
	if r, ok := k.public.(*rsa.PublicKey); ok {
		switch bits := r.N.BitLen(); {
		case bits < minRSABits:
			return no("is an RSA key of %d bits, at least %d are needed", bits, minRSABits)
		case r.N.Bit(0) == 0 || r.E < 3 || r.E%2 == 0:
			return no("is no RSA key: modulus or exponent cannot be")
		}
	}
	if k.Algorithm == "Ed25519" { // RFC 9864 names EdDSA by its curve.
		k.Algorithm = "EdDSA"
	}
	switch {
	case k.Algorithm == "" || fits(k.public, k.Algorithm):
		return &k, nil
	case accepted(k.Algorithm):
		return no("is of another type than its algorithm %s needs", k.Algorithm)
	}
	return nil, nil // for an algorithm that is not accepted
}

// mayVerify reads key_ops (RFC 7517 section 4.3).
func mayVerify(raw json.RawMessage) bool {
	if raw == nil {
		return true
	}
	var ops []string
	return json.Unmarshal(raw, &ops) == nil && slices.Contains(ops, "verify")
}

// decode makes the key. Padding, which RFC 7515 section 2 forbids, is taken off:
// issuers of the field wrote it for years, and there is no second reading.
func (k *jwk) decode() (public crypto.PublicKey, err error) {
	defer func() {
		if recover() != nil { // A parser of others must not take the program down.
			public, err = nil, errors.New("it makes the parser fail")
		}
	}()
	bare := jwk{Type: k.Type, Curve: k.Curve}
	for _, m := range []struct{ to, from *string }{{&bare.X, &k.X}, {&bare.Y, &k.Y}, {&bare.N, &k.N}, {&bare.E, &k.E}} {
		*m.to = strings.TrimRight(*m.from, "=")
	}
	data, err := json.Marshal(bare)
	if err != nil {
		return nil, err
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(data); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "go-jose/go-jose: "))
	}
	return parsed.Key, nil
}

// bits returns how long an RSA modulus is, as far as it can be read.
func (k *jwk) bits() int {
	n, _ := base64.RawURLEncoding.DecodeString(strings.TrimRight(k.N, "="))
	return new(big.Int).SetBytes(n).BitLen()
}

// accepted reports whether tokens may be signed in this way. HS256 and its kin
// would make a secret of the public key; none is no signature.
func accepted(algorithm string) bool {
	switch algorithm {
	case "RS256", "RS384", "RS512", "ES256", "ES384", "EdDSA":
		return true
	}
	return false
}

// fits reports whether the key is of the type that an algorithm needs (RFC 7518
// section 3.1, RFC 8037 section 3.1).
func fits(public crypto.PublicKey, algorithm string) bool {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return slices.Contains([]string{"RS256", "RS384", "RS512"}, algorithm)
	case *ecdsa.PublicKey:
		return k.Curve == elliptic.P256() && algorithm == "ES256" || k.Curve == elliptic.P384() && algorithm == "ES384"
	case ed25519.PublicKey:
		return algorithm == "EdDSA"
	}
	return false
}

// find returns the one key of that name for that algorithm; without a name, the
// one key for that algorithm. What it returns in place of a key reads on after
// "it publishes".
func (s *keySet) find(algorithm, keyID string) (public crypto.PublicKey, problem string) {
	var exact, open []crypto.PublicKey
	for i := range s.keys {
		k := &s.keys[i]
		switch {
		case keyID != "" && k.ID != keyID || !fits(k.public, algorithm):
		case k.Algorithm == algorithm:
			exact = add(exact, k.public)
		case k.Algorithm == "":
			open = add(open, k.public)
		}
	}
	found := exact
	if keyID == "" || len(exact) == 0 {
		for _, k := range open {
			found = add(found, k)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], ""
	case len(found) > 1 && keyID == "":
		return nil, fmt.Sprintf("%d keys for %s, and the token does not say which one (kid)", len(found), algorithm)
	case len(found) > 1:
		return nil, fmt.Sprintf("%d different keys for %s by the name %s", len(found), algorithm, quote(keyID))
	}
	for _, r := range s.refused {
		if r.ID == keyID {
			return nil, fmt.Sprintf("the key %s, which must not be used: it %s", quote(keyID), r.Problem)
		}
	}
	if keyID == "" {
		return nil, fmt.Sprintf("no key for %s; %s", algorithm, s.names())
	}
	return nil, fmt.Sprintf("no key %s for %s; %s", quote(keyID), algorithm, s.names())
}

// add adds a key that is not there yet: the same key twice is one key.
func add(list []crypto.PublicKey, public crypto.PublicKey) []crypto.PublicKey {
	for _, k := range list {
		if k.(interface{ Equal(crypto.PublicKey) bool }).Equal(public) {
			return list
		}
	}
	return append(list, public)
}

// names says which keys there are; not too many of them.
func (s *keySet) names() string {
	const most = 5
	var list []string
	for i := range s.keys {
		if i == most {
			list = append(list, fmt.Sprintf("%d more", len(s.keys)-most))
			break
		}
		list = append(list, fmt.Sprintf("%s (%s)", quote(s.keys[i].ID), s.keys[i].purpose()))
	}
	if list == nil {
		return "it publishes none that could be used"
	}
	return "its keys are " + strings.Join(list, ", ")
}

// purpose names what a key is for.
func (k *key) purpose() string {
	switch {
	case k.Algorithm != "":
		return k.Algorithm
	case k.Type == "RSA":
		return k.Type
	}
	return k.Curve
}
