// SPDX-License-Identifier: BSD-3-Clause

//go:build unix && !darwin && !ios

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

// To load all authorities of the system takes longer than the whole request. Here
// they are in a named pipe, where whoever reads them waits for ever. (On Apple's
// systems Go leaves them to the system.)
func TestTheAuthoritiesOfTheSystemAreNotLoadedForOthers(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	defer site.Close()
	site.Handle("/data", credtest.Answer(200, content))
	dir := t.TempDir()
	ca, systems := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "systems.pem")
	require.NoError(t, os.WriteFile(ca, site.CA.CertPEM(), 0o600))
	require.NoError(t, site.CA.WriteHashDir(filepath.Join(dir, "certificates")))
	require.NoError(t, syscall.Mkfifo(systems, 0o600))

	for _, flag := range []string{"--cacert=" + ca, "--capath=" + filepath.Join(dir, "certificates")} {
		cmd, stderr := child(t, "get", site.Origin+"/data", flag)
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+systems)
		var stdout bytes.Buffer
		cmd.Stdout = &stdout
		require.NoError(t, cmd.Start())
		end := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() }) // only in a test that fails
		require.NoError(t, cmd.Wait(), "%s: %s", flag, stderr)
		end.Stop()
		assert.Equal(t, content, stdout.String())
	}
}
