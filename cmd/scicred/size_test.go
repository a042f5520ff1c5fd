// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Who looks for a reason to copy this program to ten thousand machines should
// not find one against it in its size. A dependency that doubles it fails here.
func TestTheStrippedProgramStaysSmall(t *testing.T) {
	t.Parallel()
	const budget = 10_000_000 // bytes
	binary := filepath.Join(t.TempDir(), "scicred")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	info, err := os.Stat(binary)
	require.NoError(t, err)
	t.Logf("%d bytes", info.Size())
	assert.LessOrEqual(t, info.Size(), int64(budget))
}
