// SPDX-License-Identifier: BSD-3-Clause

package issuer_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/issuer"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// with changes or adds members of a key, given in turn as name and JSON value;
// an empty value takes the member away.
func with(key string, members ...string) string {
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(key), &m); err != nil {
		panic(err)
	}
	for i := 0; i < len(members); i += 2 {
		if members[i+1] == "" {
			delete(m, members[i])
			continue
		}
		m[members[i]] = json.RawMessage(members[i+1])
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func ecKey(curve elliptic.Curve, name string) string {
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	point, err := k.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	half := (len(point) - 1) / 2
	return fmt.Sprintf(`{"kty":"EC","kid":"k","crv":%q,"x":%q,"y":%q}`, name, b64(point[1:1+half]), b64(point[1+half:]))
}

func rsaJWK(n *big.Int, e int64) string {
	return fmt.Sprintf(`{"kty":"RSA","kid":"k","n":%q,"e":%q}`, b64(n.Bytes()), b64(big.NewInt(e).Bytes()))
}

// modulus returns an odd number of so many bits, which is all that shows of an
// RSA key.
func modulus(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return n.SetBit(n, 0, 1)
}

// material is keys that are made once, since that takes time.
var material = sync.OnceValue(func() (m struct{ p256, other, p384, p521, ed, rsa string }) {
	m.p256, m.other = ecKey(elliptic.P256(), "P-256"), ecKey(elliptic.P256(), "P-256")
	m.p384, m.p521 = ecKey(elliptic.P384(), "P-384"), ecKey(elliptic.P521(), "P-521")
	pub, _, _ := ed25519.GenerateKey(rand.Reader)
	m.ed = fmt.Sprintf(`{"kty":"OKP","kid":"k","crv":"Ed25519","x":%q}`, b64(pub))
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	m.rsa = rsaJWK(k.N, int64(k.E))
	return m
})

func set(keys ...string) []byte { return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`) }

func parse(t *testing.T, keys ...string) issuer.KeySet {
	t.Helper()
	s, err := issuer.ParseKeySet(set(keys...))
	require.NoError(t, err)
	return s
}

func TestAKeyServesTheAlgorithmsOfItsType(t *testing.T) {
	t.Parallel()
	m := material()
	tests := map[string]struct {
		key  string
		algs []string
	}{
		"P-256":                      {m.p256, []string{"ES256"}},
		"P-384":                      {m.p384, []string{"ES384"}},
		"Ed25519":                    {m.ed, []string{"EdDSA"}},
		"RSA":                        {m.rsa, []string{"RS256", "RS384", "RS512"}},
		"RSA of 2048 bits":           {rsaJWK(modulus(2048), 65537), []string{"RS256", "RS384", "RS512"}},
		"RSA of 4096 bits":           {rsaJWK(modulus(4096), 3), []string{"RS256", "RS384", "RS512"}},
		"RSA for RS384":              {with(m.rsa, "alg", `"RS384"`), []string{"RS384"}},
		"P-256 for ES256":            {with(m.p256, "alg", `"ES256"`), []string{"ES256"}},
		"Ed25519 by its new name":    {with(m.ed, "alg", `"Ed25519"`), []string{"EdDSA"}},
		"for signatures":             {with(m.p256, "use", `"sig"`), []string{"ES256"}},
		"to verify":                  {with(m.p256, "key_ops", `["verify"]`), []string{"ES256"}},
		"with a broken certificate":  {with(m.p256, "x5c", `["AAAA"]`, "x5t", `"?"`, "x5u", `"::"`), []string{"ES256"}},
		"with members nobody knows":  {with(m.p256, "iat", `7`, "nbf", `{}`), []string{"ES256"}},
		"P-521":                      {m.p521, nil},
		"for encryption":             {with(m.p256, "use", `"enc"`), nil},
		"to sign":                    {with(m.p256, "key_ops", `["sign"]`), nil},
		"for PS256":                  {with(m.rsa, "alg", `"PS256"`), nil},
		"for RSA-OAEP":               {with(m.rsa, "alg", `"RSA-OAEP"`), nil},
		"of a type nobody knows":     {`{"kty":"LATTICE","kid":"k","d":"AA"}`, nil},
		"of a curve nobody knows":    {with(m.p256, "crv", `"secp256k1"`), nil},
		"for key agreement (X25519)": {with(m.ed, "crv", `"X25519"`), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := parse(t, tt.key)
			var serves []string
			for _, alg := range []string{"RS256", "RS384", "RS512", "ES256", "ES384", "EdDSA", "PS256", "ES512", "HS256", "none", ""} {
				if k, _ := s.Find(alg, "k"); k != nil {
					serves = append(serves, alg)
				}
			}
			assert.Equal(t, tt.algs, serves)
			n, refused := s.Usable()
			assert.Equal(t, tt.algs != nil, n == 1)
			assert.Empty(t, refused, "that is none of our business, not a fault")
		})
	}
}

// RFC 7515 section 2 forbids padding; issuers of the field wrote it all the same.
func TestPaddingIsTakenOff(t *testing.T) {
	t.Parallel()
	var m map[string]string
	require.NoError(t, json.Unmarshal([]byte(material().p256), &m))
	m["x"], m["y"] = m["x"]+"=", m["y"]+"="
	raw, err := json.Marshal(m)
	require.NoError(t, err)
	k, problem := parse(t, string(raw)).Find("ES256", "k")
	assert.NotNil(t, k, problem)
}

func TestAKeyThatMustNotBeUsedIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	m := material()
	tests := map[string]struct{ key, want string }{
		"RSA of 1024 bits":     {rsaJWK(modulus(1024), 65537), "k: is an RSA key of 1024 bits, at least 2048 are needed"},
		"RSA of 2047 bits":     {rsaJWK(modulus(2047), 65537), "k: is an RSA key of 2047 bits, at least 2048 are needed"},
		"RSA of 4097 bits":     {rsaJWK(modulus(4097), 65537), "k: is an RSA key of 4097 bits, at most 4096 are accepted"},
		"RSA, exponent 1":      {rsaJWK(modulus(2048), 1), "k: is broken: invalid RSA key, bad e value"},
		"RSA, exponent 2":      {rsaJWK(modulus(2048), 2), "k: is no RSA key: modulus or exponent cannot be"},
		"RSA, even exponent":   {rsaJWK(modulus(2048), 65536), "k: is no RSA key: modulus or exponent cannot be"},
		"RSA, even modulus":    {rsaJWK(new(big.Int).Lsh(big.NewInt(1), 2047), 3), "k: is no RSA key: modulus or exponent cannot be"},
		"RSA, vast exponent":   {with(m.rsa, "e", `"AQAAAAAAAAAAAQ"`), "k: is broken: invalid RSA key, bad e value"},
		"RSA without modulus":  {with(m.rsa, "n", ""), "k: is broken: invalid RSA key, missing n/e values"},
		"not on the curve":     {with(m.p256, "y", `"`+b64(make([]byte, 32))+`"`), "k: is broken: invalid EC key, X/Y are not on declared curve"},
		"short coordinate":     {with(m.p256, "x", `"`+b64(make([]byte, 31))+`"`), "k: is broken: invalid EC public key, wrong length for x"},
		"not base64url":        {with(m.p256, "x", `"+/+/"`), "k: is broken: illegal base64 data at input byte 0"},
		"short Ed25519":        {with(m.ed, "x", `"AAAA"`), "k: is broken: "},
		"Ed25519 of low order": {with(m.ed, "x", `"`+b64(make([]byte, 32))+`"`), "k: is broken: invalid Ed25519 public key, low-order point"},
		"EC private":           {with(m.p256, "d", `"AAAA"`), "k: was published with its private part: anybody can sign with it"},
		"RSA private, by p":    {with(m.rsa, "p", `"AAAA"`), "k: was published with its private part: anybody can sign with it"},
		"private, empty":       {with(m.ed, "d", `null`), "k: was published with its private part: anybody can sign with it"},
		"shared secret":        {`{"kty":"oct","kid":"k","k":"AAAA"}`, "k: was published with its private part: anybody can sign with it"},
		"RSA for ES256":        {with(m.rsa, "alg", `"ES256"`), "k: is of another type than its algorithm ES256 needs"},
		"P-384 for ES256":      {with(m.p384, "alg", `"ES256"`), "k: is of another type than its algorithm ES256 needs"},
		"no type":              {with(m.rsa, "kty", ""), "k: does not say of what type it is (kty)"},
		"kid is a number":      {with(m.rsa, "kid", "7"), ": has a member kid that is not a string"},
		"alg is a list":        {with(m.rsa, "alg", "[]"), "k: has a member alg that is not a string"},
		"a member twice":       {`{"kty":"RSA","kty":"EC"}`, ": names a member twice"},
		"not an object":        {`7`, ": is not a JSON object"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := parse(t, tt.key, with(m.other, "kid", `"good"`))
			n, refused := s.Usable()
			assert.Equal(t, 1, n, "one bad key does not spoil the others")
			require.Len(t, refused, 1)
			assert.Contains(t, refused[0], tt.want)
		})
	}
}

func TestARefusedKeyIsToldFromAMissingOne(t *testing.T) {
	t.Parallel()
	s := parse(t, rsaJWK(modulus(1024), 65537), with(material().p256, "kid", `"good"`))
	k, problem := s.Find("RS256", "k")
	assert.Nil(t, k)
	assert.Equal(t, `the key "k", which must not be used: it is an RSA key of 1024 bits, at least 2048 are needed`, problem)
	k, problem = s.Find("ES256", "x")
	assert.Nil(t, k)
	assert.Equal(t, `no key "x" for ES256; its keys are "good" (P-256)`, problem)
}

func TestKeysOfOneNameAreToldApartByTypeAndAlgorithm(t *testing.T) {
	t.Parallel()
	m := material()
	s := parse(t, m.rsa, m.p256, m.ed, with(m.other, "alg", `"ES256"`))
	for _, alg := range []string{"RS256", "EdDSA"} {
		k, problem := s.Find(alg, "k")
		assert.NotNil(t, k, problem)
	}
	k, _ := s.Find("ES256", "k")
	want, _ := parse(t, m.other).Find("ES256", "k")
	assert.Equal(t, want, k, "a key that says what it is for goes first")

	k, problem := parse(t, m.p256, m.other).Find("ES256", "k")
	assert.Nil(t, k)
	assert.Equal(t, `2 different keys for ES256 by the name "k"`, problem)
	k, problem = parse(t, m.p256, m.p256).Find("ES256", "k")
	assert.NotNil(t, k, problem, "the same key twice is one key")
}

func TestATokenWithoutKeyIDNeedsExactlyOneKey(t *testing.T) {
	t.Parallel()
	m := material()
	k, problem := parse(t, m.rsa, m.p256).Find("ES256", "")
	assert.NotNil(t, k, problem)
	k, problem = parse(t, with(m.p256, "alg", `"ES256"`), with(m.other, "kid", `"o"`)).Find("ES256", "")
	assert.Nil(t, k)
	assert.Equal(t, "2 keys for ES256, and the token does not say which one (kid)", problem)
	k, problem = parse(t, m.rsa).Find("ES256", "")
	assert.Nil(t, k)
	assert.Equal(t, `no key for ES256; its keys are "k" (RSA)`, problem)
	k, problem = parse(t).Find("ES256", "")
	assert.Nil(t, k)
	assert.Equal(t, "no key for ES256; it publishes none that could be used", problem)
}

func TestAMessageNamesAFewKeys(t *testing.T) {
	t.Parallel()
	var keys []string
	for i := range 9 {
		keys = append(keys, with(material().p256, "kid", fmt.Sprintf(`"k%d\u001b[31m"`, i)))
	}
	_, problem := parse(t, keys...).Find("ES256", strings.Repeat("x", 5000))
	assert.Contains(t, problem, "4 more")
	assert.Less(t, len(problem), 500)
	assert.NotContains(t, problem, "\x1b")
}

func TestWhatIsNoKeySet(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                      "is empty",
		" \n":                   "is empty",
		"<!DOCTYPE html>":       "is a web page where JSON should be",
		"\n <html>":             "is a web page where JSON should be",
		"[]":                    "is not a JSON object",
		"{":                     "is broken JSON",
		`{"keys":[]}{}`:         "goes on after its end",
		`{"keys":[],"keys":[]}`: "names a member twice",
		`{}`:                    "has no keys member",
		`{"Keys":[]}`:           "has no keys member",
		`{"keys":{}}`:           "has a keys member that is not a list",
		`{"keys":null}`:         "has a keys member that is not a list",
		"{\"keys\":[\"\xff\"]}": "is not UTF-8",
		`{"keys":[` + strings.Repeat("{},", issuer.MaxKeys) + `{}]}`: "lists 257 keys, at most 256 are read",
	} {
		_, err := issuer.ParseKeySet([]byte(in))
		assert.EqualError(t, err, want, "%.40q", in)
	}
}

func TestAnEmptySetIsASet(t *testing.T) {
	t.Parallel()
	n, refused := parse(t).Usable()
	assert.Zero(t, n)
	assert.Empty(t, refused)
}
