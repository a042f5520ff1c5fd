// SPDX-License-Identifier: BSD-3-Clause

//go:build unix

package pemfile_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/pemfile"
)

// BenchmarkLoad compares os.ReadFile and ParsePair with the floor, os.ReadFile and
// tls.X509KeyPair, which parses no certificate but the first and judges none.
//
// Times on a shared machine say nothing, so both sides run by turns, some
// milliseconds at a time, and only the ratio is reported.
func BenchmarkLoad(b *testing.B) {
	for kind, key := range map[string][]credtest.CertOption{"RSA-2048": {credtest.RSAKey()}, "P-256": nil} {
		user := credtest.NewCA("Test CA", key...).User("Test User", key...)
		for what, id := range map[string]*credtest.Identity{"user": user, "proxy": user.Proxy(key...), "proxy of a proxy": user.Proxy(key...).Proxy(key...)} {
			name := filepath.Join(b.TempDir(), "file")
			require.NoError(b, os.WriteFile(name, id.PEM(), 0o600))
			load := func(parse func(text []byte) error) func() {
				return func() {
					text, err := os.ReadFile(name)
					require.NoError(b, err)
					require.NoError(b, parse(text))
				}
			}
			b.Run(kind+"/"+what, func(b *testing.B) {
				byTurns(b, load(func(text []byte) error {
					_, err := pemfile.ParsePair(text, nil, time.Now(), margin)
					return err
				}), load(func(text []byte) error {
					_, err := tls.X509KeyPair(text, text)
					return err
				}))
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
	times := 1 + int(2*time.Millisecond/(1+cpu(floor, 10)/10))
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
