// SPDX-License-Identifier: BSD-3-Clause

package jwtclaims

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // The algorithms find their hashes in a register,
	_ "crypto/sha512" // into which these put themselves.
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// VerifyError says why a signature was not found good. It holds nothing of the
// token.
type VerifyError string

// Error returns the problem, which reads on as that of [Error].
func (e VerifyError) Error() string { return string(e) }

// What can be wrong with a signature.
const (
	ErrAlgorithm VerifyError = "its alg is none of those whose signatures are verified (RS256, RS384, RS512, ES256, ES384, EdDSA)"
	ErrNoKey     VerifyError = "there is no key for its signature"
	ErrKeyUnfit  VerifyError = "the key for its signature does not fit its alg"
	ErrSignature VerifyError = "its signature is wrong"
)

// minRSABits is how long an RSA key must be (RFC 7518 section 3.3).
const minRSABits = 2048

// Verify checks the signature of a JWT with the key that the function returns for
// the token's alg and kid ("" if it has none): an [*rsa.PublicKey], an
// [*ecdsa.PublicKey] or an [ed25519.PublicKey]. The function is only asked for
// the algorithms that [ErrAlgorithm] names.
//
// What [Parse] refuses is refused with its error. Else the error wraps one of
// those above, and with [ErrNoKey] that of the function. Nothing that the token
// says is judged beyond that, not even when it expires.
//
// The token is read by Parse alone, so that nobody can make two readers find
// different algorithms in it (RFC 8725 section 2.1).
func Verify(raw string, key func(algorithm, keyID string) (crypto.PublicKey, error)) error {
	c, err := Parse(raw)
	if err != nil {
		return err
	}
	method := signingMethod(c.Algorithm)
	if method == nil {
		return ErrAlgorithm
	}
	k, err := key(c.Algorithm, c.KeyID)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	if !fits(k, c.Algorithm) {
		return ErrKeyUnfit
	}
	dot := strings.LastIndexByte(raw, '.')
	signature, err := base64.RawURLEncoding.DecodeString(raw[dot+1:])
	if err != nil || method.Verify(raw[:dot], signature, k) != nil {
		return ErrSignature
	}
	return nil
}

// signingMethod returns nil for an algorithm that is not accepted.
func signingMethod(algorithm string) jwt.SigningMethod {
	switch algorithm {
	case "RS256":
		return jwt.SigningMethodRS256
	case "RS384":
		return jwt.SigningMethodRS384
	case "RS512":
		return jwt.SigningMethodRS512
	case "ES256":
		return jwt.SigningMethodES256
	case "ES384":
		return jwt.SigningMethodES384
	case "EdDSA":
		return jwt.SigningMethodEdDSA
	}
	return nil
}

// fits reports whether a key is one for an accepted algorithm. The library would
// take any curve whose signatures are as long (RFC 7518 section 3.4).
func fits(key crypto.PublicKey, algorithm string) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(algorithm, "RS") && k != nil && k.N != nil && k.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey:
		return k != nil && (algorithm == "ES256" && k.Curve == elliptic.P256() || algorithm == "ES384" && k.Curve == elliptic.P384())
	case ed25519.PublicKey:
		return algorithm == "EdDSA" && len(k) == ed25519.PublicKeySize
	}
	return false
}
