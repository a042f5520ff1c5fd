// SPDX-License-Identifier: BSD-3-Clause

package stock_test

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/fit"
	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/jwtclaims"
	"github.com/scicred/scicred/internal/origin"
	"github.com/scicred/scicred/internal/osfile"
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

func TestAStockOffersWhatFitsAndIsAlive(t *testing.T) {
	t.Parallel()
	for title, tt := range map[string]struct {
		places   []place
		at       time.Duration
		audience string
		want     bool
	}{
		"nothing":                  {[]place{absent(), garbled()}, 0, "", false},
		"before the last one ends": {[]place{good("a", time.Hour, "x"), good("b", time.Minute, "x")}, time.Hour - time.Minute, "", true},
		"within the leeway":        {[]place{good("b", time.Minute, "x"), good("a", time.Hour, "x")}, time.Hour - time.Minute + 1, "", false},
		"one that does not end":    {[]place{good("b", time.Minute, "x"), good("a", 0, "x")}, 1000 * time.Hour, "", true},
		"an opaque one":            {[]place{opaque("o")}, 0, "", false},
		"one for this server":      {[]place{good("a", time.Hour, "x")}, 0, "x", true},
		"one for another server":   {[]place{good("a", time.Hour, "x")}, 0, "y", false},
	} {
		want := &fit.Want{}
		if tt.audience != "" {
			want.Audience = []string{tt.audience}
		}
		assert.Equal(t, tt.want, of(tt.places...).Offers(want, now().Add(tt.at), time.Minute), title)
	}
}

func TestAStockKnowsTheServersThatItsTokensName(t *testing.T) {
	t.Parallel()
	s := of(good("a", time.Hour, "https://a.example.org", "https://b.example.org:8443"), good("any", time.Hour, "ANY"))
	for o, want := range map[origin.Origin]bool{
		{Scheme: "https", Host: "a.example.org", Port: "443"}:  true,
		{Scheme: "https", Host: "a.example.org", Port: "8443"}: true, // a name without a port is for all of them
		{Scheme: "https", Host: "b.example.org", Port: "8443"}: true,
		{Scheme: "https", Host: "b.example.org", Port: "443"}:  false,
		{Scheme: "http", Host: "a.example.org", Port: "80"}:    false,
		{Scheme: "https", Host: "c.example.org", Port: "443"}:  false,
	} {
		assert.Equal(t, want, s.Names(o), o)
	}
	assert.False(t, s.ForAll())
	var none *stock.Stock[token]
	assert.False(t, none.Names(origin.Origin{Scheme: "https", Host: "a.example.org", Port: "443"}))
	assert.True(t, none.ForAll())
	assert.True(t, of(good("any", time.Hour, "ANY")).ForAll())
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

	next := stock.New(&inventory.Inventory[token]{Places: []place{absent()}}, first, claims)
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

// found is a stock of real places, whose use is noted.
func found(creds ...*token) *stock.Stock[token] {
	look := func(*inventory.Looker) (all []place) {
		for _, c := range creds {
			all = append(all, place{Cred: c})
		}
		return all
	}
	w := inventory.World{Now: now}
	inv := inventory.Build(w, nil, []inventory.Candidate[token]{{Name: "all", Look: look}}, func(*token) bool { return true })
	return stock.New(inv, nil, claimsOf)
}

func inUse(s *stock.Stock[token]) (names []string) {
	for i := range s.Places {
		if s.Places[i].InUse() {
			names = append(names, s.Places[i].Cred.name)
		}
	}
	return names
}

func TestWhatIsHandedOutIsInUse(t *testing.T) {
	t.Parallel()
	a, b, o := good("a", time.Hour, "https://a").Cred, good("b", time.Hour, "https://b").Cred, opaque("o").Cred
	s := found(a, o, b)
	require.Empty(t, inUse(s))
	require.Nil(t, s.Fitting(&fit.Want{Audience: []string{"https://c"}}, now(), time.Minute))
	require.Empty(t, inUse(s), "what is not handed out is not")
	require.Same(t, b, s.Fitting(&fit.Want{Audience: []string{"https://b"}}, now(), time.Minute))
	require.Equal(t, []string{"b"}, inUse(s))
	s.Use(o, time.Minute)
	s.Use(good("other", time.Hour, "x").Cred, time.Minute)
	s.Use(nil, time.Minute)
	assert.Equal(t, []string{"o", "b"}, inUse(s))

	s = found(o, a)
	require.Same(t, o, s.NonEmpty())
	assert.Equal(t, []string{"o"}, inUse(s))
}

// Its successor must be known when it is.
func TestATokenIsInUseUntilItIsTooOldToBeHandedOut(t *testing.T) {
	t.Parallel()
	const leeway = time.Minute
	a := good("a", time.Hour, "https://a").Cred
	for name, tt := range map[string]struct {
		use  func(*stock.Stock[token])
		at   time.Duration
		want bool // all files are looked at
	}{
		"long before":           {func(s *stock.Stock[token]) { s.Fitting(&fit.Want{}, now(), leeway) }, time.Hour - leeway - inventory.Ahead - 1, false},
		"just before":           {func(s *stock.Stock[token]) { s.Fitting(&fit.Want{}, now(), leeway) }, time.Hour - leeway - inventory.Ahead, true},
		"where it is not asked": {func(s *stock.Stock[token]) { s.NonEmpty() }, time.Hour, false},
	} {
		at := now()
		listed, stats := 0, 0
		folder := &inventory.Folder[token]{
			List: func(*inventory.Looker) ([]string, []place) { listed++; return []string{"/a", "/b"}, nil },
			File: func(l *inventory.Looker, path string) place {
				_, _, _ = l.Read(path, osfile.Rule{})
				if path == "/a" {
					return place{Path: path, Cred: a}
				}
				return place{Path: path, Absent: true}
			},
		}
		w := inventory.World{Now: func() time.Time { return at }, FS: osfile.FS{
			Open: func(string) (fs.File, error) { return nil, fs.ErrNotExist },
			Stat: func(name string) (fs.FileInfo, error) {
				if name == "/b" {
					stats++
				}
				return nil, fs.ErrNotExist
			},
		}}
		build := func(old *inventory.Inventory[token]) *inventory.Inventory[token] {
			return inventory.Build(w, old, []inventory.Candidate[token]{{Name: "f", Folder: folder}}, func(*token) bool { return true })
		}
		s := stock.New(build(nil), nil, claimsOf)
		tt.use(s)
		at = now().Add(tt.at - inventory.Sweep/2)
		build(s.Inventory) // a sweep: it is so long ago
		tt.use(s)
		at, stats = now().Add(tt.at), 0
		build(s.Inventory)
		assert.Equal(t, tt.want, stats > 0, name)
		assert.Equal(t, 1, listed)
	}
}

func TestWhereTheSamePlacesWereFoundNothingIsIndexedAgain(t *testing.T) {
	t.Parallel()
	read := 0
	claims := func(t *token) *jwtclaims.Claims { read++; return t.claims }
	inv := &inventory.Inventory[token]{Places: []place{good("a", 0, "x"), absent()}}
	first := stock.New(inv, nil, claims)
	later := &inventory.Inventory[token]{Places: inv.Places}
	second := stock.New(later, first, claims)
	assert.Equal(t, 1, read)
	assert.Same(t, later, second.Inventoried())
	assert.Same(t, inv, first.Inventoried())
	assert.Equal(t, "a", name(second.Fitting(&fit.Want{}, now(), 0)))

	other := &inventory.Inventory[token]{Places: []place{good("b", 0, "x"), absent()}}
	assert.Equal(t, "b", name(stock.New(other, second, claims).Fitting(&fit.Want{}, now(), 0)))
	fewer := &inventory.Inventory[token]{Places: inv.Places[:1]}
	assert.Len(t, stock.New(fewer, second, claims).Places, 1)
	assert.Equal(t, 3, read)
}

func TestAStockMayBeDoubted(t *testing.T) {
	t.Parallel()
	(*stock.Stock[token])(nil).Doubt()
	of(absent()).Doubt()
}
