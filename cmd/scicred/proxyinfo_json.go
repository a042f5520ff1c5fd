// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"time"

	"github.com/scicred/scicred/internal/proxycert"
	"github.com/scicred/scicred/internal/voms"
)

// proxyEntry is what proxy-info --json prints. Scripts rely on its members: more
// may come, none may go.
type proxyEntry struct {
	Path       string      `json:"path"`
	Source     string      `json:"source"` // the candidate's name; FILE if the file was named
	Format     string      `json:"format"`
	Subject    string      `json:"subject"`
	Issuer     string      `json:"issuer"`
	Identity   string      `json:"identity"`
	Proxy      bool        `json:"proxy"`
	Kind       string      `json:"kind"`      // rfc3820, draft, legacy, none
	Policy     string      `json:"policy"`    // inherit_all, independent, limited, other, none
	Type       string      `json:"type"`      // in words
	VOMSType   string      `json:"voms_type"` // in those of voms-proxy-info
	Limited    bool        `json:"limited"`
	KeyType    string      `json:"key_type"`
	Strength   int         `json:"strength"` // bits
	KeyUsage   []string    `json:"key_usage"`
	PathLength *int        `json:"path_length"` // null: no limit
	Depth      int         `json:"depth"`
	NotBefore  string      `json:"not_before"` // RFC 3339
	Expires    string      `json:"expires"`
	Expired    bool        `json:"expired"`
	Timeleft   int64       `json:"timeleft"` // whole seconds, never negative
	Key        string      `json:"key"`      // there, or what is wrong with it; never the key
	VOMS       []vomsEntry `json:"voms"`
	Notes      []string    `json:"notes"`

	language string
	expires  time.Time
	now      time.Time
}

// vomsEntry is an attribute certificate.
type vomsEntry struct {
	VO           string         `json:"vo"`
	FQANs        []string       `json:"fqans"`
	Attributes   []genericEntry `json:"attributes"`
	Server       string         `json:"server"`
	Issuer       string         `json:"issuer"`
	HolderIssuer string         `json:"holder_issuer"`
	NotBefore    string         `json:"not_before"`
	Expires      string         `json:"expires"`
	Timeleft     int64          `json:"timeleft"`
	Verified     bool           `json:"verified"` // always false: servers do that

	notBefore, expires time.Time
}

type genericEntry struct {
	Name      string `json:"name"`
	Value     string `json:"value"`
	Qualifier string `json:"qualifier"`
}

func newProxyEntry(h *held) *proxyEntry {
	d, notes := h.describe()
	ours, theirs := typeWords(d)
	e := &proxyEntry{
		Path: h.path, Source: h.source, Format: h.format, Subject: d.Subject, Issuer: d.Issuer, Identity: d.Identity,
		Proxy: d.Leaf.Kind != proxycert.None, Kind: kindName(d.Leaf.Kind), Policy: policyName(d.Leaf.Policy), Type: ours, VOMSType: theirs,
		Limited: d.Limited, KeyType: d.Key.Type, Strength: d.Key.Bits, KeyUsage: append([]string{}, d.KeyUsage...), Depth: d.Depth,
		NotBefore: rfc3339(d.NotBefore), Expires: rfc3339(d.NotAfter), Expired: h.now.After(d.NotAfter), Timeleft: left(d.NotAfter, h.now),
		Key: "there", VOMS: []vomsEntry{}, Notes: append([]string{}, notes...),
		language: d.Leaf.Language, expires: d.NotAfter, now: h.now,
	}
	if h.keyErr != nil {
		e.Key = h.keyErr.Error()
	}
	if d.Leaf.PathLength != proxycert.Unlimited {
		e.PathLength = &d.Leaf.PathLength
	}
	attributes, err := voms.FromChain(h.chain)
	for i := range attributes {
		e.VOMS = append(e.VOMS, newVOMSEntry(&attributes[i], h.now))
	}
	if err != nil {
		e.Notes = append(e.Notes, err.Error())
	}
	return e
}

func newVOMSEntry(a *voms.Attributes, now time.Time) vomsEntry {
	v := vomsEntry{
		VO: a.VO, FQANs: append([]string{}, a.FQANs...), Attributes: []genericEntry{}, Server: a.Server, Issuer: a.Issuer,
		HolderIssuer: a.HolderIssuer, NotBefore: rfc3339(a.NotBefore), Expires: rfc3339(a.NotAfter), Timeleft: left(a.NotAfter, now),
		notBefore: a.NotBefore, expires: a.NotAfter,
	}
	for _, g := range a.Generic {
		v.Attributes = append(v.Attributes, genericEntry(g))
	}
	return v
}

// left is how many whole seconds are left until then.
func left(until, now time.Time) int64 { return max(0, int64(until.Sub(now)/time.Second)) }

func kindName(k proxycert.Kind) string {
	switch k {
	case proxycert.RFC3820:
		return "rfc3820"
	case proxycert.Draft:
		return "draft"
	case proxycert.Legacy:
		return "legacy"
	}
	return "none"
}

func policyName(p proxycert.Policy) string {
	switch p {
	case proxycert.InheritAll:
		return "inherit_all"
	case proxycert.Independent:
		return "independent"
	case proxycert.Limited:
		return "limited"
	case proxycert.Other:
		return "other"
	}
	return "none"
}
