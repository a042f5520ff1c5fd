// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/proxycert"
)

// typeWords says what kind of proxy the leaf is, in our words and in those of
// voms-proxy-info, which do not tell what RFC 3820 proxies may do.
func typeWords(d *proxycert.Chain) (ours, theirs string) {
	policy := map[proxycert.Policy]string{
		proxycert.InheritAll: "impersonation", proxycert.Independent: "independent", proxycert.Limited: "limited",
		proxycert.Other: "restricted", proxycert.NoPolicy: "unreadable",
	}[d.Leaf.Policy]
	switch d.Leaf.Kind {
	case proxycert.RFC3820:
		return "RFC 3820 " + policy + " proxy", "RFC compliant proxy"
	case proxycert.Draft:
		return "draft " + policy + " proxy (before RFC 3820)", "GT3-style proxy"
	case proxycert.Legacy:
		if d.Leaf.Policy == proxycert.Limited {
			return "legacy limited proxy", "limited proxy"
		}
		return "legacy full proxy", "proxy"
	}
	if d.EndEntity != nil && d.EndEntity.IsCA {
		return "no proxy, but an authority", "unknown"
	}
	return "no proxy, but a certificate of a user or host", "unknown"
}

// describeProxy returns a proxy as a table for people. The names of the rows are
// those of voms-proxy-info, where that has them.
func describeProxy(e *proxyEntry) string { return human.Table(proxyRows(e)) + "\n" }

func proxyRows(e *proxyEntry) (rows [][]string) {
	row := func(name string, values ...string) {
		for i, value := range values {
			if i > 0 {
				name = "" // It stands above.
			}
			rows = append(rows, []string{name, value})
		}
	}
	row("subject", e.Subject)
	row("issuer", e.Issuer)
	row("identity", e.Identity)
	row("type", e.Type+" (voms-proxy-info: "+e.VOMSType+")")
	row("strength", strings.TrimSpace(fmt.Sprintf("%d bits, %s", e.Strength, e.KeyType)))
	if e.Path != "" {
		row("path", e.Path)
	}
	row("timeleft", timeleft(e.expires, e.now))
	if e.Proxy {
		length := "no limit"
		if e.PathLength != nil {
			length = strconv.Itoa(*e.PathLength)
		}
		row("path length", length)
		row("depth", strconv.Itoa(e.Depth))
		row("limited", limitedWords(e))
	}
	if e.Policy == "other" {
		row("policy", e.language)
	}
	if len(e.KeyUsage) > 0 {
		row("key usage", strings.Join(e.KeyUsage, ", "))
	}
	for i := range e.VOMS {
		v := &e.VOMS[i]
		row("VO", cmp.Or(v.VO, "(no name)")+" (not verified)")
		row("  attribute", v.FQANs...)
		for _, g := range v.Attributes {
			row("  attribute", strings.TrimSpace(fmt.Sprintf("%s = %s (%s)", g.Name, g.Value, g.Qualifier)))
		}
		row("  issuer", v.Issuer)
		row("  uri", v.Server)
		row("  timeleft", timeleft(v.expires, e.now))
		if e.now.Before(v.notBefore) {
			row("  starts", date(v.notBefore))
		}
	}
	row("note", e.Notes...)
	return rows
}

func limitedWords(e *proxyEntry) string {
	switch {
	case !e.Limited:
		return "no"
	case e.Policy != "limited":
		return "yes, since it was made from a limited one"
	}
	return "yes: it may do all but start jobs"
}

// timeleft says when something ends, beginning with the hours, minutes and
// seconds that are left, as voms-proxy-info has it.
func timeleft(until, now time.Time) string {
	s := clock(time.Duration(left(until, now)) * time.Second)
	if now.After(until) {
		return fmt.Sprintf("%s, expired %s ago, on %s", s, since(until, now), date(until))
	}
	return s + ", until " + date(until)
}

// clock writes hours, minutes and seconds: 23:59:37.
func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d:%02d", d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second)
}

func since(t, now time.Time) string { return human.Duration(now.Sub(t)) }

// date writes a time for people everywhere.
func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
