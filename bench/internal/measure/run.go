// SPDX-License-Identifier: BSD-3-Clause

package measure

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"
)

// Plan says how much is measured. More rounds make the median surer; longer
// slices narrow the spread. A turn should be long enough for many garbage
// collections, or contenders that leave much behind look cheaper than they are.
type Plan struct {
	Rounds int
	Slice  time.Duration // how long each contender runs in a round
	Turns  int           // into how many turns that is divided, if the task is short enough
}

// Costs are the quantities of one contender.
type Costs [quantities]float64

// Result is what came of a task.
type Result struct {
	Task   *Task
	Names  []string  // the contenders, in their own order; the last is the twin
	rounds [][]Costs // per operation, by round and contender
}

// TwinName is the name under which a contender takes part for the second time.
const TwinName = "A/A"

// Run measures a task.
func Run(task *Task, plan Plan) (result *Result, err error) {
	stage, err := NewStage()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stage.Close()) }()
	contenders, err := task.Prepare(stage)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(contenders, func(c Contender) bool { return c.Name == task.twin() })
	if i < 0 {
		return nil, fmt.Errorf("no contender %q to take part twice", task.twin())
	}
	contenders = append(contenders, Contender{Name: TwinName, Run: contenders[i].Run})

	result = &Result{Task: task}
	turns := either(task.Turns, plan.Turns)
	times := make([]int, len(contenders))
	for i, c := range contenders {
		result.Names = append(result.Names, c.Name)
		if times[i], err = timesIn(either(task.Slice, plan.Slice), c); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		turns = max(1, min(turns, times[i]))
	}
	for range either(task.Rounds, plan.Rounds) {
		costs, err := round(contenders, times, turns)
		if err != nil {
			return nil, err
		}
		result.rounds = append(result.rounds, costs)
	}
	return result, nil
}

// round measures all contenders, each that often. They take turns, so that what
// else happens on the machine meets all of them alike, and of each the median
// turn counts, so that a hiccup counts for nobody.
func round(contenders []Contender, times []int, turns int) ([]Costs, error) {
	all := make([][]Costs, len(contenders)) // by contender and turn
	for range turns {
		for _, i := range rand.Perm(len(contenders)) { //nolint:gosec // an order, not a secret
			n := times[i] / turns
			spent, err := cost(contenders[i], n)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", contenders[i].Name, err)
			}
			for q := range spent {
				spent[q] /= float64(n)
			}
			all[i] = append(all[i], spent)
		}
	}
	costs := make([]Costs, len(contenders))
	for i := range costs {
		for q := range costs[i] {
			costs[i][q] = spread(column(all[i], q)).Median
		}
	}
	return costs, nil
}

// column returns one quantity of many.
func column(all []Costs, q int) []float64 {
	values := make([]float64, len(all))
	for i, c := range all {
		values[i] = c[q]
	}
	return values
}

// either returns a unless it is zero.
func either[T comparable](a, b T) T {
	var zero T
	if a == zero {
		return b
	}
	return a
}

// timesIn returns how often a contender must run to fill the slice. It warms the
// contender up by that. The best of three counts: a hiccup of the machine would
// else give a contender so few runs that the clocks themselves weigh.
func timesIn(slice time.Duration, c Contender) (int, error) {
	for n := 1; ; n *= 2 {
		best := math.Inf(1)
		for range 3 {
			spent, err := cost(c, n)
			if err != nil {
				return 0, err
			}
			// On a busy machine time passes in which nothing is done, but what
			// waits for something else must not wait too often either.
			best = min(best, max(spent[CPU], spent[Children], spent[Wall]/4))
			if best < float64(slice)/2 {
				break
			}
		}
		if best >= float64(slice)/2 || n >= 1<<30 {
			return max(1, int(float64(n)*float64(slice)/max(best, 1))), nil
		}
	}
}

// cost runs a contender n times and returns what that has cost together.
func cost(c Contender, n int) (Costs, error) {
	runtime.GC() // What others have left is not this one's.
	m, err := start()
	if err != nil {
		return Costs{}, err
	}
	if err := c.Run(n); err != nil {
		return Costs{}, err
	}
	return m.costs()
}
