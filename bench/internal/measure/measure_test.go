// SPDX-License-Identifier: BSD-3-Clause

package measure

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// result makes one of costs in ns, by round, of the base, the floor, ours and ours
// again.
func result(task Task, rounds ...[4]float64) *Result {
	task.Base, task.To, task.Twin = "base", "floor", "ours"
	r := &Result{Task: &task, Names: []string{"base", "floor", "ours", TwinName}}
	for _, round := range rounds {
		costs := make([]Costs, len(round))
		for i, ns := range round {
			costs[i][CPU] = ns
			costs[i][Allocs] = ns / 100
		}
		r.rounds = append(r.rounds, costs)
	}
	return r
}

func TestARatioIsTheMedianOfWhatIsComparedWithinARound(t *testing.T) {
	t.Parallel()
	// The machine was ten times slower in the second round, and hiccupped in the last.
	r := result(Task{}, [4]float64{100, 200, 220, 210}, [4]float64{1000, 2000, 2300, 2200}, [4]float64{100, 200, 900, 200})
	assert.Equal(t, Ratio{Median: 1.3, Min: 1.2, Max: 8}, r.Ratio("ours", "floor", CPU))
	assert.Equal(t, Ratio{Median: 800, Min: 120, Max: 1300}, r.Added("ours", CPU))
	assert.Equal(t, Ratio{Median: 900, Min: 220, Max: 2300}, r.Cost("ours", CPU))
	assert.InDelta(t, 110.0/120, r.Noise(CPU).Median, 1e-9)
}

func TestWithoutABaseWholeCostsAreCompared(t *testing.T) {
	t.Parallel()
	r := result(Task{}, [4]float64{100, 200, 300, 300})
	r.Task.Base = ""
	assert.InDelta(t, 1.5, r.Ratio("ours", "floor", CPU).Median, 1e-9)
	assert.Equal(t, r.Cost("ours", CPU), r.Added("ours", CPU))
}

func TestTheMedianOfAnEvenNumberIsBetweenTheMiddleOnes(t *testing.T) {
	t.Parallel()
	assert.Equal(t, Ratio{Median: 2.5, Min: 1, Max: 9}, spread([]float64{9, 1, 3, 2}))
	assert.True(t, math.IsNaN(spread(nil).Median))
}

func TestGoalsAreJudgedByTheMedian(t *testing.T) {
	t.Parallel()
	rounds := [][4]float64{{100, 200, 220, 200}, {100, 200, 225, 200}, {100, 200, 900, 200}}
	for name, c := range map[string]struct {
		goal Goal
		want Verdict
	}{
		"at most is not less":                  {Goal{Of: "ours", To: "floor", AtMost: 1.25}, Pass},
		"a median above misses":                {Goal{Of: "ours", To: "floor", AtMost: 1.24}, Miss},
		"an amount is judged without the base": {Goal{Of: "ours", Quantity: Allocs, AtMost: 1.25}, Pass},
		"an amount above misses":               {Goal{Of: "ours", Quantity: Allocs, AtMost: 1.24}, Miss},
		"a contender that is not there misses": {Goal{Of: "theirs", To: "floor", AtMost: 9}, Miss},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := result(Task{Goals: []Goal{c.goal}}, rounds...).Rows()
			require.Len(t, rows, 1)
			assert.Equal(t, c.want, rows[0].Verdict)
			assert.NotEmpty(t, rows[0].Measured)
		})
	}
}

func TestARunThatProvesNothingGivesNoVerdictButCounts(t *testing.T) {
	t.Parallel()
	task := Task{
		Goals: []Goal{{Of: "ours", To: "floor", AtMost: 9}, {Of: "ours", Quantity: Allocs, AtMost: 9}},
		Trust: []Goal{{Of: "floor", To: "ours", AtMost: 0.4}},
	}
	rows := result(task, [4]float64{100, 200, 300, 300}).Rows()
	assert.Equal(t, NoVerdict, rows[0].Verdict)
	assert.Contains(t, rows[0].Why, "floor / ours came out at 0.500")
	assert.Equal(t, Pass, rows[1].Verdict, "counts are right on any machine")

	rows = result(task, [4]float64{100, 200, 400, 300}).Rows()
	assert.Equal(t, Pass, rows[0].Verdict)
}

func TestARunThatProvesNothingTakesBackTheVerdictsOfItsKind(t *testing.T) {
	t.Parallel()
	rows := func() []Row {
		return []Row{
			{Verdict: NoVerdict, Why: "the limit was slow", base: "stub", trust: "the limit was slow"},
			{Verdict: Pass, base: "stub"},
			{Verdict: Miss, base: "stub", counted: true},
			{Verdict: Miss, base: "another"},
			{Verdict: Pass},
			{Verdict: NotRun, Why: "no curl"},
		}
	}
	after := rows()
	Doubt(after, FewestRounds)
	assert.Equal(t, []Verdict{NoVerdict, NoVerdict, Miss, Miss, Pass, NotRun}, verdicts(after))
	assert.Equal(t, "the limit was slow", after[1].Why)
	after = rows()
	Doubt(after, FewestRounds-1)
	assert.Equal(t, []Verdict{NoVerdict, NoVerdict, Miss, NoVerdict, NoVerdict, NotRun}, verdicts(after))
	assert.Equal(t, "4 rounds; at least 5 are needed", after[4].Why)
	assert.Equal(t, "no curl", after[5].Why)
}

func verdicts(rows []Row) (all []Verdict) {
	for _, r := range rows {
		all = append(all, r.Verdict)
	}
	return all
}

func TestWhatCannotRunHereIsSaid(t *testing.T) {
	t.Parallel()
	missing := fmt.Errorf("curl: %w", ErrUnavailable)
	task := Task{Goals: []Goal{{Of: "ours", To: "floor", AtMost: 1}}}
	assert.Equal(t, Row{Goal: "ours <= 1.00 × floor (cpu)", Verdict: NotRun, Why: "curl: not available here"}, task.Absent(missing)[0])
	fact := Fact{Title: "size", Unit: "MB", AtMost: 10}
	assert.Equal(t, Row{Title: "size", Goal: "<= 10 MB", Verdict: NotRun, Why: "curl: not available here"}, fact.Rows(0, missing)[0])
	assert.Equal(t, Row{Title: "size", Goal: "<= 10 MB", Measured: "10 MB", Verdict: Pass, counted: true}, fact.Rows(10, nil)[0])
	assert.Equal(t, Row{Title: "size", Goal: "<= 10 MB", Measured: "10.5 MB", Verdict: Miss, counted: true}, fact.Rows(10.5, nil)[0])
}

// quick is a plan for tests that do not look at figures.
func quick() Plan { return Plan{Rounds: 3, Slice: time.Microsecond, Turns: 2} }

func TestEveryContenderTakesPartInEveryRoundAndOneTwice(t *testing.T) {
	t.Parallel()
	runs := map[string]int{}
	contender := func(name string) Contender {
		return Contender{Name: name, Run: func(n int) error {
			runs[name] += n
			return nil
		}}
	}
	var folder string
	closed := false
	r, err := Run(&Task{To: "floor", Goals: []Goal{{Of: "ours"}}, Prepare: func(s *Stage) ([]Contender, error) {
		folder = s.Dir
		s.Cleanup(func() { closed = true })
		return []Contender{contender("floor"), contender("ours")}, os.WriteFile(filepath.Join(s.Dir, "x"), nil, 0o600)
	}}, quick())
	require.NoError(t, err)
	assert.Equal(t, []string{"floor", "ours", TwinName}, r.Names)
	require.Len(t, r.rounds, 3)
	assert.Positive(t, r.Cost("ours", Wall).Min)
	assert.Greater(t, runs["ours"], runs["floor"]/100)
	assert.True(t, closed)
	assert.NoDirExists(t, folder)
}

func TestAFailureIsTheContendersByName(t *testing.T) {
	t.Parallel()
	failure := errors.New("no such luck")
	_, err := Run(&Task{To: "floor", Prepare: func(*Stage) ([]Contender, error) {
		return []Contender{{Name: "floor", Run: func(int) error { return failure }}}, nil
	}}, quick())
	require.ErrorIs(t, err, failure)
	assert.ErrorContains(t, err, "floor: ")

	_, err = Run(&Task{To: "nobody", Prepare: func(*Stage) ([]Contender, error) { return nil, nil }}, quick())
	assert.ErrorContains(t, err, `no contender "nobody"`)
}

func TestAllocationsAreCountedPerOperation(t *testing.T) { //nolint:paralleltest // counts those of the process
	var sink []byte
	r, err := Run(&Task{To: "x", Prepare: func(*Stage) ([]Contender, error) {
		return []Contender{{Name: "x", Run: func(n int) error {
			for range n {
				sink = make([]byte, 1024)
			}
			return nil
		}}}, nil
	}}, Plan{Rounds: 3, Slice: time.Millisecond, Turns: 1})
	require.NoError(t, err)
	assert.NotNil(t, sink)
	assert.InDelta(t, 1, r.Cost("x", Allocs).Median, 0.1)
	assert.InDelta(t, 1024, r.Cost("x", Bytes).Median, 100)
}

func TestTables(t *testing.T) {
	t.Parallel()
	table := result(Task{Unit: "request"}, [4]float64{100, 300, 350, 400}).Table()
	assert.Equal(t, `contender         cpu/request  added   × floor         spread      bytes  allocs
base              100 ns                                           0      1
floor             300 ns       200 ns  1.00            1.00..1.00  0      3
ours              350 ns       250 ns  1.25            1.25..1.25  0      4
A/A (ours again)  400 ns       300 ns  1.20 of itself  1.20..1.20  0      4
`, table.Text())
	assert.Equal(t, "| a | b |\n|---|---|\n| 1 | 2 |\n", Table{Head: []string{"a", "b"}, Rows: [][]string{{"1", "2"}}}.Markdown())
	assert.Equal(t, [][]string{{"t", "g", "m", "n", "no verdict: w"}}, Goals([]Row{{Title: "t", Goal: "g", Measured: "m", Noise: "n", Verdict: NoVerdict, Why: "w"}}).Rows)
}

func TestFiguresAreWrittenShort(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "1.254 (0.0042..12.00)", Ratio{1.254, 0.0042, 12}.String())
	assert.Equal(t, "0.0104 (0.00..0.01)", Ratio{0.0104, 0, 0.01}.String(), "more than 0.01")
	for ns, want := range map[float64]string{12.34: "12.3 ns", 1234: "1.23 µs", 12.3e6: "12.3 ms", 2e9: "2 s", -1500: "-1.5 µs"} {
		assert.Equal(t, want, duration(ns))
	}
	for n, want := range map[float64]string{0: "0", 719.6: "720", 12345: "12.3k", 3.2e6: "3.2M"} {
		assert.Equal(t, want, count(n))
	}
}
