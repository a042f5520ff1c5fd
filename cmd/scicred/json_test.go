// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
)

func TestJSONHoldsNothingThatATerminalObeys(t *testing.T) {
	t.Parallel()
	var subject []rune
	for _, span := range [][2]rune{{0, 0x1f}, {0x7f, 0x9f}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}} {
		for c := span[0]; c <= span[1]; c++ {
			subject = append(subject, c)
		}
	}
	subject = append(subject, []rune("Jörg \U0001F52D \\u0041 \"<&>")...)
	var stdout bytes.Buffer
	p := &program{stdout: &stdout}
	require.NoError(t, p.writeJSON(&scicred.Report{Attempts: []scicred.Attempt{{
		Kind: scicred.KindToken, Outcome: scicred.Attached, Claims: &scicred.Claims{Subject: string(subject)},
	}}}))
	for _, c := range stdout.String() {
		assert.Equal(t, c != '\n', c >= 0x20, "%U", c)
		for _, span := range [][2]rune{{0x7f, 0x9f}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}} {
			assert.False(t, span[0] <= c && c <= span[1], "%U", c)
		}
	}
	var got struct{ Token struct{ Subject string } }
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &got))
	assert.Equal(t, string(subject), got.Token.Subject, "nothing is lost")
	assert.Contains(t, stdout.String(), "Jörg \U0001F52D", "other characters stay as they are")
}
