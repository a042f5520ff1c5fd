// SPDX-License-Identifier: BSD-3-Clause

package pemfile_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/pemfile"
)

// FuzzParsePair checks that whatever is accepted can be used: the key is the
// leaf's, each certificate names the one before it, and all are within their
// dates.
func FuzzParsePair(f *testing.F) {
	ca := credtest.NewCA("Root").Intermediate("Issuing CA")
	user := ca.User("Test User")
	for _, layout := range credtest.AllLayouts() {
		f.Add(layout.Arrange(user.Proxy().Proxy()), []byte(nil))
		f.Add(layout.Arrange(user), []byte(nil))
	}
	for _, fault := range credtest.AllCertFaults() {
		f.Add(fault.Bundle(ca), []byte(nil))
	}
	f.Add(user.CertPEM(), user.KeyPEM())
	f.Add(user.CertPEM(), user.PKCS8PEM())
	f.Add(user.Proxy(credtest.RSAKey(), credtest.LegacyProxy()).PEM(), []byte(nil))
	f.Add(user.Proxy(credtest.Ed25519Key()).PEM(), []byte(nil))
	now := time.Now()

	f.Fuzz(func(t *testing.T, certPEM, keyPEM []byte) {
		if len(keyPEM) == 0 {
			keyPEM = nil
		}
		c, err := pemfile.ParsePair(certPEM, keyPEM, now, margin)
		if (err == nil) == (c == nil) {
			t.Fatal("either a credential or an error")
		}
		if err != nil {
			_ = err.Error()
			return
		}
		leaf := c.Certificate.Leaf
		public, ok := leaf.PublicKey.(interface {
			Equal(other crypto.PublicKey) bool
		})
		if !ok || !public.Equal(c.Certificate.PrivateKey.(crypto.Signer).Public()) {
			t.Error("the key is not the leaf's")
		}
		request := &tls.CertificateRequestInfo{Version: tls.VersionTLS13, SignatureSchemes: []tls.SignatureScheme{
			tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.ECDSAWithP521AndSHA512, tls.PSSWithSHA256, tls.Ed25519,
		}}
		if err := request.SupportsCertificate(&c.Certificate); err != nil && leaf.PublicKeyAlgorithm != x509.ECDSA { // P-224 is no TLS curve.
			t.Error("crypto/tls cannot use it:", err)
		}
		if len(c.Chain) != len(c.Certificate.Certificate) || c.Chain[0] != leaf {
			t.Error("the two forms of the chain differ")
		}
		for i, cert := range c.Chain {
			if i > 0 && string(c.Chain[i-1].RawIssuer) != string(cert.RawSubject) {
				t.Error("the chain is not in order")
			}
		}
		if now.Before(c.NotBefore) || now.Add(margin).After(c.Expiry) {
			t.Error("out of its dates")
		}
		_ = pemfile.Subject(leaf)
	})
}

// FuzzPassphrase reads files whose key may be encrypted.
func FuzzPassphrase(f *testing.F) {
	user := credtest.NewCA("Test CA").User("Test User")
	for _, key := range [][]byte{user.EncryptedKeyPEM("words"), user.LegacyEncryptedKeyPEM("words"), fixture(f, "ec.java.pem"), fixture(f, "unsupported.scrypt.pem")} {
		f.Add(append(user.CertPEM(), key...))
	}
	now := time.Now()
	f.Fuzz(func(t *testing.T, file []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // Some keys may take longer.
		defer cancel()
		a := &asked{passphrase: "words"}
		c, err := pemfile.ParsePairWithPassphrase(ctx, file, nil, now, margin, a.ask)
		if (err == nil) == (c == nil) {
			t.Fatal("either a credential or an error")
		}
		if a.times > 1 || len(a.given) > 0 && a.given[0] != 0 {
			t.Fatal("asked twice, or not cleared")
		}
	})
}
