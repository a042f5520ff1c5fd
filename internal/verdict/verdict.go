// SPDX-License-Identifier: BSD-3-Clause

// Package verdict says what can be told on the client's side about why a server
// refused a request. It states facts; advice is for those who know the user.
package verdict

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/human"
)

// Case is a refused request.
type Case struct {
	Status     int
	Challenges []bearer.Challenge
	Known      bool // whether it is known what was sent
	Pieces     []Piece
	Own        bool  // the request had an Authorization header of its own
	Bar        error // why nothing could go there at all
	Note       string
	Now        time.Time
}

// Piece is a credential that was sent or could have been.
type Piece struct {
	Kind, Outcome, From, Path, Identity string
	Audience, Scope                     []string
	Expiry                              time.Time
	Err                                 error
	Detail                              string // why the kind was not looked for, or what is odd about it
}

// name is what people call the kind.
func (p *Piece) name() string {
	switch p.Kind {
	case "token":
		return "token"
	case "x509":
		return "certificate"
	}
	return "login"
}

func (p *Piece) where() string {
	switch {
	case p.Path == "":
		return p.From
	case strings.HasPrefix(p.Path, p.From): // /tmp
		return p.Path
	}
	return p.From + " " + p.Path
}

// Facts returns a sentence for each thing that can be told, fit to be printed.
func (c *Case) Facts() []string {
	facts := c.facts()
	for i := range facts {
		facts[i] = human.Printable(facts[i])
	}
	return facts
}

func (c *Case) facts() []string {
	facts := c.serverSays()
	if c.Status != http.StatusUnauthorized && c.Status != http.StatusForbidden {
		return facts
	}
	if !c.Known {
		return append(facts, "what was sent is not known, since no scicred.Transport made the request")
	}
	sent := map[string]bool{}
	for i := range c.Pieces {
		if p := &c.Pieces[i]; p.Outcome == "attached" {
			sent[p.Kind] = true
			facts = append(facts, c.sent(p))
		}
	}
	for i := range c.Pieces {
		if p := &c.Pieces[i]; !sent[p.Kind] && p.Outcome == "skipped" && p.Detail != "" && c.Bar == nil {
			facts = append(facts, fmt.Sprintf("no %s was looked for: %s", p.name(), p.Detail))
		}
	}
	switch {
	case c.Own:
		facts = append(facts, "the request's own Authorization header was sent")
	case len(sent) == 0 && c.Bar != nil:
		facts = append(facts, "no credential was sent: "+c.Bar.Error())
	case len(sent) == 0:
		facts = append(facts, "no credential was sent")
	}
	for i := range c.Pieces {
		p := &c.Pieces[i]
		if !sent[p.Kind] && (p.Outcome == "withheld" || p.Outcome == "rejected") && p.Err != nil {
			facts = append(facts, fmt.Sprintf("the %s from %s was not sent: %s", p.name(), p.where(), p.Err))
		}
	}
	if sent["token"] && sent["x509"] {
		facts = append(facts, "a token and a certificate were sent, and this server may have judged by the token alone: try without the token")
	}
	if c.Note != "" {
		facts = append(facts, c.Note)
	}
	return facts
}

// sent says what one credential that was sent looks like from here.
func (c *Case) sent(p *Piece) string {
	s := fmt.Sprintf("the %s from %s was sent", p.name(), p.where())
	var of []string
	if p.Identity != "" && p.Kind != "token" {
		of = append(of, p.Identity)
	}
	if p.Audience != nil {
		of = append(of, "audience "+human.List(p.Audience))
	}
	if p.Scope != nil {
		of = append(of, "scope "+human.List(p.Scope))
	}
	if len(of) > 0 {
		s += " (" + strings.Join(of, ", ") + ")"
	}
	switch {
	case !p.Expiry.IsZero() && !p.Expiry.After(c.Now):
		return s + "; it " + human.Expiry(p.Expiry, c.Now)
	case p.Detail != "":
		return s + " and was refused; " + p.Detail
	case p.Kind == "token" && c.Status == http.StatusForbidden:
		return s + " and looked fine from here, but was refused: its scope may not cover this operation or path"
	}
	return s + " and looked fine from here, but was refused"
}

// serverSays reads the server's challenges (RFC 6750 section 3).
func (c *Case) serverSays() []string {
	var facts []string
	for _, ch := range c.Challenges {
		var said []string
		for _, name := range [...]string{"error", "error_description"} {
			if v := ch.Params[name]; v != "" {
				said = append(said, v)
			}
		}
		if v := ch.Params["scope"]; v != "" {
			said = append(said, "it wants the scope "+v)
		}
		if len(said) == 0 {
			facts = append(facts, "the server asks for "+ch.Scheme+" authentication")
			continue
		}
		facts = append(facts, "the server says: "+strings.Join(said, ", "))
	}
	return facts
}
