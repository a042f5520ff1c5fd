// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

const passphrase = "correct horse"

// p12 packs a certificate as browsers do.
func p12(t *testing.T, id *credtest.Identity, password string) []byte {
	t.Helper()
	cert := id.TLS()
	var chain []*x509.Certificate
	for _, der := range cert.Certificate {
		c, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		chain = append(chain, c)
	}
	data, err := pkcs12.Modern.WithIterations(2048).Encode(cert.PrivateKey, chain[0], chain[1:], password)
	require.NoError(t, err)
	return data
}

// locked packs a certificate and its encrypted key in PEM.
func locked(t *testing.T, id *credtest.Identity, password string) []byte {
	t.Helper()
	cert := id.TLS()
	key, ok := cert.PrivateKey.(*ecdsa.PrivateKey)
	require.True(t, ok)
	der, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	block, err := x509.EncryptPEMBlock(nopReader{}, "EC PRIVATE KEY", der, []byte(password), x509.PEMCipherAES256) //nolint:staticcheck // the form is in use
	require.NoError(t, err)
	data := pem.EncodeToMemory(block)
	for _, c := range cert.Certificate {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c})...)
	}
	return data
}

// nopReader gives zeros: the salt of a test's key.
type nopReader struct{}

func (nopReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func saying(text string, asked *atomic.Int32) scicred.Option {
	return scicred.WithPassphrase(func(context.Context, string) ([]byte, error) {
		asked.Add(1)
		return []byte(text), nil
	})
}

func TestPKCS12IsFoundInTheLastPlace(t *testing.T) {
	t.Parallel()
	sys := empty(t, nil)
	home, err := sys.HomeDir()
	require.NoError(t, err)
	dir := filepath.Join(home, ".globus")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	ca := credtest.NewCA("Users")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "usercred.p12"), p12(t, ca.User("last"), ""), 0o600))
	x, err := sys.FindX509(t.Context(), scicred.Target{})
	require.NoError(t, err)
	assert.Contains(t, x.Subject(), "CN=last")
	assert.Equal(t, filepath.Join(dir, "usercred.p12"), x.Path())
	pair := ca.User("pair")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "usercert.pem"), pair.PEM(), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "userkey.pem"), pair.PEM(), 0o600))
	x, err = sys.FindX509(t.Context(), scicred.Target{})
	require.NoError(t, err)
	assert.Contains(t, x.Subject(), "CN=pair")
}

func TestAnEncryptedKeyIsOpenedWithItsPassphrase(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Users")
	for name, data := range map[string][]byte{
		"PKCS#12": p12(t, ca.User("u"), passphrase),
		"PEM":     locked(t, ca.User("u"), passphrase),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "credential")
			require.NoError(t, os.WriteFile(path, data, 0o600))
			sys := empty(t, map[string]string{"X509_USER_PROXY": path})
			u := parse(t, dataURL)
			find := func(opts ...scicred.Option) (*scicred.Credentials, error) {
				tr, err := scicred.NewTransport(nil, append(opts, scicred.WithSystem(sys))...)
				require.NoError(t, err)
				return tr.Credentials(t.Context(), u)
			}

			got, err := find()
			require.NoError(t, err, "what was found only fails itself")
			assert.Nil(t, got.X509)
			require.ErrorIs(t, got.Report.Err(), scicred.ErrEncrypted)

			var asked atomic.Int32
			got, err = find(saying("wrong", &asked))
			require.NoError(t, err)
			assert.Nil(t, got.X509)
			require.ErrorIs(t, got.Report.Err(), scicred.ErrEncrypted)
			assert.NotErrorIs(t, got.Report.Err(), scicred.ErrMalformed)
			assert.Contains(t, got.Report.String(), "passphrase")
			assert.Equal(t, int32(1), asked.Load())

			got, err = find(saying(passphrase, &asked))
			require.NoError(t, err)
			require.NotNil(t, got.X509, got.Report)
			assert.Contains(t, got.X509.Subject(), "CN=u")

			gone := errors.New("the passphrase file is gone")
			got, err = find(scicred.WithPassphrase(func(context.Context, string) ([]byte, error) { return nil, gone }))
			require.NoError(t, err)
			require.ErrorIs(t, got.Report.Err(), gone)
			require.ErrorIs(t, got.Report.Err(), scicred.ErrEncrypted)
			assert.NotErrorIs(t, got.Report.Err(), scicred.ErrMalformed)

			got, err = find(scicred.WithPassphrase(func(context.Context, string) ([]byte, error) { panic("secret-in-a-panic") }))
			require.NoError(t, err)
			assert.Contains(t, got.Report.String(), "the function panicked")
			assert.NotContains(t, got.Report.String(), "secret-in-a-panic")
		})
	}
}

func TestANamedCertificateWithoutItsPassphraseIsAnError(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "credential.p12")
	require.NoError(t, os.WriteFile(path, p12(t, credtest.NewCA("Users").User("u"), passphrase), 0o600))
	_, err := scicred.NewTransport(nil, scicred.WithSystem(empty(t, nil)), scicred.WithX509(path, ""))
	require.ErrorIs(t, err, scicred.ErrEncrypted)
	var asked atomic.Int32
	tr, err := scicred.NewTransport(nil, scicred.WithSystem(empty(t, nil)), scicred.WithX509(path, ""), saying(passphrase, &asked))
	require.NoError(t, err)
	for range 3 {
		got, err := tr.Credentials(t.Context(), parse(t, dataURL))
		require.NoError(t, err)
		require.NotNil(t, got.X509)
	}
	assert.Equal(t, int32(1), asked.Load(), "asked once for each version of the file")
}

func TestThePassphraseOfAnExpiredCertificateIsNotAskedFor(t *testing.T) {
	t.Parallel()
	id := credtest.NewCA("Users").User("u", credtest.ExpiresIn(time.Minute))
	for name, data := range map[string][]byte{"PKCS#12": p12(t, id, passphrase), "PEM": locked(t, id, passphrase)} {
		path := filepath.Join(t.TempDir(), "credential")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		var asked atomic.Int32
		tr, err := scicred.NewTransport(nil, scicred.WithSystem(empty(t, map[string]string{"X509_USER_PROXY": path})), saying(passphrase, &asked))
		require.NoError(t, err)
		got, err := tr.Credentials(t.Context(), parse(t, dataURL))
		require.NoError(t, err)
		require.ErrorIs(t, got.Report.Err(), scicred.ErrExpired, name)
		if name == "PEM" { // the certificates of a PKCS#12 file are encrypted too
			assert.Zero(t, asked.Load())
		}
	}
}

func TestThePassphraseFunctionIsToldWhichFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	id := credtest.NewCA("Users").User("u")
	require.NoError(t, os.WriteFile(cert, id.PEM(), 0o600))
	require.NoError(t, os.WriteFile(key, locked(t, id, passphrase), 0o600))
	var told atomic.Pointer[string]
	_, err := scicred.NewTransport(nil, scicred.WithSystem(empty(t, nil)), scicred.WithX509(cert, key), scicred.WithPassphrase(func(ctx context.Context, path string) ([]byte, error) {
		told.Store(&path)
		_, limited := ctx.Deadline()
		assert.True(t, limited)
		return []byte(passphrase), nil
	}))
	require.NoError(t, err)
	require.NotNil(t, told.Load())
	assert.Equal(t, key, *told.Load())
}
