// SPDX-License-Identifier: BSD-3-Clause

package bearer_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/bearer"
)

type (
	challenge = bearer.Challenge
	params    = map[string]string
)

func TestChallenges(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   []string
		want []challenge
	}{
		"none":    {nil, nil},
		"nothing": {[]string{"", " , ,, "}, nil},
		"RFC 9110 section 11.6.1": {
			[]string{`Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`},
			[]challenge{{"Basic", params{"realm": "simple"}}, {"Newauth", params{"realm": "apps", "type": "1", "title": `Login to "apps"`}}},
		},
		"RFC 6750 section 3": {
			[]string{`Bearer realm="example", error="invalid_token", error_description="The access token expired"`},
			[]challenge{{"Bearer", params{"realm": "example", "error": "invalid_token", "error_description": "The access token expired"}}},
		},
		"several lines":                        {[]string{`Bearer`, `Basic realm="x"`}, []challenge{{"Bearer", params{}}, {"Basic", params{"realm": "x"}}}},
		"several in one line":                  {[]string{"Negotiate, NTLM,Bearer"}, []challenge{{"Negotiate", params{}}, {"NTLM", params{}}, {"Bearer", params{}}}},
		"token68 is left out":                  {[]string{"Negotiate YII+/a==, Basic realm=x"}, []challenge{{"Negotiate", params{}}, {"Basic", params{"realm": "x"}}}},
		"token68 without padding":              {[]string{"Negotiate abc"}, []challenge{{"Negotiate", params{}}}},
		"token68 is not a parameter":           {[]string{"Scheme abc="}, []challenge{{"Scheme", params{}}}},
		"names in lower case, schemes as sent": {[]string{`bEARER ReAlm="X"`}, []challenge{{"bEARER", params{"realm": "X"}}}},
		"blanks around =":                      {[]string{"Basic realm \t= \"x\", charset =UTF-8"}, []challenge{{"Basic", params{"realm": "x", "charset": "UTF-8"}}}},
		"comma and = in quotes":                {[]string{`Basic realm="a, b=c", x=1`}, []challenge{{"Basic", params{"realm": "a, b=c", "x": "1"}}}},
		"backslash in quotes":                  {[]string{`Basic realm="a\\b\c"`}, []challenge{{"Basic", params{"realm": `a\bc`}}}},
		"empty quotes":                         {[]string{`Basic realm=""`}, []challenge{{"Basic", params{"realm": ""}}}},
		"the first of two counts":              {[]string{`Basic realm="a", Realm="b"`}, []challenge{{"Basic", params{"realm": "a"}}}},
		"the same scheme twice":                {[]string{`Basic realm="a", Basic realm="b"`}, []challenge{{"Basic", params{"realm": "a"}}, {"Basic", params{"realm": "b"}}}},
		"many commas":                          {[]string{`, Basic , realm="a" ,, x=1,`}, []challenge{{"Basic", params{"realm": "a", "x": "1"}}}},
		"a line cannot add to the one before":  {[]string{`Basic realm="a"`, `x=1, Bearer`}, []challenge{{"Basic", params{"realm": "a"}}, {"Bearer", params{}}}},

		"forgiven: no comma between parameters": {[]string{`Bearer realm="a" error="b"`}, []challenge{{"Bearer", params{"realm": "a", "error": "b"}}}},
		"forgiven: no comma between challenges": {[]string{`Bearer realm="a" Basic realm="b"`}, []challenge{{"Bearer", params{"realm": "a"}}, {"Basic", params{"realm": "b"}}}},
		"forgiven: URL without quotes":          {[]string{`Bearer realm=https://h/p?q=1, x=2`}, []challenge{{"Bearer", params{"realm": "https://h/p?q=1", "x": "2"}}}},
		"forgiven: no value":                    {[]string{`Bearer x=1, realm=, y=2`}, []challenge{{"Bearer", params{"x": "1", "realm": "", "y": "2"}}}},

		"junk: parameter without a challenge": {[]string{`realm="x", Bearer`}, []challenge{{"Bearer", params{}}}},
		"junk: signs":                         {[]string{`Bearer a=1, @@@, (b=2), c=3`}, []challenge{{"Bearer", params{"a": "1", "c": "3"}}}},
		"junk: quotes alone":                  {[]string{`"Bearer a=1, b", Basic`}, []challenge{{"Basic", params{}}}},
		"junk: a word that goes on":           {[]string{`Bea@rer x=1, Basic`}, []challenge{{"Basic", params{}}}},
		"junk: after the quotes":              {[]string{`Bearer a="1"2 b=3, c=4`}, []challenge{{"Bearer", params{"c": "4"}}}},
		"junk: quotes that do not end":        {[]string{`Bearer a=1, b="2, c=3`, "Basic"}, []challenge{{"Bearer", params{"a": "1"}}, {"Basic", params{}}}},
		"junk: backslash at the end":          {[]string{`Bearer a=1, b="2\`}, []challenge{{"Bearer", params{"a": "1"}}}},
		"junk: = at the start":                {[]string{`=, =x, Bearer, =x, a=1`}, []challenge{{"Bearer", params{"a": "1"}}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, bearer.ParseChallenges(tt.in))
		})
	}
}

func TestChallengesAreBounded(t *testing.T) {
	t.Parallel()
	t.Run("64 challenges in one line", func(t *testing.T) {
		t.Parallel()
		assert.Len(t, bearer.ParseChallenges([]string{strings.Repeat("Basic, ", 65)}), 64)
	})
	t.Run("64 challenges in all lines, and the last is whole", func(t *testing.T) {
		t.Parallel()
		got := bearer.ParseChallenges(slices.Repeat([]string{"Basic a=1"}, 1000))
		require.Len(t, got, 64)
		assert.Equal(t, challenge{"Basic", params{"a": "1"}}, got[63])
	})
	t.Run("a line of 16 KiB is read", func(t *testing.T) {
		t.Parallel()
		assert.Len(t, bearer.ParseChallenges([]string{strings.Repeat(",", 16<<10-5) + "Basic"}), 1)
	})
	t.Run("a longer one is not, and hides no other", func(t *testing.T) {
		t.Parallel()
		got := bearer.ParseChallenges([]string{"Basic" + strings.Repeat(" ", 16<<10-4), "Bearer"})
		assert.Equal(t, []challenge{{"Bearer", params{}}}, got)
	})
	t.Run("16 KiB are for all lines together", func(t *testing.T) {
		t.Parallel()
		half := "Basic" + strings.Repeat(" ", 9<<10)
		assert.Len(t, bearer.ParseChallenges([]string{half, half}), 1)
	})
}

func FuzzParseChallenges(f *testing.F) {
	for _, s := range []string{
		"", "Basic", `Basic realm="a\"b", Bearer x = 1`, "Negotiate a==", `"`, `a="\`, "a=b", "A b=c,,D", "A b c", "\xff\x00", `A b="c"d`,
	} {
		f.Add(s, "Basic")
	}
	word := func(s string) bool {
		return s != "" && strings.Trim(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
	}
	f.Fuzz(func(t *testing.T, line1, line2 string) {
		got := bearer.ParseChallenges([]string{line1, line2})
		require.LessOrEqual(t, len(got), 64)
		var again strings.Builder
		for _, c := range got {
			require.True(t, word(c.Scheme), strconv.Quote(c.Scheme))
			require.NotNil(t, c.Params)
			again.WriteString(", " + c.Scheme)
			for i, name := range slices.Sorted(maps.Keys(c.Params)) {
				require.True(t, word(name) && name == strings.ToLower(name), strconv.Quote(name))
				again.WriteString([]string{" ", ", "}[min(i, 1)] + name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(c.Params[name]) + `"`)
			}
		}
		if again.Len() <= 16<<10 { // What was read, written as the RFC has it, reads the same.
			require.Equal(t, got, bearer.ParseChallenges([]string{again.String()}))
		}
	})
}
