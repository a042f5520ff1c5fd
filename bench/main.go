// SPDX-License-Identifier: BSD-3-Clause

// Command bench measures this library beside the least work that does the task
// and beside other libraries, and says of each goal whether it was reached.
//
//	bench [-run REGEXP] [-rounds N] [-slice DURATION] [-turns N] [-list] [-write FOLDER]
//
// With -write it puts tables and plots into the page benchmarks.md, which must be
// in the folder. Without it, it writes no file but temporary ones.
//
// Figures of different runs are not comparable on a shared machine; the ratios
// within one are. See package measure for how they come about.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/scicred/scicred/bench/internal/measure"
)

// tasks lists what is compared, in the order of the page. A new family is added
// here.
func tasks() []measure.Task {
	return slices.Concat(warmTasks(), growTasks(), optionTasks(), tokenTasks(), x509Tasks(), netrcTasks(),
		endToEndTasks(), mutualTasks(), processTasks())
}

// facts lists what is counted.
func facts() []measure.Fact {
	return slices.Concat(warmFacts(), growFacts(), mutualFacts(), processFacts())
}

func main() {
	if os.Getenv(serverVariable) != "" {
		os.Exit(serve(os.Stdin, os.Stdout))
	}
	if n := os.Getenv(warmVariable); n != "" {
		if err := sendWarm(n); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.run, "run", "", "run only what this regular expression `matches`")
	flag.IntVar(&o.plan.Rounds, "rounds", 9, "measure every contender in this many `rounds`, at least five for a verdict")
	flag.DurationVar(&o.plan.Slice, "slice", 60*time.Millisecond, "and for so `long` in each")
	flag.IntVar(&o.plan.Turns, "turns", 3, "in so many `turns` per round")
	flag.BoolVar(&o.list, "list", false, "list the names")
	flag.StringVar(&o.docs, "write", "", "put tables and plots into the page in this `folder`")
	flag.Parse()
	if err := o.bench(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	run  string
	docs string
	plan measure.Plan
	list bool
}

// bench runs everything, prints each table as soon as it is there and the
// verdicts at the end. That a goal was missed is no error.
func (o *options) bench(w io.Writer) error {
	if o.docs != "" && o.run != "" {
		return errors.New("a page is made of a whole run: leave -run away")
	}
	wanted, err := regexp.Compile(o.run)
	if err != nil {
		return err
	}
	out := printer{w: w}
	var r report
	for _, f := range facts() {
		switch {
		case !wanted.MatchString(f.Name):
		case o.list:
			out.printf("%-16s %s\n", f.Name, f.Title)
		default:
			if err := r.count(&f); err != nil {
				return err
			}
		}
	}
	for _, t := range tasks() {
		switch {
		case !wanted.MatchString(t.Name):
		case o.list:
			out.printf("%-16s %s\n", t.Name, t.Title)
		default:
			result, err := r.measure(&t, o.plan)
			if err != nil {
				return err
			}
			if result != nil {
				out.printf("%s\n%s\n", t.Title, result.Table().Text())
			}
		}
	}
	if o.list || out.err != nil {
		return out.err
	}
	r.load = load()
	measure.Doubt(r.rows, o.plan.Rounds)
	out.printf("%s\n%s\n", measure.Goals(r.rows).Text(), r.machine())
	if o.docs == "" || out.err != nil {
		return out.err
	}
	return r.publish(o.docs)
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(p.w, format, args...); p.err == nil {
		p.err = err
	}
}

// report is what has been measured.
type report struct {
	results []*measure.Result
	rows    []measure.Row
	absent  []absent // what cannot run here
	load    string   // of the machine, at the end
}

// absent is a task that cannot run here, and why.
type absent struct {
	task *measure.Task
	err  error
}

// count adds a fact.
func (r *report) count(f *measure.Fact) error {
	stage, err := measure.NewStage()
	if err != nil {
		return err
	}
	n, err := f.Count(stage)
	if err != nil && !errors.Is(err, measure.ErrUnavailable) {
		return errors.Join(fmt.Errorf("%s: %w", f.Name, err), stage.Close())
	}
	r.rows = append(r.rows, f.Rows(n, err)...)
	return stage.Close()
}

// measure adds a task. The result is nil if it cannot run here.
func (r *report) measure(t *measure.Task, plan measure.Plan) (*measure.Result, error) {
	result, err := measure.Run(t, plan)
	if errors.Is(err, measure.ErrUnavailable) {
		r.absent = append(r.absent, absent{t, err})
		r.rows = append(r.rows, t.Absent(err)...)
		return nil, nil //nolint:nilnil // said above
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	r.results = append(r.results, result)
	r.rows = append(r.rows, result.Rows()...)
	return result, nil
}
