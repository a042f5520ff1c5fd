// SPDX-License-Identifier: BSD-3-Clause

package scicred

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/fit"
	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/netrcfile"
	"github.com/scicred/scicred/internal/origin"
	"github.com/scicred/scicred/internal/osfile"
	"github.com/scicred/scicred/internal/outgoing"
	"github.com/scicred/scicred/internal/p12file"
	"github.com/scicred/scicred/internal/pemfile"
	"github.com/scicred/scicred/internal/pemkey"
	"github.com/scicred/scicred/internal/redact"
	"github.com/scicred/scicred/internal/verdict"
)

// Error is the type of the errors to test for with [errors.Is]. They are
// constants, so that nobody can replace one.
type Error string

// Error implements error.
func (e Error) Error() string { return string(e) }

// What can be wrong. Reports, refusals of named credentials and [ChainError]
// wrap them.
const (
	// ErrNoCredentials means that nothing usable was found, or that nothing
	// found may go where the request goes. A [TokenSource] returns it for "not
	// for this target".
	ErrNoCredentials Error = "no usable credential"
	// ErrExpired means that the credential has expired, or will within the
	// leeway.
	ErrExpired Error = "expired"
	// ErrNotYetValid means that its time has not come.
	ErrNotYetValid Error = "not yet valid"
	// ErrMismatch means that it is sound but not for this target: audience,
	// issuer, scope or host.
	ErrMismatch Error = "does not fit the target"
	// ErrMalformed means that what is there is no credential.
	ErrMalformed Error = "malformed"
	// ErrNotVerified means that the Verifier of a [TokenPolicy] does not vouch
	// for a token's signature: it is wrong, or there is no key to tell.
	ErrNotVerified Error = "not verified"
	// ErrEncrypted means that the private key needs a passphrase, and that there
	// is none, or not the right one, or a cipher that is not known here.
	ErrEncrypted Error = "encrypted"
	// ErrInsecure means that a file could have been planted, or its mode
	// forbids its use.
	ErrInsecure Error = "insecure"
	// ErrNotSent means that a sound credential was kept back: cleartext http, a
	// foreign redirect, a presigned URL, a host that was not named.
	ErrNotSent Error = "not sent"
)

// reasonError is a sentence of its own that is also one of the errors above.
type reasonError struct {
	kind  Error
	text  string
	cause error
}

func (e *reasonError) Error() string { return e.text }

func (e *reasonError) Unwrap() []error {
	if e.cause != nil {
		return []error{e.kind, e.cause}
	}
	return []error{e.kind}
}

func reason(kind Error, format string, args ...any) error {
	return &reasonError{kind: kind, text: fmt.Sprintf(format, args...)}
}

// Kind is a kind of credential.
type Kind uint8

// The kinds, in the order of reports.
const (
	KindToken Kind = iota + 1 // a bearer token (RFC 6750)
	KindX509                  // an X.509 client certificate or RFC 3820 proxy
	KindBasic                 // a user name and password (RFC 7617)
)

// String returns "token", "x509" or "basic".
func (k Kind) String() string {
	switch k {
	case KindToken:
		return "token"
	case KindX509:
		return "x509"
	case KindBasic:
		return "basic"
	case 0:
		return "-"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

func allKinds() [3]Kind { return [...]Kind{KindToken, KindX509, KindBasic} }

// MarshalText implements [encoding.TextMarshaler].
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Outcome says what became of a candidate.
type Outcome uint8

// The outcomes.
const (
	NotFound Outcome = iota // there is nothing in that place
	Attached                // goes with the request; of a certificate: is offered
	Shadowed                // sound, but another credential takes its place in the request
	Withheld                // sound, but must not go there
	Rejected                // found and unusable
	Skipped                 // not looked at: switched off, or impossible here
	NotAsked                // not looked at: an earlier candidate won, or asking would act
)

// String returns the outcome as reports show it, such as "not found".
func (o Outcome) String() string {
	names := [...]string{"not found", "attached", "shadowed", "withheld", "rejected", "skipped", "not asked"}
	if int(o) < len(names) {
		return names[o]
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// MarshalText implements [encoding.TextMarshaler].
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Attempt is one candidate and what became of it. It holds no secret.
type Attempt struct {
	Kind      Kind
	Candidate string    // the place's name, such as BEARER_TOKEN_FILE
	Path      string    // the file, if it is one
	KeyPath   string    // the private key's file, if it is another one
	Outcome   Outcome   //
	Identity  string    // the token's subject, the certificate's subject, "host as login"
	Claims    *Claims   // what a token says of itself; nil for other kinds and opaque tokens
	Expiry    time.Time // zero if it has none, or none is known
	Detail    string    // what else a person should know, such as a warning
	Err       error     // why it was not used; nil if it was
}

// detail is the last column of a report.
func (a *Attempt) detail(now time.Time) string {
	var parts []string
	used := a.Outcome == Attached || a.Outcome == Shadowed || a.Outcome == Withheld
	if used && a.Identity != "" {
		parts = append(parts, a.Identity)
	}
	if used && a.Kind != KindBasic {
		switch {
		case !a.Expiry.IsZero():
			parts = append(parts, human.Expiry(a.Expiry, now))
		case a.Kind == KindToken && a.Claims != nil:
			parts = append(parts, "no expiry")
		}
	}
	if a.Err != nil {
		parts = append(parts, a.Err.Error())
	}
	if a.Detail != "" {
		parts = append(parts, a.Detail)
	}
	return strings.Join(parts, ", ")
}

// Report is every candidate for a target and what became of it, in the order
// in which they were tried. It holds no secret and is safe to print and to
// send to a help desk.
type Report struct {
	URL      string // without secrets; "" if no URL was given
	Attempts []Attempt
	now      time.Time
	failed   kindSet // demanded by FailIfNoAuth(kinds…) and not there
}

// String returns the report as an aligned table.
func (r *Report) String() string {
	return human.Table(append([][]string{{"KIND", "OUTCOME", "CANDIDATE", "PATH", "DETAIL"}}, r.rows()...))
}

func (r *Report) rows() [][]string {
	now := r.now
	if now.IsZero() {
		now = time.Now()
	}
	var rows [][]string
	for i := range r.Attempts {
		a := &r.Attempts[i]
		rows = append(rows, []string{a.Kind.String(), a.Outcome.String(), a.Candidate, a.Path, a.detail(now)})
	}
	return rows
}

// only returns the report without the other kinds.
func (r *Report) only(k Kind) *Report {
	r.Attempts = slices.DeleteFunc(r.Attempts, func(a Attempt) bool { return a.Kind != k })
	return r
}

// Attached returns the kinds that go with the request.
func (r *Report) Attached() []Kind {
	var kinds []Kind
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a.Outcome == Attached && !slices.Contains(kinds, a.Kind) {
			kinds = append(kinds, a.Kind)
		}
	}
	return kinds
}

// Err returns nil if a credential is attached, else a [ChainError]. If the
// request demanded certain kinds ([FailIfNoAuth]), all of them count.
func (r *Report) Err() error {
	if r.failed != 0 || len(r.Attached()) == 0 {
		return &ChainError{Report: r}
	}
	return nil
}

// ChainError says that no credential could be attached and, with a line for
// every candidate, why. errors.Is(err, [ErrNoCredentials]) holds.
type ChainError struct{ Report *Report }

// Error returns one line for every candidate that was tried.
func (e *ChainError) Error() string {
	r := e.Report
	if r == nil {
		return "scicred: no usable credential"
	}
	what := "credential"
	for _, k := range allKinds() {
		if r.failed.has(k) {
			what = k.String() + " " + what
		}
	}
	s := "scicred: no usable " + what
	if r.URL != "" {
		s += " for " + r.URL
	}
	if len(r.Attempts) > 0 {
		s += ":\n" + human.Table(r.rows())
	}
	return s
}

// Is reports that a ChainError is [ErrNoCredentials].
func (e *ChainError) Is(target error) bool { return target == ErrNoCredentials }

// Unwrap returns why candidates were rejected or withheld. What was merely not
// there is left out: some place always is empty, and errors.Is(err,
// fs.ErrNotExist) would always hold.
func (e *ChainError) Unwrap() []error {
	var errs []error
	if e.Report == nil {
		return nil
	}
	for i := range e.Report.Attempts {
		if a := &e.Report.Attempts[i]; a.Err != nil && (a.Outcome == Rejected || a.Outcome == Withheld) {
			errs = append(errs, a.Err)
		}
	}
	return errs
}

// demand enforces FailIfNoAuth, on the first hop: a later one may have lost its
// credentials on purpose.
func (t *Transport) demand(h *hop, d *decision) error {
	if missing := h.missing(d); h.First() && (missing != 0 || h.policy.failAny && !d.any() && h.Own == "") {
		return &ChainError{Report: t.reportFor(h, d)}
	}
	return nil
}

// missing returns the kinds that FailIfNoAuth demands and that are not there.
func (h *hop) missing(d *decision) kindSet {
	missing := h.policy.failKinds
	if !h.policy.forceNoAuth {
		missing |= h.policy.envFail
	}
	missing.set(KindToken, missing.has(KindToken) && d.token == nil && h.Own != "bearer")
	missing.set(KindBasic, missing.has(KindBasic) && d.login == nil && h.Own != "basic")
	missing.set(KindX509, missing.has(KindX509) && d.x509 == nil)
	return missing
}

// RedactURL returns u for logs: the password and query values that may be
// secrets are replaced. A nil URL gives "".
func RedactURL(u *url.URL) string { return redact.URL(u) }

// Challenge is one challenge of a WWW-Authenticate header (RFC 9110 section
// 11.6.1). The names of parameters are in lower case.
type Challenge struct {
	Scheme string
	Params map[string]string
}

// StatusError is a response that is no success, with what had been sent, where
// it came from, and what can be told from here about why.
type StatusError struct {
	StatusCode int
	Status     string        // as the server wrote it: "403 Forbidden"
	Method     string        // of the last request
	URL        string        // of the last request, without secrets
	Challenges []Challenge   // parsed WWW-Authenticate
	RetryAfter time.Duration // parsed Retry-After; 0 if there is none
	Report     *Report       // what was attached to the last request and what was not; nil if no Transport of ours made it
	Facts      []string      // the local verdict, a sentence each
}

// Error returns the status and the verdict on one line.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("scicred: %s %s: %s", e.Method, e.URL, human.Printable(e.Status))
	if len(e.Facts) > 0 {
		s += ": " + human.Printable(strings.Join(e.Facts, "; "))
	}
	return s
}

// CheckResponse returns nil for a response with status 1xx, 2xx or 304 and a
// [StatusError] for any other. A PUT or DELETE that a redirect turned into a
// GET is an error too: net/http reports success, and nothing was stored. The
// body is left alone.
func CheckResponse(resp *http.Response) error {
	e := &StatusError{StatusCode: resp.StatusCode, Status: resp.Status}
	if e.Status == "" {
		e.Status = strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", http.StatusText(resp.StatusCode)))
	}
	req := resp.Request
	if req != nil {
		e.Method, e.URL = req.Method, redact.URL(req.URL)
		if e.Method == "" {
			e.Method = http.MethodGet
		}
	}
	if resp.StatusCode < 300 || resp.StatusCode == http.StatusNotModified {
		if was := origin.TurnedIntoGet(req); was != "" {
			e.Facts = []string{"a redirect turned the " + was + " into a " + e.Method + ", so nothing was done; send the request to the new address"}
			return e
		}
		return nil
	}
	e.RetryAfter = bearer.RetryAfter(resp.Header, time.Now())
	rec := &record{hide: redact.Scrubber()}
	if req != nil {
		if r, ok := req.Context().Value(recordKey{}).(*record); ok {
			rec, e.Report = r, r.report
		}
	}
	e.Status = rec.hide(e.Status) // servers echo what they refuse
	challenges := bearer.ParseChallenges(resp.Header.Values("WWW-Authenticate"))
	for i, c := range challenges {
		params := map[string]string{}
		for name, value := range c.Params {
			params[rec.hide(name)] = rec.hide(value)
		}
		challenges[i] = bearer.Challenge{Scheme: rec.hide(c.Scheme), Params: params}
		e.Challenges = append(e.Challenges, Challenge(challenges[i]))
	}
	e.Facts = e.verdict(rec, challenges)
	if to, err := resp.Location(); err == nil && resp.StatusCode < http.StatusBadRequest {
		e.Facts = append(e.Facts, "the redirect to "+redact.URL(to)+" was not followed")
	}
	return e
}

// record is what a Transport leaves in the context of a failed response's
// request. It holds no secret that anything could print.
type record struct {
	report *Report
	note   string              // about a second sending
	bar    error               // why nothing could go there at all
	own    bool                // the request had an Authorization header of its own
	hide   func(string) string // hides what was sent
}

type recordKey struct{}

// refused handles a response that is a failure: it may be tried again with a
// credential that has been replaced, and leaves a record for [CheckResponse].
func (t *Transport) refused(m outgoing.Message, resp *http.Response, h *hop, d *decision) (*http.Response, error) {
	note := ""
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		var err error
		if resp, note, err = t.again(m, resp, h, d); err != nil {
			return nil, err
		}
	}
	if resp.StatusCode < http.StatusBadRequest {
		return answer(resp, h.req), nil
	}
	rec := &record{report: t.reportFor(h, d), note: note, bar: h.All, own: h.Own != "" && carriesOwn(m.Request), hide: d.scrubber(h.req)}
	rec.report.now = t.world.Now() // what was sent may have expired under way
	resp.Request = h.req.WithContext(context.WithValue(h.ctx, recordKey{}, rec))
	return resp, nil
}

// verdict says what can be told from here about a refusal.
func (e *StatusError) verdict(rec *record, challenges []bearer.Challenge) []string {
	c := verdict.Case{Status: e.StatusCode, Challenges: challenges, Known: rec.report != nil, Note: rec.note, Own: rec.own, Bar: rec.bar}
	if rec.report != nil {
		c.Now = rec.report.now
		for i := range rec.report.Attempts {
			a := &rec.report.Attempts[i]
			p := verdict.Piece{Kind: a.Kind.String(), Outcome: a.Outcome.String(), From: a.Candidate, Path: a.Path, Identity: a.Identity, Expiry: a.Expiry, Err: a.Err, Detail: a.Detail}
			if a.Claims != nil {
				p.Audience, p.Scope = a.Claims.Audience, a.Claims.Scope
			}
			c.Pieces = append(c.Pieces, p)
		}
	}
	facts := c.Facts()
	for i := range facts {
		facts[i] = human.Printable(facts[i])
	}
	return facts
}

// Why a credential is not used that could be.
const (
	errOwnHeader  Error = "the request has an Authorization header of its own"
	errURLUser    Error = "the URL asks for the login of its user"
	errLoginFirst Error = "the login takes the Authorization header"
	errTokenFirst Error = "the token takes the Authorization header"
)

// as gives an error of an inner room one of our kinds.
func as(kind Error, err error) error {
	if err == nil || errors.Is(err, kind) {
		return err
	}
	return &reasonError{kind: kind, text: err.Error(), cause: err}
}

// namedError is the error of a request whose named credential cannot be used.
func namedError(a *Attempt) error {
	what := a.Candidate
	if a.Path != "" {
		what += " " + a.Path
	}
	return fmt.Errorf("%s: %w", what, exported(a.Err))
}

// prefixed says whose error it is, once.
func prefixed(err error) error {
	var chain *ChainError
	if errors.As(err, &chain) {
		return err
	}
	return fmt.Errorf("scicred: %w", err)
}

// exported gives the errors of inner rooms the kinds that callers can test for.
func exported(err error) error {
	var token *bearer.SyntaxError
	var netrcSyntax *netrcfile.SyntaxError
	var sealed *pemkey.UnsupportedError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, osfile.ErrOwner), errors.Is(err, osfile.ErrMode), errors.Is(err, osfile.ErrMoved):
		return as(ErrInsecure, err)
	case errors.Is(err, pemfile.ErrNotYetValid), errors.Is(err, fit.ErrEarly):
		return as(ErrNotYetValid, err)
	case errors.Is(err, pemfile.ErrExpired), errors.Is(err, pemfile.ErrExpiresSoon), errors.Is(err, fit.ErrExpired):
		return as(ErrExpired, err)
	case errors.Is(err, fit.ErrMismatch):
		return as(ErrMismatch, err)
	case errors.As(err, &token), errors.As(err, &netrcSyntax), errors.Is(err, osfile.ErrNotRegular), errors.Is(err, osfile.ErrTooLarge):
		return as(ErrMalformed, err)
	case errors.Is(err, pemfile.ErrEncrypted), errors.Is(err, pemkey.ErrWrongPassphrase), errors.Is(err, p12file.ErrPassphrase), errors.As(err, &sealed):
		return as(ErrEncrypted, err)
	}
	return err
}

// carriesOwn reports whether the caller's header was really sent: it is taken
// off on the way to a foreign origin.
func carriesOwn(sent *http.Request) bool {
	return len(sent.Header["Authorization"])+len(sent.Header["authorization"]) > 0 //nolint:staticcheck // the lower-case spelling is in use
}

// scrubber hides what is sent with a request.
func (d *decision) scrubber(req *http.Request) func(string) string {
	var secrets []string
	if d.token != nil {
		secrets = append(secrets, d.token.Reveal())
	}
	if d.login != nil {
		secrets = append(secrets, d.login.Reveal(), strings.TrimPrefix(d.login.header(), "Basic "))
	}
	for _, own := range append(slices.Clone(req.Header["Authorization"]), req.Header["authorization"]...) { //nolint:staticcheck // the lower-case spelling is in use
		_, value, _ := strings.Cut(own, " ")
		secrets = append(secrets, own, strings.TrimSpace(value))
	}
	return redact.Scrubber(secrets...)
}
