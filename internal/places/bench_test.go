// SPDX-License-Identifier: BSD-3-Clause

//go:build unix

package places_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/osfile"
	"github.com/scicred/scicred/internal/places"
)

// cost is what a piece of work takes.
type cost struct{ cpu, wall time.Duration }

// add does the work and adds what it took, of all threads.
func (c *cost) add(work func()) {
	cpu, wall := processTime(), time.Now()
	work()
	c.wall += time.Since(wall)
	c.cpu += processTime() - cpu
}

func processTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// job is a job of HTCondor with that many tokens of a kilobyte, on the file
// system of this machine.
func job(tb testing.TB, count int) (w places.World, files []string) {
	tb.Helper()
	dir := tb.TempDir()
	for i := range count {
		name := filepath.Join(dir, fmt.Sprintf("%05d.use", i))
		require.NoError(tb, os.WriteFile(name, []byte(strings.Repeat("x", 1000)+"\n"), 0o600))
		files = append(files, name)
	}
	w = places.World{Temp: tb.TempDir(), EUID: os.Geteuid(), Home: func() (string, error) { return dir, nil }}
	w.FS = osfile.FS{Open: osfile.Open, Stat: os.Stat, Lstat: os.Lstat, ReadDir: os.ReadDir, Identify: osfile.Identify, EUID: os.Geteuid()}
	env := map[string]string{"_CONDOR_CREDS": dir}
	w.LookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	w.Now = func() time.Time { return time.Now().Add(5 * time.Second) } // the files are no longer new
	return w, files
}

func keepText(raw, _, _ string) (*string, error) { return &raw, nil }

// BenchmarkTokenFiles looks at folders of tokens, what is in them aside, beside
// the least that can be done: to list the folder and read all the files. The
// metrics are ratios to that, measured in turns: first is the first look, again
// one at which nothing has changed and the last token is in use, sweep one at all
// files.
func BenchmarkTokenFiles(b *testing.B) {
	for _, count := range []int{1, 100, 1000, 10_000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			w, files := job(b, count)
			dir := filepath.Dir(files[0])
			list := places.Tokens(w, keepText)
			alive := func(*string) bool { return true }
			build := func(old *inventory.Inventory[string]) *inventory.Inventory[string] {
				return inventory.Build(w.World, old, list, alive)
			}
			var floor, first, again, sweep cost
			times := 1 + 2000/count // what is short is done many times for one reading of the clock
			b.ReportAllocs()
			for b.Loop() {
				floor.add(func() {
					for range times {
						entries, _ := os.ReadDir(dir)
						for _, e := range entries {
							_, _ = os.ReadFile(filepath.Join(dir, e.Name()))
						}
					}
				})
				var inv *inventory.Inventory[string]
				first.add(func() {
					for range times {
						inv = build(nil)
					}
				})
				last := &inv.Places[len(inv.Places)-5] // four places come after it
				require.NotNil(b, last.Cred)
				sweep.add(func() {
					for range times {
						inv = build(inv)
					}
				})
				again.add(func() {
					for range times {
						last.Use(time.Time{})
						inv = build(inv)
					}
				})
			}
			for name, c := range map[string]cost{"first": first, "again": again, "sweep": sweep} {
				b.ReportMetric(float64(c.cpu)/float64(floor.cpu), name+"-cpu")
				b.ReportMetric(float64(c.wall)/float64(floor.wall), name+"-wall")
			}
		})
	}
}
