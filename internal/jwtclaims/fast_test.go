// SPDX-License-Identifier: BSD-3-Clause

package jwtclaims_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/jwtclaims"
)

// The fast reader must not take what the careful one refuses, nor read it
// otherwise. What it leaves alone costs only time.

// ordinary are claims as issuers write them.
const ordinary = `{"aud":["https://a.example","https://b.example"],"exp":1900000000,"iat":1800000000.25,"iss":"https://i.example/",` +
	`"jti":"5e0c5b0e-2d0f","nbf":1800000000,"scope":"read:/frames  write:/u","sub":"albert","ver":"scitoken:2.0"}`

// escaped is what picojson, and so scitokens-cpp, makes of it.
var escaped = strings.ReplaceAll(ordinary, "/", `\/`)

func TestOrdinaryTokensAreReadFast(t *testing.T) {
	t.Parallel()
	lists, objects := nested(jwtclaims.MaxDepth - 1)
	for name, text := range map[string]string{
		"SciToken":                token(`{"alg":"ES256","kid":"k","typ":"JWT"}`, ordinary),
		"with escaped slashes":    token(es256, escaped),
		"spread out":              token(" \t{\r\n \"alg\" : \"ES256\" , \"x\" : 1 } ", ` { "iss" : "i" , "aud" : [ "a" , "b" ] , "x" : { } , "exp" : 1 , "y" : [ ] , "z" : [ 1 , { "a" : 2 } ] } `),
		"WLCG":                    token(es256, `{"wlcg.ver":"1.0","wlcg.groups":["/cms","/cms/x"],"iss":"i","aud":"https://wlcg.cern.ch/jwt/v1/any","scope":["a b","c"]}`),
		"Keycloak":                token(es256, `{"iss":"i","realm_access":{"roles":["a","b"]},"email_verified":true,"x":false,"y":null,"name":"Jürgen 😀"}`),
		"every escape":            with(`"sub":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20Ac\uFFFC"`),
		"escapes in names":        token(es256, `{"\u0069ss":"i","a\/b":1,"a\\b":1}`),
		"not ASCII":               with(`"sub":"José","jti":"é","aud":["ü"],"scope":"ä ö"`),
		"version 1":               with(`"ver":1`),
		"version 1, a string":     with(`"ver":"1"`),
		"the other spelling":      with(`"ver":"scitokens:2.0"`),
		"no audience":             with(`"aud":[],"scope":""`),
		"only blanks":             with(`"aud":"","scope":"  "`),
		"valid since ever":        with(`"nbf":0`),
		"the first second":        with(`"nbf":1,"exp":1`),
		"the last second":         with(`"nbf":253402300799,"exp":253402300799`),
		"numbers":                 with(`"a":0,"b":-0,"c":-1,"d":0.5,"e":-0.05,"f":123.456,"g":` + strings.Repeat("9", jwtclaims.MaxNumber)),
		"as deep as may be":       with(`"a":` + lists + `,"b":` + objects),
		"a name twice inside":     with(`"a":{"b":1,"b":2},"c":[{"iss":1}]`),
		"names differ by case":    token(`{"alg":"ES256","ALG":"none"}`, `{"iss":"i","ISS":"j","x":1,"X":2}`),
		"the other part's names":  token(`{"alg":"ES256","iss":7,"exp":"x"}`, `{"iss":"i","alg":7,"crit":7,"kid":7,"typ":7}`),
		"empty texts":             token(`{"alg":"ES256","kid":"","typ":""}`, `{"iss":"i","sub":"","jti":"","":1}`),
		"many audiences":          with(`"aud":["a"` + strings.Repeat(`,"a"`, jwtclaims.MaxItems-1) + `]`),
		"many scopes":             with(`"scope":"a` + strings.Repeat(" a", jwtclaims.MaxItems-1) + `"`),
		"many names":              token(es256, `{"iss":"i"`+numbered(jwtclaims.MaxItems)+`}`),
		"many names in both":      token(`{"alg":"ES256"`+numbered(jwtclaims.MaxItems)+`}`, `{"iss":"i"`+numbered(jwtclaims.MaxItems)+`}`),
		"large":                   with(`"x":"` + strings.Repeat("x", 20000) + `"`),
		"large header":            token(`{"alg":"ES256","x":"`+strings.Repeat("x", 20000)+`"}`, `{"iss":"i"}`),
		"unused bits":             b64(es256) + "." + b64(`{"iss":"i"}`) + ".QR",
		"unused bits in claims":   b64(es256) + "." + strings.TrimSuffix(b64(`{"iss":"i"}`), "0") + "1.c2ln",
		"long signature":          token(es256, ordinary) + strings.Repeat("_-", 300),
		"an algorithm of no name": token(`{"alg":"!~"}`, `{"iss":"i"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := jwtclaims.ParseFast(text)
			require.NotNil(t, got)
			want, err := jwtclaims.ParseCarefully(text)
			require.NoError(t, err)
			assert.Equal(t, want, got)
			assert.True(t, jwtclaims.LooksLikeJWT(text))
		})
	}
}

// nested returns that many lists in each other, and objects.
func nested(n int) (lists, objects string) {
	return strings.Repeat("[", n) + strings.Repeat("]", n), strings.Repeat(`{"x":`, n-1) + "{}" + strings.Repeat("}", n-1)
}

// numbered returns that many claims that nobody knows.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"c%d":%d`, i, i)
	}
	return b.String()
}

func TestUnusualTokensAreReadCarefully(t *testing.T) {
	t.Parallel()
	lists, objects := nested(jwtclaims.MaxDepth)
	for name, text := range map[string]string{
		"exponent":            with(`"exp":1.9e9`),
		"exponent, elsewhere": with(`"x":1E3`),
		"fraction":            with(`"exp":1900000000.5`),
		"fraction of nbf":     with(`"nbf":0.5`),
		"version 1.0":         with(`"ver":1.0`),
		"surrogates":          with(`"sub":"\ud83d\ude00"`),
		"half of a pair":      with(`"x":"\ud83d"`),
		"too deep":            with(`"x":` + lists),
		"too deep, objects":   with(`"x":` + objects),
		"too many names":      token(es256, `{"iss":"i"`+numbered(jwtclaims.MaxItems+1)+`}`),
		"too many audiences":  with(`"aud":["a"` + strings.Repeat(`,"a"`, jwtclaims.MaxItems) + `]`),
		"too many scopes":     with(`"scope":"a` + strings.Repeat(" a", jwtclaims.MaxItems) + `"`),
		"too long a number":   with(`"x":` + strings.Repeat("9", jwtclaims.MaxNumber+1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Nil(t, jwtclaims.ParseFast(text))
			want, err := jwtclaims.ParseCarefully(text)
			require.NoError(t, err)
			got, err := jwtclaims.Parse(text)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

func TestNeitherReaderTakesBrokenJSON(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"", "01", "-", "-a", "1.", ".5", "+1", "1.a", "00", "-01", "1e", "1e+", "0x1", "Infinity", "NaN",
		"tru", "truer", "nul", "nulll", "fals", "True", "'a'", `"`, `"a`, `"\\`, `"\"`, `"\x0041"`, `"\a"`, `"\'"`,
		`"\u00g0"`, `"\u00:0"`, `"\u004"`, `"\u 041"`, `"\U0041"`, `"\u`, `"\u00"`,
		"\"a\nb\"", "\"\x00\"", "\"\\n\x1f\"", "\"\xff\"", "\"\x80\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\\n\xc0\xaf\"",
		"[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{", "}", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`,
		`{"a":1,}`, `{,}`, `{"a" 1}`, `{"a",1}`, `{a:1}`, `{1:1}`, `{"a":1]`, `{:1}`,
		"\f1", "\v1", "\u00a01", "1\f", "1 2", "1,", "/**/1", "1//", "\xef\xbb\xbf1",
	} {
		for name, text := range map[string]string{
			"last":      token(es256, `{"iss":"i","x":`+value+`}`),
			"first":     token(es256, `{"x":`+value+`,"iss":"i"}`),
			"inside":    token(es256, `{"iss":"i","x":{"y":`+value+`}}`),
			"at an end": token(es256, `{"iss":"i","x":`+value),
			"in header": token(`{"alg":"ES256","x":`+value+`}`, `{"iss":"i"}`),
			"known":     token(es256, `{"iss":"i","sub":`+value+`}`),
			"among aud": token(es256, `{"iss":"i","aud":["a",`+value+`]}`),
			"as exp":    token(es256, `{"iss":"i","exp":`+value+`}`),
			"as ver":    token(es256, `{"iss":"i","ver":`+value+`}`),
		} {
			assert.Nil(t, jwtclaims.ParseFast(text), "%s: %q", name, value)
			_, err := jwtclaims.ParseCarefully(text)
			assert.Error(t, err, "%s: %q", name, value)
		}
	}
}

// The reader takes eight bytes at a time, so the place matters.
func TestEveryByteAtEveryPlaceOfAString(t *testing.T) {
	t.Parallel()
	for place := range 20 {
		for c := range 256 {
			text := []byte("ABCDEFGHIJKLMNOPQRST") // none of which makes an escape
			text[place] = byte(c)
			plain := c >= ' ' && c < 0x80 && c != '"' && c != '\\'
			for _, p := range []string{`{"iss":"` + string(text) + `"}`, `{"iss":"i","x":"` + string(text) + `"}`} {
				if agree(t, token(es256, p)) != plain {
					assert.Fail(t, "not as it should be", "%#x at %d", c, place)
				}
			}
		}
	}
}

// A buffer of just the right size ends where the text and its padding do.
func TestNothingIsReadBeyondTheBuffer(t *testing.T) {
	t.Parallel()
	for n := range 30 {
		x := strings.Repeat("x", 3000+n)
		for _, end := range []string{``, `"`, `"}`, `\`, `\u`, `\u00`, `","y":tru`, `","y":-`, `","y":[`, `","y`, `","exp":1`} {
			agree(t, token(es256, `{"iss":"i","x":"`+x+end))
			agree(t, token(`{"alg":"ES256","x":"`+x+end, `{"iss":"i"}`))
		}
	}
}

func TestThePaddingIsNUL(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		text := bytes.Repeat([]byte{0xff}, 100)
		x := strings.Repeat("x", n)
		length, ok := jwtclaims.DecodeTo(text, b64(x))
		require.True(t, ok)
		require.Equal(t, n, length)
		assert.Equal(t, x+strings.Repeat("\x00", jwtclaims.Padding), string(text[:n+jwtclaims.Padding]))
	}
}

// Audience and scope share their memory.
func TestAppendingToOneListLeavesTheOtherAlone(t *testing.T) {
	t.Parallel()
	c := jwtclaims.ParseFast(with(`"aud":["a"],"scope":"b c"`))
	require.NotNil(t, c)
	_ = append(c.Audience, "x")
	assert.Equal(t, []string{"b", "c"}, c.Scope)
}

// agree holds the readers against each other, and reports whether the fast one
// took the token.
func agree(t *testing.T, text string) bool {
	t.Helper()
	got := jwtclaims.ParseFast(text)
	if got == nil {
		return false
	}
	want, err := jwtclaims.ParseCarefully(text)
	if err != nil {
		require.NoError(t, err, "%q", text)
	}
	if !assert.ObjectsAreEqual(want, got) {
		require.Equal(t, want, got, "%q", text)
	}
	if !jwtclaims.LooksLikeJWT(text) {
		require.Fail(t, "taken for opaque", "%q", text)
	}
	return true
}

// Every byte is left out, doubled, and exchanged for each of those that mean
// something in JSON.
func TestTheReadersAgreeOnAllTokensThatAreOneByteOff(t *testing.T) {
	t.Parallel()
	const alphabet = "\"\\{}[]:,0123-+.eEtfnu/aA \t\n\r\x00\x1f\x7f\x80\xc3\xed\xff"
	for name, payload := range map[string]string{
		"ordinary": ordinary,
		"escaped":  `{"iss":"a\/b\u00e9","aud":["\t"],"scope":"a\u0020b","x":"é"}`,
		"values":   `{"iss":"i","a":[1,-2.50,true,false,null,{"b":[]}],"ver":1,"nbf":0}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken := 0
			try := func(before, between, after string) {
				if agree(t, token(es256, before+between+after)) {
					taken++
				}
			}
			for i := range len(payload) {
				before, after := payload[:i], payload[i+1:]
				try(before, "", after)
				try(before, payload[i:i+1]+payload[i:i+1], after)
				for _, c := range []byte(alphabet) {
					try(before, string([]byte{c}), after)
					try(before, string([]byte{c, payload[i]}), after)
				}
			}
			assert.Greater(t, taken, len(payload), "there was something to agree upon")
		})
	}
}

// The same for the token as it is sent, where a byte off may change three.
func TestTheReadersAgreeOnAllTokensThatAreOneCharacterOff(t *testing.T) {
	t.Parallel()
	text := token(`{"alg":"ES256","typ":"JWT"}`, `{"iss":"i","exp":19}`)
	taken := 0
	for i := range len(text) {
		for c := range 256 {
			for _, between := range []string{string([]byte{byte(c)}), string([]byte{byte(c), text[i]})} {
				if agree(t, text[:i]+between+text[i+1:]) {
					taken++
				}
			}
		}
	}
	assert.Greater(t, taken, 100)
}

// Whatever is cut off, nothing is read beyond the end.
func TestTheReadersAgreeOnTokensCutShort(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{ordinary, escaped, `{"iss":"i","x":"\u00e9"}`, `{"iss":"i","x":[tru`, `{"iss":"i","x":-`} {
		for i := range payload {
			agree(t, token(es256, payload[:i]))
			agree(t, token(payload[:i], ordinary))
		}
	}
	for i := range len(ordinary) {
		agree(t, token(es256, ordinary)[:i])
	}
}

// pieces are put together by chance.
var pieces = []string{
	"{", "}", "[", "]", ":", ",", `"`, `\`, " ", `"iss":"i"`, `"iss":`, `"exp":`, `"nbf":`, `"aud":`, `"scope":`, `"ver":`, `"wlcg.ver":`, `"x":`, `"sub":`,
	"1900000000", "0", "-0", "1", "1.5", "1e3", "253402300800", "999999999999", "1900000000000", `""`, `"a"`, `"a b"`, `"1"`, `"scitoken:2.0"`, `["a","b"]`, "[]", "{}", "true", "null",
	`\u0041`, `\ud800`, `"\u00e9"`, `"\ufffd"`, "é", "\xff", "\ufffd", "\n", `"\/"`, `,"y":[{"z":[1,2]}]`,
}

func TestTheReadersAgreeOnWhatChancePutsTogether(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for range 30000 {
		payload := []byte(`{"iss":"i"`)
		for range r.IntN(4) {
			payload = append(payload, ',')
			for range 1 + r.IntN(3) {
				payload = append(payload, pieces[r.IntN(len(pieces))]...)
			}
		}
		if agree(t, token(es256, string(payload)+"}")) {
			taken++
		}
	}
	assert.Greater(t, taken, 1000)
}

// FuzzFast holds the fast reader against the careful one and, where it takes a
// token, against encoding/json and golang-jwt.
func FuzzFast(f *testing.F) {
	for _, p := range []string{
		ordinary, escaped, `{"iss":"i","x":[{"a":-1.5,"b":[true,false,null]},"\u00e9é"],"ver":1,"wlcg.ver":"1.0","nbf":0}`,
		`{"\u0069ss":"i","aud":[],"scope":["a b"]}`, " {\n\"iss\" : \"i\" } ", `{"iss":"i","x":1e3}`, `{"iss":"i","x":"\ud800"}`,
	} {
		f.Add([]byte(`{"alg":"ES256","kid":"k","typ":"JWT"}`), []byte(p), "c2ln")
	}
	f.Add([]byte(`{"alg":"hs256"}`), []byte(`{"iss":"i"}`), "c2\nln")
	f.Fuzz(func(t *testing.T, header, payload []byte, signature string) {
		text := b64(string(header)) + "." + b64(string(payload)) + "." + signature
		agree(t, text)
		agree(t, string(header)+"."+string(payload)+"."+signature)
		if c := jwtclaims.ParseFast(text); c != nil {
			saysTheSame(t, c, text, header, payload)
		}
	})
}

// saysTheSame compares claims with what other readers make of the token.
func saysTheSame(t *testing.T, c *jwtclaims.Claims, text string, header, payload []byte) {
	t.Helper()
	require.NoError(t, bearer.Check(text))
	for _, data := range [][]byte{header, payload} {
		require.True(t, json.Valid(data))
		require.False(t, namesTwice(t, data))
	}
	mapped := jwt.MapClaims{}
	parsed, _, err := jwt.NewParser().ParseUnverified(text, mapped)
	if err != nil {
		require.ErrorIs(t, err, jwt.ErrTokenUnverifiable)
	}
	require.Equal(t, parsed.Header["alg"], c.Algorithm)
	for _, m := range []struct {
		in   map[string]any
		name string
		got  string
	}{
		{parsed.Header, "kid", c.KeyID},
		{parsed.Header, "typ", c.Type},
		{mapped, "iss", c.Issuer},
		{mapped, "sub", c.Subject},
		{mapped, "jti", c.ID},
		{mapped, "wlcg.ver", c.WLCGVersion},
	} {
		want, _ := m.in[m.name].(string)
		require.Equal(t, want, m.got, m.name)
	}
	times := func(name string, has bool, got time.Time, round func(float64) float64) {
		want, ok := mapped[name].(float64)
		require.Equal(t, ok, has, name)
		if ok {
			require.InDelta(t, round(want), got.Unix(), 0, name)
		}
	}
	times("exp", c.HasExpiry, c.Expiry, math.Floor)
	times("nbf", c.HasNotBefore, c.NotBefore, math.Ceil)
	audience, err := mapped.GetAudience()
	require.NoError(t, err)
	require.Equal(t, []string(audience), append([]string(nil), c.Audience...))
	if scope, ok := mapped["scope"].(string); ok {
		require.Equal(t, strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' }), c.Scope)
	}
	if ver, ok := mapped["ver"]; ok {
		require.Contains(t, []any{1.0, "1", "scitoken:2.0", "scitokens:2.0"}, ver)
		require.NotEmpty(t, c.Version)
	}
}

// namesTwice reports whether an object names a member twice.
func namesTwice(t *testing.T, data []byte) bool {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	seen, depth, isName := map[string]bool{}, 0, false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return false
		}
		require.NoError(t, err)
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			isName = depth == 1
			continue
		case json.Delim('}'), json.Delim(']'):
			depth--
			isName = depth == 1
			continue
		}
		if depth != 1 {
			continue
		}
		if name, ok := token.(string); ok && isName {
			if seen[name] {
				return true
			}
			seen[name] = true
		}
		isName = !isName
	}
}

// usual is a token of usual size with an RSA signature.
var usual = b64(`{"alg":"RS256","kid":"rs256","typ":"JWT"}`) + "." + b64(escaped) + "." + b64(strings.Repeat("s", 256))

// A token is read without a piece of memory for each claim.
func TestMemoryForAToken(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		most float64
	}{
		"claims and their text":    {usual, 2},
		"many items":               {with(`"scope":"a b c d e"`), 3},
		"too large for the buffer": {with(`"x":"` + strings.Repeat("x", 4000) + `"`), 3},
	} {
		assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = jwtclaims.Parse(tt.text) }), tt.most, name)
		assert.Zero(t, testing.AllocsPerRun(100, func() { jwtclaims.LooksLikeJWT(tt.text) }), name)
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jwtclaims.Parse(usual); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFloor does the least that must be done: it decodes the claims and
// looks at each byte.
func BenchmarkFloor(b *testing.B) {
	payload := strings.Split(usual, ".")[1]
	var text [2048]byte
	quotes := 0
	for b.Loop() {
		n, err := base64.RawURLEncoding.Decode(text[:], []byte(payload))
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range text[:n] {
			if c == '"' || c == '\\' || c < ' ' {
				quotes++
			}
		}
	}
	_ = quotes
}

func BenchmarkEncodingJSON(b *testing.B) {
	payload := strings.Split(usual, ".")[1]
	for b.Loop() {
		data, err := base64.RawURLEncoding.DecodeString(payload)
		if err != nil {
			b.Fatal(err)
		}
		var claims struct {
			Issuer    string   `json:"iss"`
			Subject   string   `json:"sub"`
			ID        string   `json:"jti"`
			Audience  []string `json:"aud"`
			Scope     string   `json:"scope"`
			Expiry    float64  `json:"exp"`
			NotBefore float64  `json:"nbf"`
			Version   any      `json:"ver"`
		}
		if err := json.Unmarshal(data, &claims); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGolangJWT(b *testing.B) {
	for b.Loop() {
		if _, _, err := jwt.NewParser().ParseUnverified(usual, jwt.MapClaims{}); err != nil {
			b.Fatal(err)
		}
	}
}
