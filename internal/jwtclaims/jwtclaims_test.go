// SPDX-License-Identifier: BSD-3-Clause

package jwtclaims_test

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/jwtclaims"
)

const es256 = `{"alg":"ES256"}`

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// padded is base64 as it is in mail, not in a JWT.
func padded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func token(header, payload string) string { return b64(header) + "." + b64(payload) + ".c2ln" }

// with returns a token that is sound but for what is added to its claims.
func with(claims string) string { return token(es256, `{"iss":"https://i.example",`+claims+`}`) }

func TestParseReadsASciToken(t *testing.T) {
	t.Parallel()
	c, err := jwtclaims.Parse(token(`{"alg":"RS256","kid":"k1","typ":"JWT","x5t":"x"}`, `{"iss":"https://i.example","sub":"albert","jti":"1-2",
		"aud":["https://a.example","ANY"],"scope":"read:/frames  gwdatafind.read","exp":1900000000,"nbf":1800000000,"iat":1800000000,"ver":"scitoken:2.0"}`))
	require.NoError(t, err)
	assert.Equal(t, &jwtclaims.Claims{
		Algorithm: "RS256", KeyID: "k1", Type: "JWT",
		Issuer: "https://i.example", Subject: "albert", ID: "1-2",
		Audience: []string{"https://a.example", "ANY"}, HasAudience: true,
		Scope: []string{"read:/frames", "gwdatafind.read"}, HasScope: true,
		Expiry: time.Unix(1900000000, 0).UTC(), HasExpiry: true,
		NotBefore: time.Unix(1800000000, 0).UTC(), HasNotBefore: true,
		Version: "scitoken:2.0",
	}, c)
}

func TestParseReadsAWLCGToken(t *testing.T) {
	t.Parallel()
	c, err := jwtclaims.Parse(token(es256, `{"iss":"https://i.example/","aud":"https://wlcg.cern.ch/jwt/v1/any","scope":"storage.read:/","wlcg.ver":"1.0","wlcg.groups":["/cms"]}`))
	require.NoError(t, err)
	assert.Equal(t, &jwtclaims.Claims{
		Algorithm: "ES256", Issuer: "https://i.example/",
		Audience: []string{"https://wlcg.cern.ch/jwt/v1/any"}, HasAudience: true,
		Scope: []string{"storage.read:/"}, HasScope: true, WLCGVersion: "1.0",
	}, c)
}

func TestWhatIsAbsentIsAbsent(t *testing.T) {
	t.Parallel()
	c, err := jwtclaims.Parse(token(es256, `{"iss":"i"}`))
	require.NoError(t, err)
	assert.Equal(t, &jwtclaims.Claims{Algorithm: "ES256", Issuer: "i"}, c)
}

// Names compare exactly: encoding/json would take ISS for iss in a struct.
func TestNamesOfClaimsHaveACase(t *testing.T) {
	t.Parallel()
	c, err := jwtclaims.Parse(token(`{"alg":"ES256","ALG":"none","Crit":[]}`, `{"iss":"good","ISS":"evil","EXP":1,"Aud":7,"Scope":7,"VER":7,"NBF":"x","Sub":7}`))
	require.NoError(t, err)
	assert.Equal(t, &jwtclaims.Claims{Algorithm: "ES256", Issuer: "good"}, c)
}

func TestClaimsThatAreNotLookedAt(t *testing.T) {
	t.Parallel()
	for _, claims := range []string{`"scp":7`, `"scp":null`, `"iat":"x"`, `"iat":9e300`, `"client_id":{}`, `"a":{"iss":1,"exp":"x"}`} {
		t.Run(claims, func(t *testing.T) {
			t.Parallel()
			c, err := jwtclaims.Parse(with(claims))
			require.NoError(t, err)
			assert.Equal(t, &jwtclaims.Claims{Algorithm: "ES256", Issuer: "https://i.example"}, c)
		})
	}
}

// RFC 7519 section 4.1.3: one string, or a list of them.
func TestAudience(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		`"a"`: {"a"}, `["a"]`: {"a"}, `["a","b"]`: {"a", "b"}, `"a b"`: {"a b"}, `[]`: {}, `""`: {""}, `"\ud83d\ude00"`: {"😀"},
	}
	for aud, want := range tests {
		t.Run(aud, func(t *testing.T) {
			t.Parallel()
			c, err := jwtclaims.Parse(with(`"aud":` + aud))
			require.NoError(t, err)
			assert.True(t, c.HasAudience)
			assert.Equal(t, want, c.Audience)
		})
	}
}

// RFC 8693 section 4.2: one string, separated by blanks. Some issuers write a
// list.
func TestScope(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		`"a"`: {"a"}, `"a b"`: {"a", "b"}, `" a  b "`: {"a", "b"}, `""`: {}, `" "`: {}, `[]`: {}, `["a","b"]`: {"a", "b"}, `["a b"]`: {"a b"},
		`"a\tb\u00a0c"`: {"a\tb\u00a0c"},
	}
	for scope, want := range tests {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			c, err := jwtclaims.Parse(with(`"scope":` + scope))
			require.NoError(t, err)
			assert.True(t, c.HasScope)
			assert.Equal(t, want, c.Scope)
		})
	}
}

// RFC 7519 section 2: seconds, perhaps with a fraction, which only ever makes a
// token's life shorter.
func TestTimes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ exp, nbf int64 }{
		"1900000000":       {1900000000, 1900000000},
		"1900000000.0":     {1900000000, 1900000000},
		"1900000000.75":    {1900000000, 1900000001},
		"1900000000.00001": {1900000000, 1900000001},
		"1.9e9":            {1900000000, 1900000000},
		"1":                {1, 1},
		"0.5":              {0, 1},
		"253402300799":     {253402300799, 253402300799},
	}
	for value, want := range tests {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			c, err := jwtclaims.Parse(with(`"exp":` + value + `,"nbf":` + value))
			require.NoError(t, err)
			assert.True(t, c.HasExpiry)
			assert.True(t, c.HasNotBefore)
			assert.Equal(t, want.exp, c.Expiry.Unix())
			assert.Equal(t, want.nbf, c.NotBefore.Unix())
			assert.Zero(t, c.Expiry.Nanosecond()+c.NotBefore.Nanosecond())
			assert.Equal(t, time.UTC, c.Expiry.Location())
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for ver, want := range map[string]string{`"scitoken:2.0"`: "scitoken:2.0", `"scitokens:2.0"`: "scitoken:2.0", `1`: "1", `1.0`: "1", `"1"`: "1"} {
		t.Run(ver, func(t *testing.T) {
			t.Parallel()
			c, err := jwtclaims.Parse(with(`"ver":` + ver))
			require.NoError(t, err)
			assert.Equal(t, want, c.Version)
		})
	}
}

// The server verifies signatures; here an algorithm need not even be known.
func TestAlgorithmsThatAreNotRefused(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA", "ES256K", "ML-DSA-65", "Ed25519", "rs256"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			c, err := jwtclaims.Parse(token(`{"alg":"`+alg+`"}`, `{"iss":"i","exp":1900000000}`))
			require.NoError(t, err)
			assert.Equal(t, alg, c.Algorithm)
			assert.True(t, c.HasExpiry)
		})
	}
}

func TestUnusedBitsOfBase64DoNotMatter(t *testing.T) {
	t.Parallel()
	_, err := jwtclaims.Parse(b64(es256) + "." + b64(`{"iss":"i"}`) + ".QR")
	require.NoError(t, err)
}

// hidden stands where a value could be quoted by mistake.
const hidden = "s3cret"

func TestAlgNoneIsSaidBeforeTheMissingSignature(t *testing.T) {
	t.Parallel()
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	_, err := jwtclaims.Parse(part(`{"alg":"none"}`) + "." + part(`{"iss":"https://i.example"}`) + ".")
	require.ErrorContains(t, err, "alg is none")
}

func TestNotBeforeZeroMeansSinceEver(t *testing.T) {
	t.Parallel()
	c, err := jwtclaims.Parse(with(`"nbf":0`))
	require.NoError(t, err)
	assert.True(t, c.HasNotBefore)
	assert.Zero(t, c.NotBefore.Unix())
}

func TestAWrongTypeIsNeverReadAsAbsent(t *testing.T) {
	t.Parallel()
	notString, notNumber := "is not a string", "is not a number"
	noTime := "is no time between the years 1970 and 9999"
	noList, mixed := "is neither a string nor a list of strings", "is a list of something else than strings"
	ghost := "holds a character that does not exist"
	tests := []struct{ claim, value, want string }{
		{"exp", `null`, notNumber},
		{"exp", `"1900000000"`, notNumber},
		{"exp", `"NaN"`, notNumber},
		{"exp", `true`, notNumber},
		{"exp", `[1900000000]`, notNumber},
		{"exp", `{"s3cret":1}`, notNumber},
		{"exp", `"s3cret"`, notNumber},
		{"exp", `0`, noTime},
		{"exp", `-0`, noTime},
		{"exp", `-1`, noTime},
		{"exp", `-1900000000`, noTime},
		{"exp", `-0.5`, noTime},
		{"exp", `1e30`, noTime},
		{"exp", `9223372036854775808`, noTime},
		{"exp", `253402300800`, noTime},
		{"exp", `1900000000000`, noTime}, // Milliseconds.
		{"exp", `1e400`, "is out of all range"},
		{"exp", `-1e400`, "is out of all range"},
		{"nbf", `null`, notNumber},
		{"nbf", `"1800000000"`, notNumber},
		{"nbf", `1e30`, noTime},
		{"nbf", `-1`, noTime},
		{"nbf", `253402300799.5`, noTime}, // It would be rounded into the year 10000.
		{"nbf", `1e400`, "is out of all range"},
		{"aud", `null`, noList},
		{"aud", `7`, noList},
		{"aud", `{}`, noList},
		{"aud", `{"s3cret":"x"}`, noList},
		{"aud", `true`, noList},
		{"aud", `[1]`, mixed},
		{"aud", `["s3cret",7]`, mixed},
		{"aud", `["s3cret",null]`, mixed},
		{"aud", `[["s3cret"]]`, mixed},
		{"aud", `["\ud800"]`, mixed},
		{"aud", `"\ud800"`, ghost},
		{"scope", `null`, noList},
		{"scope", `7`, noList},
		{"scope", `{}`, noList},
		{"scope", `[7]`, mixed},
		{"scope", `"s3cret\udc00"`, ghost},
		{"sub", `7`, notString},
		{"sub", `null`, notString},
		{"sub", `["s3cret"]`, notString},
		{"sub", `"s3cret\ud800"`, ghost},
		{"jti", `7`, notString},
		{"jti", `null`, notString},
		{"ver", `null`, "is neither 1 nor scitoken:2.0"},
		{"ver", `2`, "is neither 1 nor scitoken:2.0"},
		{"ver", `1.5`, "is neither 1 nor scitoken:2.0"},
		{"ver", `true`, "is neither 1 nor scitoken:2.0"},
		{"ver", `""`, "is neither 1 nor scitoken:2.0"},
		{"ver", `"1.0"`, "is neither 1 nor scitoken:2.0"},
		{"ver", `"SciToken:2.0"`, "is neither 1 nor scitoken:2.0"},
		{"ver", `"scitoken:3.0"`, "is neither 1 nor scitoken:2.0"},
		{"ver", `"s3cret"`, "is neither 1 nor scitoken:2.0"},
		{"ver", `[1]`, "is neither 1 nor scitoken:2.0"},
		{"ver", `{}`, "is neither 1 nor scitoken:2.0"},
		{"ver", `1e400`, "is out of all range"},
		{"wlcg.ver", `1.0`, notString},
		{"wlcg.ver", `null`, notString},
		{"wlcg.ver", `""`, "is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.claim+" "+tt.value, func(t *testing.T) {
			t.Parallel()
			refused(t, with(`"`+tt.claim+`":`+tt.value), tt.claim, "its "+tt.claim+" "+tt.want)
		})
	}
}

func refused(t *testing.T, text, claim, want string) {
	t.Helper()
	c, err := jwtclaims.Parse(text)
	assert.Nil(t, c)
	var e *jwtclaims.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, want, err.Error())
	assert.Equal(t, claim, e.Claim)
	assert.NotContains(t, err.Error(), hidden)
	assert.True(t, jwtclaims.LooksLikeJWT(text), "what Parse refuses must not pass as opaque")
}

func TestATokenWithoutIssuerIsRefused(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]string{
		`{}`:                     "it has no issuer (iss)",
		`{"ISS":"s3cret"}`:       "it has no issuer (iss)",
		`{"iss":""}`:             "it has no issuer (iss)",
		`{"iss":7}`:              "its iss is not a string",
		`{"iss":null}`:           "its iss is not a string",
		`{"iss":["s3cret"]}`:     "its iss is not a string",
		`{"iss":"s3cret\ud800"}`: "its iss holds a character that does not exist",
	} {
		t.Run(payload, func(t *testing.T) {
			t.Parallel()
			refused(t, token(es256, payload), "iss", want)
		})
	}
}

func TestHeadersThatAreRefused(t *testing.T) {
	t.Parallel()
	none, noName := "its alg is none: it is not signed", "its alg is not the name of an algorithm"
	mac := "its alg is one of HMAC (HS256 and its kin), for which all servers would have to share the key"
	tests := []struct{ header, claim, want string }{
		{`{"alg":"none"}`, "alg", none},
		{`{"alg":"NONE"}`, "alg", none},
		{`{"alg":"nOnE"}`, "alg", none},
		{`{"alg":"HS256"}`, "alg", mac},
		{`{"alg":"HS384"}`, "alg", mac},
		{`{"alg":"HS512"}`, "alg", mac},
		{`{"alg":"hs256"}`, "alg", mac},
		{`{"alg":"hS1"}`, "alg", mac},
		{`{"typ":"JWT"}`, "alg", "its alg is missing: it does not say how it is signed"},
		{`{"ALG":"ES256"}`, "alg", "its alg is missing: it does not say how it is signed"},
		{`{}`, "alg", "its alg is missing: it does not say how it is signed"},
		{`{"alg":null}`, "alg", "its alg is not a string"},
		{`{"alg":7}`, "alg", "its alg is not a string"},
		{`{"alg":["ES256"]}`, "alg", "its alg is not a string"},
		{`{"alg":""}`, "alg", noName},
		{`{"alg":" none"}`, "alg", noName},
		{`{"alg":"none\u0000"}`, "alg", noName},
		{`{"alg":"s3cret\u200b"}`, "alg", noName},
		{`{"alg":"ES256\ud800"}`, "alg", "its alg holds a character that does not exist"},
		{`{"alg":"ES256","crit":["exp"]}`, "crit", "its crit demands an extension that is not known here"},
		{`{"alg":"ES256","crit":[]}`, "crit", "its crit demands an extension that is not known here"},
		{`{"alg":"ES256","crit":null}`, "crit", "its crit demands an extension that is not known here"},
		{`{"alg":"ES256","kid":7}`, "kid", "its kid is not a string"},
		{`{"alg":"ES256","kid":null}`, "kid", "its kid is not a string"},
		{`{"alg":"ES256","typ":7}`, "typ", "its typ is not a string"},
	}
	for _, tt := range tests {
		t.Run(tt.header, func(t *testing.T) {
			t.Parallel()
			refused(t, token(tt.header, `{"iss":"s3cret"}`), tt.claim, tt.want)
		})
	}
}

func TestBrokenJWTs(t *testing.T) {
	t.Parallel()
	head, load := b64(es256), b64(`{"iss":"s3cret"}`)
	payload := func(s string) string { return token(es256, s) }
	tests := map[string]struct{ in, want string }{
		"two parts":                    {head + "." + load, "the number of its parts is 2, not 3"},
		"a header and a dot":           {head + ".", "the number of its parts is 2, not 3"},
		"four parts":                   {head + "." + load + ".c2ln.c2ln", "the number of its parts is 4, not 3"},
		"three parts and a dot":        {head + "." + load + ".c2ln.", "the number of its parts is 4, not 3"},
		"five parts without enc":       {head + "." + load + ".a.b.c", "the number of its parts is 5, not 3"},
		"sixty thousand dots":          {head + strings.Repeat(".", 60000), "the number of its parts is 60001, not 3"},
		"no signature":                 {head + "." + load + ".", "it has no signature"},
		"too long":                     {head + "." + load + "." + strings.Repeat("c", bearer.MaxLen), "it is longer than 65536 bytes"},
		"signature not base64url":      {head + "." + load + ".c2~n", "its signature is not base64url"},
		"signature of impossible size": {head + "." + load + ".c2lnc", "its signature is not base64url"},
		"signature, other alphabet":    {head + "." + load + ".c2+/", "its signature is not base64url"},
		"signature with padding":       {head + "." + load + ".c2lnQQ==", "its signature is not base64url"},
		"signature, line break":        {head + "." + load + ".c2\nln", "its signature is not base64url"},
		"claims not base64url":         {head + "." + load[:9] + "~" + load[9:] + ".c2ln", "its part with the claims is not base64url"},
		"claims, line break":           {head + "." + load[:8] + "\r\n" + load[8:] + ".c2ln", "its part with the claims is not base64url"},
		"header, line break":           {head[:8] + "\n" + head[8:] + "." + load + ".c2ln", "its header is not base64url"},
		"header with padding":          {head + "=." + load + ".c2ln", "its header is not base64url"},
		"all in padded base64":         {padded(es256+" ") + "." + padded(`{"iss":"s3cret"} `) + ".c2ln", "its header is not base64url"},
		"all in the other alphabet":    {padded(`{"a":"😀??"}`) + "." + padded(`{"b":"😀??"}`) + ".c2ln", "its header is not base64url"},
		"header not base64url":         {"~~~~." + load + ".c2ln", "its header is not base64url"},
		"header empty":                 {"." + load + ".c2ln", "its header is broken JSON"},
		"header not JSON":              {b64("s3cret") + "." + load + ".c2ln", "its header is broken JSON"},
		"header null":                  {token("null", `{"iss":"i"}`), "its header is not a JSON object"},
		"header a list":                {token(`["s3cret"]`, `{"iss":"i"}`), "its header is not a JSON object"},
		"header names alg twice":       {token(`{"alg":"ES256","alg":"none"}`, `{"iss":"i"}`), "its header names a member twice"},
		"header not UTF-8":             {token("{\"alg\":\"ES256\",\"kid\":\"\xff\"}", `{"iss":"i"}`), "its header is not UTF-8"},
		"claims empty":                 {payload(""), "its part with the claims is broken JSON"},
		"claims not JSON":              {payload("s3cret"), "its part with the claims is broken JSON"},
		"claims cut off":               {payload(`{"iss":"s3cret"`), "its part with the claims is broken JSON"},
		"claims null":                  {payload("null"), "its part with the claims is not a JSON object"},
		"claims a list":                {payload(`["s3cret"]`), "its part with the claims is not a JSON object"},
		"claims a string":              {payload(`"s3cret"`), "its part with the claims is not a JSON object"},
		"claims twice":                 {payload(`{"iss":"s3cret"}{"iss":"s3cret"}`), "its part with the claims goes on after its end"},
		"claims not UTF-8":             {payload("{\"iss\":\"s3cret\xff\"}"), "its part with the claims is not UTF-8"},
		"claims deep":                  {payload(`{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`), "its part with the claims is broken JSON"},
		"claims at the limit of depth": {payload(`{"iss":"i","a":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}`), "its claims hold a number out of all range or are nested too deep"},
		"iss twice":                    {payload(`{"iss":"s3cret","iss":"evil"}`), "its part with the claims names a member twice"},
		"iss twice, the same":          {payload(`{"iss":"s3cret","iss":"s3cret"}`), "its part with the claims names a member twice"},
		"iss twice, by escaping":       {payload(`{"iss":"s3cret","\u0069ss":"evil"}`), "its part with the claims names a member twice"},
		"any claim twice":              {payload(`{"iss":"s3cret","x":1,"x":1}`), "its part with the claims names a member twice"},
		"the same in the header":       {token(`{"alg":"ES256","x":1e400}`, `{"iss":"i"}`), "its claims hold a number out of all range or are nested too deep"},
		"a number beyond float64":      {payload(`{"iss":"s3cret","x":1e400}`), "its claims hold a number out of all range or are nested too deep"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, tt.in, "", "it is a broken JWT: "+tt.want)
		})
	}
}

func TestOpaqueTokensAreNoBrokenJWTs(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"nothing":                         "",
		"a word":                          "s3cret",
		"a Gafaelfawr token":              "gt-abcdefghijklmnopqrstuv.wxyzabcdefghijklmnopqr",
		"a macaroon":                      "MDAxY2xvY2F0aW9uIE9wdGlvbmFsLmVtcHR5CjAwMThpZGVudGlmaWVyIAow",
		"a PASETO":                        "v4.public." + b64(`{"data":"x"}`+"0123456789012345678901234567890123456789012345678901234567891234"),
		"three words":                     "one.two.three",
		"only dots":                       "..",
		"JSON in base64, no dot":          b64(`{"alg":"ES256"}`),
		"two parts, JSON without alg":     b64(`{"user":1}`) + ".c2ln",
		"four parts, JSON without alg":    b64(`{"user":1}`) + ".a.b.c",
		"three parts, lists":              b64(`[1]`) + "." + b64(`[1]`) + ".c2ln",
		"three parts, half an object":     b64(`{"alg":1`) + "." + b64(`[1]`) + ".c2ln",
		"three parts, more than one":      b64(`{"alg":1}{}`) + "." + b64(`[1]`) + ".c2ln",
		"three parts, a list with names":  b64(`["alg":1}`) + "." + b64(`["iss":1}`) + ".c2ln",
		"three parts, a long list":        b64(`["`+strings.Repeat("x", 2000)+`"]`) + "." + b64(`[1]`) + ".c2ln",
		"three parts, null":               b64("null") + "." + b64("null") + ".c2ln",
		"an encrypted JWT (RFC 7516)":     b64(`{"alg":"RSA-OAEP","enc":"A256GCM"}`) + ".a.b.c.d",
		"an encrypted JWT, a key of none": b64(`{"alg":"dir","enc":"A256GCM"}`) + "..b.c.d",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.False(t, jwtclaims.LooksLikeJWT(text))
			_, err := jwtclaims.Parse(text)
			require.Error(t, err)
			assert.NotContains(t, err.Error(), hidden)
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, p := range []string{
		`{"iss":"i"}`, `{"iss":"i","exp":1900000000.5,"nbf":1,"aud":["a"],"scope":"a b","ver":1,"wlcg.ver":"1.0"}`, `{"iss":"i","iss":"j"}`,
		`{"iss":"i","exp":1e400}`, `{"iss":"\ud800"}`, `{"iss":"i","exp":null}`, `{"iss":"i"}{}`, "null", "{\"iss\":\"\xff\"}", `{"iss":"i","aud":7}`,
	} {
		f.Add(es256, p, "c2ln")
	}
	f.Add(`{"alg":"none"}`, `{"iss":"i"}`, "")
	f.Add(`{"alg":"ES256","crit":["x"]}`, `{"iss":"i"}`, "c2\nln")
	f.Fuzz(func(t *testing.T, header, payload, signature string) {
		text := b64(header) + "." + b64(payload) + "." + signature
		c, err := jwtclaims.Parse(text)
		if err != nil {
			var e *jwtclaims.Error
			require.ErrorAs(t, err, &e)
			require.Nil(t, c)
			return
		}
		require.True(t, jwtclaims.LooksLikeJWT(text))
		require.NoError(t, bearer.Check(text))
		var h, p map[string]any
		require.NoError(t, json.Unmarshal([]byte(header), &h))
		require.NoError(t, json.Unmarshal([]byte(payload), &p))
		require.Equal(t, h["alg"], c.Algorithm)
		require.NotEqual(t, "none", strings.ToLower(c.Algorithm))
		require.Equal(t, p["iss"], c.Issuer)
		require.NotEmpty(t, c.Issuer)
		for name, got := range map[string]struct {
			has bool
			at  time.Time
		}{"exp": {c.HasExpiry, c.Expiry}, "nbf": {c.HasNotBefore, c.NotBefore}} {
			v, present := p[name]
			require.Equal(t, present, got.has, name)
			if present {
				round := map[string]func(float64) float64{"exp": math.Floor, "nbf": math.Ceil}[name]
				require.InDelta(t, round(v.(float64)), got.at.Unix(), 0, name)
			}
		}
		for name, has := range map[string]bool{"aud": c.HasAudience, "scope": c.HasScope, "ver": c.Version != "", "wlcg.ver": c.WLCGVersion != ""} {
			_, present := p[name]
			require.Equal(t, present, has, name)
		}
	})
}

// Any text at all, not only one of three parts.
func FuzzLooksLikeJWT(f *testing.F) {
	f.Add("")
	f.Add("a.b.c")
	f.Add(with(`"exp":1`))
	f.Add(b64(es256) + ".")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := jwtclaims.Parse(text); err == nil {
			require.True(t, jwtclaims.LooksLikeJWT(text))
		}
		require.False(t, jwtclaims.LooksLikeJWT(strings.ReplaceAll(text, ".", "")))
	})
}
