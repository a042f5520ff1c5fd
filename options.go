// SPDX-License-Identifier: BSD-3-Clause

package scicred

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scicred/scicred/internal/origin"
	"github.com/scicred/scicred/internal/osfile"
	"github.com/scicred/scicred/internal/places"
	"github.com/scicred/scicred/internal/ready"
	scopes "github.com/scicred/scicred/internal/scope"
)

// Option configures a [Transport]. Options that make sense for one request are
// a [RequestOption] too.
type Option interface {
	apply(*config) error
	option()
}

// RequestOption is an [Option] that may also be given for single requests, with
// [NewContext]. That a certificate cannot be chosen per request is by design:
// it belongs to a connection, and connections are shared.
type RequestOption interface {
	Option
	applyRequest(*policy) error
	requestOption()
}

// optionFunc is an Option for the constructor alone.
type optionFunc func(*config) error

func (f optionFunc) apply(c *config) error { return f(c) }
func (optionFunc) option()                 {}

// requestOptionFunc is an Option for both.
type requestOptionFunc func(*policy) error

func (f requestOptionFunc) apply(c *config) error        { return f(&c.policy) }
func (f requestOptionFunc) applyRequest(p *policy) error { return f(p) }
func (requestOptionFunc) option()                        {}
func (requestOptionFunc) requestOption()                 {}

// Options joins several options into one.
func Options(opts ...RequestOption) RequestOption {
	return requestOptionFunc(func(p *policy) error {
		return applyAll(p, opts)
	})
}

// config is what the constructor's options set.
type config struct {
	policy

	system       *System
	sources      []*namedSource
	x509         *namedX509
	netrcFile    string
	netrcDefault bool
	trusted      []origin.Pattern
	plaintext    bool
	tokens       TokenPolicy
	certLeeway   time.Duration
	passphrase   func(ctx context.Context, path string) ([]byte, error)
	logger       *slog.Logger
}

// policy is what may differ from request to request.
type policy struct {
	token       *namedToken
	login       *Login
	hosts       [][]origin.Pattern // every list must match
	audience    []string
	scope       []string
	issuer      []string
	spoken      kindSet // kinds of which an option speaks: the environment's word does not count
	without     kindSet
	noDiscovery bool
	forceNoAuth bool
	failAny     bool    // FailIfNoAuth()
	failKinds   kindSet // FailIfNoAuth(kinds…)
	envFail     kindSet // what the environment demands,
	envWithout  kindSet // and what it switches off
	hostsNamed  bool    // the constructor has a WithHosts
	ready       *ready.Table[sending, state]

	// Of the call that is being applied:
	layerHosts []origin.Pattern
	saysForce  bool
	saysFail   bool
	perRequest bool
}

// begin and end frame the options of one call.
func (p *policy) begin(perRequest bool) {
	p.layerHosts, p.saysForce, p.saysFail, p.perRequest = nil, false, false, perRequest
}

func (p *policy) end() error {
	if p.saysForce && p.saysFail {
		return errors.New("ForceNoAuth and FailIfNoAuth contradict each other")
	}
	if p.layerHosts != nil {
		p.hosts = append(slices.Clip(p.hosts), p.layerHosts)
	}
	return nil
}

// kindSet is a set of kinds.
type kindSet uint8

func (s kindSet) has(k Kind) bool { return s&(1<<k) != 0 }

func (s *kindSet) set(k Kind, on bool) {
	if on {
		*s |= 1 << k
	} else {
		*s &^= 1 << k
	}
}

func checkKinds(kinds []Kind) error {
	for _, k := range kinds {
		if k != KindToken && k != KindX509 && k != KindBasic {
			return fmt.Errorf("there is no kind %d", k)
		}
	}
	return nil
}

// --- What to attach

// WithToken gives the bearer token. A JWT is sent where its audience, issuer
// and scope fit; any other token has no audience, so as an option of a
// [Transport] it needs [WithHosts], else it would go to every server.
func WithToken(raw string) RequestOption {
	tok, err := ParseToken(raw)
	return requestOptionFunc(func(p *policy) error {
		if err != nil {
			return fmt.Errorf("WithToken: %w", err)
		}
		p.token = &namedToken{value: tok.at("WithToken", ""), candidate: "WithToken", perRequest: p.perRequest}
		p.speak(KindToken)
		return nil
	})
}

// WithTokenFile names a file that holds the bearer token, or a JSON object with
// an access_token member. It is read again when it changes. What is said of
// [WithToken] holds for what is in it.
func WithTokenFile(name string) RequestOption {
	return requestOptionFunc(func(p *policy) error {
		if name == "" {
			return errors.New("WithTokenFile: no file name given")
		}
		p.token = &namedToken{file: name, candidate: "WithTokenFile", perRequest: p.perRequest}
		p.speak(KindToken)
		return nil
	})
}

// WithTokenSource adds a source of tokens, asked after a named token and
// before discovery, in the order given. The name appears in reports. See
// [TokenSource] for when it is called.
func WithTokenSource(name string, src TokenSource) Option {
	return optionFunc(func(c *config) error {
		if src == nil || name == "" {
			return errors.New("WithTokenSource: a name and a source are needed")
		}
		c.sources = append(slices.Clip(c.sources), &namedSource{name: name, src: src})
		c.speak(KindToken)
		return nil
	})
}

// WithX509 names the files of a client certificate and its key in PEM. An empty
// keyFile means that certFile holds both, as proxy files and PKCS#12 files do. The base must be
// an [http.Transport] without a certificate of its own, else the constructor
// fails.
func WithX509(certFile, keyFile string) Option {
	return optionFunc(func(c *config) error {
		if certFile == "" {
			return errors.New("WithX509: no certificate file given")
		}
		c.x509 = &namedX509{certFile: certFile, keyFile: keyFile}
		c.speak(KindX509)
		return nil
	})
}

// WithCertificate gives a function that supplies the client certificate, from
// a smart card or a workload API. It is asked at most once a second; its
// context ends after 30 seconds and carries no values of the request.
func WithCertificate(get func(context.Context) (*tls.Certificate, error)) Option {
	return optionFunc(func(c *config) error {
		if get == nil {
			return errors.New("WithCertificate: no function given")
		}
		c.x509 = &namedX509{get: get}
		c.speak(KindX509)
		return nil
	})
}

// WithPassphrase gives a function that supplies the passphrase of an encrypted
// private key, in PEM or PKCS#12, whether it is named or found. It is given the
// file's name, is asked when the file is read for the first time and after each
// change, and has 30 seconds: whoever prompts does that beforehand. What it
// returns is overwritten after use.
func WithPassphrase(get func(ctx context.Context, path string) ([]byte, error)) Option {
	return optionFunc(func(c *config) error {
		if get == nil {
			return errors.New("WithPassphrase: no function given")
		}
		c.passphrase = get
		return nil
	})
}

// WithBasicAuth gives a user name and a password. As an option of a [Transport]
// it needs [WithHosts], since a password names no server.
func WithBasicAuth(user, password string) RequestOption {
	return requestOptionFunc(func(p *policy) error {
		if user == "" || strings.Contains(user, ":") {
			return errors.New("WithBasicAuth: a user name without a colon is needed (RFC 7617)")
		}
		p.login = newLogin(user, password, "WithBasicAuth", "")
		p.login.named = true
		p.speak(KindBasic)
		return nil
	})
}

// WithNetrc names the netrc file to read, in place of $NETRC and ~/.netrc.
func WithNetrc(file string) Option {
	return optionFunc(func(c *config) error {
		if file == "" {
			return errors.New("WithNetrc: no file name given")
		}
		c.netrcFile = file
		c.speak(KindBasic)
		return nil
	})
}

// WithNetrcDefault lets the netrc file's default entry be used, which offers
// one password to every host that asks.
func WithNetrcDefault() Option {
	return optionFunc(func(c *config) error { c.netrcDefault = true; return nil })
}

// WithAudience replaces the audience that a token must name, by default the
// URL's scheme and host, with and without its port. One of several is enough.
func WithAudience(audience ...string) RequestOption {
	return requestOptionFunc(func(p *policy) error { p.audience = slices.Clone(audience); return nil })
}

// WithScope demands that a token covers all these scopes, such as
// "storage.read:/data". Nothing is demanded by default: the server knows best.
func WithScope(scope ...string) RequestOption {
	return requestOptionFunc(func(p *policy) error {
		p.scope = nil
		for _, s := range scope {
			p.scope = append(p.scope, strings.Fields(s)...)
		}
		_, err := scopes.Missing(nil, p.scope)
		return err
	})
}

// WithIssuer demands that a token comes from one of these issuers; they are
// compared exactly.
func WithIssuer(issuer ...string) RequestOption {
	return requestOptionFunc(func(p *policy) error { p.issuer = slices.Clone(issuer); return nil })
}

// WithTokenPolicy sets how discovered tokens are selected.
func WithTokenPolicy(tp TokenPolicy) Option {
	return optionFunc(func(c *config) error {
		if tp.Selection > SelectWLCG || tp.Leeway < 0 || tp.Verifier != nil && tp.Selection == SelectWLCG {
			return errors.New("WithTokenPolicy: an unknown selection, a negative leeway, or a Verifier with SelectWLCG, which does not look into tokens")
		}
		c.tokens = tp
		return nil
	})
}

// WithCertificateLeeway sets for how long a discovered certificate must still
// be valid; the default is 10 minutes, as in igwn-auth-utils.
func WithCertificateLeeway(d time.Duration) Option {
	return optionFunc(func(c *config) error {
		if d < 0 {
			return errors.New("WithCertificateLeeway: negative")
		}
		c.certLeeway = max(d, 1) // zero stands for the default
		return nil
	})
}

// Without switches kinds of credentials off, named ones too.
func Without(kinds ...Kind) RequestOption {
	return requestOptionFunc(func(p *policy) error {
		for _, k := range kinds {
			p.speak(k)
			p.without.set(k, true)
			p.failKinds.set(k, false)
		}
		return checkKinds(kinds)
	})
}

// WithoutDiscovery restricts the transport to what the options name: no
// variable and no well-known file is looked at.
func WithoutDiscovery() RequestOption {
	return requestOptionFunc(func(p *policy) error { p.noDiscovery = true; return nil })
}

// --- Where it may go

// WithHosts limits every credential to these hosts: "data.example.org",
// "data.example.org:8443", "*.example.org" (any number of labels, but not
// example.org itself) or "*". On a request it narrows what the Transport
// allows, never widens it.
func WithHosts(patterns ...string) RequestOption {
	list, err := origin.ParsePatterns(patterns)
	return requestOptionFunc(func(p *policy) error {
		if err != nil {
			return fmt.Errorf("WithHosts: %w", err)
		}
		p.layerHosts = append(p.layerHosts, list...)
		return nil
	})
}

// WithTrustedHosts names hosts to which credentials may follow a redirect: the
// data servers of a redirector. A token goes there if its audience fits that
// host or the first one (WLCG profile: "the user should not need to request a
// new token for each HTTP redirect within the same logical service").
func WithTrustedHosts(patterns ...string) Option {
	return optionFunc(func(c *config) error {
		list, err := origin.ParsePatterns(patterns)
		if err != nil {
			return fmt.Errorf("WithTrustedHosts: %w", err)
		}
		c.trusted = append(slices.Clip(c.trusted), list...)
		return nil
	})
}

// WithPlaintextHTTP lets tokens and passwords go over http, where everybody on
// the way can read them. Named ones go to this machine (localhost, 127.0.0.0/8,
// ::1) over http without it.
func WithPlaintextHTTP() Option {
	return optionFunc(func(c *config) error { c.plaintext = true; return nil })
}

// --- What if there is none

// ForceNoAuth attaches nothing at all, whatever else is said: no token, no
// certificate, no login. An Authorization header that the request carries by
// itself is the caller's and stays.
func ForceNoAuth() RequestOption {
	return requestOptionFunc(func(p *policy) error {
		p.forceNoAuth, p.saysForce = true, true
		if p.perRequest {
			p.failAny, p.failKinds = false, 0 // overrides the constructor's FailIfNoAuth
		}
		return nil
	})
}

// FailIfNoAuth makes a request fail, before anything is sent, if no credential
// can be attached; with kinds, if one of these cannot. The error is a
// [ChainError].
func FailIfNoAuth(kinds ...Kind) RequestOption {
	return requestOptionFunc(func(p *policy) error {
		p.saysFail = true
		if len(kinds) == 0 {
			p.failAny = true
		}
		for _, k := range kinds {
			p.speak(k)
			p.failKinds.set(k, true)
		}
		return checkKinds(kinds)
	})
}

// --- The rest

// WithLogger makes the Transport log what it attaches and withholds, at Debug
// level, without secrets. By default nothing is logged.
func WithLogger(l *slog.Logger) Option {
	return optionFunc(func(c *config) error { c.logger = l; return nil })
}

// WithSystem replaces the outside world: environment, files, user, clock.
func WithSystem(s *System) Option {
	return optionFunc(func(c *config) error { c.system = s; return nil })
}

// off says why a kind is switched off, or nothing.
func (p *policy) off(k Kind) string {
	switch {
	case p.without.has(k):
		return "switched off by Without"
	case p.envWithout.has(k):
		return "switched off by IGWN_AUTH_UTILS_FIND_" + map[Kind]string{KindToken: "SCITOKEN", KindX509: "X509"}[k]
	}
	return ""
}

// speak notes that an option speaks of the kind, which switches it on again if
// an earlier one switched it off.
func (p *policy) speak(k Kind) {
	p.spoken.set(k, true)
	p.without.set(k, false)
}

// --- Options of a request

type contextKey struct{}

// requestOptions are the options in a context, nested calls joined.
type requestOptions struct {
	calls [][]RequestOption
	err   error
	// The policy that came of it last, so that a context that is used for many
	// requests costs no more than none.
	merged atomic.Pointer[mergedPolicy]
}

type mergedPolicy struct {
	t *Transport
	p *policy
}

// NewContext returns a context whose options apply to the requests made with
// it, on top of those of the [Transport]. Nested calls accumulate, the later
// option wins. A bad option makes the request fail. The options survive
// redirects, as the context does, and the rules of redirects bind them too.
func NewContext(ctx context.Context, opts ...RequestOption) context.Context {
	ro := &requestOptions{}
	if outer, ok := ctx.Value(contextKey{}).(*requestOptions); ok {
		ro.calls, ro.err = slices.Clip(outer.calls), outer.err
	}
	ro.calls = append(ro.calls, slices.Clone(opts))
	if ro.err == nil {
		var scratch policy
		ro.err = applyCall(&scratch, opts) // tells early whether the call is sound by itself
	}
	return context.WithValue(ctx, contextKey{}, ro)
}

func applyCall(p *policy, opts []RequestOption) error {
	p.begin(true)
	if err := applyAll(p, opts); err != nil {
		return err
	}
	return p.end()
}

func applyAll(p *policy, opts []RequestOption) error {
	for _, o := range opts {
		if o == nil {
			return errors.New("nil option")
		}
		if err := o.applyRequest(p); err != nil {
			return err
		}
	}
	return nil
}

// policyFor returns the options that hold for a request with this context.
func (t *Transport) policyFor(ctx context.Context) (*policy, error) {
	ro, ok := ctx.Value(contextKey{}).(*requestOptions)
	if !ok {
		return &t.config.policy, nil
	}
	if m := ro.merged.Load(); m != nil && m.t == t {
		return m.p, nil
	}
	if ro.err != nil {
		return nil, fmt.Errorf("option of the request: %w", ro.err)
	}
	p := t.config.policy
	p.ready = new(ready.Table[sending, state])
	for _, call := range ro.calls {
		if err := applyCall(&p, call); err != nil {
			return nil, fmt.Errorf("option of the request: %w", err)
		}
	}
	t.prepareToken(p.token)
	t.applyEnvironment(&p)
	ro.merged.Store(&mergedPolicy{t: t, p: &p})
	return &p, nil
}

// --- The outside world

// FileID is what the operating system knows about a file beyond [fs.FileInfo].
type FileID struct {
	UID     int // the owner
	Dev     uint64
	Inode   uint64
	Changed time.Time // of the inode
}

// System is all that the outside world supplies to discovery. A field that is
// nil means this process and this machine, so that the zero value and a nil
// *System do. It exists for tests, and for servers that act for users whose
// environment is not their own. It must not be changed once it is in use, and
// its functions are called from several goroutines at once.
type System struct {
	LookupEnv func(key string) (string, bool)
	Open      func(name string) (fs.File, error) // for reading; must not wait for a writer of a named pipe
	Stat      func(name string) (fs.FileInfo, error)
	Lstat     func(name string) (fs.FileInfo, error)
	ReadDir   func(name string) ([]fs.DirEntry, error)
	Identify  func(fs.FileInfo) (FileID, bool) // false where files have no owners
	HomeDir   func() (string, error)
	TempDir   func() string    // "/tmp", whatever TMPDIR says
	EUID      func() int       // the effective user; -1 where users have no numbers
	Now       func() time.Time // the clock
}

func (s *System) world() *places.World {
	var set System
	if s != nil {
		set = *s
	}
	files := osfile.FS{Open: set.Open, Stat: set.Stat, Lstat: set.Lstat, ReadDir: set.ReadDir}
	if set.Identify != nil {
		files.Identify = func(fi fs.FileInfo) (osfile.ID, bool) {
			id, ok := set.Identify(fi)
			return osfile.ID(id), ok
		}
	}
	return places.NewWorld(files, places.Machine{LookupEnv: set.LookupEnv, HomeDir: set.HomeDir, TempDir: set.TempDir, EUID: set.EUID, Now: set.Now})
}
