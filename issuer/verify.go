// SPDX-License-Identifier: BSD-3-Clause

package issuer

import (
	"context"
	"crypto"
	"errors"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/fit"
	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/jwtclaims"
)

// Verify checks a token that somebody sent to this program, and returns what it
// says. The text is that of the token alone, without "Bearer". It is checked,
// in this order, that
//
//   - it is a JWT with sound claims, signed and not with a shared secret, from
//     one of Config.Issuers;
//   - it has not expired (a token that never does is refused), and nbf is not
//     more than a minute ahead;
//   - its audience is one of Config.Audience, or means anywhere ("ANY" of
//     SciTokens, "https://wlcg.cern.ch/jwt/v1/any"), or it names none and its
//     profile allows that; nothing of that if Config.Audience is empty;
//   - its signature is the issuer's.
//
// What the token is good for, its scope, is for the caller to judge. Verify may
// have to wait for the issuer, as [Keys.Key] does.
//
// The error never holds the token. It is a [KeyError] where there is no key;
// else it is [ErrSignature], or scicred.ErrMalformed, scicred.ErrExpired,
// scicred.ErrNotYetValid or scicred.ErrMismatch, for [errors.Is].
func (k *Keys) Verify(ctx context.Context, raw string) (scicred.Claims, error) {
	claims, err := k.verify(ctx, bearer.Trim(raw))
	if err != nil {
		return scicred.Claims{}, err
	}
	return *claims, nil
}

func (k *Keys) verify(ctx context.Context, raw string) (*scicred.Claims, error) {
	if err := bearer.Check(raw); err != nil {
		return nil, &tokenError{scicred.ErrMalformed, "it " + err.Error(), err}
	}
	if !jwtclaims.LooksLikeJWT(raw) {
		return nil, &tokenError{scicred.ErrMalformed, "it is no JWT, so only its issuer could tell what it says", nil}
	}
	c, err := jwtclaims.Parse(raw)
	if err != nil {
		return nil, &tokenError{scicred.ErrMalformed, err.Error(), err}
	}
	if k.issuers[c.Issuer] == nil || !accepted(c.Algorithm) {
		_, err := k.Key(ctx, c.Issuer, c.Algorithm, c.KeyID)
		return nil, err
	}
	if err := k.fits(c); err != nil {
		return nil, err
	}
	var noKey error
	err = jwtclaims.Verify(raw, func(algorithm, keyID string) (crypto.PublicKey, error) {
		var public crypto.PublicKey
		public, noKey = k.Key(ctx, c.Issuer, algorithm, keyID)
		return public, noKey
	})
	switch {
	case noKey != nil:
		return nil, noKey
	case err != nil:
		return nil, &tokenError{ErrSignature, "its signature is not one of its issuer's key, or it was changed since", nil}
	}
	return &scicred.Claims{
		Issuer: c.Issuer, Subject: c.Subject, ID: c.ID, Audience: c.Audience, Scope: c.Scope, Expiry: c.Expiry, NotBefore: c.NotBefore,
	}, nil
}

// fits checks what needs no key, so that nobody is asked for the key of an
// expired token.
func (k *Keys) fits(c *jwtclaims.Claims) error {
	if !c.HasExpiry {
		return &tokenError{scicred.ErrExpired, "it never expires (no exp), which SciTokens and WLCG tokens must", nil}
	}
	err := fit.Time(c, k.now(), 0)
	if err == nil {
		err = fit.Target(c, &fit.Want{Audience: k.audience})
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fit.ErrExpired):
		return &tokenError{scicred.ErrExpired, "it " + err.Error(), err}
	case errors.Is(err, fit.ErrEarly):
		return &tokenError{scicred.ErrNotYetValid, "it is " + err.Error(), err}
	}
	return &tokenError{scicred.ErrMismatch, err.Error(), err}
}

// tokenError is why a token is not taken: a sentence, one of the errors of
// this package or of package scicred, and the cause.
type tokenError struct {
	kind  error
	text  string
	cause error
}

func (e *tokenError) Error() string { return human.Printable("the token is refused: " + e.text) }

func (e *tokenError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}
