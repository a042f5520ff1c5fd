// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/bench/internal/measure"
	"github.com/scicred/scicred/bench/internal/page"
)

// Without this a new family of tasks would be noticed at the end of a run.
func TestThePageHasAPlaceForEveryFamily(t *testing.T) {
	t.Parallel()
	r := report{}
	for _, task := range tasks() {
		r.absent = append(r.absent, absent{&task, measure.ErrUnavailable})
	}
	text, err := os.ReadFile(filepath.Join("..", "docs", pageName))
	require.NoError(t, err)
	_, err = page.Fill(string(text), r.parts())
	assert.NoError(t, err)
}

func TestThePageShowsEveryPlot(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "docs", pageName))
	require.NoError(t, err)
	for file := range (&report{}).charts() {
		assert.Contains(t, string(text), "](benchmarks/"+file+")")
	}
}

func TestNamesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, task := range tasks() {
		assert.False(t, seen[task.Name], task.Name)
		seen[task.Name] = true
		assert.NotContains(t, task.Title, "|", "it would end a cell")
	}
	for _, fact := range facts() {
		assert.False(t, seen[fact.Name], fact.Name)
		seen[fact.Name] = true
	}
}

// The command can be tried out without measuring anything to speak of.
func TestACommandPrintsTablesAndVerdicts(t *testing.T) {
	t.Parallel()
	o := options{run: "^(parse|warm/calls)$", plan: measure.Plan{Rounds: 1, Slice: 1, Turns: 1}}
	var out strings.Builder
	require.NoError(t, o.bench(&out))
	for _, want := range []string{"read a token, unverified\n", scan, jwtLibrary, measure.TwinName, "<= 0 calls"} {
		assert.Contains(t, out.String(), want)
	}
	o = options{run: "warm", docs: "docs"}
	assert.ErrorContains(t, o.bench(&out), "leave -run away")
	o = options{list: true}
	out.Reset()
	require.NoError(t, o.bench(&out))
	assert.Contains(t, out.String(), "warm/3 ")
}

func TestTimesOfAnAxisAreWrittenForPeople(t *testing.T) {
	t.Parallel()
	for ns, want := range map[float64]string{0: "0", 500: "500 ns", 1500: "1.5 µs", 1e9: "1 s"} {
		assert.Equal(t, want, nanoseconds(ns))
	}
}
