// SPDX-License-Identifier: BSD-3-Clause

package measure

import "fmt"

// Verdict says whether a goal was reached.
type Verdict string

// The verdicts.
const (
	Pass      Verdict = "pass"
	Miss      Verdict = "miss"
	NoVerdict Verdict = "no verdict" // the run proves nothing
	NotRun    Verdict = "not run"    // something is not installed
)

// Row is a goal and what became of it.
type Row struct {
	Title    string
	Goal     string // such as "cpu <= 1.25 × limit"
	Measured string
	Noise    string // the A/A row of the task, "" if there is none
	Verdict  Verdict
	Why      string // of NoVerdict and NotRun
	counted  bool   // allocations and bytes are right in any run
	base     string // of the task
	trust    string // why the task's run proves nothing
}

// FewestRounds is how many rounds a verdict takes.
const FewestRounds = 5

// Doubt takes the verdicts back that a run cannot give: all, if it had too few
// rounds, and those of tasks with the same base as one that proves nothing, since
// the machine was the same. What was counted stands.
func Doubt(rows []Row, rounds int) {
	why := map[string]string{}
	for _, r := range rows {
		if r.trust != "" {
			why[r.base] = r.trust
		}
	}
	for i := range rows {
		r := &rows[i]
		if r.counted || r.Verdict != Pass && r.Verdict != Miss {
			continue
		}
		if rounds < FewestRounds {
			r.Verdict, r.Why = NoVerdict, fmt.Sprintf("%d rounds; at least %d are needed", rounds, FewestRounds)
		} else if r.base != "" && why[r.base] != "" {
			r.Verdict, r.Why = NoVerdict, why[r.base]
		}
	}
}

// Rows judges the goals of the task.
func (r *Result) Rows() []Row {
	doubt := ""
	for _, t := range r.Task.Trust {
		if figure := r.figure(t); !(figure.Median <= t.AtMost) {
			doubt = fmt.Sprintf("%s came out at %s; %s is needed", t.of(), figure, t)
		}
	}
	var rows []Row
	for _, g := range r.Task.Goals {
		figure := r.figure(g)
		row := Row{Title: r.Task.Title, Goal: g.String(), Measured: figure.String(), Verdict: judge(figure.Median, g.AtMost), base: r.Task.Base, trust: doubt}
		if row.counted = g.Quantity == Allocs || g.Quantity == Bytes; g.To == "" {
			row.Measured = fmt.Sprintf("%s (%s..%s)", amount(figure.Median), amount(figure.Min), amount(figure.Max))
		} else {
			row.Noise = r.Noise(g.Quantity).String()
		}
		if doubt != "" && !row.counted {
			row.Verdict, row.Why = NoVerdict, doubt
		}
		rows = append(rows, row)
	}
	return rows
}

// Rows judges the fact. The error is that of Count.
func (f *Fact) Rows(count float64, err error) []Row {
	row := Row{Title: f.Title, Goal: fmt.Sprintf("<= %s %s", amount(f.AtMost), f.Unit)}
	if err != nil {
		row.Verdict, row.Why = NotRun, err.Error()
		return []Row{row}
	}
	row.Measured, row.Verdict, row.counted = amount(count)+" "+f.Unit, judge(count, f.AtMost), true
	return []Row{row}
}

// Absent returns the rows of a task that could not run.
func (t *Task) Absent(err error) []Row {
	var rows []Row
	for _, g := range t.Goals {
		rows = append(rows, Row{Title: t.Title, Goal: g.String(), Verdict: NotRun, Why: err.Error()})
	}
	return rows
}

// judge takes what is no number for a miss.
func judge(got, atMost float64) Verdict {
	if got <= atMost {
		return Pass
	}
	return Miss
}

// figure returns what the goal is judged by.
func (r *Result) figure(g Goal) Ratio {
	if g.To == "" {
		return r.Added(g.Of, g.Quantity)
	}
	return r.Ratio(g.Of, g.To, g.Quantity)
}

// String returns the goal as tables show it.
func (g Goal) String() string {
	if g.To == "" {
		return fmt.Sprintf("%s: %s <= %s", g.Of, g.Quantity, amount(g.AtMost))
	}
	return fmt.Sprintf("%s <= %s × %s (%s)", g.Of, short(g.AtMost), g.To, g.Quantity)
}

// of returns what the goal is about.
func (g Goal) of() string {
	if g.To == "" {
		return g.Of
	}
	return g.Of + " / " + g.To
}

// amount writes a number without needless decimals.
func amount(f float64) string { return fmt.Sprintf("%.4g", f) }
