// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

func TestAuthoritiesAreReadUpToASize(t *testing.T) {
	t.Parallel()
	p, stderr := inProcess(false)
	dir := t.TempDir()
	file := filepath.Join(dir, "large.pem")
	require.NoError(t, os.WriteFile(file, credtest.NewCA("Test CA").CertPEM(), 0o600))

	require.NoError(t, os.Truncate(file, 16<<20))
	pool, err := p.roots(&common{caFile: file})
	require.NoError(t, err, "as large as may be")
	assert.NotNil(t, pool)

	require.NoError(t, os.Truncate(file, 16<<20+1))
	_, err = p.roots(&common{caFile: file})
	require.EqualError(t, err, "--cacert "+file+": is larger than 16.0 MiB")

	_, err = p.roots(&common{caPath: dir})
	require.ErrorContains(t, err, "there is no certificate in it", "in a folder it takes no other with it")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "0a1b2c3d.0"), credtest.NewCA("Another CA").CertPEM(), 0o600))
	_, err = p.roots(&common{caPath: dir, verbose: true})
	require.NoError(t, err)
	assert.Contains(t, stderr.String(), "* 1 authorities from ")
	assert.Contains(t, stderr.String(), "* left out: "+file+": is larger than 16.0 MiB\n")
}

func TestFolderIsListedUpToANumber(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	list, err := listRoots(dir, 3)
	require.NoError(t, err)
	assert.Empty(t, list)
	for _, name := range []string{"c", "a", "b"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	list, err = listRoots(dir, 3)
	require.NoError(t, err, "as many as may be")
	require.Len(t, list, 3)
	assert.Equal(t, "a", list[0].Name(), "the order does not change from run to run")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d"), nil, 0o600))
	_, err = listRoots(dir, 3)
	require.EqualError(t, err, "there are more than 3 files in it")
}
