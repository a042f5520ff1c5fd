// SPDX-License-Identifier: BSD-3-Clause

package ready_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/scicred/scicred/internal/ready"
)

func keep(t *ready.Table[string, int], what, host string, from int, now, until int64) {
	t.Keep(what, host, from, time.Duration(now), time.Duration(until-now))
}

func what(t *ready.Table[string, int], host string) string {
	if a := t.For(host); a != nil {
		return a.What
	}
	return ""
}

func TestAnAnswerIsForItsHost(t *testing.T) {
	t.Parallel()
	var table ready.Table[string, int]
	assert.Nil(t, table.For("a"))
	keep(&table, "for a", "a", 1, 0, 10)
	keep(&table, "for b", "b", 1, 0, 10)
	assert.Equal(t, "for a", what(&table, "a"))
	assert.Equal(t, "for b", what(&table, "b"))
	assert.Empty(t, what(&table, "A"), "spelt otherwise: somebody else knows whether it is the same")
	keep(&table, "new for a", "a", 1, 0, 10)
	assert.Equal(t, "new for a", what(&table, "a"))
}

func TestAnAnswerForEveryHostIsFoundForEach(t *testing.T) {
	t.Parallel()
	var table ready.Table[string, int]
	keep(&table, "for all", "", 1, 0, 10)
	assert.Equal(t, "for all", what(&table, "a"))
	assert.Equal(t, "for all", what(&table, "b"))
	assert.True(t, table.For("b").ForAny())
	keep(&table, "for a", "a", 1, 0, 10)
	assert.Equal(t, "for a", what(&table, "a"), "its own goes first")
	assert.False(t, table.For("a").ForAny())
	keep(&table, "for all others", "", 1, 0, 10)
	assert.Equal(t, "for a", what(&table, "a"), "whichever came first")
	assert.Equal(t, "for all others", what(&table, "b"))
}

func TestAnAnswerSaysOnWhatItRestsAndUntilWhen(t *testing.T) {
	t.Parallel()
	var table ready.Table[string, int]
	keep(&table, "x", "a", 7, 0, 10)
	a := table.For("a")
	assert.Equal(t, 7, a.From)
	for now, holds := range map[time.Duration]bool{-1: false, 0: true, 9: true, 10: false} {
		assert.Equal(t, holds, a.Holds(now), now)
	}
}

func TestAnAnswerWhoseTimeIsOverIsNotKept(t *testing.T) {
	t.Parallel()
	var table ready.Table[string, int]
	keep(&table, "x", "a", 1, 10, 10)
	assert.Nil(t, table.For("a"))
	keep(&table, "x", "a", 1, 9, 10)
	keep(&table, "y", "b", 1, 10, 11)
	assert.Nil(t, table.For("a"), "nor when another comes")
	assert.NotNil(t, table.For("b"))
	keep(&table, "z", "c", 1, 8, 20)
	assert.Nil(t, table.For("b"), "nor when the clock has been set back")
}

func TestAnAnswerOnAnotherStateGoesWithIt(t *testing.T) {
	t.Parallel()
	var table ready.Table[string, int]
	keep(&table, "x", "a", 1, 0, 10)
	keep(&table, "y", "b", 2, 0, 10)
	assert.Nil(t, table.For("a"))
}

func TestTheNumberOfAnswersIsBounded(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	var table ready.Table[string, int]
	const n = 3 * ready.Max
	for i := range n {
		keep(&table, "x", fmt.Sprint(i), 1, 0, 10)
	}
	kept := 0
	for i := range n {
		if table.For(fmt.Sprint(i)) != nil {
			kept++
		}
	}
	assert.Equal(t, ready.Max, kept)
	assert.Nil(t, table.For(fmt.Sprint(n-1)), "what is in use does not give way")
	assert.Zero(t, testing.AllocsPerRun(10, func() { keep(&table, "x", "late", 1, 0, 10) }), "nor does it cost anything to try")
	keep(&table, "x", "late", 1, 10, 20)
	assert.NotNil(t, table.For("late"), "when their time is over there is room")
}

func TestFindingAnAnswerAllocatesNothing(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	var table ready.Table[string, int]
	keep(&table, "x", "a", 1, 0, 10)
	keep(&table, "y", "b", 1, 0, 10)
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = table.For("a") }))
}
