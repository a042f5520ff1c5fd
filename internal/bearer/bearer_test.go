// SPDX-License-Identifier: BSD-3-Clause

package bearer_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/bearer"
)

func TestTrimTakesOffTheWhiteSpaceOfC99AndNothingElse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"each of the six, left":  {" \f\n\r\t\vabc", "abc"},
		"each of the six, right": {"abc \f\n\r\t\v", "abc"},
		"both ends":              {"\r\n abc \r\n", "abc"},
		"what is inside stays":   {" a \n b ", "a \n b"},
		"only white space":       {" \f\n\r\t\v", ""},
		"nothing":                {"", ""},
		"no-break space stays":   {"\u00a0abc\u00a0", "\u00a0abc\u00a0"},
		"next line stays":        {"\u0085abc\u0085", "\u0085abc\u0085"},
		"zero-width space stays": {"\u200babc", "\u200babc"},
		"NUL stays":              {"\x00abc\x00", "\x00abc\x00"},
		"backspace stays":        {"\babc\x0e", "\babc\x0e"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, bearer.Trim(tt.in))
			assert.Equal(t, []byte(tt.want), bearer.Trim([]byte(tt.in)))
		})
	}
}

func TestCheckTakesAB64Token(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"one character":        "a",
		"every character":      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/",
		"padding":              "abc=",
		"much padding":         "abc====",
		"a JWT":                "eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
		"begins like a scheme": "BearerOfGoodNews",
		"as long as may be":    strings.Repeat("x", bearer.MaxLen),
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NoError(t, bearer.Check(token))
		})
	}
}

func TestCheckSaysWhatIsWrongInWords(t *testing.T) {
	t.Parallel()
	const prefix, name = `starts with "Bearer ": leave the prefix out`, `starts with "Authorization:": leave the header's name out`
	const mark = "starts with a byte order mark: save it as plain ASCII"
	tests := map[string]struct{ in, want string }{
		"empty":                          {"", "is empty"},
		"too long by one":                {strings.Repeat("x", bearer.MaxLen+1), "is longer than 65536 bytes"},
		"too long goes before the rest":  {strings.Repeat(" ", 1<<20), "is longer than 65536 bytes"},
		"Bearer prefix":                  {"Bearer abc", prefix},
		"Bearer prefix in lower case":    {"bearer abc", prefix},
		"Bearer prefix and a tab":        {"BEARER\tabc", prefix},
		"Bearer prefix and a line break": {"Bearer\nabc", prefix},
		"Bearer alone":                   {"Bearer", `is the word "Bearer" and no token`},
		"the whole header":               {"Authorization: Bearer abc", name},
		"the whole header, lower case":   {"authorization:abc", name},
		"double quotes":                  {`"abc"`, "is in quotes: take them off"},
		"single quotes":                  {"'abc'", "is in quotes: take them off"},
		"quotes around the prefix":       {`"Bearer abc"`, "is in quotes: take them off"},
		"JSON":                           {`{"access_token":"abc"}`, "is JSON where a token should be"},
		"UTF-8 with a mark":              {"\xef\xbb\xbfabc", mark},
		"UTF-16 little-endian":           {"\xff\xfea\x00b\x00", mark},
		"UTF-16 big-endian":              {"\xfe\xff\x00a\x00b", mark},
		"line feed":                      {"abc\ndef", "has a line break inside"},
		"carriage return":                {"abc\rdef", "has a line break inside"},
		"header injection":               {"abc\r\nX-Evil: 1", "has a line break inside"},
		"blank":                          {"0123456789abcdef ghi", "has a blank inside at byte 17"},
		"tab":                            {"abc\tdef", "has a blank inside at byte 4"},
		"not trimmed, left":              {" abc", "has a blank inside at byte 1"},
		"not trimmed, right":             {"abc ", "has a blank inside at byte 4"},
		"a quote inside":                 {`abcd"e`, "has a byte that no token may have (0x22 at byte 5)"},
		"NUL":                            {"abc\x00def", "has a byte that no token may have (0x00 at byte 4)"},
		"vertical tab":                   {"abc\vdef", "has a byte that no token may have (0x0b at byte 4)"},
		"not ASCII":                      {"abcé", "has a byte that no token may have (0xc3 at byte 4)"},
		"no-break space":                 {"\u00a0abc", "has a byte that no token may have (0xc2 at byte 1)"},
		"comma":                          {"abc,def", "has a byte that no token may have (0x2c at byte 4)"},
		"the first fault counts":         {"a,b c\nd", "has a byte that no token may have (0x2c at byte 2)"},
		"= in the middle":                {"TOKEN=abc", "has '=' in the middle, at byte 6"},
		"= at the start":                 {"=abc", "has '=' in the middle, at byte 1"},
		"nothing but =":                  {"==", "is nothing but '='"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := bearer.Check(tt.in)
			var syntax *bearer.SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.Equal(t, tt.want, err.Error())
			assert.Equal(t, tt.want, syntax.Problem)
		})
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"", "abc", "abc==", "a=b", "Bearer x", `"x"`, "a b", "a\nb", "\xff", "authorization: x", "{}"} {
		f.Add(s)
	}
	grammar := regexp.MustCompile(`\A[A-Za-z0-9\-._~+/]+=*\z`) // RFC 6750 section 2.1
	// All that may differ between two errors is a place and one byte.
	texts := regexp.MustCompile(`\A(is empty|is longer than 65536 bytes|starts with .*: (leave the prefix out|leave the header's name out|save it as plain ASCII)` +
		`|is in quotes: take them off|is JSON where a token should be|is the word "Bearer" and no token|is nothing but '='|has a line break inside` +
		`|has (a blank inside|'=' in the middle,) at byte \d+|has a byte that no token may have \(0x[0-9a-f]{2} at byte \d+\))\z`)
	f.Fuzz(func(t *testing.T, s string) {
		err := bearer.Check(s)
		if err != nil {
			require.Regexp(t, texts, err.Error())
		}
		valid := grammar.MatchString(s) && len(s) <= bearer.MaxLen && !strings.EqualFold(s, "bearer")
		require.Equal(t, valid, err == nil)
	})
}
