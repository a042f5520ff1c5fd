// SPDX-License-Identifier: BSD-3-Clause

package plot_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/bench/internal/plot"
)

func chart() *plot.Chart {
	return &plot.Chart{
		Title: "Cost & growth", XLabel: "files", YLabel: "time", LogX: true, LogY: true,
		Unit: func(f float64) string { return fmt.Sprintf("%g ns", f) },
		Series: []plot.Series{
			{Name: "a < b", Points: []plot.Point{{1, 20, 10, 30}, {1000, 2000, 1000, 3000}}},
			{Name: "c", Points: []plot.Point{{1, 20, 20, 20}, {1000, 2000, 2000, 2000}}},
		},
	}
}

func TestAChartIsWellFormedAndNamesWhatItShows(t *testing.T) {
	t.Parallel()
	svg, err := chart().SVG()
	require.NoError(t, err)
	texts := map[string]bool{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if data, ok := token.(xml.CharData); ok {
			texts[string(data)] = true
		}
	}
	for _, want := range []string{"Cost & growth", "files", "time", "a < b", "c", "1", "1,000", "10 ns", "10000 ns"} {
		assert.True(t, texts[want], want)
	}
	assert.Contains(t, svg, "prefers-color-scheme:dark")
	assert.NotContains(t, svg, "NaN")
}

func TestNamesDoNotCoverEachOther(t *testing.T) {
	t.Parallel()
	svg, err := chart().SVG()
	require.NoError(t, err)
	var at []float64
	for line := range strings.Lines(svg) {
		var x, y float64
		if !strings.Contains(line, `text-anchor="start" class="s`) {
			continue
		}
		_, err := fmt.Sscanf(line, `<text x="%f" y="%f"`, &x, &y)
		require.NoError(t, err)
		at = append(at, y)
	}
	require.Len(t, at, 2)
	assert.GreaterOrEqual(t, math.Abs(at[0]-at[1]), 16.0)
}

func TestWhatCannotBeDrawnIsAnError(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*plot.Chart){
		"no line":                    func(c *plot.Chart) { c.Series = nil },
		"more lines than styles":     func(c *plot.Chart) { c.Series = make([]plot.Series, 6) },
		"one point":                  func(c *plot.Chart) { c.Series = []plot.Series{{Name: "a", Points: []plot.Point{{1, 1, 1, 1}}}} },
		"a name without room":        func(c *plot.Chart) { c.Series[0].Name = strings.Repeat("x", 21) },
		"no number":                  func(c *plot.Chart) { c.Series[0].Points[0].Y = math.NaN() },
		"no logarithm of what is <0": func(c *plot.Chart) { c.Series[0].Points[0].Low = -1 },
		"no logarithm of nought":     func(c *plot.Chart) { c.Series[0].Points[0].X = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := chart()
			spoil(c)
			_, err := c.SVG()
			assert.Error(t, err)
		})
	}
}
