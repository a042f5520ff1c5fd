// SPDX-License-Identifier: BSD-3-Clause

package scicred

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/fit"
	"github.com/scicred/scicred/internal/fresh"
	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/jwtclaims"
	"github.com/scicred/scicred/internal/origin"
	"github.com/scicred/scicred/internal/places"
	"github.com/scicred/scicred/internal/proof"
	"github.com/scicred/scicred/internal/source"
	"github.com/scicred/scicred/internal/stock"
)

// defaultTokenLeeway is for how long a discovered token must still be valid, as
// in igwn-auth-utils.
const defaultTokenLeeway = 60 * time.Second

// Claims is what a token says of itself. Nobody has checked the signature: the
// server does that.
type Claims struct {
	Issuer    string    `json:"iss,omitempty"`
	Subject   string    `json:"sub,omitempty"`
	ID        string    `json:"jti,omitempty"`
	Audience  []string  `json:"aud,omitempty"`
	Scope     []string  `json:"scope,omitempty"`
	Expiry    time.Time `json:"exp,omitzero"` // zero if the token names none
	NotBefore time.Time `json:"nbf,omitzero"` // zero if the token names none
}

// Token is a bearer token. It prints without its text; [Token.Reveal] gives
// that. It is immutable and safe for concurrent use.
type Token struct {
	text      func() *bearer.Text // nothing prints what is behind a function
	jwt       *jwtclaims.Claims   // nil: opaque
	proof     *proof.Proof        // nil: nobody asks for one
	candidate string
	path      string
	source    *namedSource // that supplied it
}

// ParseToken reads a JWT or an opaque token, without white space around it.
// The signature is not verified. A text that begins like a JWT and is a broken
// one, or whose claims have the wrong types, is an error; the error never
// holds the token.
func ParseToken(raw string) (*Token, error) {
	raw = bearer.Trim(raw)
	c, err := jwtclaims.Parse(raw) // what it takes passes the check
	if err == nil {
		return newToken(raw, c), nil
	}
	switch unfit := bearer.Check(raw); {
	case unfit != nil:
		return nil, as(ErrMalformed, unfit)
	case jwtclaims.LooksLikeJWT(raw):
		return nil, as(ErrMalformed, err)
	}
	return newToken(raw, nil), nil
}

func newToken(raw string, c *jwtclaims.Claims) *Token {
	return &Token{text: bearer.NewText(raw), jwt: c}
}

// Reveal returns the token's text.
func (t *Token) Reveal() string {
	if t.text == nil {
		return ""
	}
	return t.text().Reveal()
}

// Claims returns what the token says of itself; false for an opaque token.
func (t *Token) Claims() (Claims, bool) {
	if t.jwt == nil {
		return Claims{}, false
	}
	c := t.jwt
	return Claims{c.Issuer, c.Subject, c.ID, slices.Clone(c.Audience), slices.Clone(c.Scope), c.Expiry, c.NotBefore}, true
}

// Expiry returns when the token expires; false if it does not say.
func (t *Token) Expiry() (time.Time, bool) {
	if t.jwt == nil || !t.jwt.HasExpiry {
		return time.Time{}, false
	}
	return t.jwt.Expiry, true
}

// Candidate returns the name of the place where the token was found.
func (t *Token) Candidate() string { return t.candidate }

// Path returns the file that the token was read from, or "".
func (t *Token) Path() string { return t.path }

// String describes the token without its text.
func (t *Token) String() string {
	if t == nil {
		return "no token"
	}
	if t.jwt == nil {
		return "opaque token from " + t.candidate
	}
	return fmt.Sprintf("token of %q for %q from %s", t.jwt.Subject, t.jwt.Audience, t.candidate)
}

// LogValue implements [slog.LogValuer].
func (t *Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// at returns the token as one that was found there.
func (t *Token) at(candidate, path string) *Token {
	c := *t
	c.candidate, c.path = candidate, path
	return &c
}

func (t *Token) same(u *Token) bool {
	return t == nil && u == nil || t != nil && u != nil && t.Reveal() == u.Reveal()
}

// alive reports whether the token has not expired.
func (t *Token) alive(now time.Time) bool {
	return t.text != nil && t.jwt == nil || t.jwt != nil && fit.Time(t.jwt, now, 0) == nil
}

// check says whether the token is valid for leeway to come and fits.
func (t *Token) check(want *fit.Want, now time.Time, leeway time.Duration) error {
	switch {
	case t.text == nil:
		return reason(ErrMalformed, "is no token: ParseToken did not make it")
	case t.jwt == nil:
		return nil
	}
	return exported(cmp.Or(fit.Time(t.jwt, now, leeway), fit.Target(t.jwt, want), as(ErrNotVerified, t.proof.Err())))
}

// Selection says how a discovered token is chosen.
type Selection uint8

// The selections.
const (
	// SelectFitting takes the first token that fits: its expiry, issuer,
	// audience and scope are read. A stale or foreign token hides no good one.
	SelectFitting Selection = iota
	// SelectWLCG takes what is in the first place that is not empty, without
	// looking at it, as WLCG Bearer Token Discovery says. Opaque tokens are
	// found only this way.
	SelectWLCG
)

// TokenPolicy says how discovered tokens are selected. The zero value is the
// default.
type TokenPolicy struct {
	Selection Selection
	// Leeway is for how long a discovered token must still be valid; zero is 60
	// seconds. Tokens of a [TokenSource] and named ones count until they expire.
	Leeway time.Duration
	// Verifier, if it is set, lets only those discovered tokens be used whose
	// signature is good: RS256, RS384, RS512, ES256, ES384 or EdDSA. Discovery
	// then may have to ask the issuer for its keys. It cannot be combined with
	// SelectWLCG, which does not look into tokens.
	Verifier Verifier
}

// Verifier knows the keys of the issuers that are to be believed; package issuer
// has one. It must be safe for concurrent use.
type Verifier interface {
	// Key returns the public key for tokens of the issuer with this alg and kid
	// ("" if the token names none): an [*rsa.PublicKey], [*ecdsa.PublicKey] or
	// [ed25519.PublicKey]. The context ends after 5 seconds and carries no values
	// of a request; requests that are made with it through the Transport that
	// asks go without discovered tokens. After an error it is asked again ten
	// seconds later at the earliest.
	Key(ctx context.Context, issuer, algorithm, keyID string) (crypto.PublicKey, error)
}

func (tp TokenPolicy) leeway() time.Duration {
	return cmp.Or(tp.Leeway, defaultTokenLeeway)
}

// FindToken returns the first discovered token that fits the target. The error
// is a [ChainError] that says why there is none.
func FindToken(ctx context.Context, target Target) (*Token, error) {
	return (*System)(nil).FindToken(ctx, target)
}

// FindToken is [FindToken] in another world than this process.
func (s *System) FindToken(ctx context.Context, target Target) (*Token, error) {
	c, err := s.find(ctx, target, KindToken)
	return c.Token, err
}

// take reads a token that was come upon. Under SelectWLCG it is not looked
// into, as that specification says.
func (tp TokenPolicy) take() places.TakeToken[Token] {
	return func(raw, candidate, path string) (*Token, error) {
		t, err := ParseToken(raw)
		switch {
		case tp.Selection == SelectWLCG && err != nil && bearer.Check(raw) == nil:
			t = newToken(raw, nil)
		case err != nil:
			return nil, err
		case tp.Selection == SelectFitting && t.jwt == nil:
			return nil, reason(ErrMismatch, "is no JWT, so nobody can tell for which server it is (name it to use it)")
		}
		t.candidate, t.path = candidate, path
		if tp.Verifier != nil {
			t.proof = new(proof.Proof)
		}
		return t, nil
	}
}

// takeNamed reads a token that the caller named: an opaque one is his to send.
func takeNamed(raw, candidate, path string) (*Token, error) {
	t, err := ParseToken(raw)
	if err != nil {
		return nil, err
	}
	return t.at(candidate, path), nil
}

func (t *Transport) buildTokens(ctx context.Context, old *stock.Stock[Token]) *stock.Stock[Token] {
	if t.tokenPlaces == nil {
		t.tokenPlaces = places.Tokens(*t.world, t.config.tokens.take())
	}
	inv := inventory.Build(t.world.World, old.Inventoried(), t.tokenPlaces, t.tokenAlive)
	if t.config.tokens.Verifier != nil && t.verify(ctx, inv.Places) {
		old = nil // other tokens can be used than before
	}
	return stock.New(inv, old, func(c *Token) *jwtclaims.Claims {
		if c.proof.Err() != nil {
			return nil
		}
		return c.jwt
	})
}

// verify tries the signatures that are not known to be good or bad, and reports
// whether any is now.
func (t *Transport) verify(ctx context.Context, found []inventory.Place[Token]) bool {
	var all []proof.Question
	for i := range found {
		if tok := found[i].Cred; tok != nil {
			all = append(all, proof.Question{Proof: tok.proof, Token: tok.Reveal(), Key: func(ctx context.Context, alg, kid string) (crypto.PublicKey, error) {
				return t.config.tokens.Verifier.Key(source.Marked(ctx, t), tok.jwt.Issuer, alg, kid)
			}})
		}
	}
	return proof.All(ctx, t.world.Now(), all)
}

func (t *Transport) tokenAlive(c *Token) bool { return c.alive(t.world.Now()) }

// chooseToken returns the token for this hop, nil if none fits. An error is one
// of a token that the caller named.
func (t *Transport) chooseToken(h *hop, rec *recorder) (*Token, error) {
	p := h.policy
	if why := p.off(KindToken); why != "" {
		rec.skip(KindToken, why)
		return nil, nil
	}
	var won *Token
	if n := p.token; n != nil {
		tok, err := n.get(h)
		if err == nil && !tok.alive(h.now) {
			err = tok.check(&fit.Want{}, h.now, 0)
		}
		a := tokenAttempt(n.candidate, n.file, tok, err)
		if err != nil && h.fatal() {
			return nil, namedError(&a)
		}
		if err == nil {
			if a.Err = n.mayGo(tok, h); a.Err == nil {
				a.Err = tok.check(&h.want, h.now, 0)
			}
			if a.Err == nil {
				won = tok
			}
		}
		rec.add(a, won != nil, Withheld)
		if n.perRequest && won == nil {
			// It stands for somebody: no other's token goes in its place.
			return nil, nil
		}
	}
	for _, s := range t.config.sources {
		if won != nil {
			rec.add(tokenAttempt(s.name, "", nil, nil), false, NotAsked)
			continue
		}
		tok, err := t.askSource(s, h)
		a := tokenAttempt(s.name, "", tok, err)
		switch {
		case errors.Is(err, fresh.ErrNotAsked), errors.Is(err, source.ErrNotAsked):
			a.Err = nil
			rec.add(a, false, NotAsked)
		case errors.Is(err, ErrNoCredentials):
			rec.add(a, false, NotFound)
		case err != nil && h.fatal():
			return nil, namedError(&a)
		case err != nil:
			rec.add(a, false, Rejected)
		default:
			if a.Err = tok.check(&h.want, h.now, 0); a.Err == nil {
				won = tok
			}
			rec.add(a, won != nil, Withheld)
		}
	}
	if won != nil && rec == nil {
		return won, nil
	}
	return t.discoverToken(h, rec, won)
}

// discoverToken goes on with discovery, unless an earlier candidate won.
func (t *Transport) discoverToken(h *hop, rec *recorder, won *Token) (*Token, error) {
	if h.policy.noDiscovery || rec == nil && (won != nil || h.Named != nil) {
		return won, nil //nolint:nilerr // Named is a reason, not a failure
	}
	tp := t.config.tokens
	if tp.Verifier != nil && source.InCircle(h.ctx, t) {
		rec.unseen(KindToken, fresh.ErrNotAsked) // the Verifier is not kept waiting by itself
		return won, nil
	}
	found, err := t.tokens.Await(h.ctx, &h.wait, func(s *stock.Stock[Token]) bool {
		return s.Offers(&h.want, h.now, tp.leeway()) || tp.Selection == SelectWLCG && s.NonEmpty() != nil
	})
	if found == nil {
		rec.unseen(KindToken, err)
		return won, h.gone()
	}
	if rec == nil {
		if tp.Selection == SelectWLCG {
			return found.NonEmpty(), nil
		}
		return found.Fitting(&h.want, h.now, tp.leeway()), nil
	}
	attempt := func(p *inventory.Place[Token]) Attempt { return tokenAttempt(p.Candidate, p.Path, p.Cred, p.Err) }
	check := func(tok *Token) error {
		if tp.Selection != SelectWLCG {
			if err := tok.check(&h.want, h.now, tp.leeway()); err != nil {
				return err
			}
		}
		return as(ErrNotSent, h.Named)
	}
	if tok := choose(rec, found.Places, won != nil, attempt, check, tp.Selection == SelectWLCG); tok != nil {
		found.Use(tok, tp.leeway())
		won = tok
	}
	return won, nil
}

// namedToken is the token that an option gives, by value or by file.
type namedToken struct {
	value      *Token
	file       string
	candidate  string
	perRequest bool
	kept       fresh.Value[inventory.Inventory[Token]]
}

// prepareToken makes a named file ready to be read, and read again; that of the
// constructor is ready, and in use.
func (t *Transport) prepareToken(n *namedToken) {
	if n == nil || n.file == "" || n.kept.Build != nil {
		return
	}
	candidates := []inventory.Candidate[Token]{{Name: n.candidate, Look: func(l *inventory.Looker) []inventory.Place[Token] {
		return []inventory.Place[Token]{places.TokenFile(l, n.candidate, n.file, takeNamed)}
	}}}
	n.kept.Now = t.world.Now
	n.kept.Build = func(_ context.Context, old *inventory.Inventory[Token]) *inventory.Inventory[Token] {
		return inventory.Build(t.world.World, old, candidates, t.tokenAlive)
	}
}

// get returns the named token as it is now.
func (n *namedToken) get(h *hop) (*Token, error) {
	if n.value != nil {
		return n.value, nil
	}
	inv, err := n.kept.Await(h.ctx, &h.wait, func(inv *inventory.Inventory[Token]) bool {
		return inv.Places[0].Cred != nil && inv.Places[0].Cred.alive(h.now)
	})
	if inv == nil {
		return nil, err
	}
	if p := &inv.Places[0]; p.Cred == nil {
		return nil, p.Err
	}
	return inv.Places[0].Cred, nil
}

// mayGo says whether a token that names no audience may go to any host at all.
func (n *namedToken) mayGo(tok *Token, h *hop) error {
	if !n.perRequest && (tok.jwt == nil || !tok.jwt.HasAudience) && !h.policy.hostsNamed {
		return reason(ErrNotSent, "it names no audience, and no WithHosts says where it may go")
	}
	return nil
}

// TokenSource supplies tokens: a login, an agent, another library. Token is
// called at most once a second for a target, whose answer is then shared. Its
// context ends after 30 seconds and carries no values of the request, since the
// answer is for all who wait. An error that wraps [ErrNoCredentials] means "not
// for this target"; any other makes the request fail. A token counts until it
// expires, so the source keeps its own margin. A token that is no JWT goes to the
// host that the source was asked for. It must not prompt, and must be
// safe for concurrent use. Requests that a source makes through the Transport
// that asks it are made without the Transport's sources.
//
// A source may also have the method Peek(context.Context, Target) (*Token,
// error), which answers at once from what is at hand, for [Transport.Explain];
// and Reject(*Token), which is told that a server refused the token.
type TokenSource interface {
	Token(ctx context.Context, target Target) (*Token, error)
}

// TokenSourceFunc is a function that is a [TokenSource].
type TokenSourceFunc func(ctx context.Context, target Target) (*Token, error)

// Token calls f.
func (f TokenSourceFunc) Token(ctx context.Context, target Target) (*Token, error) {
	return f(ctx, target)
}

// namedSource is a source with its name, and what it said last.
type namedSource struct {
	name  string
	src   TokenSource
	asked source.Source[sourceKey, Target, Token]
}

// sourceKey tells targets apart for a source.
type sourceKey struct {
	origin origin.Origin
	asked  string // by the options
}

func (h *hop) sourceKey() (sourceKey, Target) {
	p := h.policy
	t := Target{Audience: p.audience, Scope: p.scope, Issuer: p.issuer}
	if h.Origin.Host != "" {
		t.URL = &url.URL{Scheme: h.Origin.Scheme, Host: h.Origin.HostPort()}
	}
	asked := ""
	if len(p.audience)+len(p.scope)+len(p.issuer) > 0 {
		asked = fmt.Sprintf("%q %q %q", p.audience, p.scope, p.issuer)
	}
	return sourceKey{h.Origin, asked}, t
}

func (t *Transport) prepareSource(n *namedSource) {
	n.asked.Now, n.asked.Alive, n.asked.Same, n.asked.Owner = t.world.Now, t.tokenAlive, (*Token).same, t
	n.asked.NotFor = func(err error) bool { return errors.Is(err, ErrNoCredentials) }
	n.asked.Ask = func(ctx context.Context, target Target) (*Token, error) {
		tok, err := n.src.Token(ctx, target)
		if tok == nil || err != nil {
			return nil, err
		}
		tok = tok.at(n.name, tok.path)
		tok.source = n
		return tok, nil
	}
}

// askSource returns what a source has for this hop.
func (t *Transport) askSource(n *namedSource, h *hop) (*Token, error) {
	key, target := h.sourceKey()
	switch {
	case h.explain:
		if p, ok := n.src.(interface {
			Peek(context.Context, Target) (*Token, error)
		}); ok {
			return n.asked.Peek(h.ctx, target, p.Peek)
		}
		return nil, fresh.ErrNotAsked
	case h.wait.Never:
		return n.asked.Last(key, target)
	}
	defer func() { h.wait.Note(n.asked.Of(key, target).Due()) }()
	return n.asked.Get(h.ctx, key, target)
}

// refreshToken looks again at where the token came from; a source is told that
// its token was refused.
func (t *Transport) refreshToken(h *hop, tok *Token) error {
	if h.policy.names(tok) {
		if h.policy.token.value != nil {
			return nil
		}
		return again(h, &h.policy.token.kept)
	}
	n := tok.source
	if n == nil {
		t.tokens.Peek().Doubt() // any of the files may have been replaced
		return again(h, &t.tokens)
	}
	tell := func(*Token) {}
	if r, ok := n.src.(interface{ Reject(*Token) }); ok {
		tell = r.Reject
	}
	key, target := h.sourceKey()
	defer t.refusals.Add(1) // what is kept at hand is of no use any more
	return n.asked.Refused(h.ctx, key, target, tok, tell)
}
