// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

// inProcess returns the program with nothing of this machine in it.
func inProcess(terminal bool) (p *program, stderr *bytes.Buffer) {
	stderr = new(bytes.Buffer)
	return &program{
		stdin: new(bytes.Buffer), stdout: io.Discard, stderr: stderr, terminal: terminal, system: credtest.NewWorld().System(),
	}, stderr
}

func TestProgressIsForAFileAndATerminalAlone(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	require.NoError(t, os.WriteFile(ca, site.CA.CertPEM(), 0o600))
	site.Handle("/data", credtest.Answer(200, content))
	for name, test := range map[string]struct {
		terminal, toFile, shown bool
	}{
		"a file, on a terminal":       {true, true, true},
		"a file, without a terminal":  {false, true, false},
		"standard output, a terminal": {true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, stderr := inProcess(test.terminal)
			args := []string{"get", site.Origin + "/data", "--cacert", ca}
			if test.toFile {
				args = append(args, "-o", filepath.Join(t.TempDir(), "file"))
			}
			require.Equal(t, exitOK, p.run(t.Context(), args), stderr)
			assert.Equal(t, test.shown, stderr.Len() > 0, stderr)
		})
	}
}

func TestServerThatWantsACertificate(t *testing.T) {
	t.Parallel()
	authority := credtest.NewCA("Test CA")
	server := httptest.NewUnstartedServer(credtest.Answer(200, content))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{authority.Host("127.0.0.1").TLS()}, ClientAuth: tls.RequireAnyClientCert}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.StartTLS()
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, authority.CertPEM(), 0o600))

	p, stderr := inProcess(false)
	assert.Equal(t, exitFailure, p.run(t.Context(), []string{"get", server.URL, "--cacert", ca}))
	assert.Contains(t, stderr.String(), "certificate required")
	assert.Contains(t, stderr.String(), "hint: the server broke off the TLS handshake")
}

func TestContentRange(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]struct {
		first, total int64
		ok           bool
	}{
		"bytes 7-99/100": {7, 100, true},
		"bytes 7-99/*":   {7, -1, true},
		"bytes */100":    {0, 100, true},
		"bytes 7--1/18":  {7, 18, true}, // XRootD 5.5
		"bytes 22--1/18": {},
		"bytes 9-7/100":  {},
		"bytes -1-7/100": {},
		"bytes 0-100/7":  {},
		"items 0-1/2":    {},
		"bytes":          {},
		"":               {},
	} {
		first, total, ok := contentRange(header)
		assert.Equal(t, want.ok, ok, header)
		if ok {
			assert.Equal(t, want.first, first, header)
			assert.Equal(t, want.total, total, header)
		}
	}
}

func TestIsStrong(t *testing.T) {
	t.Parallel()
	for etag, want := range map[string]bool{
		`"v1"`: true, `""`: true, `W/"v1"`: false, `v1`: false, `"v1`: false, `"`: false, "\"v\r\n1\"": false, `"a"b"`: false, "": false,
	} {
		assert.Equal(t, want, isStrong(etag), etag)
	}
}
