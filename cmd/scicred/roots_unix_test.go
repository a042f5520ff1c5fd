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

// Where no server is asked, neither the system's authorities are loaded nor those
// that the environment names.
func TestNoAuthorityIsLoadedWhereNoServerIsAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, systems := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "systems.pem")
	require.NoError(t, os.WriteFile(ca, credtest.NewCA("Test CA").CertPEM(), 0o600))
	require.NoError(t, syscall.Mkfifo(systems, 0o600))
	for _, command := range []string{"discover", "token"} {
		cmd, stderr := child(t, command, "--url=https://data.example.org", "-v")
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+systems, "X509_CERT_FILE="+ca)
		require.NoError(t, cmd.Start())
		end := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() }) // only in a test that fails
		_ = cmd.Wait()
		end.Stop()
		assert.Equal(t, exitNoCredential, cmd.ProcessState.ExitCode(), "%s: %s", command, stderr)
		assert.NotContains(t, stderr.String(), "authorities")
	}
}

// A child process has authorities of its own that are the system's: Go reads
// SSL_CERT_FILE and SSL_CERT_DIR.
func TestWhoIsTrustedByWhom(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	site.Handle("/data", credtest.Answer(200, content))
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	other := credtest.NewCA("Another CA")
	require.NoError(t, os.WriteFile(in("ca.pem"), site.CA.CertPEM(), 0o600))
	require.NoError(t, os.WriteFile(in("other.pem"), other.CertPEM(), 0o600))
	require.NoError(t, site.CA.WriteHashDir(in("certificates")))
	require.NoError(t, other.WriteHashDir(in("others")))
	require.NoError(t, os.Mkdir(in("empty"), 0o700))
	for name, test := range map[string]struct {
		env    []string
		flags  []string
		trusts bool
		says   string
	}{
		"nobody":                         {env: []string{"SSL_CERT_FILE=other.pem"}},
		"SSL_CERT_FILE":                  {env: []string{"SSL_CERT_FILE=ca.pem"}, trusts: true},
		"SSL_CERT_DIR":                   {env: []string{"SSL_CERT_FILE=other.pem", "SSL_CERT_DIR=empty:certificates"}, trusts: true},
		"X509_CERT_DIR":                  {env: []string{"SSL_CERT_FILE=other.pem", "X509_CERT_DIR=certificates"}, trusts: true},
		"X509_CERT_FILE":                 {env: []string{"SSL_CERT_FILE=other.pem", "X509_CERT_FILE=ca.pem"}, trusts: true},
		"the system's, beside others":    {env: []string{"SSL_CERT_FILE=ca.pem", "X509_CERT_DIR=others", "X509_CERT_FILE=other.pem"}, trusts: true},
		"a flag, in place of all others": {env: []string{"SSL_CERT_FILE=ca.pem", "X509_CERT_DIR=certificates", "X509_CERT_FILE=ca.pem"}, flags: []string{"--cacert=other.pem"}},
		"a folder's flag, too":           {env: []string{"SSL_CERT_FILE=ca.pem", "X509_CERT_DIR=certificates", "X509_CERT_FILE=ca.pem"}, flags: []string{"--capath=others"}},
		"an empty folder is a warning": {
			env: []string{"SSL_CERT_FILE=ca.pem", "X509_CERT_DIR=empty"}, trusts: true,
			says: "* left out: X509_CERT_DIR empty: there is no certificate in it",
		},
		"what Go misses without a word": {
			env: []string{"SSL_CERT_FILE=missing.pem", "SSL_CERT_DIR=missing:empty", "X509_CERT_DIR=certificates"}, trusts: true,
			says: "* left out: SSL_CERT_FILE missing.pem: no such file or directory\n* left out: SSL_CERT_DIR missing: no such file or directory\n",
		},
		"a system without": {
			env: []string{"SSL_CERT_FILE=empty", "SSL_CERT_DIR=empty", "X509_CERT_DIR=certificates"}, trusts: true,
			says: "* left out: the authorities of this machine: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, stderr := child(t, append([]string{"get", site.Origin + "/data", "-v"}, test.flags...)...)
			cmd.Dir = dir
			cmd.Env = append(append(cmd.Env, "SSL_CERT_DIR=empty"), test.env...)
			stdout, err := cmd.Output()
			if !test.trusts {
				require.Error(t, err)
				assert.Equal(t, exitFailure, cmd.ProcessState.ExitCode())
				assert.Contains(t, stderr.String(), "unknown authority")
				return
			}
			require.NoError(t, err, stderr)
			assert.Equal(t, content, string(stdout))
			assert.Contains(t, stderr.String(), test.says)
		})
	}
}
