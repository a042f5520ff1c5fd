// SPDX-License-Identifier: BSD-3-Clause

package pemfile

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/scicred/scicred/internal/human"
)

// What may be wrong with the dates of a certificate; a [*ValidityError] wraps
// one of them.
var (
	ErrExpired     = errors.New("expired")
	ErrExpiresSoon = errors.New("expires too soon")
	ErrNotYetValid = errors.New("not yet valid")
)

// ValidityError says which certificate is out of its dates, and by how much.
type ValidityError struct {
	// Kind is ErrExpired, ErrExpiresSoon or ErrNotYetValid.
	Kind error
	// Subject is the certificate's subject in the form of [Subject].
	Subject string
	// Leaf is false if it is another certificate of the chain.
	Leaf bool
	// NotBefore and NotAfter are the certificate's dates.
	NotBefore, NotAfter time.Time
	// By is how long ago it expired, how soon it will, or how long it is until
	// it becomes valid. It is never negative.
	By time.Duration
	// Margin is how long it was to be valid at least.
	Margin time.Duration
}

// Error gives the reason in words: "expired 2h13m ago".
func (e *ValidityError) Error() string {
	var text string
	switch {
	case errors.Is(e.Kind, ErrNotYetValid):
		text = fmt.Sprintf("not valid before %s, in %s", e.NotBefore.UTC().Format(time.RFC3339), human.Duration(e.By))
	case errors.Is(e.Kind, ErrExpiresSoon):
		text = fmt.Sprintf("expires in %s, less than the %s asked for", human.Duration(e.By), human.Duration(e.Margin))
	default:
		text = fmt.Sprintf("expired %s ago", human.Duration(e.By))
	}
	if e.Leaf {
		return text
	}
	return "certificate " + e.Subject + " of the chain: " + text
}

// Unwrap returns Kind.
func (e *ValidityError) Unwrap() error { return e.Kind }

// window is the time that a certificate has to be valid for.
type window struct {
	now    time.Time
	margin time.Duration
}

// check returns what is wrong with the first certificate that is out of its
// dates. Both dates are included: RFC 5280, section 4.1.2.5.
func (w window) check(chain []*x509.Certificate) error {
	for i, c := range chain {
		e := ValidityError{NotBefore: c.NotBefore, NotAfter: c.NotAfter, Margin: w.margin, Leaf: i == 0}
		switch {
		case w.now.After(c.NotAfter):
			e.Kind, e.By = ErrExpired, w.now.Sub(c.NotAfter)
		case w.now.Before(c.NotBefore):
			e.Kind, e.By = ErrNotYetValid, c.NotBefore.Sub(w.now)
		case w.now.Add(w.margin).After(c.NotAfter):
			e.Kind, e.By = ErrExpiresSoon, c.NotAfter.Sub(w.now)
		default:
			continue
		}
		e.Subject = Subject(c)
		return &e
	}
	return nil
}
