// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/internal/redact"
)

// foresee says before the request what will go with it and what will not.
func foresee(t *scicred.Transport, req *http.Request) *scicred.Report {
	r := translated(t.Explain(req.Context(), req.URL))
	if req.Header.Get("Authorization") == "" {
		return r
	}
	for i := range r.Attempts {
		a := &r.Attempts[i]
		if a.Outcome == scicred.Attached && a.Kind != scicred.KindX509 {
			a.Outcome, a.Err = scicred.Shadowed, errors.New("the request has an Authorization header of its own (-H)")
		}
	}
	return r
}

// tracer notes each request and each answer. It stands outside of what attaches
// credentials, so it never sees one.
type tracer struct {
	next http.RoundTripper
	p    *program
	hop  int
}

// RoundTrip implements http.RoundTripper.
func (t *tracer) RoundTrip(req *http.Request) (*http.Response, error) {
	redirect := ""
	if t.hop > 0 {
		redirect = " (after a redirect)"
	}
	t.hop++
	t.p.note("> %s %s%s", req.Method, scicred.RedactURL(req.URL), redirect)
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		for _, value := range req.Header[name] {
			t.p.note("> %s: %s", name, shown(name, value))
		}
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	t.p.note("< %s %s", resp.Proto, printable(resp.Status))
	for _, name := range []string{"Content-Length", "Content-Type", "Location"} {
		if value := resp.Header.Get(name); value != "" {
			t.p.note("< %s: %s", name, printable(shown(name, value)))
		}
	}
	return resp, nil
}

// hiddenValue stands for what may be a secret.
const hiddenValue = redact.Mark

// shown returns a header's value if it is known to hold no secret.
func shown(name, value string) string {
	switch http.CanonicalHeaderKey(name) {
	case "Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Length", "Content-Type", "Depth",
		"If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Overwrite", "Range", "User-Agent",
		"Want-Digest":
		return value
	case "Location", "Referer":
		if u, err := url.Parse(value); err == nil {
			return scicred.RedactURL(u)
		}
	}
	return hiddenValue
}

// logSent makes the library say what goes with each request as it is sent:
// after a redirect, or when one is sent a second time, it may be less or
// something else.
func (p *program) logSent() scicred.Option { return scicred.WithLogger(slog.New(sentLog{p})) }

type sentLog struct{ p *program }

// Enabled implements slog.Handler.
func (sentLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l sentLog) Handle(_ context.Context, record slog.Record) error {
	var sent []string
	why := ""
	record.Attrs(func(a slog.Attr) bool {
		text := a.Value.Resolve().String()
		switch {
		case a.Key == "withheld" && a.Value.Any() != nil:
			why = ": " + text
		case slices.Contains([]string{"token", "x509", "login"}, a.Key) && !strings.HasPrefix(text, "no "):
			sent = append(sent, words(text))
		}
		return true
	})
	if sent == nil {
		sent = append(sent, "no credential")
	}
	l.p.note("* with %s", printable(strings.Join(sent, ", ")+why))
	return nil
}

// WithAttrs implements slog.Handler.
func (l sentLog) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l sentLog) WithGroup(string) slog.Handler { return l }
