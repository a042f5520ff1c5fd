// SPDX-License-Identifier: BSD-3-Clause

package credtest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

const proxyCertInfo = "1.3.6.1.5.5.7.1.14"

// signedBy checks what x509.CheckSignatureFrom would refuse, since the issuer of
// a proxy is no authority.
func signedBy(t *testing.T, c, issuer *x509.Certificate) {
	t.Helper()
	require.NoError(t, issuer.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature))
	require.Equal(t, issuer.RawSubject, c.RawIssuer)
}

func TestProxyIsSignedByItsUser(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Test CA").User("Test User")
	proxy := user.Proxy()

	signedBy(t, proxy.Cert, user.Cert)
	assert.Equal(t, user.DN()+"/CN="+proxy.Cert.SerialNumber.String(), proxy.DN())
	assert.Equal(t, []*x509.Certificate{user.Cert}, proxy.Chain)
	assert.False(t, proxy.Cert.IsCA)
	require.Len(t, proxy.Cert.UnhandledCriticalExtensions, 1)
	assert.Equal(t, proxyCertInfo, proxy.Cert.UnhandledCriticalExtensions[0].String())
}

func TestNestedProxyCarriesTheWholeChain(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Root").Intermediate("Issuing CA")
	user := ca.User("Test User")
	first := user.Proxy()
	second := first.Proxy()

	signedBy(t, second.Cert, first.Cert)
	assert.Equal(t, first.DN()+"/CN="+second.Cert.SerialNumber.String(), second.DN())
	assert.Equal(t, []*x509.Certificate{first.Cert, user.Cert, ca.Certificate()}, second.Chain)
	assert.Equal(t, []*x509.Certificate{user.Cert, ca.Certificate()}, first.Chain, "a nested proxy leaves its parent alone")
}

func TestLegacyProxyHasNoExtension(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Test CA").User("Test User")
	full := user.Proxy(credtest.LegacyProxy())
	limited := user.Proxy(credtest.LegacyProxy(), credtest.Limited())

	signedBy(t, full.Cert, user.Cert)
	assert.Equal(t, user.DN()+"/CN=proxy", full.DN())
	assert.Equal(t, user.DN()+"/CN=limited proxy", limited.DN())
	assert.Empty(t, full.Cert.UnhandledCriticalExtensions)
}

func TestProxyCertInfoSaysWhatTheOptionsSay(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Test CA").User("Test User")
	for _, tt := range []struct {
		name string
		opts []credtest.CertOption
		der  string
	}{
		{"inherit all", nil, "\x30\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x15\x01"},
		{"limited", []credtest.CertOption{credtest.Limited()}, "\x30\x0f\x30\x0d\x06\x0b\x2b\x06\x01\x04\x01\x9b\x50\x01\x01\x01\x09"},
		{"no further proxy", []credtest.CertOption{credtest.PathLength(0)}, "\x30\x0f\x02\x01\x00\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x15\x01"},
	} {
		var found string
		for _, ext := range user.Proxy(tt.opts...).Cert.Extensions {
			if ext.Id.String() == proxyCertInfo {
				found = string(ext.Value)
			}
		}
		assert.Equal(t, tt.der, found, tt.name)
	}
}

func TestOpenSSLTakesProxiesAndEncryptedKeys(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl is not installed")
		}
		t.Skip("openssl is not installed")
	}
	dir := t.TempDir()
	ca := credtest.NewCA("Test CA", credtest.RSAKey())
	require.NoError(t, ca.WriteHashDir(filepath.Join(dir, "ca")))
	nested := ca.User("Test User").Proxy(credtest.RSAKey()).Proxy()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	run := func(args ...string) {
		out, err := exec.CommandContext(t.Context(), openssl, args...).CombinedOutput()
		require.NoError(t, err, "openssl %s: %s", strings.Join(args, " "), out)
	}
	file := write("proxy.pem", nested.PEM())
	run("verify", "-allow_proxy_certs", "-CApath", filepath.Join(dir, "ca"), "-untrusted", file, file)
	run("pkey", "-noout", "-passin", "pass:words", "-in", write("pkcs8.pem", nested.EncryptedKeyPEM("words")))
	run("pkey", "-noout", "-passin", "pass:words", "-in", write("legacy.pem", nested.LegacyEncryptedKeyPEM("words")))
}

func TestLayoutsHoldTheSameCredential(t *testing.T) {
	t.Parallel()
	proxy := credtest.NewCA("Test CA").User("Test User").Proxy().Proxy()
	seen := map[string]credtest.Layout{}
	for _, layout := range credtest.AllLayouts() {
		file := layout.Arrange(proxy)
		assert.Empty(t, seen[string(file)], "%q is like %q", layout, seen[string(file)])
		seen[string(file)] = layout

		certs, key := blocks(file)
		assert.NotNil(t, key, layout)
		assert.Contains(t, certs, string(proxy.Cert.Raw), layout)
		for _, c := range proxy.Chain {
			assert.Equal(t, layout != credtest.LayoutLeafOnly, contains(certs, string(c.Raw)), layout)
		}
		// What comes first decides what crypto/tls makes of it.
		_, err := tls.X509KeyPair(file, file)
		if layout == credtest.LayoutReversed || layout == credtest.LayoutUnrelated {
			require.ErrorContains(t, err, "does not match", layout)
		} else {
			require.NoError(t, err, layout)
		}
	}
}

// blocks returns the content of the certificate blocks and the last other block.
func blocks(file []byte) (certs []string, key *pem.Block) {
	for {
		block, rest := pem.Decode(file)
		if block == nil {
			return certs, key
		}
		if block.Type == "CERTIFICATE" {
			certs = append(certs, string(block.Bytes))
		} else {
			key = block
		}
		file = rest
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func TestCertFaultsAreWhatTheySay(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	// Faults of form: what crypto/tls says of the file. Faults of time: which
	// certificate is out of date, by how much.
	form := map[credtest.CertFault]string{
		credtest.CertEmptyFile:         "failed to find any PEM data in certificate",
		credtest.CertNotPEM:            "failed to find any PEM data in certificate",
		credtest.CertCutShort:          "failed to find any PEM data in certificate",
		credtest.CertNoCertificate:     "failed to find certificate PEM data",
		credtest.CertCertificateBroken: "malformed certificate",
		credtest.CertNoKey:             "failed to find PEM block with type ending",
		credtest.CertKeyBroken:         "failed to parse private key",
		credtest.CertKeyMismatch:       "does not match public key",
		credtest.CertKeyEncrypted:      "failed to parse private key",
		credtest.CertKeyEncryptedPKCS8: "failed to parse private key",
	}
	early, late := -time.Hour, time.Hour
	dated := map[credtest.CertFault][2]time.Duration{ // proxy, user
		credtest.CertExpired:          {early, 0},
		credtest.CertNotYetValid:      {late, 0},
		credtest.CertChainExpired:     {0, early},
		credtest.CertChainNotYetValid: {0, late},
	}
	for _, fault := range credtest.AllCertFaults() {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			sentence := fault.Sentence()
			assert.True(t, len(sentence) > 20 && strings.HasSuffix(sentence, "."), sentence)
			file := fault.Bundle(ca)
			pair, err := tls.X509KeyPair(file, file)
			if text, ok := form[fault]; ok {
				require.ErrorContains(t, err, text)
				return
			}
			require.NoError(t, err)
			require.Len(t, pair.Certificate, 2)
			if fault == credtest.CertChainBroken {
				_, err = x509.ParseCertificate(pair.Certificate[1])
				require.Error(t, err)
				return
			}
			shifts, ok := dated[fault]
			require.True(t, ok, "the test knows every fault")
			for i, shift := range shifts {
				c, err := x509.ParseCertificate(pair.Certificate[i])
				require.NoError(t, err)
				now := time.Now()
				switch shift {
				case early:
					assert.WithinDuration(t, now.Add(shift), c.NotAfter, time.Minute)
				case late:
					assert.WithinDuration(t, now.Add(shift), c.NotBefore, time.Minute)
				default:
					assert.True(t, c.NotBefore.Before(now) && c.NotAfter.After(now))
				}
			}
		})
	}
	assert.Len(t, credtest.AllCertFaults(), len(form)+len(dated)+1)
}

func TestFaultOptionsWinOverTheCallers(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	ca := credtest.NewCA("Test CA", credtest.At(now))
	certs, key := blocks(credtest.CertExpired.Bundle(ca, credtest.At(now), credtest.RSAKey()))
	c, err := x509.ParseCertificate([]byte(certs[0]))
	require.NoError(t, err)
	assert.Equal(t, now.Add(-time.Hour), c.NotAfter)
	assert.Equal(t, "RSA PRIVATE KEY", key.Type)
}

func TestUnknownNamesPanic(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	assert.Panics(t, func() { credtest.CertFault("no such").Bundle(ca) })
	assert.Panics(t, func() { credtest.Layout("no such").Arrange(ca.User("u")) })
	assert.Panics(t, func() { credtest.TokenFault("no such").Token(credtest.NewIssuer("https://i.example"), "") })
}
