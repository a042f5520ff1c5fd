// SPDX-License-Identifier: BSD-3-Clause

// Package scicred finds the credentials that scientists already have on a
// machine, attaches every valid one to HTTP requests, and can always say what
// it did and why.
//
// It knows bearer tokens (SciTokens and WLCG tokens; any other if it is named),
// X.509 user certificates and RFC 3820 proxies, and the logins of a netrc file.
// A [Transport] is an [http.RoundTripper] for any [http.Client]:
//
//	transport, err := scicred.NewTransport(nil)
//	if err != nil {
//		return err
//	}
//	client := &http.Client{Transport: transport}
//	resp, err := client.Get("https://data.example.org/frames/1.gwf")
//
// Most programs need no more than that, and [CheckResponse] for answers that
// are no success. Options say three things: what to attach ([WithToken],
// [WithX509], [WithAudience], [Without] and others), where it may go
// ([WithHosts], [WithTrustedHosts], [WithPlaintextHTTP]), and what happens if
// there is none ([FailIfNoAuth], [ForceNoAuth]).
//
// Programs that make their requests in another way use [FindToken], [FindX509]
// and [FindNetrc], or [Transport.Credentials], which returns exactly what a
// request would carry.
//
// # Discovery
//
// These places are looked at, per kind and in this order:
//
//	token  the token of WithToken or WithTokenFile
//	       the sources of WithTokenSource, in the order given
//	       $SCITOKEN
//	       $SCITOKEN_FILE
//	       $_CONDOR_CREDS/*.use, in the order of their names
//	       $BEARER_TOKEN
//	       $BEARER_TOKEN_FILE
//	       $XDG_RUNTIME_DIR/bt_u<euid>
//	       /tmp/bt_u<euid>
//
//	x509   the certificate of WithX509 or WithCertificate
//	       $X509_USER_CERT with $X509_USER_KEY
//	       $X509_USER_PROXY
//	       /tmp/x509up_u<euid>
//	       ~/.globus/usercert.pem with ~/.globus/userkey.pem
//	       ~/.globus/usercred.p12
//
//	basic  the login of WithBasicAuth
//	       one file: that of WithNetrc, else $NETRC, else ~/.netrc, else ~/_netrc
//
// For each kind the first that fits is used. The order is that of
// igwn-auth-utils; the last four places of tokens are those of WLCG Bearer
// Token Discovery, and all four get their turn. An empty variable counts as
// unset. <euid> is the number of the effective user; where users have no
// numbers (Windows) the places named after it do not exist, and nobody checks to
// whom a file belongs; the report says both.
// $IGWN_AUTH_UTILS_FIND_SCITOKEN and $IGWN_AUTH_UTILS_FIND_X509 are honoured
// where no option speaks of the kind: 1, y, yes and true demand one, any other
// value switches the kind off.
//
// What the caller named fails the request; what was stumbled upon only fails
// itself. A discovered file that is missing, expired, garbled or somebody
// else's is passed over with its reason in the report, and the search goes on.
// (With netrc it ends: one file is read, the first that is there.) A file that
// an option names and that cannot be used is an error of [NewTransport], and
// later of the request that would have carried it.
//
// Files are opened once, without waiting for anybody to write to them. Only
// regular files are read: tokens up to 64 KiB, others up to 1 MiB. In a
// folder that others may write, such as /tmp, the file must belong to the
// effective user, and so must a symbolic link to it, since anybody can put one
// there; what a link elsewhere leads to must belong to that user or to root. A
// netrc file must be the user's and closed to all others. Discovery never
// prompts, and asks no server, but for the keys that a [Verifier] needs.
//
// # Selection
//
// A discovered token fits if it has 60 seconds to live ([TokenPolicy]), is not
// dated more than 60 seconds ahead, and names the audience of the URL:
// scheme://host or, for a port that is not the scheme's own, also
// scheme://host:port. The audiences ANY (SciTokens) and
// https://wlcg.cern.ch/jwt/v1/any fit everywhere. So does a token without an
// audience, unless it follows a profile that demands one. [WithAudience]
// replaces the URL's audience, [WithIssuer] and [WithScope] ask for more; the
// paths of scopes match by whole segments, so that read:/a covers /a/b and not
// /ab. A claim of the wrong type makes a token unusable: it is never read as
// absent. A token without expiry is accepted and shown as such. Signatures are
// not verified: the server does that, and discovery works offline; a Verifier in
// the [TokenPolicy] changes it.
//
// A token that is no JWT does not say for whom it is. It is used if it was
// named, or under [SelectWLCG], which takes what is in the first place that is
// not empty, without looking into it. A token file may also hold a JSON object
// with a member access_token.
//
// A discovered certificate is usable if its key is there and its own, if the key
// is not encrypted or [WithPassphrase] opens it, and if the whole chain is valid
// now and for ten minutes more ([WithCertificateLeeway]). Files are PEM, with
// their blocks in any order, or PKCS#12; the content tells.
// The chain is not verified.
//
// In the netrc file host:port goes before host, and of two entries the first
// that has a login or a password counts. A user name in the URL selects the
// entry of that user. The default entry is used only with [WithNetrcDefault].
//
// # Where credentials go
//
// Tokens and logins travel over https alone. Over http to localhost,
// 127.0.0.0/8 and ::1, without a proxy (which only a base that is an
// [http.Transport] can tell), those go that the caller named;
// [WithPlaintextHTTP] lifts the rule for the stubborn. [WithHosts] limits every
// kind on every hop. A password, and a token that names no audience, need it if
// an option of the Transport gives them: else they would go to every server.
//
// A request has one Authorization header. The caller's own is never touched;
// then comes the login of [WithBasicAuth], then a token, then netrc. The
// certificate is offered besides, whatever the header says. A URL with a user
// name and no password asks for the netrc login of that user, and gets no
// token.
//
// A presigned URL (X-Amz-Signature, X-Goog-Signature, Signature or sig in its
// query) is a credential by itself: it gets no token and no login. An https
// proxy is not offered the certificate.
//
// Connections are kept apart: each certificate has an [http.Transport] of its
// own, cloned from the base, and requests that must show none have another. For
// this the base must be an *http.Transport without DialTLS hooks and client
// certificate; behind any other RoundTripper tokens and logins work,
// certificates are skipped, and [WithX509] is an error.
//
// # Redirects
//
// What goes along is decided afresh for each hop. After a redirect to another
// origin (scheme, host or port) nothing is attached for the rest of the chain,
// not even when it leads back; an Authorization header that net/http copied
// along and TransferHeader headers are removed, and Referer loses its query. An
// Authorization header that CheckRedirect sets on purpose stays.
// [WithTrustedHosts] names hosts, such as the data servers of a redirector, to
// which credentials may follow: there a token fits by the audience of that host
// or by that of the first one. From https to http nothing ever follows.
//
// The rule needs the chain of responses that net/http keeps. A RoundTripper
// around this one that builds new requests breaks it: then use WithHosts.
//
// # Rotation
//
// At most once a second a request looks whether the variables, files and
// folders that the answer depends on have changed, and reads again what may
// have; nothing runs in the background and there is nothing to close. Of the
// files in $_CONDOR_CREDS those whose tokens are in use are looked at each
// second, and all of them when the folder changes, as it does when a file is
// renamed into it. Another file there that is written over in place is noticed
// within 30 seconds; within a second while no token is in use or the one in use
// is about to expire. A machine that wakes up may send, for up to a second, a
// token that has expired while it slept.
//
// While a file is unreadable or garbled, the good credential that it held is
// used until it expires; a file that is gone at two looks is withdrawn. A
// renewed certificate gets new connections. On 401 and 403 the places of what
// was sent are looked at once more, at once: if there is another credential
// now, of every kind that was sent, the request is sent a second time, once, if
// its body can be sent again (GetBody) and the Authorization header was not the
// caller's.
//
// # Errors and reports
//
// Every decision is a [Report] with an [Attempt] for each place: attached,
// shadowed by another credential, withheld from this server, rejected, not
// found, skipped or not asked, and why. [Transport.Explain] returns it without
// sending anything. With [FailIfNoAuth] a request that would go without a
// credential fails with a [ChainError], which prints the report; it is
// [ErrNoCredentials] to errors.Is, and also whatever was wrong with what was
// found: [ErrExpired], [ErrMismatch], [ErrInsecure] and so on. [CheckResponse]
// makes a [StatusError] of a response that is no success, with what was sent,
// where it came from, and what can be told from here about why it failed.
//
// No error, report or log line holds a secret, and no type of this package
// prints one, by any verb, in JSON or with slog. [Token.Reveal] and
// [Login.Reveal] return the secret. URLs are redacted ([RedactURL]); those in
// errors of [http.Client] are net/http's own and are not.
//
// # Per-request options
//
// A [RequestOption] given to [NewContext] holds for the requests made with that
// context, on top of the Transport's own options; of nested calls the later
// wins. A server that acts for many users makes one Transport with
// [WithoutDiscovery], so that its own credentials stay out of it, and gives
// each request the user's token with [WithToken]. Such a token stands for
// somebody: where it does not fit, no other token goes in its place. Options of
// a request survive
// redirects, as the context does, and the rules of redirects bind them.
// WithHosts on a request narrows, never widens. Certificates cannot be given
// per request: they belong to connections, and connections are shared.
//
// # Other worlds
//
// [System] is all that the outside world supplies: environment, files, user and
// clock. [WithSystem] and its methods find credentials in another one, for
// tests and for services whose users' environment is not their own. Package
// credtest makes certificates, proxies and tokens for tests, and servers that
// record which secret reached them.
//
// # Other RoundTrippers
//
// Put what retries, caches, measures or logs around this Transport, not under
// it: outside it sees the caller's request without our credentials, inside it
// would see the Authorization header.
//
// # Compatibility promise
//
// From version 1.0 on, what compiles against one version compiles against every
// later one of the same major version, and the names of places, their order,
// and the rules of where credentials go change only where security demands it.
// Before, a minor version may change them and the change log says so. The texts
// of errors and of [Attempt.Detail] are for people and may change at any time:
// test errors with errors.Is and errors.As.
package scicred

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scicred/scicred/internal/fit"
	"github.com/scicred/scicred/internal/fresh"
	"github.com/scicred/scicred/internal/gate"
	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/origin"
	"github.com/scicred/scicred/internal/outgoing"
	"github.com/scicred/scicred/internal/places"
	"github.com/scicred/scicred/internal/pool"
	"github.com/scicred/scicred/internal/ready"
	"github.com/scicred/scicred/internal/redact"
	"github.com/scicred/scicred/internal/source"
	"github.com/scicred/scicred/internal/stock"
)

// Transport is an [http.RoundTripper] that attaches the credentials it finds to
// the requests that may carry them. Make one with [NewTransport]. It is safe
// for concurrent use, needs no Close, and runs nothing in the background.
type Transport struct {
	config config
	world  *places.World
	pool   *pool.Pool
	tokens fresh.Value[stock.Stock[Token]]
	certs  fresh.Value[inventory.Inventory[X509]]
	netrc  fresh.Value[inventory.Inventory[netrc]]
	log    *slog.Logger

	tokenPlaces []inventory.Candidate[Token] // made by the first look

	refusals atomic.Uint64 // of tokens of sources: after each they may say something else
	asksBack bool          // what it asks may make requests through it
}

// NewTransport returns a Transport that sends through base; nil is a clone of
// [http.DefaultTransport]. It fails if options contradict each other, if a file
// that an option names cannot be used, or if a credential that an option gives
// could go to any server at all.
func NewTransport(base http.RoundTripper, opts ...Option) (*Transport, error) {
	t := &Transport{pool: pool.New(base)}
	if err := t.configure(opts); err != nil {
		return nil, prefixed(err)
	}
	return t, nil
}

func (t *Transport) configure(opts []Option) error {
	c := &t.config
	c.policy.begin(false)
	for _, o := range opts {
		if o == nil {
			return errors.New("nil option")
		}
		if err := o.apply(c); err != nil {
			return err
		}
	}
	if err := c.policy.end(); err != nil {
		return err
	}
	t.world, t.log = c.system.world(), c.logger
	t.tokens.Now, t.tokens.Build = t.world.Now, t.buildTokens
	t.certs.Now, t.certs.Build = t.world.Now, t.buildCerts
	t.netrc.Now, t.netrc.Build = t.world.Now, t.buildNetrc
	for _, s := range c.sources {
		t.prepareSource(s)
	}
	t.prepareToken(c.token)
	t.prepareX509(c.x509)
	c.hostsNamed = len(c.hosts) > 0
	t.asksBack = len(c.sources) > 0 || c.tokens.Verifier != nil || c.x509 != nil && c.x509.get != nil
	c.ready = new(ready.Table[sending, state])
	t.applyEnvironment(&c.policy)
	return t.checkNamed()
}

// checkNamed looks at what the options name, so that a mistake shows at once.
func (t *Transport) checkNamed() error {
	c := &t.config
	if c.forceNoAuth {
		return nil
	}
	h := t.look(&hop{ctx: context.Background(), req: nil, policy: &c.policy})
	h.needed = true
	if c.login != nil && !c.hostsNamed {
		return errors.New("WithBasicAuth: a password names no server: say with WithHosts where it may go")
	}
	if n := c.token; n != nil && !c.without.has(KindToken) {
		tok, err := n.get(h)
		if err == nil {
			err = tok.check(&fit.Want{}, h.now, 0)
		}
		if err != nil {
			a := tokenAttempt(n.candidate, n.file, tok, err)
			return namedError(&a)
		}
		if err := n.mayGo(tok, h); err != nil {
			return fmt.Errorf("%s: %w", n.candidate, err)
		}
	}
	if c.x509 != nil && !c.without.has(KindX509) {
		if err := t.checkX509(h); err != nil {
			return err
		}
	}
	if c.netrcFile != "" && !c.without.has(KindBasic) {
		return t.checkNetrc(h)
	}
	return nil
}

// applyEnvironment honours the variables of igwn-auth-utils where no option
// speaks of the kind.
func (t *Transport) applyEnvironment(p *policy) {
	p.envFail, p.envWithout = 0, 0
	if p.noDiscovery {
		return
	}
	for kind, name := range map[Kind]string{KindToken: "IGWN_AUTH_UTILS_FIND_SCITOKEN", KindX509: "IGWN_AUTH_UTILS_FIND_X509"} {
		value, _ := t.world.LookupEnv(name)
		if value == "" || p.spoken.has(kind) {
			continue
		}
		switch strings.ToLower(value) {
		case "1", "y", "yes", "true":
			p.envFail.set(kind, true)
		default:
			p.envWithout.set(kind, true)
		}
	}
}

// CloseIdleConnections closes the idle connections of all identities.
func (t *Transport) CloseIdleConnections() { t.pool.CloseIdleConnections() }

// Format implements [fmt.Formatter], so that printing a Transport shows nothing
// of what it holds.
func (t *Transport) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("scicred.Transport")) }

// LogValue implements [slog.LogValuer].
func (t *Transport) LogValue() slog.Value { return slog.StringValue("scicred.Transport") }

// RoundTrip implements [http.RoundTripper]. The request is never changed; the
// response's Request is the caller's own, without our credentials.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL == nil || req.URL.Scheme != "https" && req.URL.Scheme != "http" {
		return t.pool.Base().RoundTrip(req)
	}
	p, err := t.policyFor(req.Context())
	if err != nil {
		outgoing.CloseBody(req)
		return nil, prefixed(err)
	}
	if r := t.readyFor(req, p); r != nil {
		m := outgoing.Carrying(req, r.header)
		resp, err := outgoing.Send(r.rt, m.Request)
		if err != nil || resp.StatusCode < http.StatusBadRequest {
			return answer(resp, req), err
		}
		d := r.decision
		return t.refused(m, resp, t.look(&hop{ctx: req.Context(), req: req, policy: p}), &d)
	}
	return t.roundTrip(req, p)
}

// roundTrip is RoundTrip for a request that nothing is ready for.
func (t *Transport) roundTrip(req *http.Request, p *policy) (*http.Response, error) {
	h := t.look(&hop{ctx: req.Context(), req: req, policy: p})
	from := t.stateFor(p)
	d, err := t.decide(h, nil)
	if err == nil {
		err = t.demand(h, &d)
	}
	if err != nil {
		outgoing.CloseBody(req)
		return nil, prefixed(err)
	}
	rt, err := t.carrier(h, &d)
	if err != nil {
		outgoing.CloseBody(req)
		return nil, err
	}
	t.keepReady(h, &d, rt, from)
	t.logSent(h, &d)
	m := message(h, &d)
	resp, err := outgoing.Send(rt, m.Request)
	if err != nil || resp.StatusCode < http.StatusBadRequest {
		return answer(resp, req), err
	}
	return t.refused(m, resp, h, &d)
}

// answer gives a response the caller's request, so that no secret is in it.
func answer(resp *http.Response, req *http.Request) *http.Response {
	if resp != nil {
		resp.Request = req
	}
	return resp
}

// sending is how an ordinary request goes out.
type sending struct {
	decision
	header string
	rt     http.RoundTripper
}

// state is what a decision rests on: how often each has changed. It keeps none
// of it alive, since a context that is used again may live for long.
type state struct{ tokens, named, certs, netrc, refusals uint64 }

func (t *Transport) stateFor(p *policy) state {
	s := state{tokens: t.tokens.Changes(), certs: t.certificates().Changes(), netrc: t.netrc.Changes(), refusals: t.refusals.Load()}
	if p.token != nil {
		s.named = p.token.kept.Changes()
	}
	return s
}

// readyFor returns what an earlier decision says of an ordinary request, nil if
// none does. It takes no lock.
func (t *Transport) readyFor(req *http.Request, p *policy) *sending {
	a := p.ready.For(req.URL.Host)
	if a == nil || !gate.Ordinary(req) || a.From != t.stateFor(p) || !a.Holds(t.world.Elapsed()) {
		return nil
	}
	if a.ForAny() && !t.nobodyNames(p, req) || a.What.x509 != nil && t.proxied(req) || t.asksBack && source.InCircle(req.Context(), t) || t.logs(req.Context()) {
		return nil
	}
	return &a.What
}

// keepReady keeps a decision for the requests to come, if it holds for them.
// from is what there was before: if a look came between, nobody can tell which of
// the two it rests on. One that was slow to come is past its end already.
func (t *Transport) keepReady(h *hop, d *decision, rt http.RoundTripper, from state) {
	p := h.policy
	if !d.any() || from != t.stateFor(p) || t.logs(h.ctx) || h.proxied || !gate.Ordinary(h.req) || source.InCircle(h.ctx, t) {
		return
	}
	host := h.req.URL.Host
	if d.token != nil && len(t.config.sources) == 0 && (p.token == nil || p.names(d.token) && d.token.everywhere(p)) && t.nobodyNames(p, h.req) {
		host = ""
	}
	p.ready.Keep(sending{*d, d.header(), rt}, host, from, t.world.Elapsed(), t.until(h, d).Sub(t.world.Now()))
}

// hop is one request on its way, with all that decisions depend on.
type hop struct {
	gate.Passage
	ctx     context.Context
	req     *http.Request // nil: no target in particular
	policy  *policy
	now     time.Time
	want    fit.Want
	explain bool // ask no source
	needed  bool // what is being chosen would be sent
	proxied bool // the certificate is kept from a proxy
	wait    fresh.Wait
}

// look fills in where the request goes; without a request it goes nowhere yet.
// It is given the hop, and does not make it, so that it can stay on the stack.
func (t *Transport) look(h *hop) *hop {
	p := h.policy
	h.now = t.world.Now()
	h.want.Audience, h.want.Issuer, h.want.Scope = p.audience, p.issuer, p.scope
	if h.req == nil {
		return h
	}
	rules := gate.Rules{Hosts: p.hosts, Trusted: t.config.trusted, Plaintext: t.config.plaintext, Proxy: t.pool.Proxy}
	rules.Look(h.req, &h.Passage)
	h.want.Origin = h.Origin
	if len(h.want.Audience) == 0 && h.Route.Hop == origin.Trusted {
		h.want.Also = origin.Of(h.Route.First.URL).Audiences()
	}
	return h
}

// gone returns why nobody waits for the answer any more.
func (h *hop) gone() error { return context.Cause(h.ctx) }

// fatal reports whether a named credential that is broken fails the request:
// on the first hop, if it would be sent.
func (h *hop) fatal() bool { return h.needed && h.First() && !h.explain && !h.wait.Never }

// decision is what goes with a request.
type decision struct {
	token *Token
	login *Login
	x509  *X509
}

// replaces reports whether every kind that was sent is there still.
func (d *decision) replaces(sent *decision) bool {
	return sent.any() && (sent.token == nil || d.token != nil) && (sent.login == nil || d.login != nil) && (sent.x509 == nil || d.x509 != nil)
}

func (d *decision) any() bool { return d.token != nil || d.login != nil || d.x509 != nil }

func (d *decision) same(e *decision) bool {
	return d.token.same(e.token) && d.login.same(e.login) && d.x509.same(e.x509)
}

// decide chooses what goes with the request. With a recorder it looks at
// everything and notes it; the choice is the same.
func (t *Transport) decide(h *hop, rec *recorder) (d decision, err error) {
	if h.policy.forceNoAuth {
		rec.skipAll("ForceNoAuth")
		return d, nil
	}
	if h.All != nil && rec == nil {
		return d, nil
	}
	slot := h.Own == "" && h.All == nil && h.Auth == nil // the Authorization header is ours to fill
	if slot || rec != nil {
		d.login = t.namedLogin(h, rec)
	}
	if h.needed = slot && d.login == nil && h.User == ""; h.needed || rec != nil {
		if d.token, err = t.chooseToken(h, rec); err != nil {
			return d, err
		}
	}
	demanded := h.policy.failKinds | h.policy.envFail
	h.wait.Have = slot && (d.token != nil || d.login != nil) && !demanded.has(KindX509)
	if h.needed = h.All == nil && h.TLS == nil; h.needed || rec != nil {
		if d.x509, err = t.chooseX509(h, rec); err != nil {
			return d, err
		}
	}
	h.wait.Have = d.x509 != nil && !demanded.has(KindBasic)
	if h.needed = slot && d.login == nil && (d.token == nil || h.User != ""); h.needed || rec != nil {
		if d.login, err = t.chooseNetrc(h, rec, d.login); err != nil {
			return d, err
		}
	}
	d.settle(t, h, rec)
	return d, nil
}

// settle applies the bars and gives the one Authorization header to the first
// who may have it.
func (d *decision) settle(t *Transport, h *hop, rec *recorder) {
	auth := cmp.Or(h.All, h.Auth)
	switch {
	case auth != nil:
		rec.settle(KindToken, Withheld, auth)
		rec.settle(KindBasic, Withheld, auth)
		d.token, d.login = nil, nil
	case h.Own != "":
		rec.settle(KindToken, Shadowed, errOwnHeader)
		rec.settle(KindBasic, Shadowed, errOwnHeader)
		d.token, d.login = nil, nil
	case d.token != nil && h.User != "" && (d.login == nil || !d.login.named):
		rec.settle(KindToken, Shadowed, errURLUser)
		d.token = nil
	case d.token != nil && d.login != nil && d.login.named:
		rec.settle(KindToken, Shadowed, errLoginFirst)
		d.token = nil
	case d.token != nil && d.login != nil:
		rec.settle(KindBasic, Shadowed, errTokenFirst)
		d.login = nil
	}
	tls := cmp.Or(h.All, h.TLS)
	if h.proxied = tls == nil && d.x509 != nil && h.req != nil && t.proxied(h.req); h.proxied {
		tls = pool.ErrHTTPSProxy
	}
	if tls != nil {
		rec.settle(KindX509, Withheld, tls)
		d.x509 = nil
	}
}

// proxied reports whether an https proxy would be offered the certificate.
func (t *Transport) proxied(req *http.Request) bool {
	proxy, _ := t.pool.Proxy(req)
	return proxy != nil && proxy.Scheme == "https"
}

// message makes the copy of the request that is sent, if one is needed.
func message(h *hop, d *decision) outgoing.Message {
	switch {
	case h.Foreign():
		return outgoing.Stripped(h.req, h.Route.First.Header)
	case d.any():
		return outgoing.Carrying(h.req, d.header())
	}
	return outgoing.Message{Request: h.req}
}

// carrier returns the connections that show the right certificate, or none.
func (t *Transport) carrier(h *hop, d *decision) (http.RoundTripper, error) {
	switch {
	case d.x509 != nil:
		id, err := t.identity(d.x509)
		if err != nil {
			return nil, err
		}
		return id.RoundTripper(), nil
	case h.All != nil || h.policy.forceNoAuth || h.policy.without.has(KindX509):
		return t.pool.Bare(), nil //nolint:nilerr // All is a reason, not a failure
	}
	return t.pool.Base(), nil
}

// again sends a refused request a second time if what was sent has been
// replaced meanwhile, on disk or at its source. It returns the answer that
// counts; d becomes what was sent with it.
func (t *Transport) again(m outgoing.Message, resp *http.Response, h *hop, d *decision) (*http.Response, string, error) {
	if !d.any() || h.Own != "" {
		return resp, "", nil
	}
	h2 := t.look(&hop{ctx: h.ctx, req: h.req, policy: h.policy})
	d2, changed := t.replaced(h2, d)
	if !changed {
		return resp, "", nil // the first answer stands
	}
	out, ok := m.Again(h.ctx, h.req)
	if !ok {
		return resp, "replaced meanwhile, but the body could not be sent again", nil
	}
	outgoing.Discard(resp)
	*d = d2
	second := message(&hop{Passage: h.Passage, req: out}, d).Request
	rt, err := t.carrier(h2, d)
	if err != nil {
		outgoing.CloseBody(second)
		return nil, "", err
	}
	t.logSent(h2, d)
	resp, err = outgoing.Send(rt, second)
	return resp, "sent a second time, with a credential that had been replaced meanwhile", err
}

// replaced looks again at the places of what was sent, and reports whether
// something else would be sent now.
func (t *Transport) replaced(h *hop, d *decision) (decision, bool) {
	var errs []error
	if d.token != nil {
		errs = append(errs, t.refreshToken(h, d.token))
	}
	if d.x509 != nil {
		errs = append(errs, again(h, t.certificates()))
	}
	if d.login != nil && !d.login.named {
		errs = append(errs, again(h, &t.netrc))
	}
	if errors.Join(errs...) != nil {
		return decision{}, false
	}
	now, err := t.decide(h, nil)
	return now, err == nil && !d.same(&now) && now.replaces(d) && h.missing(&now) == 0
}

// logs reports whether anybody listens.
func (t *Transport) logs(ctx context.Context) bool {
	return t.log != nil && t.log.Enabled(ctx, slog.LevelDebug)
}

// logSent logs what goes with a request; nothing is made if nobody listens.
func (t *Transport) logSent(h *hop, d *decision) {
	if !t.logs(h.ctx) {
		return
	}
	t.log.LogAttrs(h.ctx, slog.LevelDebug, "scicred: request", slog.String("url", redact.URL(h.req.URL)),
		slog.Any("token", d.token), slog.Any("x509", d.x509), slog.Any("login", d.login),
		slog.Any("withheld", cmp.Or(h.All, h.Auth)))
}
