// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/gafaelfawr"
	"github.com/scicred/scicred/internal/origin"
)

// whoamiFlags is what whoami can be told.
type whoamiFlags struct {
	common
	gafaelfawr service
	json       bool
}

// service is the value of a flag that names a service, and may name its site
// too: --gafaelfawr, --gafaelfawr=URL.
type service struct {
	on   bool
	site []string // none or one
}

func (s *service) String() string { return "" }

// IsBoolFlag lets the flag stand without a value.
func (s *service) IsBoolFlag() bool { return true }

// Set reads the value.
func (s *service) Set(value string) error {
	s.on, s.site = true, nil
	if value == "true" {
		return nil
	}
	s.site = []string{value}
	return refuseEmpty(value)
}

func (w *whoamiFlags) register(f flags) {
	w.common.register(f)
	f.Var(&w.gafaelfawr, "gafaelfawr", "")
	f.BoolVar(&w.json, "json", false, "")
}

// whoami prints what a service knows about the user behind the token that a
// request to it would carry.
func (p *program) whoami(ctx context.Context, args []string) error {
	var w whoamiFlags
	f := newFlags("whoami")
	w.register(f)
	rest, err := f.parse(args)
	if err != nil {
		return p.orHelp(err, "whoami")
	}
	u, err := w.target(append(w.gafaelfawr.site, rest...))
	switch {
	case err != nil:
		return err
	case !w.gafaelfawr.on:
		return usage("which service shall say who you are? --gafaelfawr is one").hint("scicred help whoami")
	}
	p.hidden.addURL(u)
	site, err := repertoire(u)
	if err != nil {
		return err
	}
	list := p.named(&w.common)
	if err := unusable(list); err != nil && !w.forceNoAuth {
		return err
	}
	info, token, err := p.userInfo(ctx, &w.common, site, list)
	if err != nil {
		return err
	}
	text := describeUser(info)
	if w.json {
		if text, err = formatJSON(info); err != nil {
			return err
		}
	}
	// Not all that standard error hides: a password like 4123 is a number here.
	var sent secrets
	sent.addGafaelfawr(token)
	return p.print(sent.hide(text))
}

// addGafaelfawr makes a token known, and the part of it that is secret, which a
// server may quote alone.
func (s *secrets) addGafaelfawr(token gafaelfawr.Token) {
	_, part, _ := strings.Cut(token.Reveal(), ".")
	s.add(token.Reveal())
	s.add(part)
}

// repertoire returns the URL of a site's service discovery. Sites have it at
// /repertoire; another path than none is somewhere else on purpose.
func repertoire(u *url.URL) (*url.URL, error) {
	switch {
	case u == nil:
		s := os.Getenv(gafaelfawr.BaseURLVariable)
		if s == "" {
			return nil, usage("which site? Give its URL, or set %s", gafaelfawr.BaseURLVariable).hint("scicred help whoami")
		}
		var err error
		if u, err = parseURL(s); err != nil {
			return nil, usage("%s: %w", gafaelfawr.BaseURLVariable, err)
		}
	case strings.Trim(u.Path, "/") == "":
		u = u.JoinPath("repertoire")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, usage("whoami speaks https and http, not %s", u.Scheme)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, usage("the URL of a site has no login, query or fragment")
	}
	return u, nil
}

// userInfo asks the Gafaelfawr of a site.
func (p *program) userInfo(ctx context.Context, c *common, site *url.URL, list []named) (info gafaelfawr.UserInfo, token gafaelfawr.Token, err error) {
	api, err := p.gafaelfawrOf(ctx, c, site)
	if err != nil {
		return info, token, err
	}
	bound := site
	if follows(c.trust, api) {
		bound = api
	}
	t, err := p.transport(c, bound, list)
	if err != nil {
		return info, token, err
	}
	token, err = p.gafaelfawrToken(ctx, c, t, site, api)
	if err != nil {
		return info, token, err
	}
	client, err := gafaelfawr.New(gafaelfawr.WithAPIURL(api.String()), gafaelfawr.WithHTTPClient(p.patient(c, t)))
	if err != nil {
		return info, token, err
	}
	info, err = client.UserInfo(ctx, token)
	if err != nil {
		refused := []string{"the token may have expired, or been deleted, or be of another site", howToGetOne}
		return info, token, unanswered(err, refused, http.StatusUnauthorized, http.StatusForbidden)
	}
	return info, token, nil
}

// patient returns a client that waits as long as people do.
func (p *program) patient(c *common, through http.RoundTripper) *http.Client {
	if c.verbose {
		through = &tracer{next: through, p: p}
	}
	return &http.Client{Transport: through, Timeout: connectTimeout}
}

// gafaelfawrOf returns where the site's Gafaelfawr is. That is no secret, and is
// asked without credentials.
func (p *program) gafaelfawrOf(ctx context.Context, c *common, site *url.URL) (*url.URL, error) {
	base, err := p.base(c)
	if err != nil {
		return nil, err
	}
	bare := gafaelfawr.WithHTTPClient(p.patient(c, base))
	discovery, err := gafaelfawr.NewDiscovery(site.String(), bare)
	if err != nil {
		return nil, err
	}
	// Whether the API may have a token is said later, place by place.
	client, err := gafaelfawr.New(gafaelfawr.WithDiscovery(discovery), bare, gafaelfawr.WithPlaintextHTTP())
	if err != nil {
		return nil, err
	}
	const another = "give the URL of the site, https://data.example.org, or of its service discovery, https://data.example.org/repertoire"
	found, err := client.APIURL(ctx)
	if err != nil {
		return nil, unanswered(err, []string{another}, http.StatusOK, http.StatusMovedPermanently, http.StatusFound, http.StatusNotFound)
	}
	return url.Parse(found)
}

// follows reports whether a named credential may go to a host because of
// --trust-host. What is no pattern is said elsewhere.
func follows(trusted []string, u *url.URL) bool {
	patterns, err := origin.ParsePatterns(trusted)
	return err == nil && origin.MatchAny(patterns, origin.Of(u))
}

// gafaelfawrToken returns the token that a request to the API would carry.
func (p *program) gafaelfawrToken(ctx context.Context, c *common, t *scicred.Transport, site, api *url.URL) (gafaelfawr.Token, error) {
	var none gafaelfawr.Token
	creds, err := t.Credentials(ctx, api)
	if err != nil {
		return none, classify(err)
	}
	r := translated(creds.Report)
	if c.verbose {
		p.note("%s", r)
	}
	p.hidden.addCredentials(creds)
	tokens := ofKind(r, scicred.KindToken)
	if creds.Token == nil {
		f := &failure{code: exitNoCredential, err: fmt.Errorf("no usable token%s:\n%s", forURL(r), tokens)}
		return none, f.hint(tokenAdvice(c, tokens, site, api)...)
	}
	token, err := gafaelfawr.ParseToken(creds.Token.Reveal())
	if err != nil {
		return none, (&failure{code: exitNoCredential, err: fmt.Errorf("%w:\n%s", err, tokens)}).hint(howToGetOne)
	}
	p.hidden.addGafaelfawr(token)
	return token, nil
}

const howToGetOne = "to make a token: log in to the site with a browser, then Settings, Access tokens; keep it in a file that only you can read (chmod 600), and name that with --token-file"

// tokenAdvice says how to have a token for Gafaelfawr.
func tokenAdvice(c *common, tokens *scicred.Report, site, api *url.URL) []string {
	home, there := origin.Of(site), origin.Of(api)
	switch {
	case c.noToken || c.forceNoAuth:
		return []string{"without --no-token and --force-noauth a token is sent"}
	case home != there && c.tokenFile != "" && !follows(c.trust, api) && pasteable(there):
		return []string{"the site's Gafaelfawr is on another host; if you trust " + there.HostPort() + " with the token: --trust-host " + there.HostPort()}
	case slices.ContainsFunc(tokens.Attempts, func(a scicred.Attempt) bool { return a.Outcome == scicred.Rejected || a.Outcome == scicred.Withheld }):
		return append(adviceOn(tokens.Attempts), "a token of Gafaelfawr begins with gt-, and must be given with --token-file (- is standard input)")
	}
	return []string{"a token of Gafaelfawr begins with gt-, and must be given with --token-file (- is standard input)", howToGetOne}
}

// unanswered is the failure of a request that did not bring what was asked for.
// The hints are for answers of these statuses; 200 is for one that is not what it
// should be.
func unanswered(err error, hints []string, statuses ...int) error {
	f := &failure{code: exitFailure, err: err, hints: networkAdvice(err)}
	status := 0
	var web *gafaelfawr.WebError
	var invalid *gafaelfawr.ValidationError
	var lost *gafaelfawr.DiscoveryError
	switch {
	case errors.As(err, &web):
		status = web.Status
	case errors.As(err, &invalid), errors.As(err, &lost):
		status = http.StatusOK
	}
	if status >= http.StatusBadRequest {
		f.code = exitStatus
	}
	if slices.Contains(statuses, status) {
		return f.hint(hints...)
	}
	return f
}
