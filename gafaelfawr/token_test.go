// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/gafaelfawr"
)

const (
	aKey    = "MLF5MB3Peg79wEC0BY8U8Q"
	aSecret = "ChbkqEyp3EIJ2e_1Sqff3w"
	aToken  = "gt-" + aKey + "." + aSecret
)

func TestATokenIsKeyAndSecret(t *testing.T) {
	t.Parallel()
	token, err := gafaelfawr.ParseToken(aToken)
	require.NoError(t, err)
	assert.Equal(t, aKey, token.Key())
	assert.Equal(t, aToken, token.Reveal())
	assert.False(t, token.IsZero())
	assert.True(t, token.Equal(token))
	assert.False(t, token.Equal(gafaelfawr.Token{}))
	other, err := gafaelfawr.ParseToken("gt-" + aKey + "." + strings.Repeat("A", 22))
	require.NoError(t, err)
	assert.False(t, token.Equal(other), "the same key is not the same token")

	var none gafaelfawr.Token
	assert.True(t, none.IsZero())
	assert.Empty(t, none.Key())
	assert.Empty(t, none.Reveal())
	assert.True(t, none.Equal(gafaelfawr.Token{}))
}

func TestWhatIsNoTokenIsRefusedWithoutBeingRepeated(t *testing.T) {
	t.Parallel()
	for raw, says := range map[string]string{
		"":                                     "it does not start with gt-",
		".":                                    "it does not start with gt-",
		aKey + "." + aSecret:                   "it does not start with gt-",
		"gt" + aKey + "." + aSecret:            "it does not start with gt-",
		"gc-" + aKey + "." + aSecret:           "it does not start with gt-",
		"GT-" + aKey + "." + aSecret:           "it does not start with gt-",
		" " + aToken:                           "it does not start with gt-",
		"gt-":                                  "there is no dot",
		"gt-" + aKey:                           "there is no dot",
		"gt-.":                                 "its key has 0 characters, not 22",
		"gt-." + aSecret:                       "its key has 0 characters",
		"gt-NOT.VALID":                         "its key has 3 characters",
		"gt-" + aKey + ".":                     "its secret has 0 characters, not 22",
		aToken + ".!!!!":                       "its secret has 27 characters",
		aToken + "\n":                          "its secret has 23 characters",
		"gt-" + aKey + "." + aSecret[1:] + "!": "characters other than letters",
		"gt-" + aKey[1:] + "é." + aSecret:      "its key has 23 characters",
		"gt-" + aKey[2:] + "é." + aSecret:      "characters other than letters",
		"gt-" + aKey + "." + aSecret[2:] + "\r\n": "characters other than letters",
		"gt-" + aKey + "." + aSecret[2:] + "==":   "characters other than letters",
	} {
		token, err := gafaelfawr.ParseToken(raw)
		require.ErrorIs(t, err, gafaelfawr.ErrInvalidToken, raw)
		assert.Contains(t, err.Error(), says, raw)
		assert.NotContains(t, err.Error(), aSecret[2:])
		assert.True(t, token.IsZero())
	}
}

func TestNewTokensAreSoundAndNeverTheSame(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		token := gafaelfawr.NewToken()
		parsed, err := gafaelfawr.ParseToken(token.Reveal())
		require.NoError(t, err)
		assert.True(t, token.Equal(parsed))
		assert.Equal(t, token.Key(), parsed.Key())
		assert.False(t, seen[token.Key()])
		seen[token.Key()] = true
	}
}

func FuzzParseToken(f *testing.F) {
	for _, s := range []string{aToken, "", "gt-", "gt-.", "gt-NOT.VALID", aToken + ".", "gt-" + aKey + "." + aSecret[2:] + "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		token, err := gafaelfawr.ParseToken(s)
		if err != nil {
			require.ErrorIs(t, err, gafaelfawr.ErrInvalidToken)
			require.True(t, token.IsZero())
			return
		}
		require.Equal(t, s, token.Reveal(), "it is taken as it is or not at all")
		require.Len(t, s, 48)
		require.Equal(t, s[3:25], token.Key())
		for _, c := range s[3:25] + s[26:] {
			require.True(t, c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
		}
	})
}
