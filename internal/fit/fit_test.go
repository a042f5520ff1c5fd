// SPDX-License-Identifier: BSD-3-Clause

package fit_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/fit"
	"github.com/scicred/scicred/internal/jwtclaims"
	"github.com/scicred/scicred/internal/origin"
)

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// text is what an error says, "" of none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestATokenIsTakenInItsTime(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	type times struct{ exp, nbf time.Duration } // from now; 0 is none
	tests := map[string]struct {
		token  times
		leeway time.Duration
		want   error
		text   string
	}{
		"no expiry":                  {times{}, minute, nil, ""},
		"far from expiry":            {times{exp: time.Hour}, minute, nil, ""},
		"expires after the leeway":   {times{exp: minute}, minute, nil, ""},
		"expires within the leeway":  {times{exp: minute - time.Second}, minute, fit.ErrExpired, "expires in 59s, less than the 1m asked for"},
		"expires in a moment":        {times{exp: time.Second}, 0, nil, ""},
		"expired a second ago":       {times{exp: -time.Second}, 0, fit.ErrExpired, "expired 1s ago"},
		"expired long ago":           {times{exp: -(2*time.Hour + 13*time.Minute)}, minute, fit.ErrExpired, "expired 2h13m ago"},
		"valid since a second ago":   {times{nbf: -time.Second}, minute, nil, ""},
		"valid in a minute":          {times{nbf: minute}, 0, nil, ""},
		"valid in more":              {times{nbf: minute + time.Second}, 0, fit.ErrEarly, "not valid for another 1m1s"},
		"the leeway is not for that": {times{nbf: 2 * minute}, time.Hour, fit.ErrEarly, "not valid for another 2m"},
		"expired before it began":    {times{exp: -minute, nbf: time.Hour}, minute, fit.ErrExpired, "expired 1m ago"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &jwtclaims.Claims{
				HasExpiry: tt.token.exp != 0, Expiry: now().Add(tt.token.exp),
				HasNotBefore: tt.token.nbf != 0, NotBefore: now().Add(tt.token.nbf),
			}
			err := fit.Time(c, now(), tt.leeway)
			assert.Equal(t, tt.text, text(err))
			if tt.want != nil {
				assert.ErrorIs(t, err, tt.want)
			}
		})
	}
	assert.ErrorIs(t, fit.Time(&jwtclaims.Claims{HasExpiry: true, Expiry: now()}, now(), 0), fit.ErrExpired, "at the very moment of exp (RFC 7519)")
}

func TestWhichAudiencesFit(t *testing.T) {
	t.Parallel()
	const here, elsewhere = "https://here.example.org", "https://elsewhere.example.org"
	type claims = jwtclaims.Claims
	named := func(aud ...string) claims { return claims{HasAudience: true, Audience: aud} }
	tests := map[string]struct {
		token claims
		want  fit.Want
		text  string
	}{
		"the one":                 {named(here), fit.Want{Audience: []string{here}}, ""},
		"one of the token's":      {named(elsewhere, here), fit.Want{Audience: []string{here}}, ""},
		"one of those asked for":  {named(here), fit.Want{Audience: []string{elsewhere, here}}, ""},
		"another":                 {named(elsewhere), fit.Want{Audience: []string{here}}, "its audience is " + elsewhere + ", not " + here},
		"others":                  {named("a", "b"), fit.Want{Audience: []string{"c", "d"}}, "its audience is a b, not c or d"},
		"the redirecting host's":  {named(elsewhere), fit.Want{Audience: []string{here}, Also: []string{elsewhere}}, ""},
		"not the redirecting one": {named("a"), fit.Want{Audience: []string{here}, Also: []string{elsewhere}}, "its audience is a, not " + here},
		"none is asked for":       {named(elsewhere), fit.Want{}, ""},
		"none is asked for, and the redirecting host's do not count": {named("a"), fit.Want{Also: []string{elsewhere}}, ""},
		"compared exactly": {named("https://HERE.example.org", here+"/"), fit.Want{Audience: []string{here}}, "its audience is https://HERE.example.org " + here + "/, not " + here},

		"ANY":                     {named(credtest.SciTokensAny), fit.Want{Audience: []string{here}}, ""},
		"any of WLCG":             {named(elsewhere, credtest.WLCGAny), fit.Want{Audience: []string{here}}, ""},
		"any, in lower case":      {named("any"), fit.Want{Audience: []string{here}}, "its audience is any, not " + here},
		"another version of any":  {named("https://wlcg.cern.ch/jwt/v2/any"), fit.Want{Audience: []string{here}}, "its audience is https://wlcg.cern.ch/jwt/v2/any, not " + here},
		"an empty list":           {named(), fit.Want{Audience: []string{here}}, "its audience is empty, not " + here},
		"an empty list, ver 1":    {claims{HasAudience: true, Version: "1"}, fit.Want{Audience: []string{here}}, "its audience is empty, not " + here},
		"none":                    {claims{}, fit.Want{Audience: []string{here}}, ""},
		"none, ver 1":             {claims{Version: "1"}, fit.Want{Audience: []string{here}}, ""},
		"none, scitoken:2.0":      {claims{Version: "scitoken:2.0"}, fit.Want{Audience: []string{here}}, "it names no audience, which its profile demands"},
		"none, WLCG":              {claims{WLCGVersion: "1.0"}, fit.Want{Audience: []string{here}}, "it names no audience, which its profile demands"},
		"none, WLCG 1.2":          {claims{WLCGVersion: "1.2", Version: "1"}, fit.Want{Audience: []string{here}}, "it names no audience, which its profile demands"},
		"none, but none is asked": {claims{Version: "scitoken:2.0"}, fit.Want{}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := fit.Target(&tt.token, &tt.want)
			assert.Equal(t, tt.text, text(err))
			if tt.text != "" {
				assert.ErrorIs(t, err, fit.ErrMismatch)
			}
		})
	}
}

func TestIssuerAndScopeMustFitToo(t *testing.T) {
	t.Parallel()
	c := &jwtclaims.Claims{Issuer: "https://iss.example.org", HasScope: true, Scope: []string{"storage.read:/data", "storage.modify:/up", "openid"}}
	tests := map[string]struct {
		want fit.Want
		text string
	}{
		"the issuer":                  {fit.Want{Issuer: []string{"https://iss.example.org"}}, ""},
		"one of them":                 {fit.Want{Issuer: []string{"https://a", "https://iss.example.org"}}, ""},
		"another":                     {fit.Want{Issuer: []string{"https://a", "https://b"}}, "its issuer is https://iss.example.org, not https://a or https://b"},
		"compared exactly":            {fit.Want{Issuer: []string{"https://iss.example.org/"}}, "its issuer is https://iss.example.org, not https://iss.example.org/"},
		"a scope":                     {fit.Want{Scope: []string{"storage.read:/data"}}, ""},
		"below it":                    {fit.Want{Scope: []string{"storage.read:/data/x"}}, ""},
		"beside it":                   {fit.Want{Scope: []string{"storage.read:/database"}}, "its scope (storage.read:/data storage.modify:/up openid) does not cover storage.read:/database"},
		"all that are asked for":      {fit.Want{Scope: []string{"storage.read:/data/a", "storage.create:/up/b", "openid"}}, ""},
		"all but one":                 {fit.Want{Scope: []string{"storage.read:/data/a", "storage.read:/up", "compute.read"}}, "its scope (storage.read:/data storage.modify:/up openid) does not cover storage.read:/up compute.read"},
		"one that makes no sense":     {fit.Want{Scope: []string{"storage.read:data"}}, `the scope asked for cannot be: scope "storage.read:data" has a relative path: it must start with /`},
		"issuer comes before scope":   {fit.Want{Issuer: []string{"https://a"}, Scope: []string{"x"}}, "its issuer is https://iss.example.org, not https://a"},
		"nothing is asked for at all": {fit.Want{}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := fit.Target(c, &tt.want)
			assert.Equal(t, tt.text, text(err))
			if tt.text != "" {
				assert.ErrorIs(t, err, fit.ErrMismatch)
			}
		})
	}
	err := fit.Target(&jwtclaims.Claims{}, &fit.Want{Scope: []string{"openid"}})
	assert.EqualError(t, err, "its scope (empty) does not cover openid")
}

func TestTheClaimsOfRealTokensFit(t *testing.T) {
	t.Parallel()
	const here = "https://here.example.org"
	is := credtest.NewIssuer("https://iss.example.org")
	for name, tt := range map[string]struct {
		raw  string
		want bool
	}{
		"SciToken for any":     {is.SciToken(nil), true},
		"WLCG token for any":   {is.WLCG(nil), true},
		"for here":             {is.SciToken(credtest.Claims{"aud": here}), true},
		"for here and there":   {is.WLCG(credtest.Claims{"aud": []string{"x", here}}), true},
		"for elsewhere":        {is.SciToken(credtest.Claims{"aud": "https://elsewhere.example.org"}), false},
		"for nobody":           {is.WLCG(credtest.Claims{"aud": []string{}}), false},
		"SciToken without aud": {is.SciToken(credtest.Claims{"aud": nil}), false},
		"WLCG token without":   {is.WLCG(credtest.Claims{"aud": nil}), false},
		"SciTokens 1 without":  {is.SciToken(credtest.Claims{"aud": nil, "ver": 1}), true},
		"plain JWT without":    {is.SciToken(credtest.Claims{"aud": nil, "ver": nil}), true},
	} {
		c, err := jwtclaims.Parse(tt.raw)
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, fit.Target(c, &fit.Want{Audience: []string{here}}) == nil, name)
		require.NoError(t, fit.Time(c, time.Now(), time.Minute), name)
	}
}

func TestWhatATokenSaysReachesNoTerminalAsItIs(t *testing.T) {
	t.Parallel()
	c := &jwtclaims.Claims{Issuer: "a\x1b[2J", HasAudience: true, Audience: []string{"b\x1b]0;x\a"}, Scope: []string{"c\u202e"}}
	for _, want := range []fit.Want{{Issuer: []string{"i"}}, {Audience: []string{"a"}}, {Scope: []string{"s"}}} {
		err := fit.Target(c, &want)
		require.Error(t, err)
		assert.False(t, strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == '\u202e' }), "%q", err)
	}
}

// words draws some out of few words, so that draws often meet.
func words(r *rand.Rand, most int) []string {
	all := []string{"a", "b", "c", "d", fit.Any, fit.AnyWLCG}
	var out []string
	for range r.IntN(most + 1) {
		out = append(out, all[r.IntN(len(all))])
	}
	return out
}

// claims draws a token; nil is an opaque one, or an empty place.
func claims(r *rand.Rand) *jwtclaims.Claims {
	if r.IntN(5) == 0 {
		return nil
	}
	c := &jwtclaims.Claims{HasAudience: r.IntN(4) > 0}
	if c.HasAudience {
		c.Audience = words(r, 4)
	}
	switch r.IntN(4) {
	case 0:
		c.Version = "scitoken:2.0"
	case 1:
		c.WLCGVersion = "1.0"
	case 2:
		c.Version = "1"
	}
	return c
}

func TestTheIndexFindsWhatGoingThroughAllTokensFinds(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 20_000 {
		tokens := make([]*jwtclaims.Claims, r.IntN(12))
		barred := make([]bool, len(tokens)) // by time, scope or issuer
		for i := range tokens {
			tokens[i], barred[i] = claims(r), r.IntN(3) == 0
		}
		want := fit.Want{Audience: words(r, 3), Also: words(r, 2)}
		asked := 0
		ok := func(i int) bool {
			asked++
			return !barred[i] && tokens[i] != nil && fit.Target(tokens[i], &want) == nil
		}
		linear := -1
		for i := range tokens {
			if linear < 0 && ok(i) {
				linear = i
			}
		}
		asked = 0
		got := fit.NewIndex(tokens).First(&want, ok)
		require.Equal(t, linear, got, "want %+v of %+v", want, tokens)
		require.LessOrEqual(t, asked, len(tokens)*(1+len(want.Audience)+len(want.Also)))
		if got >= 0 {
			found++
		}
	}
	assert.Greater(t, found, 5_000, "the test is about something")
}

func TestTheIndexAsksOnlyWhereTheAudienceFits(t *testing.T) {
	t.Parallel()
	var tokens []*jwtclaims.Claims
	for range 1000 {
		tokens = append(tokens, &jwtclaims.Claims{HasAudience: true, Audience: []string{"elsewhere", "elsewhere"}})
	}
	tokens[500] = &jwtclaims.Claims{HasAudience: true, Audience: []string{"here"}}
	tokens[700] = &jwtclaims.Claims{HasAudience: true, Audience: []string{fit.Any}}
	x := fit.NewIndex(tokens)
	var asked []int
	no := func(i int) bool { asked = append(asked, i); return false }
	assert.Equal(t, -1, x.First(&fit.Want{Audience: []string{"here"}}, no))
	assert.ElementsMatch(t, []int{500, 700}, asked)

	asked = nil
	assert.Equal(t, -1, x.First(&fit.Want{Audience: []string{"elsewhere"}}, no))
	assert.Len(t, asked, 999, "a token that names an audience twice is asked about once")
	assert.Equal(t, -1, x.First(&fit.Want{Audience: []string{"nowhere"}}, func(i int) bool { return i != 700 }))
	assert.Equal(t, 500, x.First(&fit.Want{Audience: []string{"nowhere"}, Also: []string{"here"}}, func(i int) bool { return i != 700 }))
	assert.Equal(t, 3, x.First(&fit.Want{}, func(i int) bool { return i >= 3 }), "where no audience is asked for")
	assert.Equal(t, -1, fit.NewIndex(nil).First(&fit.Want{}, no))
}

func TestAHitOfTheIndexTakesNoMemory(t *testing.T) {
	x := fit.NewIndex([]*jwtclaims.Claims{{HasAudience: true, Audience: []string{"here"}}})
	want := []string{"here"}
	yes := func(int) bool { return true }
	assert.Zero(t, testing.AllocsPerRun(100, func() { x.First(&fit.Want{Audience: want}, yes) }))
}

func TestAnOriginAsksForWhatItsAudiencesAskFor(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	texts := []string{"https://h.example", "https://h.example:8443", "https://h.example:443", "https://other.example", "http://h.example", fit.Any}
	origins := []origin.Origin{{Scheme: "https", Host: "h.example", Port: "443"}, {Scheme: "https", Host: "h.example", Port: "8443"}, {Scheme: "http", Host: "h.example", Port: "80"}}
	found := 0
	for range 5_000 {
		tokens := make([]*jwtclaims.Claims, r.IntN(8))
		for i := range tokens {
			tokens[i] = &jwtclaims.Claims{HasAudience: true, Audience: []string{texts[r.IntN(len(texts))], texts[r.IntN(len(texts))]}}
		}
		o := origins[r.IntN(len(origins))]
		byOrigin, byList := fit.Want{Origin: o}, fit.Want{Audience: o.Audiences()}
		x := fit.NewIndex(tokens)
		yes := func(int) bool { return true }
		got := x.First(&byOrigin, yes)
		require.Equal(t, x.First(&byList, yes), got)
		for _, c := range tokens {
			a, b := fit.Target(c, &byOrigin), fit.Target(c, &byList)
			require.Equal(t, b == nil, a == nil)
			if a != nil {
				require.EqualError(t, a, b.Error())
			}
		}
		if got >= 0 {
			found++
		}
	}
	assert.Greater(t, found, 1_000, "the test is about something")
}

func TestAskingForAnOriginMakesNoString(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	want := fit.Want{Origin: origin.Origin{Scheme: "https", Host: "h.example", Port: "8443"}}
	x := fit.NewIndex([]*jwtclaims.Claims{{HasAudience: true, Audience: []string{"https://h.example:8443"}}})
	assert.Zero(t, testing.AllocsPerRun(100, func() { x.First(&want, func(int) bool { return true }) }))
}
