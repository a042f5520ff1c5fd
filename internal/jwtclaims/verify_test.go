// SPDX-License-Identifier: BSD-3-Clause

package jwtclaims_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/jwtclaims"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// keys are one of each kind, and a second RSA one.
var keys = sync.OnceValue(func() map[string]crypto.Signer {
	return map[string]crypto.Signer{
		"RSA":     must(rsa.GenerateKey(rand.Reader, 2048)),
		"other":   must(rsa.GenerateKey(rand.Reader, 2048)),
		"small":   must(rsa.GenerateKey(rand.Reader, 1024)),
		"P-256":   must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		"P-384":   must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		"P-521":   must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)),
		"Ed25519": must2(ed25519.GenerateKey(rand.Reader)),
	}
})

func must2(_ ed25519.PublicKey, key ed25519.PrivateKey, err error) ed25519.PrivateKey {
	return must(key, err)
}

// kinds are the algorithms that are accepted, with a key of theirs.
var kinds = map[string]string{
	"RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "ES256": "P-256", "ES384": "P-384", "EdDSA": "Ed25519",
}

// signed makes a token with the library's own algorithms.
func signed(t *testing.T, algorithm string, key any) string {
	t.Helper()
	tok := jwt.NewWithClaims(jwt.GetSigningMethod(algorithm), jwt.MapClaims{"iss": "https://i.example", "sub": hidden, "exp": 1})
	tok.Header["kid"] = "k1"
	raw, err := tok.SignedString(key)
	require.NoError(t, err)
	return raw
}

// always returns that key for every token.
func always(key crypto.PublicKey) func(string, string) (crypto.PublicKey, error) {
	return func(string, string) (crypto.PublicKey, error) { return key, nil }
}

func TestVerifyTakesEachAcceptedAlgorithm(t *testing.T) {
	t.Parallel()
	for algorithm, kind := range kinds {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			key := keys()[kind]
			asked := 0
			require.NoError(t, jwtclaims.Verify(signed(t, algorithm, key), func(alg, kid string) (crypto.PublicKey, error) {
				asked++
				assert.Equal(t, algorithm, alg)
				assert.Equal(t, "k1", kid)
				return key.Public(), nil
			}), "expiry is not judged")
			assert.Equal(t, 1, asked)
		})
	}
}

// RFC 7515 appendix A.3: a token that other software made.
func TestVerifyTakesTheExampleOfTheSpecification(t *testing.T) {
	t.Parallel()
	const example = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ." +
		"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	point := []byte{4} // not compressed
	for _, coordinate := range []string{"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"} {
		point = append(point, must(base64.RawURLEncoding.DecodeString(coordinate))...)
	}
	key := must(ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point))
	require.NoError(t, jwtclaims.Verify(example, func(_, kid string) (crypto.PublicKey, error) {
		assert.Empty(t, kid)
		return key, nil
	}))
	require.ErrorIs(t, jwtclaims.Verify(strings.Replace(example, "qb2Ui", "qb2Yi", 1), always(key)), jwtclaims.ErrSignature)
}

func TestVerifyRefusesWrongSignatures(t *testing.T) {
	t.Parallel()
	for algorithm, kind := range kinds {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			key := keys()[kind]
			raw := signed(t, algorithm, key)
			dot := strings.LastIndexByte(raw, '.')
			signature := must(base64.RawURLEncoding.DecodeString(raw[dot+1:]))
			with := func(signature []byte) string { return raw[:dot+1] + base64.RawURLEncoding.EncodeToString(signature) }
			flipped := append([]byte(nil), signature...)
			flipped[0] ^= 1
			parts := strings.Split(raw, ".")
			for name, text := range map[string]string{
				"one bit off":       with(flipped),
				"cut short by one":  with(signature[:len(signature)-1]),
				"cut to half":       with(signature[:len(signature)/2]),
				"of one byte":       with([]byte{1}),
				"of nothing but 0":  with(make([]byte, len(signature))),
				"one byte too many": with(append(append([]byte(nil), signature...), 0)),
				"of other claims":   parts[0] + "." + b64(`{"iss":"https://evil.example"}`) + "." + parts[2],
				"of another header": b64(`{"alg":"`+algorithm+`","kid":"k1" }`) + "." + parts[1] + "." + parts[2],
			} {
				err := jwtclaims.Verify(text, always(key.Public()))
				require.ErrorIs(t, err, jwtclaims.ErrSignature, name)
				assert.Equal(t, "its signature is wrong", err.Error(), name)
			}
		})
	}
	forged := signed(t, "RS256", keys()["other"])
	require.ErrorIs(t, jwtclaims.Verify(forged, always(keys()["RSA"].Public())), jwtclaims.ErrSignature)
}

// RFC 8725 section 3.1: the token does not choose the algorithm.
func TestVerifyRefusesOtherAlgorithms(t *testing.T) {
	t.Parallel()
	never := func(string, string) (crypto.PublicKey, error) {
		assert.Fail(t, "asked for a key")
		return nil, nil
	}
	public := keys()["RSA"].Public()
	der := must(x509.MarshalPKIXPublicKey(public))
	for name, raw := range map[string]string{
		"PS256":      signed(t, "PS256", keys()["RSA"]),
		"PS512":      signed(t, "PS512", keys()["RSA"]),
		"ES512":      signed(t, "ES512", keys()["P-521"]),
		"lower case": b64(`{"alg":"rs256"}`) + "." + b64(`{"iss":"i"}`) + ".c2ln",
		"unknown":    b64(`{"alg":"ML-DSA-65"}`) + "." + b64(`{"iss":"i"}`) + ".c2ln",
	} {
		require.ErrorIs(t, jwtclaims.Verify(raw, never), jwtclaims.ErrAlgorithm, name)
	}
	// What Parse refuses has its error.
	for name, raw := range map[string]string{
		"none":                            signed(t, "none", jwt.UnsafeAllowNoneSignatureType) + "c2ln",
		"none, no signature":              signed(t, "none", jwt.UnsafeAllowNoneSignatureType),
		"HMAC with the public key":        signed(t, "HS256", der),
		"HMAC with the public key as PEM": signed(t, "HS256", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"HS512":                           signed(t, "HS512", der),
		"alg twice":                       b64(`{"alg":"ES256","alg":"RS256"}`) + "." + b64(`{"iss":"i"}`) + ".c2ln",
		"no token":                        "s3cret",
	} {
		err := jwtclaims.Verify(raw, never)
		var e *jwtclaims.Error
		require.ErrorAs(t, err, &e, name)
		assert.NotContains(t, err.Error(), hidden, name)
	}
}

func TestVerifyRefusesKeysThatDoNotFit(t *testing.T) {
	t.Parallel()
	public := func(name string) crypto.PublicKey { return keys()[name].Public() }
	tests := []struct {
		name, algorithm, signer string
		key                     crypto.PublicKey
	}{
		{"RSA for ES256", "ES256", "P-256", public("RSA")},
		{"RSA for EdDSA", "EdDSA", "Ed25519", public("RSA")},
		{"ECDSA for RS256", "RS256", "RSA", public("P-256")},
		{"ECDSA for EdDSA", "EdDSA", "Ed25519", public("P-256")},
		{"Ed25519 for RS256", "RS256", "RSA", public("Ed25519")},
		{"Ed25519 for ES256", "ES256", "P-256", public("Ed25519")},
		{"P-384 for ES256", "ES256", "P-256", public("P-384")},
		{"P-256 for ES384", "ES384", "P-384", public("P-256")},
		{"P-521 for ES384", "ES384", "P-384", public("P-521")},
		{"too small an RSA key", "RS256", "small", public("small")},
		{"a private key", "RS256", "RSA", keys()["RSA"]},
		{"an RSA key by value", "RS256", "RSA", *public("RSA").(*rsa.PublicKey)}, //nolint:forcetypeassert // It is one.
		{"bytes", "RS256", "RSA", []byte("key")},
		{"half an Ed25519 key", "EdDSA", "Ed25519", ed25519.PublicKey(make([]byte, 16))},
		{"none", "RS256", "RSA", nil},
		{"no RSA key", "RS256", "RSA", (*rsa.PublicKey)(nil)},
		{"an empty RSA key", "RS256", "RSA", &rsa.PublicKey{}},
		{"no ECDSA key", "ES256", "P-256", (*ecdsa.PublicKey)(nil)},
		{"an empty ECDSA key", "ES256", "P-256", &ecdsa.PublicKey{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, jwtclaims.Verify(signed(t, tt.algorithm, keys()[tt.signer]), always(tt.key)), jwtclaims.ErrKeyUnfit)
		})
	}
}

func TestVerifyPassesOnWhyThereIsNoKey(t *testing.T) {
	t.Parallel()
	cause := errors.New("the issuer cannot be reached")
	err := jwtclaims.Verify(signed(t, "RS256", keys()["RSA"]), func(string, string) (crypto.PublicKey, error) { return keys()["RSA"].Public(), cause })
	require.ErrorIs(t, err, jwtclaims.ErrNoKey)
	require.ErrorIs(t, err, cause)
	require.NotErrorIs(t, err, jwtclaims.ErrSignature)
	assert.Equal(t, "there is no key for its signature: the issuer cannot be reached", err.Error())
}
