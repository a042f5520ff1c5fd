// SPDX-License-Identifier: BSD-3-Clause

package credtest

import "time"

// Option says when a certificate or a token is valid; both kinds of function
// take it. The order of options does not matter, except that the later of two
// that speak of the same thing wins.
type Option interface {
	CertOption
	TokenOption
}

// At makes the certificate or token as if it were that time now. The default is
// [time.Now].
func At(now time.Time) Option { return validityOption(func(v *validity) { v.now = now }) }

// Expired makes something whose validity ended an hour ago.
func Expired() Option { return ExpiresIn(-time.Hour) }

// ExpiresIn makes something whose validity ends in d (or ended, if d is
// negative) and began long enough ago.
func ExpiresIn(d time.Duration) Option {
	return validityOption(func(v *validity) { *v = validity{now: v.now, age: time.Hour + max(0, -d), left: d} })
}

// NotYetValid makes something whose validity begins in an hour and lasts for
// one.
func NotYetValid() Option {
	return validityOption(func(v *validity) { *v = validity{now: v.now, age: -time.Hour, left: 2 * time.Hour} })
}

// WithValidity sets both ends of the validity. A certificate keeps them to the
// second.
func WithValidity(notBefore, notAfter time.Time) Option {
	return validityOption(func(v *validity) { v.notBefore, v.notAfter = notBefore, notAfter })
}

// validity is relative to a clock unless both ends are given.
type validity struct {
	now                 time.Time // zero is time.Now
	age, left           time.Duration
	notBefore, notAfter time.Time
}

func (v *validity) bounds() (notBefore, notAfter time.Time) {
	if !v.notBefore.IsZero() || !v.notAfter.IsZero() {
		return v.notBefore, v.notAfter
	}
	now := v.now
	if now.IsZero() {
		now = time.Now()
	}
	return now.Add(-v.age), now.Add(v.left)
}

type validityOption func(*validity)

func (o validityOption) applyCert(s *certSpec)   { o(&s.validity) }
func (o validityOption) applyToken(s *tokenSpec) { o(&s.validity) }
