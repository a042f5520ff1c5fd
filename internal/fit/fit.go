// SPDX-License-Identifier: BSD-3-Clause

// Package fit decides whether a token's claims fit a target. The rules are
// those of SciTokens, the WLCG Common JWT Profile and igwn-auth-utils, where
// they agree, and the strictest of them where they do not.
package fit

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/jwtclaims"
	"github.com/scicred/scicred/internal/origin"
	"github.com/scicred/scicred/internal/scope"
)

// The audiences that fit everywhere.
const (
	Any     = "ANY"                             // SciTokens
	AnyWLCG = "https://wlcg.cern.ch/jwt/v1/any" // WLCG Common JWT Profile 1.3
)

// NotBeforeLeeway is how far ahead nbf may lie: issuers' clocks run ahead.
const NotBeforeLeeway = 60 * time.Second

// What can be wrong; the errors of this package wrap one of these.
var (
	ErrExpired  = errors.New("expired")
	ErrEarly    = errors.New("not yet valid")
	ErrMismatch = errors.New("does not fit")
)

type misfit struct {
	kind error
	text string
}

func (m *misfit) Error() string { return m.text }
func (m *misfit) Unwrap() error { return m.kind }

func no(kind error, format string, args ...any) error {
	return &misfit{kind, human.Printable(fmt.Sprintf(format, args...))}
}

// Want is what is asked of a token. Empty lists ask for nothing.
type Want struct {
	Audience []string // one of them
	// Origin asks for an audience of this origin, if no Audience is asked for.
	// It costs less than a list of its audiences.
	Origin origin.Origin
	Also   []string // audiences that will do as well: those of the host that redirected here
	Issuer []string // one of them
	Scope  []string // all of them
}

// Time says whether the token is valid now and for leeway to come.
func Time(c *jwtclaims.Claims, now time.Time, leeway time.Duration) error {
	if c.HasExpiry && !c.Expiry.After(now) {
		return no(ErrExpired, "expired %s ago", human.Duration(now.Sub(c.Expiry)))
	}
	if c.HasExpiry && c.Expiry.Before(now.Add(leeway)) {
		return no(ErrExpired, "expires in %s, less than the %s asked for", human.Duration(c.Expiry.Sub(now)), human.Duration(leeway))
	}
	if c.HasNotBefore && c.NotBefore.After(now.Add(NotBeforeLeeway)) {
		return no(ErrEarly, "not valid for another %s", human.Duration(c.NotBefore.Sub(now)))
	}
	return nil
}

// Anywhere reports whether the token's audience rules out no server: it names
// one of the any-audiences, or none at all under a profile that allows that.
func Anywhere(c *jwtclaims.Claims) bool {
	if !c.HasAudience {
		return c.Version != "scitoken:2.0" && c.WLCGVersion == ""
	}
	return slices.Contains(c.Audience, Any) || slices.Contains(c.Audience, AnyWLCG)
}

// Target says whether issuer, audience and scope fit.
func Target(c *jwtclaims.Claims, w *Want) error {
	if len(w.Issuer) > 0 && !slices.Contains(w.Issuer, c.Issuer) {
		return no(ErrMismatch, "its issuer is %s, not %s", c.Issuer, strings.Join(w.Issuer, " or "))
	}
	if w.asksAudience() && !Anywhere(c) && !w.named(c.Audience) && !overlap(c.Audience, w.Also) {
		if !c.HasAudience {
			return no(ErrMismatch, "it names no audience, which its profile demands")
		}
		return no(ErrMismatch, "its audience is %s, not %s", human.List(c.Audience), strings.Join(w.audiences(), " or "))
	}
	if len(w.Scope) > 0 {
		missing, err := scope.Missing(c.Scope, w.Scope)
		if err != nil {
			return no(ErrMismatch, "the scope asked for cannot be: %v", err)
		}
		if len(missing) > 0 {
			return no(ErrMismatch, "its scope (%s) does not cover %s", human.List(c.Scope), strings.Join(missing, " "))
		}
	}
	return nil
}

func (w *Want) asksAudience() bool { return len(w.Audience) > 0 || w.Origin.Host != "" }

// named reports whether one of the audiences is asked for.
func (w *Want) named(have []string) bool {
	if len(w.Audience) > 0 {
		return overlap(have, w.Audience)
	}
	for _, a := range have {
		if w.Origin.Names(a) {
			return true
		}
	}
	return false
}

func (w *Want) audiences() []string {
	if len(w.Audience) > 0 {
		return w.Audience
	}
	return w.Origin.Audiences()
}

func overlap(have, want []string) bool {
	for _, w := range want {
		if slices.Contains(have, w) {
			return true
		}
	}
	return false
}

// Index finds the tokens that name an audience without going through them all.
type Index struct {
	byAudience map[string][]int
	anywhere   []int
	all        int
}

// NewIndex indexes tokens by their place; nil claims are those of an opaque
// token or of an empty place and are left out.
func NewIndex(claims []*jwtclaims.Claims) *Index {
	x := &Index{byAudience: map[string][]int{}, all: len(claims)}
	for i, c := range claims {
		switch {
		case c == nil:
		case Anywhere(c):
			x.anywhere = append(x.anywhere, i)
		default:
			for j, a := range c.Audience {
				if !slices.Contains(c.Audience[:j], a) {
					x.byAudience[a] = append(x.byAudience[a], i)
				}
			}
		}
	}
	return x
}

// ForAll reports whether no token names an audience, so that what fits one
// server fits all.
func (x *Index) ForAll() bool { return len(x.byAudience) == 0 }

// Names reports whether any token names an audience of this origin.
func (x *Index) Names(o origin.Origin) bool {
	host, port := x.naming(o)
	return host != nil || port != nil
}

// naming returns the places whose tokens name an origin by its host, and by its
// host and port. It makes no strings: a map is searched with bytes without.
func (x *Index) naming(o origin.Origin) (host, port []int) {
	if len(x.byAudience) == 0 {
		return nil, nil
	}
	var room [128]byte
	key, withPort := o.AppendAudience(room[:0])
	host = x.byAudience[string(key)]
	if withPort {
		key = append(append(key, ':'), o.Port...)
		port = x.byAudience[string(key)]
	}
	return host, port
}

// First returns the first place whose token may fit what is wanted and for
// which ok holds; -1 if there is none.
func (x *Index) First(w *Want, ok func(int) bool) int {
	if !w.asksAudience() {
		for i := range x.all {
			if ok(i) {
				return i
			}
		}
		return -1
	}
	best := -1
	try := func(places []int) {
		for _, i := range places {
			if best >= 0 && i >= best {
				return
			}
			if ok(i) {
				best = i
				return
			}
		}
	}
	try(x.anywhere)
	if len(w.Audience) == 0 {
		host, port := x.naming(w.Origin)
		try(host)
		try(port)
	}
	for _, list := range [...][]string{w.Audience, w.Also} {
		for _, a := range list {
			try(x.byAudience[a])
		}
	}
	return best
}
