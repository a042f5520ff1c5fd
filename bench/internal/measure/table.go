// SPDX-License-Identifier: BSD-3-Clause

package measure

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// Table is rows of cells under a head. The first column is of words, the others
// are of figures.
type Table struct {
	Head []string
	Rows [][]string
}

// Table shows what each contender costs.
func (r *Result) Table() Table {
	t := r.Task
	table := Table{Head: []string{"contender", t.Show.String() + "/" + t.Unit}}
	if t.Base != "" {
		table.Head = append(table.Head, "added")
	}
	table.Head = append(table.Head, "× "+t.To, "spread", "bytes", "allocs")
	for _, name := range r.Names {
		row := []string{name, duration(r.Cost(name, t.Show).Median)}
		ratio := r.Ratio(name, t.To, t.Show)
		switch name {
		case TwinName: // what it shows is how far it is from itself
			row[0] = fmt.Sprintf("%s (%s again)", TwinName, t.twin())
			ratio = r.Noise(t.Show)
			if t.Base != "" {
				row = append(row, duration(r.Added(name, t.Show).Median))
			}
			row = append(row, fmt.Sprintf("%s of itself", short(ratio.Median)), short(ratio.Min)+".."+short(ratio.Max))
		case t.Base:
			row = append(row, "", "", "")
		default:
			if t.Base != "" {
				row = append(row, duration(r.Added(name, t.Show).Median))
			}
			row = append(row, short(ratio.Median), short(ratio.Min)+".."+short(ratio.Max))
		}
		table.Rows = append(table.Rows, append(row, count(r.Cost(name, Bytes).Median), count(r.Cost(name, Allocs).Median)))
	}
	return table
}

// Goals shows what became of goals.
func Goals(rows []Row) Table {
	table := Table{Head: []string{"what", "goal", "measured", "A/A", "verdict"}}
	for _, r := range rows {
		verdict := string(r.Verdict)
		if r.Why != "" {
			verdict += ": " + r.Why
		}
		table.Rows = append(table.Rows, []string{r.Title, r.Goal, r.Measured, r.Noise, verdict})
	}
	return table
}

// Text returns the table for a terminal.
func (t Table) Text() string {
	widths := make([]int, len(t.Head))
	for _, row := range t.all() {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range t.all() {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// Markdown returns the table for a page.
func (t Table) Markdown() string {
	var b strings.Builder
	for i, row := range t.all() {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString("|---|" + strings.Repeat("---|", len(t.Head)-1) + "\n")
		}
	}
	return b.String()
}

func (t Table) all() [][]string { return append([][]string{t.Head}, t.Rows...) }

// duration writes nanoseconds with three digits.
func duration(ns float64) string {
	for _, u := range []struct {
		name string
		ns   float64
	}{{"s", 1e9}, {"ms", 1e6}, {"µs", 1e3}} {
		if math.Abs(ns) >= u.ns {
			return fmt.Sprintf("%.3g %s", ns/u.ns, u.name)
		}
	}
	return fmt.Sprintf("%.3g ns", ns)
}

// count writes a whole number, large ones with a unit.
func count(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.3gM", n/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.3gk", n/1e3)
	default:
		return fmt.Sprintf("%.0f", n)
	}
}
