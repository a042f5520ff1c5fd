// SPDX-License-Identifier: BSD-3-Clause

//go:build unix

package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

// child returns the program as a process with nothing of this machine in it.
func child(t *testing.T, args ...string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	stderr = new(bytes.Buffer)
	cmd = exec.CommandContext(t.Context(), "scicred", args...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "GORACE=atexit_sleep_ms=0"}
	cmd.Stderr = stderr
	return cmd, stderr
}

// signalOf returns the signal that the process died of.
func signalOf(t *testing.T, err error) syscall.Signal {
	t.Helper()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	return exit.Sys().(syscall.WaitStatus).Signal()
}

func TestInterruptLeavesNoHalfFile(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	defer site.Close()
	under := make(chan struct{})
	site.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(content))
		_ = http.NewResponseController(w).Flush()
		close(under)
		<-r.Context().Done()
	})
	dir := t.TempDir()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, site.CA.CertPEM(), 0o600))
	cmd, stderr := child(t, "get", site.Origin+"/slow", "--cacert", ca, "-o", filepath.Join(dir, "file"))
	require.NoError(t, cmd.Start())
	<-under
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, list, 1, "what comes is written to a file of another name")
	require.NoError(t, cmd.Process.Signal(os.Interrupt))

	assert.Equal(t, syscall.SIGINT, signalOf(t, cmd.Wait()), "a shell sees that it was interrupted")
	assert.Equal(t, "scicred: stopped by signal: interrupt\n", stderr.String())
	list, err = os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, list)
}

func TestReaderThatGoesAwayEndsTheProgramQuietly(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	site.Handle("/data", credtest.Answer(http.StatusOK, strings.Repeat("x", 1<<20)))
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, site.CA.CertPEM(), 0o600))
	for name, args := range map[string][]string{
		"get":      {"get", site.Origin + "/data", "--cacert", ca},
		"help":     {"help"},
		"discover": {"discover"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read, write, err := os.Pipe()
			require.NoError(t, err)
			require.NoError(t, read.Close())
			defer write.Close()
			cmd, stderr := child(t, args...)
			cmd.Stdout = write
			assert.Equal(t, syscall.SIGPIPE, signalOf(t, cmd.Run()))
			assert.Empty(t, stderr.String())
		})
	}
}
