// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/scicred/scicred/credtest"
)

// material is the credentials of the test bed. Globus' tools and the SciTokens
// library read RSA keys alone or best, hence RSA throughout.
type material struct {
	ca      *credtest.CA
	caFile  string // its certificate
	certDir string // X509_CERT_DIR
	tokens  *credtest.Issuer

	host      serverFiles
	strange   serverFiles // for localhost, but of an authority that nobody trusts
	user      *credtest.Identity
	userCert  string
	userKey   string
	userProxy string // made by grid-proxy-init

	newestToken string // the only one that nginx lets in at /newest-token
}

// serverFiles are a certificate with its key.
type serverFiles struct{ cert, key string }

// The one login that nginx knows.
const (
	loginUser     = "ada"
	loginPassword = "countess-of-lovelace"
)

func mintMaterial(dir, issuerURL string) (m material, err error) {
	m.ca = credtest.NewCA("Integration CA", credtest.RSAKey())
	m.tokens = credtest.NewIssuer(issuerURL)
	m.newestToken = m.tokens.SciToken(nil)
	if m.caFile, err = write(0o644, m.ca.CertPEM(), dir, "ca.pem"); err != nil {
		return m, err
	}
	m.certDir = filepath.Join(dir, "certificates")
	if err = m.ca.WriteHashDir(m.certDir); err != nil {
		return m, err
	}
	if m.host, err = writeHost(m.ca, dir, "host"); err != nil {
		return m, err
	}
	if m.strange, err = writeHost(credtest.NewCA("Strange CA"), dir, "strange"); err != nil {
		return m, err
	}
	m.user = m.ca.User("Ada Lovelace", credtest.RSAKey())
	if m.userCert, err = write(0o644, m.user.CertPEM(), dir, "user", "usercert.pem"); err != nil {
		return m, err
	}
	if m.userKey, err = write(0o400, m.user.KeyPEM(), dir, "user", "userkey.pem"); err != nil {
		return m, err
	}
	m.userProxy = filepath.Join(dir, "user", "proxy.pem")
	return m, gridProxyInit(m)
}

func writeHost(ca *credtest.CA, dir, name string) (f serverFiles, err error) {
	id := ca.HostWith([]string{"localhost", "127.0.0.1", "127.0.0.2"}, credtest.RSAKey())
	if f.cert, err = write(0o644, append(id.CertPEM(), id.ChainPEM()...), dir, name+".pem"); err != nil {
		return f, err
	}
	f.key, err = write(0o600, id.KeyPEM(), dir, name+".key")
	return f, err
}

// gridProxyInit makes the proxy with the tool that users make theirs with.
func gridProxyInit(m material) error {
	out, err := exec.Command("grid-proxy-init", "-q", "-verify", "-valid", "12:00", "-bits", "2048",
		"-cert", m.userCert, "-key", m.userKey, "-certdir", m.certDir, "-out", m.userProxy).CombinedOutput()
	if err != nil {
		return fmt.Errorf("grid-proxy-init: %w: %s", err, out)
	}
	return nil
}
