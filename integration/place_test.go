// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
)

// place is a machine on which credentials lie about: environment, home and
// temporary folder of one test's own.
type place struct {
	bed *bed
	dir string
	env map[string]string
	now atomic.Int64 // how far its clock is ahead of the real one
}

// newPlace is in the test bed's folder: other users may enter that, unlike a
// test's own temporary one.
func newPlace(t *testing.T, b *bed) *place {
	t.Helper()
	dir, err := os.MkdirTemp(b.dir, "place") //nolint:usetesting // See above.
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	p := &place{bed: b, dir: dir, env: make(map[string]string)}
	require.NoError(t, os.Mkdir(p.home(), 0o755))
	return p
}

func (p *place) home() string { return filepath.Join(p.dir, "home") }

// put writes a file with a secret into the home folder and returns its path. An
// older one is replaced in one step, as careful tools do.
func (p *place) put(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(p.home(), name)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file+".new", []byte(content), 0o600))
	require.NoError(t, os.Rename(file+".new", file))
	return file
}

// withToken lays a token where BEARER_TOKEN_FILE says.
func (p *place) withToken(t *testing.T, token string) *place {
	t.Helper()
	p.env["BEARER_TOKEN_FILE"] = p.put(t, "token", token+"\n")
	return p
}

// withProxy lays a proxy where X509_USER_PROXY says.
func (p *place) withProxy(t *testing.T, proxyPEM []byte) *place {
	t.Helper()
	p.env["X509_USER_PROXY"] = p.put(t, "proxy.pem", string(proxyPEM))
	return p
}

// withCertificate lays a certificate and its key where X509_USER_CERT and
// X509_USER_KEY say.
func (p *place) withCertificate(t *testing.T, certPEM, keyPEM []byte) *place {
	t.Helper()
	p.env["X509_USER_CERT"] = p.put(t, "usercert.pem", string(certPEM))
	p.env["X509_USER_KEY"] = p.put(t, "userkey.pem", string(keyPEM))
	return p
}

// withLogin lays the login for a machine into ~/.netrc.
func (p *place) withLogin(t *testing.T, machine, password string) *place {
	t.Helper()
	p.put(t, ".netrc", "machine "+machine+" login "+loginUser+" password "+password+"\n")
	return p
}

// later makes the place's clock go ahead, so that what must be looked at again
// after a while is.
func (p *place) later(d time.Duration) { p.now.Add(int64(d)) }

// client returns a client that finds its credentials in this place.
func (p *place) client(t *testing.T, opts ...scicred.Option) *http.Client {
	t.Helper()
	return &http.Client{Transport: p.transport(t, opts...), Timeout: 30 * time.Second}
}

func (p *place) transport(t *testing.T, opts ...scicred.Option) *scicred.Transport {
	t.Helper()
	system := &scicred.System{
		LookupEnv: func(key string) (string, bool) { v, ok := p.env[key]; return v, ok },
		HomeDir:   func() (string, error) { return p.home(), nil },
		TempDir:   func() string { return filepath.Join(p.dir, "tmp") },
		Now:       func() time.Time { return time.Now().Add(time.Duration(p.now.Load())) },
	}
	base := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.bed.ca.Pool()}}
	transport, err := scicred.NewTransport(base, append([]scicred.Option{scicred.WithSystem(system)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// readFile returns a file's content.
func readFile(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return content
}

// hostPort returns the host and port of one of the test bed's URLs.
func hostPort(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	return rest
}
