// SPDX-License-Identifier: BSD-3-Clause

package p12file_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/p12file"
	"github.com/scicred/scicred/internal/pemfile"
)

// bench is a folder in which programs are run.
type bench struct {
	t   *testing.T
	dir string
}

// withTools finds the programs. Without them the test is skipped, but not where
// CI says that everything is there.
func withTools(t *testing.T, programs ...string) bench {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing: scripts/setup-debian.sh installs it", p)
			}
			t.Skipf("%s is missing", p)
		}
	}
	return bench{t, t.TempDir()}
}

func (b bench) write(name string, content []byte) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(filepath.Join(b.dir, name), content, 0o600))
}

func (b bench) read(name string) []byte {
	b.t.Helper()
	content, err := os.ReadFile(filepath.Join(b.dir, name))
	require.NoError(b.t, err)
	return content
}

// run runs a program; it gets nothing to read and may write what it likes.
func (b bench) run(program string, args ...string) {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), program, args...)
	cmd.Dir = b.dir
	out, err := cmd.CombinedOutput()
	require.NoError(b.t, err, "%s %s:\n%s", program, strings.Join(args, " "), out)
}

// export has openssl write a file, and returns it.
func (b bench) export(id *credtest.Identity, passphrase string, options ...string) []byte {
	b.t.Helper()
	b.write("user.pem", id.CertPEM())
	b.write("user.key", id.KeyPEM())
	args := []string{"pkcs12", "-export", "-in", "user.pem", "-inkey", "user.key", "-out", "user.p12", "-passout", "pass:" + passphrase}
	if len(id.Chain) > 0 {
		b.write("chain.pem", id.ChainPEM())
		args = append(args, "-certfile", "chain.pem")
	}
	b.run("openssl", append(args, options...)...)
	return b.read("user.p12")
}

func TestFilesOfOpenSSLOpen(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Root").Intermediate("Middle CA").Intermediate("Issuing CA")
	user := ca.User("User")
	for name, tt := range map[string]struct {
		id         *credtest.Identity
		passphrase string
		options    []string
	}{
		"as it comes":                {user, secret, nil},
		"RSA":                        {ca.User("User", credtest.RSAKey()), secret, nil},
		"Ed25519":                    {ca.User("User", credtest.Ed25519Key()), secret, nil},
		"a proxy":                    {user.Proxy(), secret, nil},
		"-legacy":                    {user, secret, []string{"-legacy"}},
		"-descert":                   {user, secret, []string{"-legacy", "-descert"}},
		"AES-128":                    {user, secret, []string{"-keypbe", "AES-128-CBC", "-certpbe", "AES-128-CBC"}},
		"AES-192, SHA-512 MAC":       {user, secret, []string{"-keypbe", "AES-192-CBC", "-certpbe", "AES-192-CBC", "-macalg", "sha512"}},
		"SHA-1 MAC":                  {user, secret, []string{"-macalg", "sha1"}},
		"SHA-224 MAC":                {user, secret, []string{"-macalg", "sha224"}},
		"SHA-384 MAC":                {user, secret, []string{"-macalg", "sha384"}},
		"-nomac":                     {user, secret, []string{"-nomac"}},
		"-nomac -legacy":             {user, secret, []string{"-nomac", "-legacy"}},
		"-noiter -nomaciter":         {user, secret, []string{"-noiter", "-nomaciter"}},
		"600,000 iterations":         {user, secret, []string{"-iter", "600000"}},
		"names":                      {user, secret, []string{"-name", "Zertifikat für Ä", "-caname", "Zwischenstelle"}},
		"empty passphrase":           {user, "", nil},
		"empty passphrase, -legacy":  {user, "", []string{"-legacy"}},
		"empty passphrase, -nomac":   {user, "", []string{"-nomac"}},
		"UTF-8 passphrase":           {user, "pässwörd ✓ 密", nil},
		"UTF-8 passphrase, -legacy":  {user, "pässwörd ✓ 密", []string{"-legacy"}},
		"certificates in the clear":  {user, secret, []string{"-certpbe", "NONE"}},
		"key in the clear":           {user, secret, []string{"-keypbe", "NONE"}},
		"nothing encrypted":          {user, secret, []string{"-keypbe", "NONE", "-certpbe", "NONE"}},
		"nothing encrypted, no MAC":  {user, secret, []string{"-keypbe", "NONE", "-certpbe", "NONE", "-nomac"}},
		"a long passphrase":          {user, strings.Repeat("0123456789", 20), nil},
		"a long passphrase, -legacy": {user, strings.Repeat("0123456789", 20), []string{"-legacy"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := withTools(t, "openssl").export(tt.id, tt.passphrase, tt.options...)
			ask := answering(tt.passphrase)
			if tt.passphrase == "" {
				ask = never(t)
			}
			assert.True(t, p12file.Looks(data))
			leaf, chain, err := parse(t, data, ask)
			require.NoError(t, err)
			assert.Equal(t, tt.id.Cert.Raw, leaf.Raw)
			require.Len(t, chain, 1+len(tt.id.Chain))
			for i, want := range tt.id.Chain {
				assert.Equal(t, want.Raw, chain[i+1].Raw)
			}
			if encrypted := tt.passphrase != "" && !strings.HasPrefix(name, "nothing"); encrypted {
				_, _, err = parse(t, data, answering("a guess"))
				require.ErrorIs(t, err, p12file.ErrPassphrase)
			}
			certs, err := p12file.Certificates(t.Context(), data, answering(tt.passphrase))
			require.NoError(t, err)
			assert.Len(t, certs, len(chain))
		})
	}
}

func TestFilesOfOpenSSLThatCannotBeUsedSayWhy(t *testing.T) {
	t.Parallel()
	b := withTools(t, "openssl")
	user := credtest.NewCA("Root").User("User")
	data := b.export(user, secret, "-nokeys")
	_, _, err := parse(t, data, never(t))
	require.ErrorIs(t, err, pemfile.ErrNoKey)
	certs, err := p12file.Certificates(t.Context(), data, answering(secret))
	require.NoError(t, err)
	assert.Equal(t, user.Cert.Raw, certs[0].Raw)

	b.write("key.pem", user.KeyPEM())
	b.run("openssl", "pkcs12", "-export", "-nocerts", "-inkey", "key.pem", "-in", "key.pem", "-out", "key.p12", "-passout", "pass:"+secret)
	_, _, err = parse(t, b.read("key.p12"), never(t))
	require.ErrorIs(t, err, pemfile.ErrNoCertificate)
}

// What the error says works: a file in a cipher that is not supported becomes one
// that is.
func TestTheAdviceToReexportWorks(t *testing.T) {
	t.Parallel()
	b := withTools(t, "openssl", "sh")
	user := credtest.NewCA("Root").Intermediate("Issuing CA").User("User")
	b.write("OLD.p12", b.export(user, secret, "-keypbe", "CAMELLIA-256-CBC", "-certpbe", "CAMELLIA-256-CBC"))
	_, _, err := parse(t, b.read("OLD.p12"), never(t))
	var unsupported *p12file.UnsupportedError
	require.ErrorAs(t, err, &unsupported)
	assert.Equal(t, "Camellia", unsupported.What)

	_, command, found := strings.Cut(err.Error(), "re-export it: ")
	require.True(t, found)
	command = strings.ReplaceAll(command, "-in OLD.p12", "-in OLD.p12 -passin pass:'"+secret+"'") // For want of a terminal.
	command = strings.ReplaceAll(command, "-out NEW.p12", "-out NEW.p12 -passout pass:new")
	b.run("sh", "-c", command)
	leaf, chain, err := parse(t, b.read("NEW.p12"), answering("new"))
	require.NoError(t, err)
	assert.Equal(t, user.Cert.Raw, leaf.Raw)
	assert.Len(t, chain, 2)
	assert.NoFileExists(t, filepath.Join(b.dir, "TMP.pem"))
}

// Java's keytool reads what openssl writes, and writes it anew in its own way.
func TestFilesOfJavaOpen(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").Intermediate("Issuing CA").User("User", credtest.RSAKey())
	for name, options := range map[string][]string{
		"as it comes":        nil,
		"as before Java 17":  {"-J-Dkeystore.pkcs12.legacy"},
		"with other numbers": {"-J-Dkeystore.pkcs12.keyPbeIterationCount=5000", "-J-Dkeystore.pkcs12.macAlgorithm=HmacPBESHA512"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := withTools(t, "openssl", "keytool")
			b.export(user, "changeit", "-name", "mine")
			b.run("keytool", append([]string{
				"-importkeystore", "-noprompt", "-srckeystore", "user.p12", "-srcstoretype", "PKCS12", "-srcstorepass", "changeit",
				"-destkeystore", "java.p12", "-deststoretype", "PKCS12", "-deststorepass", "changeit",
			}, options...)...)
			data := b.read("java.p12")
			require.False(t, bytes.Equal(data, b.read("user.p12")))
			leaf, chain, err := parse(t, data, answering("changeit"))
			require.NoError(t, err)
			assert.Equal(t, user.Cert.Raw, leaf.Raw)
			assert.Len(t, chain, 2)
			_, _, err = parse(t, data, answering("a guess"))
			require.ErrorIs(t, err, p12file.ErrPassphrase)
		})
	}
}

// A key that keytool makes is beside a certificate that nobody has signed yet. A
// second one makes the file ambiguous.
func TestAFileOfJavaWithTwoKeysIsRefused(t *testing.T) {
	t.Parallel()
	b := withTools(t, "keytool")
	generate := func(alias string) {
		b.run("keytool", "-genkeypair", "-keyalg", "EC", "-alias", alias, "-dname", "CN="+alias, "-keystore", "java.p12", "-storepass", "changeit")
	}
	generate("first")
	leaf, _, err := parse(t, b.read("java.p12"), answering("changeit"))
	require.NoError(t, err)
	assert.Equal(t, "/CN=first", pemfile.Subject(leaf))
	generate("second")
	_, _, err = parse(t, b.read("java.p12"), never(t))
	require.ErrorIs(t, err, p12file.ErrSeveralKeys)
}
