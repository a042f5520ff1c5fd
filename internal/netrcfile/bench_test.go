// SPDX-License-Identifier: BSD-3-Clause

package netrcfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/netrcfile"
)

// tenThousand is a file of 10,000 machines.
func tenThousand() []byte {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "machine host%05d.example login user%05d password pass%05d\n", i, i, i)
	}
	return []byte(b.String())
}

// BenchmarkFloor is one pass over the bytes, the floor of the next one.
func BenchmarkFloor(b *testing.B) {
	data := tenThousand()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		words, before := 0, byte(' ')
		for _, c := range data {
			if c > ' ' && before <= ' ' {
				words++
			}
			before = c
		}
		require.Equal(b, 60_000, words)
	}
}

// BenchmarkParseAndLookup reads 10,000 machines and looks one up.
func BenchmarkParseAndLookup(b *testing.B) {
	data := tenThousand()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := netrcfile.Parse(data)
		require.NoError(b, err)
		_, found, err := f.Lookup(netrcfile.Query{Host: "host09999.example", Port: "443"})
		require.NoError(b, err)
		require.True(b, found)
	}
}

// BenchmarkLookup looks up the last of 10,000 machines.
func BenchmarkLookup(b *testing.B) {
	f, err := netrcfile.Parse(tenThousand())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, found, err := f.Lookup(netrcfile.Query{Host: "host09999.example", Port: "443"})
		require.NoError(b, err)
		require.True(b, found)
	}
}
