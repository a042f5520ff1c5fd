// SPDX-License-Identifier: BSD-3-Clause

package netrcfile_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/netrcfile"
)

// word is a word of a generated file, and what separates it from the one before.
type word struct{ before, text string }

// generate writes a file of a few hosts, in one of the layouts people use. The
// password of a host is "pw-of-" and its name, and nobody else's.
func generate(r *rand.Rand) (entries [][]word, names []string) {
	names = []string{"a.example", "b.example", "c.example", "d.example"}[:2+r.IntN(3)]
	gap := []string{" ", "\n", "\n\t"}[r.IntN(3)]
	start := "\n"
	if r.IntN(4) == 0 {
		start = " "
	}
	for _, name := range names {
		fields := [][]word{
			{{gap, "login"}, {" ", "user-of-" + name}},
			{{gap, "password"}, {" ", "pw-of-" + name}},
		}
		if r.IntN(4) == 0 {
			slices.Reverse(fields)
		}
		if r.IntN(6) == 0 {
			fields = slices.Insert(fields, r.IntN(2), []word{{gap, "account"}, {" ", "some"}})
		}
		entry := append([]word{{start, "machine"}, {" ", name}}, slices.Concat(fields...)...)
		if r.IntN(8) == 0 {
			// Every value on a line of its own.
			for i := range entry {
				entry[i].before = "\n"
			}
		}
		if r.IntN(8) == 0 {
			entry = append(entry, word{"\n", "macdef"}, word{" ", "init"}, word{"\n", "put x\n\n"})
		}
		entries = append(entries, entry)
	}
	if r.IntN(3) == 0 {
		entries = append(entries, []word{{"\n", "default"}, {gap, "login"}, {" ", "anonymous"}, {gap, "password"}, {" ", "pw-of-default"}})
	}
	return entries, names
}

// mutate drops, doubles, replaces or inserts one word of an entry.
func mutate(r *rand.Rand, entry []word) []word {
	keyword := []string{"machine", "default", "login", "user", "password", "account", "macdef"}[r.IntN(7)]
	i := r.IntN(len(entry))
	switch r.IntN(4) {
	case 0:
		return slices.Delete(entry, i, i+1)
	case 1:
		return slices.Insert(entry, i, entry[i])
	case 2:
		entry[i].text = keyword
		return entry
	default:
		return slices.Insert(entry, i, word{entry[i].before, keyword})
	}
}

func write(entries [][]word) string {
	var b strings.Builder
	for _, w := range slices.Concat(entries...) {
		b.WriteString(w.before + w.text)
	}
	return b.String()
}

// owner is the host whose password it was before the mutation.
func owner(password string) string { return strings.TrimPrefix(password, "pw-of-") }

// A damaged file may say something else than it did. Then it does so plainly, on
// a line that begins with machine or default: no reader could know better. A
// password never goes to another host for a value or a keyword gone astray.
func TestADamagedFileGivesAPasswordAwayOnlyWhereALineSaysSo(t *testing.T) {
	t.Parallel()
	for name, everyEntry := range map[string]bool{"one word": false, "one word of every entry": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const rounds = 20_000
			r := rand.New(rand.NewPCG(1, 2)) // Fixed: a failure has to come back.
			accepted, right, wrong := 0, 0, 0
			for range rounds {
				entries, names := generate(r)
				if everyEntry {
					for i := range entries {
						entries[i] = mutate(r, entries[i])
					}
				} else {
					i := r.IntN(len(entries))
					entries[i] = mutate(r, entries[i])
				}
				text := write(entries)
				f, err := netrcfile.Parse([]byte(text))
				if err != nil {
					continue
				}
				accepted++
				lines := strings.Split(text, "\n")
				for _, host := range append(names, "x.example") {
					e, found, err := f.Lookup(netrcfile.Query{Host: host, AllowDefault: true})
					require.NotErrorIs(t, err, netrcfile.ErrCrossCheck, text)
					if !found {
						continue
					}
					password := e.Password.Reveal()
					if !strings.HasPrefix(password, "pw-of-") || owner(password) == host || owner(password) == "default" && e.Default {
						right++
						continue
					}
					wrong++
					statement := strings.Fields(lines[e.Line-1])
					if e.Default {
						require.Equal(t, "default", statement[0], text)
						continue
					}
					require.Equal(t, "machine", statement[0], text)
					require.Equal(t, host, strings.Fields(strings.Join(lines[e.Line-1:], "\n"))[1], text)
				}
			}
			t.Logf("%d of %d files accepted, %d passwords as before, %d not", accepted, rounds, right, wrong)
			// Else the test would prove nothing, or the parser would guess.
			assert.Greater(t, accepted, rounds/50)
			assert.Greater(t, right, accepted/2)
			assert.Less(t, wrong, rounds/100)
		})
	}
}

// What was not damaged gives each host its own.
func TestAGeneratedFileGivesEachHostItsOwn(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		entries, names := generate(r)
		text := write(entries)
		f, err := netrcfile.Parse([]byte(text))
		require.NoError(t, err, text)
		for _, host := range names {
			e, found, err := f.Lookup(netrcfile.Query{Host: host})
			require.NoError(t, err, text)
			require.True(t, found, text)
			require.Equal(t, "user-of-"+host, e.Login, text)
			require.Equal(t, "pw-of-"+host, e.Password.Reveal(), text)
		}
		e, found, _ := f.Lookup(netrcfile.Query{Host: "x.example", AllowDefault: true})
		require.Equal(t, f.HasDefault(), found, text)
		if found {
			require.Equal(t, "pw-of-default", e.Password.Reveal(), text)
		}
	}
}
