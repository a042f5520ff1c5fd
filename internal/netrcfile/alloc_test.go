// SPDX-License-Identifier: BSD-3-Clause

package netrcfile_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/jdx/go-netrc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/netrcfile"
)

// machines is a file of n machines, and the host of the last.
func machines(n int) (file []byte, last string) {
	var b bytes.Buffer
	for i := range n {
		last = fmt.Sprintf("host-%d.example.org", i)
		fmt.Fprintf(&b, "machine %s\n\tlogin user-%d\n\tpassword secret-%d\n", last, i, i)
	}
	return b.Bytes(), last
}

// What is kept of a file is where its entries begin, whatever their number. No
// t.Parallel: allocations of other tests would count.
func TestParsingAllocatesNoMoreForMoreMachines(t *testing.T) {
	for _, n := range []int{1, 10, 1000, 10_000} {
		file, _ := machines(n)
		assert.LessOrEqual(t, testing.AllocsPerRun(20, func() {
			_, err := netrcfile.Parse(file)
			require.NoError(t, err)
		}), 4.0, n)
	}
}

// A lookup is one entry's worth of go-netrc, and little of our own.
func TestALookupAllocatesHardlyMoreThanGoNetrcForOneEntry(t *testing.T) {
	library := testing.AllocsPerRun(20, func() {
		n, err := netrc.ParseString("machine v0 login v1 password v2\n")
		require.NoError(t, err)
		require.Len(t, n.Machines(), 1)
	})
	for _, n := range []int{10, 10_000} {
		file, host := machines(n)
		f, err := netrcfile.Parse(file)
		require.NoError(t, err)
		assert.LessOrEqual(t, testing.AllocsPerRun(20, func() {
			_, found, err := f.Lookup(netrcfile.Query{Host: host, Port: "443"})
			require.NoError(t, err)
			require.True(t, found)
		}), library+20, n)
	}
}
