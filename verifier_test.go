// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"context"
	"crypto"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

// verifier knows the keys of one issuer.
type verifier struct {
	is    *credtest.Issuer
	asked atomic.Int32
	err   atomic.Pointer[error]
}

func (v *verifier) Key(ctx context.Context, issuer, _, keyID string) (crypto.PublicKey, error) {
	v.asked.Add(1)
	if err := v.err.Load(); err != nil {
		return nil, *err
	}
	if issuer != v.is.URL() {
		return nil, errors.New("that issuer is not to be believed")
	}
	return v.is.PublicKey(keyID), ctx.Err()
}

func withVerifier(v scicred.Verifier) scicred.Option {
	return scicred.WithTokenPolicy(scicred.TokenPolicy{Verifier: v})
}

func TestADiscoveredTokenIsUsedOnlyIfItsSignatureIsGood(t *testing.T) {
	t.Parallel()
	good, forger, other := issuer(), issuer(), credtest.NewIssuer("https://other.example.org")
	for name, tt := range map[string]struct {
		first  string
		second bool // the second place is used
		says   string
	}{
		"good":           {good.SciToken(credtest.Claims{"aud": "ANY"}), false, ""},
		"good, with RSA": {good.SciToken(credtest.Claims{"aud": "ANY"}, credtest.RS256()), false, ""},
		"forged":         {forger.SciToken(credtest.Claims{"aud": "ANY"}), true, "its signature is wrong"},
		"of a stranger":  {other.SciToken(credtest.Claims{"aud": "ANY"}), true, "that issuer is not to be believed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &verifier{is: good}
			second := good.SciToken(credtest.Claims{"aud": "ANY", "sub": "second"})
			base := &answering{answer: status(http.StatusOK)} //nolint:bodyclose // it has none
			tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, map[string]string{"SCITOKEN": tt.first, "BEARER_TOKEN": second})), withVerifier(v))
			require.NoError(t, err)
			require.NoError(t, get(t, t.Context(), tr, dataURL))
			want := tt.first
			if tt.second {
				want = second
			}
			assert.Equal(t, []string{"Bearer " + want}, base.headers())
			report := tr.Explain(t.Context(), parse(t, dataURL)).String()
			assert.Contains(t, report, tt.says)
			asked := v.asked.Load()
			require.NoError(t, get(t, t.Context(), tr, dataURL))
			assert.Equal(t, asked, v.asked.Load(), "nobody is asked twice within a second")
		})
	}
}

func TestATokenThatCannotBeVerifiedIsNotVerified(t *testing.T) {
	t.Parallel()
	m := newMachine()
	m.SetEnv("BEARER_TOKEN", m.token(time.Hour, "ANY"))
	v := &verifier{is: m.mint}
	away := errors.New("the issuer is away")
	v.err.Store(&away)
	base := &answering{answer: status(http.StatusOK)} //nolint:bodyclose // it has none
	tr, err := scicred.NewTransport(base, scicred.WithSystem(m.System()), withVerifier(v), scicred.FailIfNoAuth())
	require.NoError(t, err)
	for range 2 {
		err = get(t, t.Context(), tr, dataURL)
		require.ErrorIs(t, err, scicred.ErrNotVerified)
		require.ErrorIs(t, err, scicred.ErrNoCredentials)
		require.ErrorIs(t, err, away)
	}
	assert.Equal(t, int32(1), v.asked.Load())
	v.err.Store(nil)
	m.Advance(10 * time.Second)
	require.NoError(t, get(t, t.Context(), tr, dataURL), "it is asked again ten seconds later")
	m.Advance(time.Hour - 2*time.Minute)
	v.err.Store(&away)
	require.NoError(t, get(t, t.Context(), tr, dataURL), "what was found good stays so")
	assert.Equal(t, int32(2), v.asked.Load())
}

func TestAVerifierThatPanicsEndsNoProcess(t *testing.T) {
	t.Parallel()
	sys := empty(t, map[string]string{"BEARER_TOKEN": issuer().SciToken(credtest.Claims{"aud": "ANY"})})
	tr, err := scicred.NewTransport(&stub{}, scicred.WithSystem(sys), withVerifier(panicking{}), scicred.FailIfNoAuth())
	require.NoError(t, err)
	require.ErrorContains(t, get(t, t.Context(), tr, dataURL), "the Verifier panicked")
}

type panicking struct{}

func (panicking) Key(context.Context, string, string, string) (crypto.PublicKey, error) {
	panic("secret-in-a-panic")
}

func TestWhatTheCallerNamesIsNotVerified(t *testing.T) {
	t.Parallel()
	v := &verifier{is: issuer()}
	forged := issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"})
	base := &answering{answer: status(http.StatusOK)} //nolint:bodyclose // it has none
	tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, nil)), withVerifier(v), scicred.WithToken(forged))
	require.NoError(t, err)
	require.NoError(t, get(t, t.Context(), tr, dataURL))
	assert.Equal(t, []string{"Bearer " + forged}, base.headers())
	assert.Zero(t, v.asked.Load())
}

// circling asks its issuer through the Transport that asks it.
type circling struct {
	verifier
	tr *scicred.Transport
	t  *testing.T
}

func (c *circling) Key(ctx context.Context, issuer, algorithm, keyID string) (crypto.PublicKey, error) {
	if err := get(c.t, ctx, c.tr, "https://issuer.example.org/keys"); err != nil {
		return nil, err
	}
	return c.verifier.Key(ctx, issuer, algorithm, keyID)
}

func TestAVerifierThatUsesTheTransportDoesNotWaitForItself(t *testing.T) {
	t.Parallel()
	v := &circling{verifier: verifier{is: issuer()}, t: t}
	tok := v.is.SciToken(credtest.Claims{"aud": "ANY"})
	base := &answering{answer: status(http.StatusOK)} //nolint:bodyclose // it has none
	tr, err := scicred.NewTransport(base, scicred.WithSystem(empty(t, map[string]string{"BEARER_TOKEN": tok})), withVerifier(v))
	require.NoError(t, err)
	v.tr = tr
	for range 3 {
		require.NoError(t, get(t, t.Context(), tr, dataURL))
	}
	assert.Equal(t, []string{"", "Bearer " + tok, "Bearer " + tok, "Bearer " + tok}, base.headers(), "and what it asks for carries no token")
}
