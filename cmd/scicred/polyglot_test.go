// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

// echoes starts a server that answers with the protocol, who asks, and the body.
// It breaks off each handshake in which it is not offered what it insists on.
func echoes(t *testing.T, insistsOn string) (server *httptest.Server, handshakes *atomic.Int64, ca string) {
	t.Helper()
	authority := credtest.NewCA("Test CA")
	handshakes = new(atomic.Int64)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Proto+" "+r.Header.Get("Authorization")+" "+string(body))
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{authority.Host("127.0.0.1").TLS()}}
	server.TLS.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		handshakes.Add(1)
		config := server.TLS.Clone()
		if insistsOn != "" && !slices.Contains(hello.SupportedProtos, insistsOn) {
			config.NextProtos = []string{"nothing that anybody speaks"}
		}
		return config, nil
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, authority.CertPEM(), 0o600))
	return server, handshakes, ca
}

func TestHTTP2IsForServersThatSpeakNothingElse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		insistsOn, proto string
		handshakes       int64
	}{
		"both":          {"", "HTTP/1.1", 1},
		"HTTP/1.1":      {"http/1.1", "HTTP/1.1", 1},
		"HTTP/2":        {"h2", "HTTP/2.0", 2},
		"none of these": {"spdy/3", "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, handshakes, ca := echoes(t, test.insistsOn)
			p, stderr := inProcess(false)
			var stdout bytes.Buffer
			p.stdin, p.stdout = strings.NewReader("an-opaque-token"), &stdout
			body := filepath.Join(t.TempDir(), "body") // Once it was closed, it cannot be read again.
			require.NoError(t, os.WriteFile(body, []byte("the body"), 0o600))
			code := p.run(t.Context(), []string{"get", server.URL, "--cacert", ca, "--token-file", "-", "-d", "@" + body})
			assert.Equal(t, test.handshakes, handshakes.Load())
			if test.proto == "" {
				assert.Equal(t, exitFailure, code)
				assert.Contains(t, stderr.String(), "no application protocol")
				return
			}
			require.Equal(t, exitOK, code, stderr)
			assert.Equal(t, test.proto+" Bearer an-opaque-token the body", stdout.String())
		})
	}
}
