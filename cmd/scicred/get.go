// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"

	"github.com/scicred/scicred"
)

// getFlags is what get can be told.
type getFlags struct {
	common
	output  string
	headers []string
	method  string
	data    *string // nil: no body
	resume  string
}

func (g *getFlags) register(f flags) {
	g.common.register(f)
	f.text(&g.output, "o", "output")
	f.list(&g.headers, "H", "header")
	f.text(&g.method, "X", "request")
	f.text(&g.resume, "C", "continue-at")
	for _, name := range []string{"d", "data"} {
		f.Func(name, "", func(s string) error {
			if g.data != nil {
				return errors.New("it is given twice")
			}
			g.data = &s
			return nil
		})
	}
}

// check says what does not go together.
func (g *getFlags) check(u *url.URL) error {
	switch {
	case u == nil:
		return usage("which URL?").hint("scicred help get")
	case u.Scheme != "https" && u.Scheme != "http":
		return usage("get speaks https and http, not %s", u.Scheme)
	case g.resume == "":
		return nil
	case g.resume != "-":
		return usage("-C takes only -, which means: go on where the file ends")
	case g.output == "" || g.output == "-":
		return usage("-C - needs -o FILE")
	case g.data != nil || g.method != "" && g.method != http.MethodGet:
		return usage("-C - is for GET alone")
	}
	return nil
}

// get fetches a URL with the credentials that fit it.
func (p *program) get(ctx context.Context, args []string) error {
	var g getFlags
	f := newFlags("get")
	g.register(f)
	rest, err := f.parse(args)
	if err != nil {
		return p.orHelp(err, "get")
	}
	u, err := g.target(rest)
	if err == nil {
		err = g.check(u)
	}
	if err != nil {
		return err
	}
	p.hidden.addURL(u)
	list := p.named(&g.common)
	if err := unusable(list); err != nil && !g.forceNoAuth {
		return err
	}
	var more []scicred.Option
	if g.verbose {
		more = append(more, p.logSent())
	}
	t, err := p.transport(&g.common, u, list, more...)
	if err != nil {
		return err
	}
	http2 := func() (http.RoundTripper, error) {
		c := g.common
		c.http2 = true
		return p.transport(&c, u, list, more...)
	}
	req, err := p.request(ctx, &g, u)
	if err != nil {
		return err
	}
	if g.verbose {
		p.note("%s", foresee(t, req))
	}
	out, err := p.openOutput(&g)
	if err != nil {
		return err
	}
	err = p.fetch(&download{transport: t, http2: http2, req: req, out: out, verbose: g.verbose})
	return errors.Join(err, out.close(err == nil))
}

// download is one request and where its answer goes.
type download struct {
	transport *scicred.Transport
	http2     func() (http.RoundTripper, error) // for a server that speaks nothing else
	req       *http.Request
	out       output
	verbose   bool
}

func (p *program) fetch(d *download) error {
	if c, err := d.transport.Credentials(d.req.Context(), d.req.URL); err == nil {
		p.hidden.addCredentials(c)
	}
	d.req = d.req.WithContext(httptrace.WithClientTrace(d.req.Context(), p.hidden.trace()))
	client := &http.Client{Transport: &polyglot{http1: d.transport, http2: d.http2}}
	if d.verbose {
		client.Transport = &tracer{next: client.Transport, p: p}
	}
	for {
		if err := p.fetchOnce(client, d); err != nil {
			return stopped(d.req.Context(), err)
		}
		if !d.out.more() {
			return nil
		}
	}
}

func (p *program) fetchOnce(client *http.Client, d *download) error {
	d.out.prepare(d.req)
	resp, err := client.Do(d.req)
	if err != nil {
		return classify(err)
	}
	defer resp.Body.Close()
	done, err := d.out.begin(resp)
	switch {
	case err != nil:
		return err
	case done:
		p.note("scicred: the file is complete already")
		return nil
	}
	var status *scicred.StatusError
	if errors.As(scicred.CheckResponse(resp), &status) {
		return p.refusal(d, resp, status)
	}
	return p.copy(d, resp)
}

// copy writes the body to where it goes.
func (p *program) copy(d *download, resp *http.Response) error {
	var to io.Writer = d.out
	if p.terminal && d.out.toFile() {
		bar := newProgress(p.stderr, d.out.offset(), resp.ContentLength)
		defer bar.clear()
		to = io.MultiWriter(d.out, bar)
	}
	n, err := io.Copy(to, resp.Body)
	if err == nil {
		// A server that sees us go may end the body as if it were whole.
		err = d.req.Context().Err()
	}
	if err != nil {
		f := &failure{code: exitFailure, err: fmt.Errorf("the transfer broke off after %s: %w", byteCount(n), withoutSecrets(err))}
		return f.hint(d.out.advice()...)
	}
	return nil
}

// stopped returns why the user or the system stopped the program, if they did:
// what came of it is of no interest.
func stopped(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}
