// SPDX-License-Identifier: BSD-3-Clause

package stock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/fit"
	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/jwtclaims"
	"github.com/scicred/scicred/internal/stock"
)

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// token is a name and what it says; nil is an opaque one.
type token struct {
	name   string
	claims *jwtclaims.Claims
}

func claimsOf(t *token) *jwtclaims.Claims { return t.claims }

type place = inventory.Place[token]

// good is a place with a token for the audience that ends in that time; 0 is
// never.
func good(name string, in time.Duration, audience ...string) place {
	c := &jwtclaims.Claims{HasAudience: true, Audience: audience}
	if in != 0 {
		c.HasExpiry, c.Expiry = true, now().Add(in)
	}
	return place{Candidate: name, Cred: &token{name, c}}
}

func opaque(name string) place { return place{Candidate: name, Cred: &token{name: name}} }

func garbled() place { return place{Err: errors.New("is garbled")} }
func absent() place  { return place{Absent: true} }
func empty() place   { return place{Empty: true, Err: errors.New("is empty")} }

// gone is a place whose file is gone, but not yet for long.
func gone(p place) place {
	p.Absent, p.Err = true, errors.New("no such file")
	return p
}

func of(places ...place) *stock.Stock[token] {
	return stock.New(&inventory.Inventory[token]{Places: places}, nil, claimsOf)
}

func name(t *token) string {
	if t == nil {
		return ""
	}
	return t.name
}

func TestTheFirstTokenThatFitsIsTaken(t *testing.T) {
	t.Parallel()
	const here = "https://here"
	want := fit.Want{Audience: []string{here}}
	tests := map[string]struct {
		places []place
		want   fit.Want
		name   string
	}{
		"nothing":                     {nil, want, ""},
		"nothing that fits":           {[]place{absent(), garbled(), good("a", time.Hour, "x")}, want, ""},
		"the first in order":          {[]place{absent(), good("a", time.Hour, here), good("b", time.Hour, here)}, want, "a"},
		"one for any before it":       {[]place{good("any", 0, fit.Any), good("a", time.Hour, here)}, want, "any"},
		"one for any after it":        {[]place{good("a", time.Hour, here), good("any", 0, fit.Any)}, want, "a"},
		"a stale one hides no other":  {[]place{good("stale", -time.Hour, here), good("b", time.Hour, here)}, want, "b"},
		"nor does one soon to end":    {[]place{good("soon", 59*time.Second, here), good("b", 60*time.Second, here)}, want, "b"},
		"a foreign one hides none":    {[]place{good("foreign", time.Hour, "x"), good("b", 0, here)}, want, "b"},
		"an opaque one is passed by":  {[]place{opaque("o"), good("b", time.Hour, here)}, want, "b"},
		"opaque ones are not found":   {[]place{opaque("o")}, fit.Want{}, ""},
		"whatever its audience":       {[]place{opaque("o"), good("a", time.Hour, "x")}, fit.Want{}, "a"},
		"by the redirecting host":     {[]place{good("a", time.Hour, "first")}, fit.Want{Audience: []string{here}, Also: []string{"first"}}, "a"},
		"one whose file is just gone": {[]place{gone(good("a", time.Hour, here)), good("b", time.Hour, here)}, want, "a"},
		"scope counts":                {[]place{good("a", time.Hour, here)}, fit.Want{Audience: []string{here}, Scope: []string{"read:/"}}, ""},
	}
	for title, tt := range tests {
		assert.Equal(t, tt.name, name(of(tt.places...).Fitting(&tt.want, now(), time.Minute)), title)
	}
}

func TestWLCGTakesWhatIsInTheFirstPlaceThatIsNotEmpty(t *testing.T) {
	t.Parallel()
	for title, tt := range map[string]struct {
		places []place
		name   string
	}{
		"nothing":                           {nil, ""},
		"nothing anywhere":                  {[]place{absent(), empty(), absent()}, ""},
		"the first, opaque or not":          {[]place{absent(), opaque("o"), good("a", time.Hour, "x")}, "o"},
		"the first, stale or not":           {[]place{good("stale", -time.Hour, "x"), good("a", time.Hour, "x")}, "stale"},
		"what cannot be used ends it too":   {[]place{absent(), garbled(), good("a", time.Hour, "x")}, ""},
		"white space is nothing":            {[]place{empty(), good("a", time.Hour, "x")}, "a"},
		"a file that was just there counts": {[]place{gone(good("a", time.Hour, "x")), good("b", time.Hour, "x")}, "a"},
	} {
		assert.Equal(t, tt.name, name(of(tt.places...).NonEmpty()), title)
	}
}

func TestAStockIsOfUseWhileOneTokenIsAlive(t *testing.T) {
	t.Parallel()
	for title, tt := range map[string]struct {
		places []place
		at     time.Duration
		want   bool
	}{
		"nothing":                   {[]place{absent(), garbled()}, 0, false},
		"before the last one ends":  {[]place{good("a", time.Hour, "x"), good("b", time.Minute, "x")}, time.Hour - 1, true},
		"when the last one ends":    {[]place{good("b", time.Minute, "x"), good("a", time.Hour, "x")}, time.Hour, false},
		"one that does not end":     {[]place{good("b", time.Minute, "x"), good("a", 0, "x")}, 1000 * time.Hour, true},
		"an opaque one may be good": {[]place{opaque("o")}, 1000 * time.Hour, true},
		"a stale one":               {[]place{good("stale", -time.Hour, "x")}, 0, false},
	} {
		assert.Equal(t, tt.want, of(tt.places...).Usable(now().Add(tt.at)), title)
	}
}

func TestTheSameInventoryGivesTheSameStock(t *testing.T) {
	t.Parallel()
	read := 0
	claims := func(t *token) *jwtclaims.Claims { read++; return t.claims }
	inv := &inventory.Inventory[token]{Places: []place{good("a", 0, "x"), absent()}}
	first := stock.New(inv, nil, claims)
	require.Same(t, inv, first.Inventoried())
	assert.Same(t, first, stock.New(inv, first, claims))
	assert.Equal(t, 1, read, "nothing is indexed again")

	next := stock.New(&inventory.Inventory[token]{Places: inv.Places}, first, claims)
	assert.NotSame(t, first, next)
	var none *stock.Stock[token]
	assert.Nil(t, none.Inventoried())
}

func TestAHitTakesNoMemory(t *testing.T) {
	s := of(absent(), good("other", time.Hour, "https://other"), good("a", time.Hour, "https://here"))
	want := fit.Want{Audience: []string{"https://here"}}
	at := now()
	assert.Zero(t, testing.AllocsPerRun(100, func() { s.Fitting(&want, at, time.Minute) }))
}
