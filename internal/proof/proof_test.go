// SPDX-License-Identifier: BSD-3-Clause

package proof_test

import (
	"crypto"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/jwtclaims"
	"github.com/scicred/scicred/internal/proof"
)

var errAway = errors.New("the issuer is away")

type keyFunc func(algorithm, keyID string) (crypto.PublicKey, error)

// try tries with a function for keys, and reports whether it was asked.
func try(p *proof.Proof, token string, key keyFunc) (asked, changed bool) {
	changed = p.Try(token, func(algorithm, keyID string) (crypto.PublicKey, error) {
		asked = true
		return key(algorithm, keyID)
	})
	return asked, changed
}

func of(is *credtest.Issuer) keyFunc {
	return func(_, keyID string) (crypto.PublicKey, error) { return is.PublicKey(keyID), nil }
}

func away(string, string) (crypto.PublicKey, error) { return nil, errAway }

func TestWhatNobodyAsksForIsNoError(t *testing.T) {
	t.Parallel()
	var p *proof.Proof
	require.NoError(t, p.Err())
	asked, changed := try(p, "no token", away)
	assert.False(t, asked || changed)
}

func TestASignatureIsNotGoodBeforeItWasVerified(t *testing.T) {
	t.Parallel()
	var p proof.Proof
	assert.ErrorIs(t, p.Err(), proof.ErrUntried)
}

func TestAGoodSignatureIsVerifiedOnce(t *testing.T) {
	t.Parallel()
	is := credtest.NewIssuer("https://issuer.example.org")
	token := is.SciToken(nil)
	var p proof.Proof
	_, changed := try(&p, token, of(is))
	assert.True(t, changed)
	require.NoError(t, p.Err())
	asked, changed := try(&p, token, away)
	assert.False(t, asked || changed)
	require.NoError(t, p.Err())
}

func TestABadSignatureStaysBad(t *testing.T) {
	t.Parallel()
	is, other := credtest.NewIssuer("https://issuer.example.org"), credtest.NewIssuer("https://issuer.example.org")
	token := other.SciToken(nil)
	var p proof.Proof
	_, changed := try(&p, token, of(is))
	assert.True(t, changed)
	require.ErrorIs(t, p.Err(), jwtclaims.ErrSignature)
	asked, changed := try(&p, token, of(other))
	assert.False(t, asked || changed)
	require.ErrorIs(t, p.Err(), jwtclaims.ErrSignature)
}

func TestAKeyThatCannotBeHadIsAskedForAgain(t *testing.T) {
	t.Parallel()
	is := credtest.NewIssuer("https://issuer.example.org")
	token := is.SciToken(nil)
	var p proof.Proof
	_, changed := try(&p, token, away)
	assert.True(t, changed)
	require.ErrorIs(t, p.Err(), errAway)
	asked, changed := try(&p, token, away)
	assert.True(t, asked)
	assert.False(t, changed, "it says the same")
	_, changed = try(&p, token, func(string, string) (crypto.PublicKey, error) { return nil, errors.New("something else") })
	assert.True(t, changed)
	_, changed = try(&p, token, of(is))
	assert.True(t, changed)
	assert.NoError(t, p.Err())
}

func TestAVerifierThatPanicsEndsNothing(t *testing.T) {
	t.Parallel()
	is := credtest.NewIssuer("https://issuer.example.org")
	var p proof.Proof
	try(&p, is.SciToken(nil), func(string, string) (crypto.PublicKey, error) { panic("secret-in-a-panic") })
	require.ErrorIs(t, p.Err(), proof.ErrPanicked)
	assert.NotContains(t, p.Err().Error(), "secret")
	try(&p, is.SciToken(nil), of(is))
	assert.NoError(t, p.Err(), "nor is it for good")
}
