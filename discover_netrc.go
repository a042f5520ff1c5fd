// SPDX-License-Identifier: BSD-3-Clause

package scicred

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/scicred/scicred/internal/fresh"
	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/memo"
	"github.com/scicred/scicred/internal/netrcfile"
	"github.com/scicred/scicred/internal/places"
	"github.com/scicred/scicred/internal/redact"
	"github.com/scicred/scicred/internal/secret"
)

// Login is a user name and a password. It prints without the password. It is
// immutable and safe for concurrent use.
type Login struct {
	user      string
	password  secret.Text
	header    func() string // the value of an Authorization header, made once
	machine   string        // the netrc entry
	candidate string
	path      string
	named     bool // by WithBasicAuth, not from a netrc file
}

func newLogin(user, password, candidate, path string) *Login {
	value := "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	return &Login{
		user: user, password: secret.New(password), header: func() string { return value },
		candidate: candidate, path: path,
	}
}

// User returns the user name.
func (l *Login) User() string { return l.user }

// Reveal returns the password.
func (l *Login) Reveal() string { return l.password.Reveal() }

// Candidate returns the name of the place where the login was found.
func (l *Login) Candidate() string { return l.candidate }

// Path returns the netrc file, or "".
func (l *Login) Path() string { return l.path }

// String describes the login without the password.
func (l *Login) String() string {
	if l == nil {
		return "no login"
	}
	return fmt.Sprintf("login of %q from %s", l.user, l.candidate)
}

// LogValue implements [slog.LogValuer].
func (l *Login) LogValue() slog.Value { return slog.StringValue(l.String()) }

func (l *Login) same(m *Login) bool {
	return l == nil && m == nil || l != nil && m != nil && l.user == m.user && l.Reveal() == m.Reveal()
}

// netrc is a parsed file, and what was looked up in it: a lookup goes through
// go-netrc and is not for every request.
type netrc struct {
	file    *netrcfile.File
	answers memo.Map[netrcfile.Query, *netrcAnswer]
}

type netrcAnswer struct {
	login *Login
	err   error // why there is none
}

func takeNetrc(data []byte) (*netrc, error) {
	f, err := netrcfile.Parse(data)
	if err != nil {
		return nil, err
	}
	return &netrc{file: f}, nil
}

func (t *Transport) buildNetrc(_ context.Context, old *inventory.Inventory[netrc]) *inventory.Inventory[netrc] {
	list := places.Netrc(*t.world, takeNetrc)
	if name := t.config.netrcFile; name != "" {
		list = []inventory.Candidate[netrc]{{Name: "WithNetrc", Look: func(l *inventory.Looker) []inventory.Place[netrc] {
			return []inventory.Place[netrc]{places.NetrcFile(l, "WithNetrc", name, takeNetrc)}
		}}}
	}
	return inventory.Build(t.world.World, old, list, func(*netrc) bool { return true })
}

// lookup returns the login for the host of the hop.
func (n *netrc) lookup(p *inventory.Place[netrc], q netrcfile.Query) *netrcAnswer {
	return n.answers.Of(q, func() *netrcAnswer {
		e, found, err := n.file.Lookup(q)
		switch {
		case err != nil:
			return &netrcAnswer{err: err}
		case !found:
			return &netrcAnswer{err: noEntry(n.file, q)}
		}
		l := newLogin(e.Login, e.Password.Reveal(), p.Candidate, p.Path)
		l.machine = e.Machine
		if e.Default {
			l.machine = "default"
		}
		return &netrcAnswer{login: l}
	})
}

// noEntry says what the file has instead, if that may be the reason.
func noEntry(f *netrcfile.File, q netrcfile.Query) error {
	text := "no entry for " + q.Host
	if q.User != "" {
		text += " with the login " + q.User
	}
	if ports := f.OtherPorts(q.Host); len(ports) > 0 {
		text += ", only for its port " + strings.Join(ports, " and ")
	}
	if f.HasDefault() && !q.AllowDefault {
		text += "; the default entry is not used without WithNetrcDefault"
	}
	return reason(ErrNoCredentials, "%s", text)
}

// namedLogin returns the login of WithBasicAuth, nil if there is none.
func (t *Transport) namedLogin(h *hop, rec *recorder) *Login {
	l := h.policy.login
	if l == nil || h.policy.off(KindBasic) != "" {
		return nil
	}
	rec.add(loginAttempt(l), true, Attached)
	return l
}

// chooseNetrc returns the login that the netrc file has for this hop, unless
// one was named. An error is one of a file that the caller named.
func (t *Transport) chooseNetrc(h *hop, rec *recorder, named *Login) (*Login, error) {
	p := h.policy
	if why := p.off(KindBasic); why != "" {
		rec.skip(KindBasic, why)
		return nil, nil
	}
	given := t.config.netrcFile != ""
	if p.noDiscovery && !given || named != nil && rec == nil {
		return named, nil
	}
	if h.req == nil {
		rec.skip(KindBasic, "a login is looked up by host, and no URL was given")
		return named, nil
	}
	inv, err := t.netrc.Await(h.ctx, &h.wait, func(inv *inventory.Inventory[netrc]) bool { return inv.Places[len(inv.Places)-1].Cred != nil })
	if inv == nil {
		rec.unseen(KindBasic, err)
		return named, h.gone()
	}
	won := named
	for i := range inv.Places {
		place := &inv.Places[i]
		a := Attempt{Kind: KindBasic, Candidate: place.Candidate, Path: place.Path, Err: place.Err}
		switch {
		case won != nil:
			a.Err = nil
			rec.add(a, false, NotAsked)
			continue
		case place.Cred == nil && given && h.fatal():
			return nil, namedError(&a)
		case place.Cred == nil && place.Absent:
			rec.add(a, false, NotFound)
			continue
		case place.Cred == nil:
			rec.add(a, false, Rejected)
			continue
		}
		answer := place.Cred.lookup(place, netrcfile.Query{
			Host: h.Origin.Host, Port: h.Origin.Port, User: h.User, AllowDefault: t.config.netrcDefault,
		})
		if answer.login == nil {
			a.Err = answer.err
			rec.add(a, false, missOutcome(answer.err))
			continue
		}
		a = loginAttempt(answer.login)
		a.Identity = answer.login.machine + " as " + answer.login.user
		a.Detail = keptNote(place.Absent, place.Err)
		if h.Named != nil && !given {
			a.Err = as(ErrNotSent, h.Named)
			rec.add(a, false, Withheld)
			continue
		}
		won = answer.login
		rec.add(a, true, Attached)
	}
	return won, nil
}

// missOutcome tells a host that the file does not have from an entry that
// cannot be used.
func missOutcome(err error) Outcome {
	if errors.Is(err, ErrNoCredentials) {
		return NotFound
	}
	return Rejected
}

func tokenAttempt(candidate, path string, tok *Token, err error) Attempt {
	a := Attempt{Kind: KindToken, Candidate: candidate, Path: path, Err: err}
	if tok != nil {
		if a.Path == "" {
			a.Path = tok.path
		}
		if c, ok := tok.Claims(); ok {
			a.Claims, a.Expiry, a.Identity = &c, c.Expiry, c.Subject
		} else {
			a.Identity = "opaque token"
		}
	}
	return a
}

func loginAttempt(l *Login) Attempt {
	return Attempt{Kind: KindBasic, Candidate: l.candidate, Path: l.path, Identity: l.user}
}

// checkNetrc says whether the file that WithNetrc names can be read.
func (t *Transport) checkNetrc(h *hop) error {
	inv, err := t.netrc.Get(h.ctx, func(*inventory.Inventory[netrc]) bool { return false })
	if inv == nil {
		return fmt.Errorf("WithNetrc %s: %w", t.config.netrcFile, err)
	}
	if p := &inv.Places[0]; p.Cred == nil {
		return namedError(&Attempt{Kind: KindBasic, Candidate: p.Candidate, Path: p.Path, Err: p.Err})
	}
	return nil
}

// FindNetrc returns the login that the netrc file has for the target's host.
// The error is a [ChainError] that says why there is none.
func FindNetrc(ctx context.Context, target Target) (*Login, error) {
	return (*System)(nil).FindNetrc(ctx, target)
}

// FindNetrc is [FindNetrc] in another world than this process.
func (s *System) FindNetrc(ctx context.Context, target Target) (*Login, error) {
	c, err := s.find(ctx, target, KindBasic)
	return c.Login, err
}

// --- What the kinds share: targets, choosing, and the record of discovery

// Target is what a credential must fit. The zero Target asks for nothing, so
// that everything that is sound by itself fits. It prints its URL without
// secrets.
type Target struct {
	// URL is where the credential is to go; it gives the audience, and the host
	// for a login.
	URL *url.URL
	// Audience replaces the audience that the URL gives; one is enough.
	Audience []string
	// Scope lists what a token must cover, each of them, such as
	// "storage.read:/data".
	Scope []string
	// Issuer lists the issuers that a token may come from; none means any.
	Issuer []string
}

// String returns the target for people, without secrets.
func (t Target) String() string {
	return fmt.Sprintf("url=%s audience=%q scope=%q issuer=%q", RedactURL(t.URL), t.Audience, t.Scope, t.Issuer)
}

// Format implements [fmt.Formatter], so that no verb prints the raw URL.
func (t Target) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(t.String())) }

// MarshalText implements [encoding.TextMarshaler], and so JSON and slog.
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// request returns a request to the target as http.Client would make it; nil
// without a URL.
func (t Target) request(ctx context.Context) *http.Request {
	if t.URL == nil {
		return nil
	}
	req := (&http.Request{Method: http.MethodGet, URL: t.URL, Header: http.Header{}}).WithContext(ctx)
	if t.URL.User != nil {
		password, _ := t.URL.User.Password()
		req.SetBasicAuth(t.URL.User.Username(), password)
	}
	return req
}

// Credentials is what a request would carry. The fields are nil for what it
// would not.
type Credentials struct {
	Token  *Token
	X509   *X509
	Login  *Login
	Report *Report
}

// Credentials returns exactly what a GET of u, made with ctx, would carry now:
// for tools that make their own requests, such as third-party copies. A nil u
// asks for what there is, for no place in particular. The error is that of a
// named credential which would make the request fail.
func (t *Transport) Credentials(ctx context.Context, u *url.URL) (*Credentials, error) {
	return t.credentials(ctx, u, false)
}

// Explain reports on what a GET of u would carry, and why. It sends nothing,
// prompts nothing and asks a [TokenSource] only through its Peek method.
func (t *Transport) Explain(ctx context.Context, u *url.URL) *Report {
	c, err := t.credentials(ctx, u, true)
	if err != nil {
		return &Report{URL: RedactURL(u), now: t.world.Now(), Attempts: []Attempt{{Candidate: "option of the request", Outcome: Rejected, Err: err}}}
	}
	return c.Report
}

func (t *Transport) credentials(ctx context.Context, u *url.URL, explain bool) (*Credentials, error) {
	p, err := t.policyFor(ctx)
	if err != nil {
		return nil, prefixed(err)
	}
	h := t.look(&hop{ctx: ctx, req: Target{URL: u}.request(ctx), policy: p})
	h.explain = explain
	rec := &recorder{}
	d, err := t.decide(h, rec)
	if err != nil {
		return nil, prefixed(err)
	}
	return &Credentials{Token: d.token, X509: d.x509, Login: d.login, Report: rec.report(h, &d)}, nil
}

// reportFor writes the report of a decision that has been taken.
func (t *Transport) reportFor(h *hop, d *decision) *Report {
	settled := *h
	settled.wait.Never = true
	rec := &recorder{}
	if now, err := t.decide(&settled, rec); err != nil || !now.same(d) {
		rec.correct(d) // rotated in between: what was sent counts
	}
	return rec.report(h, d)
}

// header is the value of the Authorization header, "" for none.
func (d *decision) header() string {
	switch {
	case d.token != nil:
		return d.token.text().Header()
	case d.login != nil:
		return d.login.header()
	}
	return ""
}

// choose returns the first credential that passes the check, and notes what
// becomes of every place. Where an earlier candidate has won already, the rest
// is not asked. firstOnly ends the search at the first place that is not empty.
func choose[C any](rec *recorder, found []inventory.Place[C], taken bool, attempt func(*inventory.Place[C]) Attempt, check func(*C) error, firstOnly bool) *C {
	var won *C
	for i := range found {
		p := &found[i]
		var a Attempt
		if rec != nil { // a request in a hurry needs none
			if a = attempt(p); p.Cred != nil {
				a.Err, a.Detail = nil, joinNotes(a.Detail, p.Warning, keptNote(p.Absent, p.Err))
			}
		}
		switch {
		case taken:
			rec.add(Attempt{Kind: a.Kind, Candidate: a.Candidate, Path: a.Path, KeyPath: a.KeyPath}, false, NotAsked)
			continue
		case p.Cred == nil && p.Absent:
			rec.add(a, false, NotFound)
			continue
		case p.Cred == nil:
			rec.add(a, false, Rejected)
		default:
			if a.Err = check(p.Cred); a.Err == nil {
				won, taken = p.Cred, true
			}
			lost := Rejected
			if errors.Is(a.Err, ErrNotSent) {
				lost = Withheld
			}
			rec.add(a, won != nil, lost)
		}
		taken = taken || firstOnly && !p.Empty
		if taken && rec == nil {
			break
		}
	}
	return won
}

// keptNote says why an older credential than the one on disk is in use.
func keptNote(absent bool, err error) string {
	switch {
	case err == nil:
		return ""
	case absent:
		return "the file is gone; what it held is used until it is seen to be gone again"
	}
	return "the file has changed and is unusable (" + err.Error() + "); what it held before is used"
}

func joinNotes(notes ...string) string {
	return strings.Join(slices.DeleteFunc(notes, func(s string) bool { return s == "" }), "; ")
}

// recorder notes what becomes of each candidate. A nil one notes nothing.
type recorder struct {
	attempts []Attempt
	won      [KindBasic + 1]int // index + 1 of the winner of a kind
}

func (r *recorder) add(a Attempt, won bool, lost Outcome) {
	if r == nil {
		return
	}
	a.Err = exported(a.Err)
	if a.Outcome = lost; won {
		a.Outcome = Attached
		r.won[a.Kind] = len(r.attempts) + 1
	}
	r.attempts = append(r.attempts, a)
}

// unseen notes that discovery of a kind has no answer.
func (r *recorder) unseen(k Kind, err error) {
	if errors.Is(err, fresh.ErrNotAsked) {
		r.add(Attempt{Kind: k, Candidate: "discovery"}, false, NotAsked)
		return
	}
	r.add(Attempt{Kind: k, Candidate: "discovery", Err: err}, false, Rejected)
}

func (r *recorder) skip(k Kind, why string) {
	r.add(Attempt{Kind: k, Candidate: "-", Detail: why}, false, Skipped)
}

func (r *recorder) skipAll(why string) {
	for _, k := range allKinds() {
		r.skip(k, why)
	}
}

// settle says that the winner of a kind is not attached after all.
func (r *recorder) settle(k Kind, o Outcome, why error) {
	if r != nil && r.won[k] > 0 {
		a := &r.attempts[r.won[k]-1]
		a.Outcome, a.Err = o, as(ErrNotSent, why)
	}
}

// correct makes the record say what was really sent, where a rotation came
// between.
func (r *recorder) correct(d *decision) {
	for i := range r.attempts {
		if r.attempts[i].Outcome == Attached {
			r.attempts[i].Outcome = NotAsked
		}
	}
	if d.token != nil {
		r.add(tokenAttempt(d.token.candidate, d.token.path, d.token, nil), true, Attached)
	}
	if x := d.x509; x != nil {
		r.add(Attempt{Kind: KindX509, Candidate: x.candidate, Path: x.path, KeyPath: x.keyPath, Identity: x.subject, Expiry: x.expiry}, true, Attached)
	}
	if d.login != nil {
		r.add(loginAttempt(d.login), true, Attached)
	}
}

func (r *recorder) report(h *hop, d *decision) *Report {
	rep := &Report{now: h.now, failed: h.missing(d)}
	if h.req != nil {
		rep.URL = redact.URL(h.req.URL)
	}
	// The order of kinds is fixed, the order within one is that of trying.
	for _, k := range allKinds() {
		for _, a := range r.attempts {
			if a.Kind == k {
				rep.Attempts = append(rep.Attempts, a)
			}
		}
	}
	return rep
}
