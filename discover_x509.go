// SPDX-License-Identifier: BSD-3-Clause

package scicred

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/scicred/scicred/internal/fit"
	"github.com/scicred/scicred/internal/fresh"
	"github.com/scicred/scicred/internal/gate"
	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/origin"
	"github.com/scicred/scicred/internal/p12file"
	"github.com/scicred/scicred/internal/pemfile"
	"github.com/scicred/scicred/internal/places"
	"github.com/scicred/scicred/internal/pool"
	"github.com/scicred/scicred/internal/source"
)

// defaultCertLeeway is for how long a discovered certificate must still be
// valid, as in igwn-auth-utils.
const defaultCertLeeway = 10 * time.Minute

// X509 is a client certificate with its key and chain, an RFC 3820 proxy among
// others. It prints without its key. It is immutable and safe for concurrent
// use.
type X509 struct {
	certificate func() *tls.Certificate
	key         string // tells identities apart: a hash of the chain
	identity    atomic.Pointer[pool.Identity]
	subject     string
	notBefore   time.Time
	expiry      time.Time
	proxy       bool
	note        string
	candidate   string
	path        string
	keyPath     string
}

// Certificate returns the certificate with its chain and private key, to be
// given to crypto/tls. It must not be changed.
func (x *X509) Certificate() *tls.Certificate { return x.certificate() }

// Subject returns the name in the grid form, /DC=org/…/CN=….
func (x *X509) Subject() string { return x.subject }

// Expiry returns when the first certificate of the chain expires.
func (x *X509) Expiry() time.Time { return x.expiry }

// IsProxy reports whether it is an RFC 3820 proxy certificate.
func (x *X509) IsProxy() bool { return x.proxy }

// Candidate returns the name of the place where it was found.
func (x *X509) Candidate() string { return x.candidate }

// Path returns the file with the certificate, or "".
func (x *X509) Path() string { return x.path }

// KeyPath returns the file with the private key if it is another one, or "".
func (x *X509) KeyPath() string { return x.keyPath }

// String describes the certificate without its key.
func (x *X509) String() string {
	if x == nil {
		return "no certificate"
	}
	return fmt.Sprintf("%s from %s", x.subject, x.candidate)
}

// LogValue implements [slog.LogValuer].
func (x *X509) LogValue() slog.Value { return slog.StringValue(x.String()) }

func (x *X509) same(y *X509) bool {
	return x == nil && y == nil || x != nil && y != nil && x.key == y.key
}

// check says whether the certificate is valid now and for leeway to come.
func (x *X509) check(now time.Time, leeway time.Duration) error {
	switch {
	case !x.expiry.After(now):
		return reason(ErrExpired, "expired %s ago", human.Duration(now.Sub(x.expiry)))
	case x.expiry.Before(now.Add(leeway)):
		return reason(ErrExpired, "expires in %s, less than the %s asked for", human.Duration(x.expiry.Sub(now)), human.Duration(leeway))
	case x.notBefore.After(now):
		return reason(ErrNotYetValid, "not valid for another %s", human.Duration(x.notBefore.Sub(now)))
	}
	return nil
}

// newX509 takes over a certificate whose Leaf is set.
func newX509(cert *tls.Certificate, chain []*x509.Certificate) *X509 {
	x := &X509{certificate: func() *tls.Certificate { return cert }, subject: pemfile.Subject(cert.Leaf)}
	hash := sha256.New()
	for _, der := range cert.Certificate {
		_, _ = hash.Write(der) // never fails
	}
	x.key = string(hash.Sum(nil))
	for i, c := range chain {
		if i == 0 || c.NotAfter.Before(x.expiry) {
			x.expiry = c.NotAfter
		}
		if c.NotBefore.After(x.notBefore) {
			x.notBefore = c.NotBefore
		}
	}
	return x
}

// takeX509 reads PEM and PKCS#12 files. A certificate that will be expired within
// the leeway is refused before its key is parsed, or a passphrase asked for; one
// whose time has not come is looked at again.
func (t *Transport) takeX509(ctx context.Context, leeway time.Duration) places.TakeX509[X509] {
	return func(p *inventory.Place[X509], l *inventory.Looker, cert, key []byte) {
		c, err := t.parseX509(ctx, p, cert, key, l.Now(), leeway)
		if err != nil {
			var dates *pemfile.ValidityError
			if p.Sound = errors.As(err, &dates); !p.Sound && !errors.Is(exported(err), ErrEncrypted) {
				err = as(ErrMalformed, err)
			}
			if p.Err = err; errors.Is(err, pemfile.ErrNotYetValid) {
				l.Again()
			}
			return
		}
		x := newX509(&c.Certificate, c.Chain)
		x.proxy, x.candidate, x.path, x.keyPath = c.Proxy, p.Candidate, p.Path, p.KeyPath
		switch {
		case c.ChainMissing:
			x.note = "warning: the certificate that the proxy was made from is not in the file; most servers will refuse it"
		case c.LegacyProxy:
			x.note = "warning: a proxy of the kind before RFC 3820; most servers refuse it"
		}
		p.Cred = x
	}
}

// parseX509 reads a certificate with its key in the format that the file has.
func (t *Transport) parseX509(ctx context.Context, p *inventory.Place[X509], cert, key []byte, now time.Time, leeway time.Duration) (c *pemfile.Credential, err error) {
	var ask pemfile.Passphrase
	var refused error
	if get := t.config.passphrase; get != nil {
		ask = func(ctx context.Context) (pass []byte, err error) {
			defer func() { refused = err }()
			defer source.Guard(&pass, &err, source.ErrFunction)
			return get(source.Marked(ctx, t), cmp.Or(p.KeyPath, p.Path))
		}
	}
	if p12file.Looks(cert) {
		c, err = p12file.Parse(ctx, cert, ask, now, leeway)
	} else {
		c, err = pemfile.ParsePairWithPassphrase(ctx, cert, key, now, leeway, ask)
	}
	if refused != nil || err != nil && ctx.Err() != nil {
		return nil, as(ErrEncrypted, err) // nobody can tell what is in it
	}
	return c, err
}

func (t *Transport) buildCerts(ctx context.Context, old *inventory.Inventory[X509]) *inventory.Inventory[X509] {
	inv := inventory.Build(t.world.World, old, places.X509(*t.world, t.takeX509(ctx, t.certLeeway())), t.x509Alive)
	t.retire(old, inv)
	return inv
}

// retire closes the connections of identities that were rotated away.
func (t *Transport) retire(old, now *inventory.Inventory[X509]) {
	if old == nil || old == now {
		return
	}
	for i := range old.Places {
		x, kept := old.Places[i].Cred, false
		for j := range now.Places {
			kept = kept || x != nil && x.same(now.Places[j].Cred)
		}
		if x != nil && !kept {
			t.pool.Retire(x.key)
		}
	}
}

func (t *Transport) certLeeway() time.Duration {
	if t.config.certLeeway == 0 {
		return defaultCertLeeway
	}
	return t.config.certLeeway
}

func (t *Transport) x509Alive(x *X509) bool { return x.check(t.world.Now(), 0) == nil }

// namedX509 is the certificate that an option gives.
type namedX509 struct {
	certFile, keyFile string
	get               func(context.Context) (*tls.Certificate, error)
	kept              fresh.Value[inventory.Inventory[X509]]
}

func (n *namedX509) name() string {
	if n.get != nil {
		return "WithCertificate"
	}
	return "WithX509"
}

// prepareX509 makes the named certificate ready to be read, and read again.
func (t *Transport) prepareX509(n *namedX509) {
	if n == nil {
		return
	}
	n.kept.Now = t.world.Now
	n.kept.Build = func(ctx context.Context, old *inventory.Inventory[X509]) *inventory.Inventory[X509] {
		look := func(l *inventory.Looker) []inventory.Place[X509] {
			return []inventory.Place[X509]{places.X509Files(l, n.name(), n.certFile, n.keyFile, t.takeX509(ctx, 0))}
		}
		if n.get != nil {
			look = func(l *inventory.Looker) []inventory.Place[X509] {
				l.Again() // only the function knows whether anything has changed
				return []inventory.Place[X509]{t.ask(ctx, n, old)}
			}
		}
		inv := inventory.Build(t.world.World, old, []inventory.Candidate[X509]{{Name: n.name(), Look: look}}, t.x509Alive)
		t.retire(old, inv)
		return inv
	}
}

func (n *namedX509) guarded(ctx context.Context) (cert *tls.Certificate, err error) {
	defer source.Guard(&cert, &err, source.ErrFunction)
	return n.get(ctx)
}

// ask calls the caller's function. If that fails, the certificate that it gave
// before serves until it expires.
func (t *Transport) ask(ctx context.Context, n *namedX509, old *inventory.Inventory[X509]) (p inventory.Place[X509]) {
	p = inventory.Place[X509]{Candidate: n.name()}
	defer func() {
		if p.Cred == nil && old != nil && old.Places[0].Cred != nil && t.x509Alive(old.Places[0].Cred) {
			p.Cred = old.Places[0].Cred
		}
	}()
	cert, err := n.guarded(source.Marked(ctx, t))
	switch {
	case err != nil:
		p.Err = err
		return p
	case cert == nil || len(cert.Certificate) == 0 || cert.PrivateKey == nil:
		p.Err = reason(ErrNoCredentials, "the function returned no certificate with a key")
		return p
	}
	held := *cert
	var chain []*x509.Certificate
	for _, der := range held.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			p.Err = as(ErrMalformed, err)
			return p
		}
		chain = append(chain, c)
	}
	held.Leaf = chain[0]
	p.Cred = newX509(&held, chain)
	p.Cred.candidate = n.name()
	return p
}

// checkX509 says whether what the options name can be used.
func (t *Transport) checkX509(h *hop) error {
	n := t.config.x509
	if err := t.pool.Foreign(); err != nil {
		return fmt.Errorf("%s: %w", n.name(), err)
	}
	if n.get != nil {
		return nil // nobody is asked before a request is made
	}
	_, err := t.chooseX509(h, nil)
	return err
}

// identity returns the connections of a certificate; the pool is asked once.
func (t *Transport) identity(x *X509) (*pool.Identity, error) {
	if id := x.identity.Load(); id != nil {
		return id, nil
	}
	id, err := t.pool.Identity(x.key, x.certificate())
	x.identity.Store(id)
	return id, err
}

// FindX509 returns the first discovered client certificate that is usable. The
// target's URL plays no part: a certificate names no server. The error is a
// [ChainError] that says why there is none.
func FindX509(ctx context.Context, target Target) (*X509, error) {
	return (*System)(nil).FindX509(ctx, target)
}

// FindX509 is [FindX509] in another world than this process.
func (s *System) FindX509(ctx context.Context, target Target) (*X509, error) {
	c, err := s.find(ctx, target, KindX509)
	return c.X509, err
}

// chooseX509 returns the certificate for this hop, nil if there is none. An
// error is one of a certificate that the caller named.
func (t *Transport) chooseX509(h *hop, rec *recorder) (*X509, error) {
	p := h.policy
	if why := p.off(KindX509); why != "" {
		rec.skip(KindX509, why)
		return nil, nil
	}
	if foreign := t.pool.Foreign(); foreign != nil {
		rec.skip(KindX509, foreign.Error())
		return nil, nil
	}
	var won *X509
	if n := t.config.x509; n != nil && n.get != nil && source.InCircle(h.ctx, t) {
		rec.add(Attempt{Kind: KindX509, Candidate: n.name()}, false, NotAsked)
		return nil, nil
	} else if n != nil {
		inv, err := n.kept.Await(h.ctx, &h.wait, h.anyX509)
		var place inventory.Place[X509]
		if inv != nil {
			place = inv.Places[0]
		} else {
			place = inventory.Place[X509]{Candidate: n.name(), Path: n.certFile, Err: err}
		}
		won = place.Cred
		a := x509Attempt(&place)
		if won != nil {
			if err := won.check(h.now, 0); err != nil {
				won, a.Err = nil, err
			}
		}
		if won == nil && h.fatal() {
			return nil, namedError(&a)
		}
		rec.add(a, won != nil, Withheld)
	}
	if p.noDiscovery || won != nil && rec == nil {
		return won, nil
	}
	inv, err := t.certs.Await(h.ctx, &h.wait, h.anyX509)
	if inv == nil {
		rec.unseen(KindX509, err)
		return won, h.gone()
	}
	check := func(x *X509) error { return x.check(h.now, t.certLeeway()) }
	if x := choose(rec, inv.Places, won != nil, x509Attempt, check, false); x != nil {
		won = x
	}
	return won, nil
}

// anyX509 reports whether there is a certificate that has not expired.
func (h *hop) anyX509(inv *inventory.Inventory[X509]) bool {
	return slices.ContainsFunc(inv.Places, func(p inventory.Place[X509]) bool { return p.Cred != nil && p.Cred.check(h.now, 0) == nil })
}

func x509Attempt(p *inventory.Place[X509]) Attempt {
	a := Attempt{Kind: KindX509, Candidate: p.Candidate, Path: p.Path, KeyPath: p.KeyPath, Err: p.Err}
	if x := p.Cred; x != nil {
		a.Identity, a.Expiry, a.Detail = x.subject, x.expiry, x.note
	}
	return a
}

// certificates are those of discovery, or the one that is named.
func (t *Transport) certificates() *fresh.Value[inventory.Inventory[X509]] {
	if n := t.config.x509; n != nil {
		return &n.kept
	}
	return &t.certs
}

// --- What the kinds share: finding one, and for what and how long a choice holds

// find discovers one kind for a target. Nothing is sent, so the rules of where
// it may go do not count, and neither does what the environment says of them.
func (s *System) find(ctx context.Context, target Target, kind Kind) (Credentials, error) {
	t := &Transport{pool: pool.New(&http.Transport{})} // nothing is sent
	var others []Kind
	for _, k := range allKinds() {
		if k != kind {
			others = append(others, k)
		}
	}
	err := t.configure([]Option{
		WithSystem(s), WithAudience(target.Audience...), WithScope(target.Scope...), WithIssuer(target.Issuer...),
		Without(others...), FailIfNoAuth(kind),
	})
	if err != nil {
		return Credentials{}, fmt.Errorf("scicred: %w", err)
	}
	h := t.look(&hop{ctx: ctx, req: target.request(ctx), policy: &t.config.policy})
	h.Passage = gate.Passage{Origin: h.Origin, User: h.User}
	if kind != KindBasic {
		h.User = "" // it asks for a login in the one header, and here nothing is sent
	}
	d, err := t.decide(h, nil)
	if err != nil || d.any() {
		return Credentials{Token: d.token, X509: d.x509, Login: d.login}, err
	}
	rec := &recorder{} // only who finds nothing wants to know why
	if d, err = t.decide(h, rec); err != nil {
		return Credentials{}, err
	}
	report := rec.report(h, &d).only(kind)
	return Credentials{Token: d.token, X509: d.x509, Login: d.login, Report: report}, report.Err()
}

// names reports whether it is the token that an option gives.
func (p *policy) names(tok *Token) bool {
	return p.token != nil && tok.source == nil && tok.candidate == p.token.candidate
}

// everywhere reports whether the token fits whatever the host is.
func (t *Token) everywhere(p *policy) bool {
	return t.jwt == nil || len(p.audience) > 0 || fit.Anywhere(t.jwt)
}

// nobodyNames reports whether the host of a request makes no difference: no token
// is for it in particular, and it may be sent what others may.
func (t *Transport) nobodyNames(p *policy, req *http.Request) bool {
	found := t.tokens.Peek()
	if len(p.hosts) == 0 && found.ForAll() {
		return true
	}
	o := origin.Of(req.URL)
	return (len(p.audience) > 0 || !found.Names(o)) && gate.Named(p.hosts, o)
}

// until returns when one of those who had a say is due to be asked again, or what
// was chosen comes too close to its end.
func (t *Transport) until(h *hop, d *decision) time.Time {
	end := h.now.Add(fresh.Interval)
	if due := h.wait.Due(); !due.IsZero() {
		end = due
	}
	if d.token != nil {
		exp, mortal := d.token.Expiry()
		if d.token.source == nil && !h.policy.names(d.token) {
			exp = exp.Add(-t.config.tokens.leeway())
		}
		if mortal && exp.Before(end) {
			end = exp
		}
	}
	if d.x509 != nil && d.x509.expiry.Add(-t.certLeeway()).Before(end) {
		end = d.x509.expiry.Add(-t.certLeeway())
	}
	return end
}

// again looks again at once, for a request that was refused. A file system that
// hangs must not hold the answer back.
func again[T any](h *hop, v *fresh.Value[T]) error {
	ctx, cancel := context.WithTimeout(h.ctx, time.Second)
	defer cancel()
	_, err := v.Refresh(ctx)
	return err
}
