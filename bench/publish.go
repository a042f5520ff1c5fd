// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/scicred/scicred/bench/internal/measure"
	"github.com/scicred/scicred/bench/internal/page"
	"github.com/scicred/scicred/bench/internal/plot"
)

// pageName is the page that the tables are put into; its prose is written there,
// by hand.
const pageName = "benchmarks.md"

// publish puts the tables and the plots into the folder of the documentation.
func (r *report) publish(docs string) error {
	name := filepath.Join(docs, pageName)
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	filled, err := page.Fill(string(text), r.parts())
	if err != nil {
		return err
	}
	images := map[string]string{}
	for file, chart := range r.charts() {
		if images[file], err = chart.SVG(); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	// Only now is anything written: all is of one run or nothing is.
	folder := filepath.Join(docs, "benchmarks")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	for file, svg := range images {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(svg), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(name, []byte(filled), 0o644)
}

// parts are the generated parts of the page: the machine, the goals, and the
// tables of each family of tasks.
func (r *report) parts() map[string]string {
	parts := map[string]string{"machine": r.machine(), "goals": measure.Goals(r.rows).Markdown()}
	for _, result := range r.results {
		add(parts, result.Task, result.Table().Markdown())
	}
	for _, a := range r.absent {
		add(parts, a.task, "Not run: "+a.err.Error()+".\n")
	}
	return parts
}

func add(parts map[string]string, task *measure.Task, text string) {
	family, _, _ := strings.Cut(task.Name, "/")
	title := strings.ToUpper(task.Title[:1]) + task.Title[1:]
	parts[family] += fmt.Sprintf("%s:\n\n%s\n", title, text)
}

// machine describes where and with what it was measured.
func (r *report) machine() string {
	var b strings.Builder
	fmt.Fprintf(&b, "- %s: %s on %s/%s, %d processors (%s)\n", time.Now().UTC().Format(time.DateOnly),
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), processor())
	fmt.Fprintf(&b, "- %s\n", r.load)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			switch dep.Path {
			case "golang.org/x/oauth2", "k8s.io/client-go", "github.com/Azure/azure-sdk-for-go/sdk/azcore", "github.com/golang-jwt/jwt/v5", "github.com/jdx/go-netrc":
				fmt.Fprintf(&b, "- %s %s\n", dep.Path, dep.Version)
			}
		}
	}
	return b.String()
}

// processor returns the name that the processor gives itself.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "of an unknown make"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "of an unknown make"
}

// load says how busy the machine was in the last minutes, since a busy machine
// widens every spread.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "load unknown"
	}
	fields := strings.Fields(string(text))
	if len(fields) < 3 {
		return "load unknown"
	}
	return fmt.Sprintf("load of the machine over 1, 5 and 15 minutes when the run ended: %s (this program itself makes about 1)", strings.Join(fields[:3], ", "))
}

// charts are the plots, by file name.
func (r *report) charts() map[string]*plot.Chart {
	return map[string]*plot.Chart{
		"headers.svg": {
			Title: "What attaching a token adds to a warm request", XLabel: "headers of the request", YLabel: "added processor time",
			Unit: nanoseconds, Series: r.series("warm/", measure.CPU, limit, ours, oauth2, kube),
		},
		"goroutines.svg": {
			Title: "The same, many goroutines at once", XLabel: "goroutines", YLabel: "added time per request",
			Unit: nanoseconds, LogX: true, Series: r.series("parallel/", measure.Wall, limit, ours, oauth2, kube),
		},
		"files.svg": {
			Title: "Finding the one token that fits", XLabel: "token files", YLabel: "processor time",
			Unit: nanoseconds, LogX: true, LogY: true, Series: r.series("discovery/", measure.CPU, readAll, find, again),
		},
	}
}

// series returns the lines of contenders over the tasks of a family, whose names
// end in a number.
func (r *report) series(family string, q measure.Quantity, contenders ...string) []plot.Series {
	var all []plot.Series
	for _, name := range contenders {
		line := plot.Series{Name: name}
		for _, result := range r.results {
			number, ok := strings.CutPrefix(result.Task.Name, family)
			x, err := strconv.ParseFloat(number, 64)
			if !ok || err != nil {
				continue
			}
			y := result.Added(name, q)
			line.Points = append(line.Points, plot.Point{X: x, Y: y.Median, Low: y.Min, High: y.Max})
		}
		all = append(all, line)
	}
	return all
}

// nanoseconds writes a time that is round in one of the usual units.
func nanoseconds(ns float64) string {
	if ns == 0 {
		return "0"
	}
	text := time.Duration(ns).String()
	unit := strings.TrimLeft(text, "0123456789.")
	return strings.TrimSuffix(text, unit) + " " + unit
}
