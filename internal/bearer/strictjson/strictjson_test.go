// SPDX-License-Identifier: BSD-3-Clause

package strictjson_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/bearer/strictjson"
)

func TestObject(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   string
		want map[string]string
		err  error
	}{
		"empty":                      {in: "{}", want: map[string]string{}},
		"white space around":         {in: " \t\r\n{ } \n", want: map[string]string{}},
		"values as they are":         {in: `{"a": 1e400,"b" :[1, 2],"c":{"a":1,"a":2}}`, want: map[string]string{"a": "1e400", "b": "[1, 2]", "c": `{"a":1,"a":2}`}},
		"names differ by case":       {in: `{"a":1,"A":2}`, want: map[string]string{"a": "1", "A": "2"}},
		"nothing":                    {in: "", err: strictjson.ErrSyntax},
		"null":                       {in: "null", err: strictjson.ErrNotObject},
		"list":                       {in: "[{}]", err: strictjson.ErrNotObject},
		"string":                     {in: `"{}"`, err: strictjson.ErrNotObject},
		"number":                     {in: "7", err: strictjson.ErrNotObject},
		"twice":                      {in: `{"a":1,"a":1}`, err: strictjson.ErrDuplicate},
		"twice, one escaped":         {in: `{"a":1,"\u0061":1}`, err: strictjson.ErrDuplicate},
		"twice, by broken escapes":   {in: `{"\ud800":1,"\udc00":1}`, err: strictjson.ErrDuplicate},
		"the empty name twice":       {in: `{"":1,"":1}`, err: strictjson.ErrDuplicate},
		"two objects":                {in: "{}{}", err: strictjson.ErrTrailing},
		"one closing brace too many": {in: "{}}", err: strictjson.ErrTrailing},
		"a byte too many":            {in: "{}\x00", err: strictjson.ErrTrailing},
		"no closing brace":           {in: `{"a":1`, err: strictjson.ErrSyntax},
		"closed by a bracket":        {in: `{"a":1]`, err: strictjson.ErrSyntax},
		"comma at the end":           {in: `{"a":1,}`, err: strictjson.ErrSyntax},
		"comma at the start":         {in: `{,"a":1}`, err: strictjson.ErrSyntax},
		"no colon":                   {in: `{"a" 1}`, err: strictjson.ErrSyntax},
		"no value":                   {in: `{"a":}`, err: strictjson.ErrSyntax},
		"name is a number":           {in: `{1:1}`, err: strictjson.ErrSyntax},
		"name is an object":          {in: `{{}:1}`, err: strictjson.ErrSyntax},
		"NaN":                        {in: `{"a":NaN}`, err: strictjson.ErrSyntax},
		"control character":          {in: "{\"a\":\"\n\"}", err: strictjson.ErrSyntax},
		"not UTF-8":                  {in: "{\"a\":\"\xff\"}", err: strictjson.ErrEncoding},
		"half of a pair in UTF-8":    {in: "{\"a\":\"\xed\xa0\x80\"}", err: strictjson.ErrEncoding},
		"byte order mark":            {in: "\xef\xbb\xbf{}", err: strictjson.ErrSyntax},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := strictjson.Object([]byte(tt.in))
			require.ErrorIs(t, err, tt.err)
			if tt.err != nil {
				assert.Nil(t, got)
				return
			}
			text := map[string]string{}
			for name, raw := range got {
				text[name] = string(raw)
			}
			assert.Equal(t, tt.want, text)
		})
	}
}

func FuzzObject(f *testing.F) {
	for _, s := range []string{"{}", `{"a":1,"b":[{}]}`, `{"a":1,"a":2}`, "{}{}", "[]", `{"\ud800":"\udfff"}`, "{\"a\":\"\xff\"}", `{"a":1]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := strictjson.Object(data)
		var want map[string]json.RawMessage
		jsonErr := json.Unmarshal(data, &want)
		if err == nil {
			require.NoError(t, jsonErr)
			require.Equal(t, want, got)
			return
		}
		require.Nil(t, got)
		if err != strictjson.ErrDuplicate && err != strictjson.ErrEncoding { //nolint:errorlint // Never wrapped, and compared millions of times.
			require.True(t, jsonErr != nil || want == nil, "refused %v, which encoding/json takes", err)
		}
	})
}
