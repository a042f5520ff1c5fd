// SPDX-License-Identifier: BSD-3-Clause

package issuer

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/scicred/scicred/internal/human"
)

// Error is the type of the errors to test for with [errors.Is]. They are
// constants, so that nobody can replace one.
type Error string

// Error implements error.
func (e Error) Error() string { return string(e) }

// Why there is no key, or why a token is refused. Expired tokens and tokens for
// somebody else are scicred.ErrExpired, scicred.ErrNotYetValid and
// scicred.ErrMismatch; what is no signed JWT is scicred.ErrMalformed.
const (
	// ErrNotAllowed means that the issuer is not on the list, so that nobody
	// was asked.
	ErrNotAllowed Error = "issuer not allowed"
	// ErrUnreachable means that the issuer did not answer, or answered that it
	// has trouble, and that there are no keys of it that still count. Trying
	// again later may help.
	ErrUnreachable Error = "issuer unreachable"
	// ErrUnusable means that the issuer publishes something that is not what
	// the standards say. It takes the issuer's people to help.
	ErrUnusable Error = "issuer's documents unusable"
	// ErrNoKey means that the issuer has published no such key, or one that
	// must not be used.
	ErrNoKey Error = "no such key"
	// ErrAlgorithm means that tokens are not accepted with this algorithm,
	// whoever signed them.
	ErrAlgorithm Error = "algorithm not accepted"
	// ErrSignature means that the token was not signed with the issuer's key,
	// or was changed since.
	ErrSignature Error = "signature does not fit"
)

// KeyError says why there is no key to check a signature with. It is one of the
// errors above for [errors.Is], and wraps what the network said. Nothing of a
// token is in it but the names of its issuer, key and algorithm, which are
// public.
type KeyError struct {
	Kind      Error  // [ErrNotAllowed] and so on
	Issuer    string // as the token names it
	Algorithm string // as the token names it, such as ES256
	KeyID     string // as the token names it; "" if it does not
	URL       string // of the document at fault, fit to be shown; "" if none is
	Problem   string // what is wrong
	Err       error  // the cause; may be nil
}

// Error says it in a sentence.
func (e *KeyError) Error() string {
	var b strings.Builder
	if e.Issuer != "" {
		fmt.Fprintf(&b, "issuer %s: ", quote(e.Issuer))
	}
	if e.URL != "" {
		b.WriteString(e.URL + " ")
	}
	b.WriteString(e.Problem)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return human.Printable(b.String())
}

// Unwrap returns the kind and the cause.
func (e *KeyError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// of returns the error as one about this key.
func (e *KeyError) of(issuer, algorithm, keyID string) *KeyError {
	c := *e
	c.Issuer, c.Algorithm, c.KeyID = issuer, algorithm, keyID
	return &c
}

// quote shows text that anybody may have written, and not more of it than
// anybody wants to read.
func quote(s string) string {
	const most = 200
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}

// bare drops the words that net/http puts around the reason: they repeat the
// URL as it is, while it is said once and without secrets.
func bare(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}
