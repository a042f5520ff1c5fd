// SPDX-License-Identifier: BSD-3-Clause

package credtest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

func TestUserIsVerifiedByItsAuthorityAlone(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	user := ca.User("Albert Einstein")

	verify := func(pool *x509.CertPool) error {
		_, err := user.Cert.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return err
	}
	require.NoError(t, verify(ca.Pool()))
	require.Error(t, verify(credtest.NewCA("Test CA").Pool()), "an authority of the same name has another key")
	assert.Equal(t, "/DC=org/DC=scicred-test/CN=Albert Einstein", user.DN())
	assert.Empty(t, user.Chain, "the root does not travel")
	assert.NotEmpty(t, ca.Certificate().SubjectKeyId)
	assert.Equal(t, ca.Certificate().SubjectKeyId, user.Cert.AuthorityKeyId)
}

func TestIntermediateTravelsInTheChain(t *testing.T) {
	t.Parallel()
	root := credtest.NewCA("Root")
	middle := root.Intermediate("Middle")
	low := middle.Intermediate("Low")
	user := low.User("u")

	require.Equal(t, []*x509.Certificate{low.Certificate(), middle.Certificate()}, user.Chain)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(user.ChainPEM()))
	_, err := user.Cert.Verify(x509.VerifyOptions{
		Roots: low.Pool(), Intermediates: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	require.NoError(t, err)
}

func TestHostServesItsNamesAndTakesUsers(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA").Intermediate("Issuing CA")
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		server := &tls.Config{
			Certificates: []tls.Certificate{ca.Host("localhost", "127.0.0.1", "::1").TLS()},
			ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool(), MinVersion: tls.VersionTLS12,
		}
		client := &tls.Config{
			Certificates: []tls.Certificate{ca.User("u").TLS()},
			RootCAs:      ca.Pool(), ServerName: name, MinVersion: tls.VersionTLS12,
		}
		require.NoError(t, handshake(t, server, client), name)
		client.ServerName = "elsewhere.example"
		require.Error(t, handshake(t, server, client), name)
	}
}

// handshake connects the two over loopback and returns the client's error, or
// else the server's.
func handshake(t *testing.T, server, client *tls.Config) error {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	served := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			err = conn.(*tls.Conn).HandshakeContext(context.Background())
			_ = conn.Close()
		}
		served <- err
	}()
	raw, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = raw.Close() }()
	if err := tls.Client(raw, client).HandshakeContext(t.Context()); err != nil {
		return err
	}
	return <-served
}

func TestKeyOptionsDecideTheKeyAndItsPEM(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		opts   []credtest.CertOption
		key    any
		header string
	}{
		{"default", nil, &ecdsa.PrivateKey{}, "-----BEGIN EC PRIVATE KEY-----\n"},
		{"RSA", []credtest.CertOption{credtest.RSAKey()}, &rsa.PrivateKey{}, "-----BEGIN RSA PRIVATE KEY-----\n"},
		{"Ed25519", []credtest.CertOption{credtest.Ed25519Key()}, ed25519.PrivateKey{}, "-----BEGIN PRIVATE KEY-----\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ca := credtest.NewCA("Test CA", tt.opts...)
			for _, id := range []*credtest.Identity{ca.User("u", tt.opts...), ca.User("u", tt.opts...).Proxy(tt.opts...)} {
				assert.IsType(t, tt.key, id.Key)
				assert.Equal(t, tt.header, string(id.KeyPEM()[:len(tt.header)]))
				for _, key := range [][]byte{id.KeyPEM(), id.PKCS8PEM()} {
					_, err := tls.X509KeyPair(id.CertPEM(), key)
					require.NoError(t, err)
				}
			}
		})
	}
}

func TestValidity(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	at := credtest.At(now)
	ca := credtest.NewCA("Test CA", at)
	for _, tt := range []struct {
		name          string
		opts          []credtest.CertOption
		before, after time.Time
	}{
		{"a day by default", []credtest.CertOption{at}, now.Add(-time.Hour), now.Add(24 * time.Hour)},
		{"expired", []credtest.CertOption{at, credtest.Expired()}, now.Add(-2 * time.Hour), now.Add(-time.Hour)},
		{"order does not matter", []credtest.CertOption{credtest.Expired(), at}, now.Add(-2 * time.Hour), now.Add(-time.Hour)},
		{"not yet valid", []credtest.CertOption{at, credtest.NotYetValid()}, now.Add(time.Hour), now.Add(2 * time.Hour)},
		{"expires in", []credtest.CertOption{at, credtest.ExpiresIn(4 * time.Minute)}, now.Add(-time.Hour), now.Add(4 * time.Minute)},
		{"both ends", []credtest.CertOption{at, credtest.WithValidity(now, now.Add(time.Second))}, now, now.Add(time.Second)},
		{
			"the later wins",
			[]credtest.CertOption{at, credtest.WithValidity(now, now), credtest.Expired()},
			now.Add(-2 * time.Hour), now.Add(-time.Hour),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range []*x509.Certificate{ca.User("u", tt.opts...).Cert, ca.HostWith([]string{"h"}, tt.opts...).Cert} {
				assert.Equal(t, tt.before, c.NotBefore)
				assert.Equal(t, tt.after, c.NotAfter)
			}
		})
	}
	assert.WithinDuration(t, time.Now().Add(12*time.Hour), ca.User("u").Proxy().Cert.NotAfter, time.Minute, "a proxy lives for 12 hours of today")
}

func TestHashDirHasTheNamesThatOpenSSLLooksFor(t *testing.T) {
	t.Parallel()
	// What `openssl x509 -subject_hash -subject_hash_old` prints for these names.
	for name, hashes := range map[string][2]string{
		"Scicred Test CA":    {"de3db51b", "388f85f1"},
		"  Odd   CASE Näme ": {"a211d994", "342dab45"},
	} {
		dir := filepath.Join(t.TempDir(), "certificates")
		ca := credtest.NewCA(name)
		require.NoError(t, ca.WriteHashDir(dir))
		require.NoError(t, credtest.NewCA("Second CA").WriteHashDir(dir), "a folder can be shared")

		for _, hash := range hashes {
			content, err := os.ReadFile(filepath.Join(dir, hash+".0"))
			require.NoError(t, err, name)
			assert.Equal(t, ca.CertPEM(), content)
			for _, ext := range []string{".signing_policy", ".namespaces"} {
				content, err = os.ReadFile(filepath.Join(dir, hash+ext))
				require.NoError(t, err, name)
				assert.Contains(t, string(content), "/DC=org/DC=scicred-test/CN="+name)
			}
			assert.FileExists(t, filepath.Join(dir, hash+".r0"))
		}
	}
}

func TestHashDirReportsAFolderThatCannotBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.Error(t, credtest.NewCA("Test CA").WriteHashDir(filepath.Join(file, "below")))
}

func TestHostNeedsAName(t *testing.T) {
	t.Parallel()
	assert.Panics(t, func() { credtest.NewCA("Test CA").Host() })
}
