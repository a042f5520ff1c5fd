// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/origin"
)

// Binding says where the tokens of a [Source] may go. A login stands for a
// person: a server that is not named gets nothing, whatever it asks for.
type Binding struct {
	// Hosts are patterns as in [scicred.WithHosts], such as "data.example.org",
	// "*.example.org:8443" or "*".
	Hosts []string
	// Audiences are origins ("https://data.example.org") or other audiences that
	// a request asks for with [scicred.WithAudience].
	Audiences []string
}

// Source is a [scicred.TokenSource] that has the tokens of a [Cached], for the
// targets that it is bound to. For all others it has [scicred.ErrNoCredentials].
// It never talks to the user: a request that needs a login fails with an
// [*InteractionRequiredError], which says the command to run. It is safe for
// concurrent use.
//
//	src, err := login.NewSource(cached, login.Binding{Hosts: []string{"data.example.org"}})
//	…
//	transport, err := scicred.NewTransport(nil, scicred.WithTokenSource("sso", src))
type Source struct {
	cached    *Cached
	hosts     []origin.Pattern
	audiences []string
}

// NewSource returns the tokens of c for the targets that the binding names. A
// target must fit the hosts, if any are given, and the audiences, if any are
// given. A token that is no JWT does not say for whom it is: it goes nowhere
// without hosts.
func NewSource(c *Cached, b Binding) (*Source, error) {
	if c == nil {
		return nil, errors.New("login: there is no login")
	}
	if len(b.Hosts)+len(b.Audiences) == 0 {
		return nil, errors.New("login: say which hosts or audiences the token is for: it must not go to any host that asks")
	}
	s := &Source{cached: c, audiences: slices.Clone(b.Audiences)}
	if slices.Contains(s.audiences, "") {
		return nil, errors.New("login: an audience is empty")
	}
	if len(b.Hosts) > 0 {
		var err error
		if s.hosts, err = origin.ParsePatterns(b.Hosts); err != nil {
			return nil, fmt.Errorf("login: %w", err)
		}
	}
	return s, nil
}

// notFor is the error for a target that the source is not bound to.
func notFor(why string) error { return fmt.Errorf("%w: %s", scicred.ErrNoCredentials, why) }

// fits returns nil if the token may go there.
func (s *Source) fits(t scicred.Target) error {
	wanted := t.Audience
	if t.URL != nil {
		o := origin.Of(t.URL)
		if s.hosts != nil && !origin.MatchAny(s.hosts, o) {
			return notFor("the login is not for this host")
		}
		if len(wanted) == 0 {
			wanted = o.Audiences()
		}
	} else if s.hosts != nil {
		return notFor("the login is for certain hosts, and none is named")
	}
	if s.audiences != nil && !slices.ContainsFunc(wanted, func(a string) bool { return slices.Contains(s.audiences, a) }) {
		return notFor("the login is not for this audience")
	}
	return nil
}

// Token implements [scicred.TokenSource].
func (s *Source) Token(ctx context.Context, target scicred.Target) (*scicred.Token, error) {
	if err := s.fits(target); err != nil {
		return nil, err
	}
	t, err := s.cached.Token(ctx)
	if err != nil {
		return nil, err
	}
	return s.token(t)
}

// Peek returns what is at hand, without asking anybody.
func (s *Source) Peek(_ context.Context, target scicred.Target) (*scicred.Token, error) {
	if err := s.fits(target); err != nil {
		return nil, err
	}
	t, err := s.cached.Peek()
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, s.cached.required(ErrNoRefresh)
	}
	return s.token(t)
}

// Reject says that a server refused a token: it is renewed when one is asked for
// next.
func (s *Source) Reject(t *scicred.Token) { s.cached.Reject(t) }

// token returns the access token, if it can be sent.
func (s *Source) token(t *TokenData) (*scicred.Token, error) {
	if _, jwt := t.access.Claims(); !jwt && s.hosts == nil {
		return nil, errors.New("login: the token does not say for whom it is, and no hosts are named that it may go to")
	}
	// The provider said how long it lives; the token says when it ends, by the
	// provider's clock. If both cannot be, one of the clocks is wrong, and the
	// message "expired" would not help anybody.
	now := wallClock()
	if exp, has := t.access.Expiry(); has && !now.Before(exp) && now.Before(t.expiry) {
		return nil, &ClockError{Off: t.expiry.Sub(exp)}
	}
	return t.access, nil
}

// ClockError says that the clock of this machine and that of the provider
// differ by more than a token lives, so that it seems to have expired when it
// comes.
type ClockError struct {
	Off time.Duration // by how much, about
}

// Error says by how much.
func (e *ClockError) Error() string {
	return "login: the clock of this machine is about " + human.Duration(e.Off) + " ahead of the provider's, so that its tokens seem to have expired: set the clock"
}
