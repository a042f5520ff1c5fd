// SPDX-License-Identifier: BSD-3-Clause

package page_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/bench/internal/page"
)

func TestPartsAreReplacedAndProseIsKept(t *testing.T) {
	t.Parallel()
	text := "Prose.\n<!-- bench: a -->\nold\n<!-- end -->\nMore.\n<!-- bench: b --><!-- end -->\n"
	got, err := page.Fill(text, map[string]string{"a": "new a\n", "b": "new b"})
	require.NoError(t, err)
	want := "Prose.\n<!-- bench: a -->\n\nnew a\n\n<!-- end -->\nMore.\n<!-- bench: b -->\n\nnew b\n\n<!-- end -->\n"
	assert.Equal(t, want, got)

	same, err := page.Fill(got, map[string]string{"a": "new a", "b": "new b"})
	require.NoError(t, err)
	assert.Equal(t, want, same)
}

func TestNoFigureIsLostOrLeftBehind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		parts map[string]string
	}{
		"nothing for the mark":   {"<!-- bench: a --><!-- end -->", nil},
		"no place for the part":  {"Prose.", map[string]string{"a": ""}},
		"no end":                 {"<!-- bench: a -->", map[string]string{"a": ""}},
		"the next one's end":     {"<!-- bench: a --> <!-- bench: b --><!-- end -->", map[string]string{"a": "", "b": ""}},
		"a mark that never ends": {"<!-- bench: a", map[string]string{"a": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := page.Fill(c.text, c.parts)
			assert.Error(t, err)
		})
	}
}
