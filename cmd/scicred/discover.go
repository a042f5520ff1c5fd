// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/scicred/scicred"
)

// discover shows which credentials are found, and which of them would go with a
// request. Nothing is sent.
func (p *program) discover(ctx context.Context, args []string) error {
	var c common
	f := newFlags("discover")
	c.register(f)
	asJSON := f.Bool("json", false, "")
	rest, err := f.parse(args)
	if err != nil {
		return p.orHelp(err, "discover")
	}
	u, err := c.target(rest)
	if err != nil {
		return err
	}
	p.hidden.addURL(u)
	r, err := p.look(ctx, &c, u)
	if err != nil {
		return err
	}
	if c.verbose {
		p.note("* %s", question(&c, u))
	}
	if *asJSON {
		err = p.writeJSON(r)
	} else {
		err = p.print(r.String() + "\n")
	}
	if err != nil {
		return err
	}
	return judge(r, &c)
}

// look returns the report on all that is found.
func (p *program) look(ctx context.Context, c *common, u *url.URL) (*scicred.Report, error) {
	// --force-noauth is about sending. What there is, is shown all the same, as
	// withheld; the same goes for --fail-if-noauth, which is judged at the end.
	quiet := *c
	quiet.forceNoAuth = false
	quiet.offline = true
	list := p.named(c)
	for _, n := range list {
		if n.err != nil { // then a request would fail, and look for nothing in its place
			quiet.disable(n.kind)
		}
	}
	t, err := p.transport(&quiet, u, list)
	if err != nil {
		return nil, err
	}
	r := translated(t.Explain(ctx, u))
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if c.forceNoAuth && (a.Outcome == scicred.Attached || a.Outcome == scicred.Shadowed) {
			a.Outcome, a.Err = scicred.Withheld, fmt.Errorf("%w, because of --force-noauth", scicred.ErrNotSent)
		}
		for _, n := range list {
			if n.err != nil && n.kind == a.Kind && a.Outcome == scicred.Skipped {
				*a = n.attempt()
			}
		}
	}
	return r, nil
}

// found reports whether the candidate holds a sound credential that fits,
// whether or not it may be sent.
func found(a *scicred.Attempt) bool {
	switch a.Outcome {
	case scicred.Attached, scicred.Shadowed:
		return true
	case scicred.Withheld:
		return errors.Is(a.Err, scicred.ErrNotSent)
	}
	return false
}

// rejected reports whether there is something that cannot be used.
func rejected(a *scicred.Attempt) bool {
	return a.Outcome == scicred.Rejected || a.Outcome == scicred.Withheld && !found(a)
}

// judge returns nil if there is what was asked for.
func judge(r *scicred.Report, c *common) error {
	f := &failure{code: exitNoCredential}
	attached := r.Attached()
	missing := slices.DeleteFunc(slices.Clone(c.fail.kinds), func(k scicred.Kind) bool { return slices.Contains(attached, k) })
	switch {
	case !slices.ContainsFunc(r.Attempts, func(a scicred.Attempt) bool { return found(&a) }):
		f.err = fmt.Errorf("no usable credential%s", forURL(r))
	case len(missing) > 0:
		f.err = fmt.Errorf("no usable %s credential%s", missing[0], forURL(r))
	case c.fail.on && len(attached) == 0:
		f.err = fmt.Errorf("no credential would be sent%s", forURL(r))
	default:
		return nil
	}
	return f.hint(advice(r)...)
}

func forURL(r *scicred.Report) string {
	if r.URL == "" {
		return ""
	}
	return " for " + r.URL
}

// question says what was looked for.
func question(c *common, u *url.URL) string {
	s := "looking for credentials"
	if u != nil {
		s += " for " + scicred.RedactURL(u)
	}
	for _, part := range []struct {
		name   string
		values []string
	}{{"audience", c.audience}, {"scope", c.scope}, {"issuer", c.issuer}} {
		if len(part.values) > 0 {
			s += ", " + part.name + " " + strings.Join(part.values, " ")
		}
	}
	return printable(s)
}
