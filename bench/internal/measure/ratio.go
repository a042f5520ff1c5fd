// SPDX-License-Identifier: BSD-3-Clause

package measure

import (
	"fmt"
	"math"
	"slices"
)

// Ratio is a figure of several rounds: a ratio, or an amount.
type Ratio struct{ Median, Min, Max float64 }

// String returns the figure with its spread, as ratios are written.
func (r Ratio) String() string {
	return fmt.Sprintf("%s (%s..%s)", exact(r.Median), short(r.Min), short(r.Max))
}

// exact writes a digit more than goals have, so that a verdict can be seen to be
// right.
func exact(f float64) string {
	if a := math.Abs(f); a < 0.1 && a > 0 {
		return fmt.Sprintf("%.3g", f)
	}
	return fmt.Sprintf("%.3f", f)
}

// short writes two decimals or, of what is small, two digits.
func short(f float64) string {
	if a := math.Abs(f); a < 0.1 && a > 0 {
		return fmt.Sprintf("%.2g", f)
	}
	return fmt.Sprintf("%.2f", f)
}

// spread returns the figure of several rounds.
func spread(values []float64) Ratio {
	if len(values) == 0 {
		return Ratio{math.NaN(), math.NaN(), math.NaN()}
	}
	v := slices.Sorted(slices.Values(values))
	middle := len(v) / 2
	median := v[middle]
	if len(v)%2 == 0 {
		median = (v[middle-1] + v[middle]) / 2
	}
	return Ratio{Median: median, Min: v[0], Max: v[len(v)-1]}
}

// Cost returns what a contender costs as a whole.
func (r *Result) Cost(of string, q Quantity) Ratio {
	return spread(r.each(func(round []Costs) float64 { return r.at(round, of, q) }))
}

// Added returns what a contender costs beyond the task's base: the same as Cost
// if the task has none.
func (r *Result) Added(of string, q Quantity) Ratio {
	return spread(r.each(func(round []Costs) float64 { return r.added(round, of, q) }))
}

// Ratio compares what two contenders cost beyond the task's base, round by round.
func (r *Result) Ratio(of, to string, q Quantity) Ratio {
	return spread(r.each(func(round []Costs) float64 { return r.added(round, of, q) / r.added(round, to, q) }))
}

// Noise compares the contender that took part twice with itself.
func (r *Result) Noise(q Quantity) Ratio { return r.Ratio(TwinName, r.Task.twin(), q) }

func (r *Result) each(f func([]Costs) float64) []float64 {
	values := make([]float64, len(r.rounds))
	for i, round := range r.rounds {
		values[i] = f(round)
	}
	return values
}

func (r *Result) added(round []Costs, of string, q Quantity) float64 {
	if r.Task.Base == "" {
		return r.at(round, of, q)
	}
	return r.at(round, of, q) - r.at(round, r.Task.Base, q)
}

// at returns NaN for a contender that there is not: it passes no goal.
func (r *Result) at(round []Costs, name string, q Quantity) float64 {
	i := slices.Index(r.Names, name)
	if i < 0 {
		return math.NaN()
	}
	return round[i][q]
}
