// SPDX-License-Identifier: BSD-3-Clause

//go:build unix

package netrcfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/netrcfile"
)

// onePass is the floor: the least that finds a login, which is to look at each
// byte, to find where words begin and end, and to know the words that matter. It
// knows no quotes, comments and macros, refuses nothing and checks nothing.
func onePass(file []byte, host string) (login, password string, found bool) {
	var keyword byte
	here := false
	for i := 0; i < len(file); {
		if file[i] <= ' ' {
			i++
			continue
		}
		from := i
		for i < len(file) && file[i] > ' ' {
			i++
		}
		word := file[from:i]
		switch {
		case keyword == 'm':
			if found {
				return login, password, true
			}
			here = string(word) == host
			found, keyword = here, 0
		case keyword == 'l':
			if here {
				login = string(word)
			}
			keyword = 0
		case keyword == 'p':
			if here {
				password = string(word)
			}
			keyword = 0
		case string(word) == "machine", string(word) == "login", string(word) == "password":
			keyword = word[0]
		}
	}
	return login, password, found
}

// lookUp is what onePass is the floor of.
func lookUp(file []byte, host string) (login, password string, found bool) {
	f, err := netrcfile.Parse(file)
	if err != nil {
		return "", "", false
	}
	e, found, err := f.Lookup(netrcfile.Query{Host: host, Port: "443"})
	return e.Login, e.Password.Reveal(), found && err == nil
}

// BenchmarkLookUp compares parsing and one lookup, the cross-check by go-netrc
// included, with the floor: once with the file read on both sides, as it is in
// life, once without. go-netrc alone takes some microseconds for a single entry,
// since it compiles a regular expression at each call: that is most of what is
// above the floor for a file of ten machines.
//
// Times on a shared machine say nothing, so both sides run by turns, a
// millisecond and more at a time, and only the ratio is reported.
func BenchmarkLookUp(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		file, host := machines(n)
		name := filepath.Join(b.TempDir(), "netrc")
		require.NoError(b, os.WriteFile(name, file, 0o600))
		read := func() []byte {
			text, err := os.ReadFile(name)
			require.NoError(b, err)
			return text
		}
		for what, text := range map[string]func() []byte{"read": read, "in memory": func() []byte { return file }} {
			b.Run(fmt.Sprintf("%d/%s", n, what), func(b *testing.B) {
				byTurns(b,
					func() { _, _, found := lookUp(text(), host); require.True(b, found) },
					func() { _, _, found := onePass(text(), host); require.True(b, found) })
			})
		}
	}
}

// byTurns reports how many times the floor's processor time ours takes, the
// garbage collector's among it: the median of many rounds, and the quartiles.
func byTurns(b *testing.B, ours, floor func()) {
	b.Helper()
	cpu := func(f func(), times int) time.Duration {
		start := used(b)
		for range times {
			f()
		}
		return used(b) - start
	}
	times := 20 + int(time.Millisecond/(1+cpu(floor, 10)/10)) // Enough to share the work of the garbage collector fairly.
	var ratios []float64
	for b.Loop() {
		ratios = append(ratios, float64(cpu(ours, times))/float64(cpu(floor, times)))
	}
	slices.Sort(ratios)
	for i, name := range []string{"floors-q1", "floors", "floors-q3"} {
		b.ReportMetric(ratios[len(ratios)*(i+1)/4], name)
	}
	b.ReportMetric(0, "ns/op") // Of a round: it would say nothing.
}

// used is the processor time that this process has used.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
