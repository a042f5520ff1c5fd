// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/scicred/scicred/internal/jwtclaims"
	"github.com/scicred/scicred/issuer"
)

// verify checks the signature, also of a token that has expired: that is another
// question. It says in the facts what came of it. refused is the failure to end
// with after they are shown, err one that leaves nothing to be said.
func (p *program) verify(ctx context.Context, i *inspectFlags, t *tokenFacts, token string) (refused, err error) {
	roots, err := p.roots(&i.common)
	if err != nil {
		return nil, err
	}
	keys, err := issuer.New(issuer.Config{Issuers: i.issuer, RootCAs: roots})
	if err != nil {
		return nil, usage("--issuer: %w", err)
	}
	var noKey error
	err = jwtclaims.Verify(token, func(algorithm, keyID string) (key crypto.PublicKey, err error) {
		key, noKey = keys.Key(ctx, t.Issuer, algorithm, keyID)
		return key, noKey
	})
	switch {
	case err == nil:
		t.Signature, t.Verified = "good: made with a key of "+t.Issuer, true
		return nil, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(noKey, issuer.ErrUnreachable) || errors.Is(noKey, issuer.ErrUnusable):
		t.Signature = "not known: there is no key to verify it with"
		return (&failure{code: exitFailure, err: noKey}).hint(networkAdvice(noKey)...), nil
	case noKey != nil:
		t.Signature = "not believed: " + noKey.Error()
		return &failure{code: exitNoCredential, err: fmt.Errorf("the signature is not believed: %w", noKey)}, nil
	}
	t.Signature = "bad: " + err.Error()
	return &failure{code: exitNoCredential, err: fmt.Errorf("the signature is bad: %w", err)}, nil
}
