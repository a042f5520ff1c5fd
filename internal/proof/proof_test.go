// SPDX-License-Identifier: BSD-3-Clause

package proof_test

import (
	"context"
	"crypto"
	"errors"
	"testing"
	"testing/synctest"
	"time"

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
	return tryAt(p, 0, token, key)
}

func tryAt(p *proof.Proof, at time.Duration, token string, key keyFunc) (asked, changed bool) {
	changed = p.Try(token, time.Unix(0, 0).Add(at), func(algorithm, keyID string) (crypto.PublicKey, error) {
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

func TestAKeyThatCannotBeHadIsAskedForAgainAfterAPause(t *testing.T) {
	t.Parallel()
	is := credtest.NewIssuer("https://issuer.example.org")
	token := is.SciToken(nil)
	var p proof.Proof
	_, changed := try(&p, token, away)
	assert.True(t, changed)
	require.ErrorIs(t, p.Err(), errAway)
	asked, changed := tryAt(&p, proof.Pause-1, token, of(is))
	assert.False(t, asked || changed)
	asked, changed = tryAt(&p, proof.Pause, token, away)
	assert.True(t, asked)
	assert.False(t, changed, "it says the same")
	_, changed = tryAt(&p, 2*proof.Pause, token, func(string, string) (crypto.PublicKey, error) { return nil, errors.New("something else") })
	assert.True(t, changed)
	_, changed = tryAt(&p, 3*proof.Pause, token, of(is))
	assert.True(t, changed)
	assert.NoError(t, p.Err())
}

// question asks for a signature with a function for the key.
func question(p *proof.Proof, token string, key func(context.Context) (crypto.PublicKey, error)) proof.Question {
	return proof.Question{Proof: p, Token: token, Key: func(ctx context.Context, _, _ string) (crypto.PublicKey, error) { return key(ctx) }}
}

func TestAnIssuerThatHangsHoldsNobodyUpForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		is := credtest.NewIssuer("https://issuer.example.org")
		good := func(context.Context) (crypto.PublicKey, error) { return is.PublicKey(credtest.KeyES256), nil }
		hangs := func(ctx context.Context) (crypto.PublicKey, error) { <-ctx.Done(); return nil, ctx.Err() }
		deaf := make(chan struct{})
		defer close(deaf)
		never := func(context.Context) (crypto.PublicKey, error) { <-deaf; return nil, errAway }
		token, begun := is.SciToken(nil), time.Now()
		var a, b, c proof.Proof
		all := []proof.Question{question(&a, token, hangs), question(&b, token, never), question(&c, token, good)}
		assert.True(t, proof.All(t.Context(), time.Now(), all))
		assert.Equal(t, proof.Patience, time.Since(begun), "all are asked at once")
		synctest.Wait()
		require.NoError(t, c.Err())
		require.ErrorIs(t, a.Err(), context.DeadlineExceeded)
		require.ErrorIs(t, b.Err(), proof.ErrUntried)

		begun = time.Now()
		assert.False(t, proof.All(t.Context(), time.Now(), all[:1]), "it is left alone for a while")
		assert.Zero(t, time.Since(begun))
	})
}

func TestAVerifierThatPanicsEndsNothing(t *testing.T) {
	t.Parallel()
	is := credtest.NewIssuer("https://issuer.example.org")
	var p proof.Proof
	try(&p, is.SciToken(nil), func(string, string) (crypto.PublicKey, error) { panic("secret-in-a-panic") })
	require.ErrorIs(t, p.Err(), proof.ErrPanicked)
	assert.NotContains(t, p.Err().Error(), "secret")
	tryAt(&p, proof.Pause, is.SciToken(nil), of(is))
	assert.NoError(t, p.Err(), "nor is it for good")
}
