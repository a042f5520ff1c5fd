// SPDX-License-Identifier: BSD-3-Clause

package bearer_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/bearer"
)

func TestFromFileFindsTheToken(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"text":                        "abc.def",
		"text and a line end":         "abc.def\n",
		"text and a Windows line end": "\tabc.def\r\n",
		"JSON":                        `{"access_token":"abc.def"}`,
		"JSON, spread out":            "\n {\n \"access_token\" : \"abc.def\"\n}\n",
		"JSON with other members":     `{"token_type":"Bearer","expires_in":3600,"scope":["a",{}],"access_token":"abc.def","refresh_token":null}`,
		"JSON, escaped":               `{"access_token":"abc\u002edef"}`,
		"JSON, name escaped":          `{"access\u005ftoken":"abc.def"}`,
		"JSON, white space around":    `{"access_token":" abc.def\n"}`,
		"JSON, another case is other": `{"ACCESS_TOKEN":"no","access_token":"abc.def","Access_Token":7}`,
		"JSON, nested is not the one": `{"other":{"access_token":"no"},"access_token":"abc.def"}`,
	}
	for name, content := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, err := bearer.FromFile([]byte(content))
			require.NoError(t, err)
			assert.Equal(t, "abc.def", token)
		})
	}
}

func TestFromFileSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"empty":                      {"", "is empty"},
		"only white space":           {"\r\n \v", "is empty"},
		"two lines":                  {"secret1\nsecret2\n", "has a line break inside"},
		"with the prefix":            {"Bearer secret\n", `starts with "Bearer ": leave the prefix out`},
		"a JSON string":              {`"secret"`, "is in quotes: take them off"},
		"a JSON list":                {`["secret"]`, "has a byte that no token may have (0x5b at byte 1)"},
		"too long":                   {strings.Repeat("s", bearer.MaxLen+1), "is longer than 65536 bytes"},
		"JSON without":               {`{"token":"secret"}`, "is JSON without an access_token"},
		"JSON with nothing":          {`{}`, "is JSON without an access_token"},
		"JSON with another case":     {`{"Access_Token":"secret"}`, "is JSON without an access_token"},
		"JSON with a nested one":     {`{"r":{"access_token":"secret"}}`, "is JSON without an access_token"},
		"JSON, a number":             {`{"access_token":7}`, "is JSON whose access_token is not a string"},
		"JSON, null":                 {`{"access_token":null}`, "is JSON whose access_token is not a string"},
		"JSON, an object":            {`{"access_token":{"secret":1}}`, "is JSON whose access_token is not a string"},
		"JSON, empty":                {`{"access_token":""}`, "is JSON whose access_token is empty"},
		"JSON, prefix":               {`{"access_token":"Bearer secret"}`, `is JSON whose access_token starts with "Bearer ": leave the prefix out`},
		"JSON, line break":           {`{"access_token":"secret\nsecret"}`, "is JSON whose access_token has a line break inside"},
		"JSON, JSON again":           {`{"access_token":"{\"a\":1}"}`, "is JSON whose access_token is JSON where a token should be"},
		"JSON, half a pair":          {`{"access_token":"abc\ud800"}`, "is JSON whose access_token has a byte that no token may have (0xef at byte 4)"},
		"JSON, too long":             {`{"access_token":"` + strings.Repeat("s", bearer.MaxLen+1) + `"}`, "is JSON whose access_token is longer than 65536 bytes"},
		"JSON, the token twice":      {`{"access_token":"secret","access_token":"secret"}`, "looks like JSON, but names a member twice"},
		"JSON, another twice":        {`{"a":1,"access_token":"secret","a":1}`, "looks like JSON, but names a member twice"},
		"JSON, twice by escaping":    {`{"access_token":"secret","access\u005ftoken":"secret"}`, "looks like JSON, but names a member twice"},
		"JSON and a second one":      {`{"access_token":"secret"}{}`, "looks like JSON, but goes on after its end"},
		"JSON and a word":            {`{"access_token":"secret"} secret`, "looks like JSON, but goes on after its end"},
		"JSON and a brace":           {`{"access_token":"secret"}}`, "looks like JSON, but goes on after its end"},
		"JSON cut off":               {`{"access_token":"secr`, "looks like JSON, but is broken JSON"},
		"JSON not closed":            {`{"access_token":"secret"`, "looks like JSON, but is broken JSON"},
		"JSON closed by a bracket":   {`{"access_token":"secret"]`, "looks like JSON, but is broken JSON"},
		"JSON with a comma too much": {`{"access_token":"secret",}`, "looks like JSON, but is broken JSON"},
		"JSON without quotes":        {`{access_token:"secret"}`, "looks like JSON, but is broken JSON"},
		"JSON, not UTF-8":            {"{\"access_token\":\"secret\xff\"}", "looks like JSON, but is not UTF-8"},
		"JSON nested without end":    {`{"a":` + strings.Repeat("[", 20000), "looks like JSON, but is broken JSON"},
		"only a brace":               {`{`, "looks like JSON, but is broken JSON"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, err := bearer.FromFile([]byte(tt.in))
			assert.Empty(t, token)
			var syntax *bearer.SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.Equal(t, tt.want, err.Error())
		})
	}
}

func FuzzFromFile(f *testing.F) {
	for _, s := range []string{"abc\n", `{"access_token":"abc"}`, `{"access_token":"a","access_token":"b"}`, `{"a":[{}]}x`, "{", "{}}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		token, err := bearer.FromFile(data)
		if err != nil {
			require.Empty(t, token)
			return
		}
		require.NoError(t, bearer.Check(token))
		if string(bearer.Trim(data)) != token {
			require.Contains(t, string(data), "{")
		}
	})
}
