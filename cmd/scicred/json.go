// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/internal/human"
)

// discovery is what discover --json prints. Scripts rely on its members: more
// may come, none may go.
type discovery struct {
	Token    any             `json:"token"`
	X509     any             `json:"x509"`
	Basic    any             `json:"basic"`
	Attached []string        `json:"attached"`
	Rejected []rejectedEntry `json:"rejected"`
}

type notFound struct {
	Found bool `json:"found"`
}

type tokenEntry struct {
	Found    bool     `json:"found"`
	Source   string   `json:"source"`
	Path     string   `json:"path"`
	Issuer   string   `json:"issuer"`
	Subject  string   `json:"subject"`
	Audience []string `json:"audience"`
	Scopes   []string `json:"scopes"`
	Expires  string   `json:"expires,omitempty"` // RFC 3339
	ID       string   `json:"id"`
}

type x509Entry struct {
	Found   bool   `json:"found"`
	Source  string `json:"source"`
	Cert    string `json:"cert"`
	Key     string `json:"key"` // the same as Cert if one file holds both
	Subject string `json:"subject"`
	Expires string `json:"expires,omitempty"`
}

type basicEntry struct {
	Found  bool   `json:"found"`
	Source string `json:"source"`
	Path   string `json:"path"`
	Host   string `json:"host"`
	Login  string `json:"login"`
}

type rejectedEntry struct {
	Kind   string `json:"kind"`
	Source string `json:"source"`
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// writeJSON prints the report as one JSON object.
func (p *program) writeJSON(r *scicred.Report) error {
	text, err := formatJSON(newDiscovery(r))
	if err != nil {
		return err
	}
	return p.print(text)
}

// formatJSON writes a value as one JSON document for people and programs.
func formatJSON(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return escapeUnprintable(b.String()), nil
}

// escapeUnprintable writes the characters that JSON allows as they are and a
// terminal may obey, control characters and those that turn the direction of
// writing, as \uXXXX. In JSON all of them stand in strings.
func escapeUnprintable(s string) string {
	var b strings.Builder
	for _, c := range s {
		if c > '\n' && human.Printable(string(c)) != string(c) {
			_, _ = fmt.Fprintf(&b, `\u%04x`, c) // a strings.Builder does not fail
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func newDiscovery(r *scicred.Report) discovery {
	d := discovery{Token: notFound{}, X509: notFound{}, Basic: notFound{}, Attached: []string{}, Rejected: []rejectedEntry{}}
	for _, k := range r.Attached() {
		d.Attached = append(d.Attached, k.String())
	}
	for i := range r.Attempts {
		if a := &r.Attempts[i]; rejected(a) {
			d.Rejected = append(d.Rejected, rejectedEntry{a.Kind.String(), a.Candidate, a.Path, reasonOf(a)})
		}
	}
	for _, a := range slices.Backward(r.Attempts) { // the first that was found counts
		if !found(&a) {
			continue
		}
		switch a.Kind {
		case scicred.KindToken:
			d.Token = newTokenEntry(&a)
		case scicred.KindX509:
			e := x509Entry{Found: true, Source: a.Candidate, Cert: a.Path, Key: a.KeyPath, Subject: a.Identity, Expires: rfc3339(a.Expiry)}
			if e.Key == "" {
				e.Key = e.Cert
			}
			d.X509 = e
		case scicred.KindBasic:
			host, login, _ := strings.Cut(a.Identity, " as ")
			d.Basic = basicEntry{Found: true, Source: a.Candidate, Path: a.Path, Host: host, Login: login}
		}
	}
	return d
}

func newTokenEntry(a *scicred.Attempt) tokenEntry {
	e := tokenEntry{Found: true, Source: a.Candidate, Path: a.Path, Audience: []string{}, Scopes: []string{}, Expires: rfc3339(a.Expiry)}
	if c := a.Claims; c != nil {
		e.Issuer, e.Subject, e.ID = c.Issuer, c.Subject, c.ID
		e.Audience, e.Scopes = append(e.Audience, c.Audience...), append(e.Scopes, c.Scope...)
	}
	return e
}

// rfc3339 is empty without a time.
func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// reasonOf is never empty.
func reasonOf(a *scicred.Attempt) string {
	switch {
	case a.Err != nil && a.Err.Error() != "":
		return a.Err.Error()
	case a.Detail != "":
		return a.Detail
	}
	return "unusable"
}
