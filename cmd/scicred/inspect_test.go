// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

func inspectIn(ctx context.Context, args ...string) (stdout, stderr string, code int) {
	p, errOut := inProcess(false)
	var out bytes.Buffer
	p.stdout, p.system = &out, nil
	code = p.run(ctx, append([]string{"inspect"}, args...))
	return out.String(), errOut.String(), code
}

// putFile writes a file that only its owner may read.
func putFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, content, 0o600))
	return file
}

func TestInspectSaysWhetherTheSignatureIsGood(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	ours := credtest.NewIssuer(site.Origin)
	site.Handle("/.well-known/openid-configuration", credtest.Answer(http.StatusOK, string(ours.OpenIDConfiguration())))
	site.Handle("/jwks", credtest.Answer(http.StatusOK, string(ours.JWKS())))
	silent := credtest.NewIssuer(site.OtherHost)
	ca := putFile(t, "ca.pem", site.CA.CertPEM())
	claims := credtest.Claims{"aud": "https://data.example.org"}
	for name, test := range map[string]struct {
		token  string
		allow  string
		code   int
		stdout string
	}{
		"good":                     {ours.SciToken(claims), site.Origin, exitOK, "signature  good: made with a key of " + site.Origin},
		"good, and expired":        {ours.SciToken(claims, credtest.Expired()), site.Origin, exitOK, "signature  good"},
		"forged":                   {ours.SciToken(claims, credtest.Forged()), site.Origin, exitNoCredential, "signature  bad: its signature is wrong"},
		"of another issuer":        {silent.SciToken(claims), site.Origin, exitNoCredential, "signature  not believed: "},
		"of a key nobody has":      {ours.SciToken(claims, credtest.Header(map[string]any{"kid": "other"})), site.Origin, exitNoCredential, "signature  not believed: "},
		"of one who does not tell": {silent.SciToken(claims), site.OtherHost, exitFailure, "signature  not known: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := putFile(t, "token", []byte(test.token))
			stdout, stderr, code := inspectIn(t.Context(), file, "--verify", "--issuer", test.allow, "--cacert", ca)
			assert.Equal(t, test.code, code, stderr)
			assert.Contains(t, stdout, test.stdout)
			assert.NotContains(t, stdout+stderr, test.token)
			assert.NotContains(t, stdout+stderr, strings.Split(test.token, ".")[2])
			stdout, _, _ = inspectIn(t.Context(), file, "--verify", "--issuer", test.allow, "--cacert", ca, "--json")
			assert.Equal(t, test.code == exitOK, strings.Contains(stdout, `"verified": true`))
		})
	}
	for _, arrival := range site.Arrivals() {
		assert.Empty(t, arrival.Secrets(), "nothing is sent along")
	}
}

func TestInspectOpensPKCS12AndKeysWithThePassphrase(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Test CA").User("Ada")
	pass := putFile(t, "pass", []byte("open-sesame\r\n"))
	sealed := putFile(t, "sealed.pem", append(user.CertPEM(), user.EncryptedKeyPEM("open-sesame")...))
	stdout, stderr, code := inspectIn(t.Context(), sealed, "--passphrase-file", pass)
	require.Equal(t, exitOK, code, stderr)
	assert.NotContains(t, stdout, "note")
	require.NoError(t, os.Chmod(pass, 0o644))
	_, stderr, code = inspectIn(t.Context(), sealed, "--passphrase-file", pass)
	assert.Equal(t, exitOK, code)
	assert.Contains(t, stderr, "warning: "+pass+": others may read it")
	for _, name := range []string{"gnutls-no-passphrase.p12", "gnutls-empty-passphrase.p12"} {
		stdout, stderr, code := inspectIn(t.Context(), filepath.Join("../../internal/p12file/testdata", name))
		assert.Equal(t, exitOK, code, stderr)
		assert.Regexp(t, `(?m)^format +PKCS#12$`, stdout)
		assert.Regexp(t, `(?m)^chain +/`, stdout)
	}
	stdout, stderr, code = inspectIn(t.Context(), "../../internal/p12file/testdata/nss.p12")
	assert.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "encrypted: --passphrase-file opens it")
	_, stderr, code = inspectIn(t.Context(), "../../internal/p12file/testdata/nss.p12", "--passphrase-file", pass)
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, stderr, "nss.p12: wrong passphrase")
}

func TestInspectReadsWhatBelongsToOthers(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	w.WriteFile("/tmp/theirs", "an-opaque-token", 0o644, 1001)
	w.WriteFile("/tmp/proxy", string(credtest.NewCA("Test CA").User("Ada").Proxy().PEM()), 0o644, 1001)
	stdout, stderr, code := inWorld(t, w, "inspect", "/tmp/theirs")
	assert.Equal(t, exitOK, code, stderr)
	assert.NotContains(t, stdout, "an-opaque-token")
	_, stderr, code = inWorld(t, w, "proxy-info", "/tmp/proxy")
	assert.Equal(t, exitFailure, code, "nobody would use it")
	assert.Contains(t, stderr, "belongs to another user")
}

func TestInspectReadsNoHugeFile(t *testing.T) {
	t.Parallel()
	huge := []byte(strings.Repeat("open-sesame ", 10<<20/12))
	file := putFile(t, "huge", huge)
	stdout, stderr, code := inspectIn(t.Context(), file)
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, stderr, "is too large")
	assert.NotContains(t, stdout+stderr, "sesame")
	p, errOut := inProcess(false)
	p.stdin = bytes.NewReader(huge)
	assert.Equal(t, exitFailure, p.run(t.Context(), []string{"inspect", "-"}))
	assert.Contains(t, errOut.String(), "-: is too large")
}

// FuzzInspect looks at anything: it never panics, and shows no more than it may.
func FuzzInspect(f *testing.F) {
	user := credtest.NewCA("Test CA").User("Ada")
	token := credtest.NewIssuer("https://issuer.example.org").SciToken(credtest.Claims{"aud": "ANY"})
	f.Add([]byte(token))
	f.Add([]byte(`{"access_token":"` + token + `"}`))
	f.Add(user.Proxy().PEM())
	f.Add(append(user.CertPEM(), user.EncryptedKeyPEM("words")...))
	f.Add(user.Cert.Raw)
	p12, err := os.ReadFile("../../internal/p12file/testdata/gnutls-no-passphrase.p12")
	require.NoError(f, err)
	f.Add(p12)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, stderr := inProcess(false)
		var stdout bytes.Buffer
		p.stdin, p.stdout = bytes.NewReader(data), &stdout
		code := p.run(t.Context(), []string{"inspect", "-"})
		if code != exitOK && code != exitFailure || code == exitFailure && stderr.Len() == 0 {
			t.Fatal(code, stderr)
		}
		if bytes.Contains(stdout.Bytes(), []byte("PRIVATE KEY-----")) || bytes.ContainsFunc(stdout.Bytes(), func(c rune) bool { return c < ' ' && c != '\n' }) {
			t.Fatal("the output has what it must not have")
		}
	})
}
