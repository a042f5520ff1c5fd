// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

// rootsFor runs in a process whose environment for credentials is the given one.
func rootsFor(env map[string]string) (p *program, stderr *bytes.Buffer) {
	p, stderr = inProcess(false)
	p.system = &scicred.System{LookupEnv: func(key string) (string, bool) { v, ok := env[key]; return v, ok }}
	return p, stderr
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(t, os.WriteFile(name, content, 0o600))
	return name
}

func TestAuthoritiesAreReadUpToASize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "large.pem"), credtest.NewCA("Test CA").CertPEM())

	require.NoError(t, os.Truncate(file, 16<<20))
	p, _ := inProcess(false)
	pool, err := p.roots(&common{caFile: file})
	require.NoError(t, err, "as large as may be")
	assert.NotNil(t, pool)

	require.NoError(t, os.Truncate(file, 16<<20+1))
	p, _ = inProcess(false)
	_, err = p.roots(&common{caFile: file})
	require.ErrorContains(t, err, "--cacert "+file+": is too large")

	_, err = p.roots(&common{caPath: dir})
	require.ErrorContains(t, err, "there is no certificate in it", "in a folder it takes no other with it")

	write(t, filepath.Join(dir, "0a1b2c3d.0"), credtest.NewCA("Another CA").CertPEM())
	p, stderr := inProcess(false)
	_, err = p.roots(&common{caPath: dir, verbose: true})
	require.NoError(t, err)
	assert.Contains(t, stderr.String(), "* 1 authorities from ")
	assert.Contains(t, stderr.String(), "* left out: "+file+": is too large")
}

func TestAFlagThatNamesNoAuthoritySaysWhatToDo(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA").CertPEM()
	for name, test := range map[string]struct {
		files        map[string]string
		file, folder string
		err, hint    string
	}{
		"a missing folder":                {folder: "missing", err: "no such file", hint: "/etc/grid-security/certificates"},
		"a missing file":                  {file: "missing", err: "no such file", hint: "without --cacert those of this machine are trusted"},
		"an empty folder":                 {folder: ".", err: "no certificate", hint: "openssl rehash"},
		"a folder without the names":      {files: map[string]string{"ca.crt": string(ca)}, folder: ".", err: "no certificate", hint: "openssl rehash"},
		"a file for a folder":             {files: map[string]string{"ca.pem": string(ca)}, folder: "ca.pem", err: "not a directory", hint: "--cacert"},
		"a folder for a file":             {file: ".", err: "not a regular file", hint: "--capath"},
		"no certificate":                  {files: map[string]string{"f": "text"}, file: "f", err: "no certificate", hint: "-inform DER"},
		"half a certificate":              {files: map[string]string{"f": string(ca[:len(ca)/2])}, file: "f", err: "cut short", hint: "get that file again"},
		"trust settings":                  {files: map[string]string{"f": string(bytes.ReplaceAll(ca, []byte("CERT"), []byte("TRUSTED CERT")))}, file: "f", err: "trust settings", hint: "openssl x509 -in"},
		"an empty folder and a good file": {files: map[string]string{"f": string(ca), "d/README": ""}, file: "f", folder: "d", err: "there is no certificate", hint: "openssl rehash"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			in := func(name string) string {
				if name == "" {
					return ""
				}
				return filepath.Join(dir, name)
			}
			for name, content := range test.files {
				write(t, in(name), []byte(content))
			}
			p, stderr := inProcess(false)
			_, err := p.roots(&common{caFile: in(test.file), caPath: in(test.folder)})
			require.ErrorContains(t, err, test.err)
			flag, path := "--cacert ", in(test.file)
			if test.folder != "" {
				flag, path = "--capath ", in(test.folder)
			}
			require.ErrorContains(t, err, flag+path+": ")
			assert.Equal(t, exitFailure, p.explain(err))
			assert.Contains(t, stderr.String(), "\nhint: ")
			assert.Contains(t, stderr.String(), test.hint)
		})
	}
}

func TestAFlagThatMayNotBeReadSaysSo(t *testing.T) {
	t.Parallel()
	s := rootSource{name: "--capath", folder: true}
	assert.Contains(t, s.advice(&os.PathError{Err: os.ErrPermission})[0], "you may not read it")
}

func TestWhatIsNamedByTheCommandLineAndTheEnvironment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authorities := map[string]*credtest.CA{}
	for _, name := range []string{"cacert", "capath", "dir", "file"} {
		authorities[name] = credtest.NewCA("The " + name + " CA")
	}
	caFile := write(t, filepath.Join(dir, "cacert.pem"), authorities["cacert"].CertPEM())
	file := write(t, filepath.Join(dir, "file.pem"), authorities["file"].CertPEM())
	require.NoError(t, authorities["capath"].WriteHashDir(filepath.Join(dir, "capath")))
	require.NoError(t, authorities["dir"].WriteHashDir(filepath.Join(dir, "dir")))
	env := map[string]string{"X509_CERT_DIR": filepath.Join(dir, "dir"), "X509_CERT_FILE": file}
	for name, test := range map[string]struct {
		flags common
		env   map[string]string
		want  []string // nil: whatever Go takes
	}{
		"nothing":                         {},
		"empty variables are as if unset": {env: map[string]string{"X509_CERT_DIR": "", "X509_CERT_FILE": ""}},
		"the environment":                 {env: env, want: []string{"dir", "file"}},
		"a folder of the environment":     {env: map[string]string{"X509_CERT_DIR": env["X509_CERT_DIR"]}, want: []string{"dir"}},
		"a file of the environment":       {env: map[string]string{"X509_CERT_FILE": file}, want: []string{"file"}},
		"--cacert alone":                  {flags: common{caFile: caFile}, env: env, want: []string{"cacert"}},
		"--capath alone":                  {flags: common{caPath: filepath.Join(dir, "capath")}, env: env, want: []string{"capath"}},
		"both flags":                      {flags: common{caFile: caFile, caPath: filepath.Join(dir, "capath")}, env: env, want: []string{"cacert", "capath"}},
		"no server is asked":              {flags: common{offline: true}, env: env},
		"a flag counts offline too":       {flags: common{offline: true, caFile: caFile}, want: []string{"cacert"}},
		"a folder that is not there takes nothing with it": {env: map[string]string{"X509_CERT_DIR": "missing", "X509_CERT_FILE": file}, want: []string{"file"}},
		"a variable that names nothing is as if unset":     {env: map[string]string{"X509_CERT_DIR": "missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, stderr := rootsFor(test.env)
			pool, err := p.roots(&test.flags)
			require.NoError(t, err)
			assert.Empty(t, stderr.String(), "without -v")
			if test.want == nil {
				assert.Nil(t, pool, "Go loads the system's when it needs them")
				return
			}
			for name, ca := range authorities {
				assert.Equal(t, slices.Contains(test.want, name), trusts(pool, ca), name)
			}
			of := x509.NewCertPool()
			for _, name := range test.want {
				of.AddCert(authorities[name].Certificate())
			}
			assert.Equal(t, test.flags.caFile+test.flags.caPath != "", pool.Equal(of), "the system's are added unless a flag names one")
		})
	}
}

func trusts(pool *x509.CertPool, ca *credtest.CA) bool {
	with := pool.Clone()
	with.AddCert(ca.Certificate())
	return with.Equal(pool)
}

func TestWhatIsWrongInTheEnvironmentIsSaidWithV(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca := credtest.NewCA("Test CA").CertPEM()
	folder := filepath.Join(dir, "certificates")
	write(t, filepath.Join(folder, "0a1b2c3d.0"), ca)
	bad := write(t, filepath.Join(folder, "bad.pem"), ca[:len(ca)/2])
	p, stderr := rootsFor(map[string]string{"X509_CERT_DIR": folder, "X509_CERT_FILE": filepath.Join(dir, "missing.pem")})
	_, err := p.roots(&common{verbose: true})
	require.NoError(t, err)
	assert.Contains(t, stderr.String(), "* 1 authorities from "+folder+" (X509_CERT_DIR)\n")
	assert.Contains(t, stderr.String(), "* left out: "+bad+": a certificate is garbled or cut short: 1 of 1\n")
	assert.Contains(t, stderr.String(), "* left out: X509_CERT_FILE "+filepath.Join(dir, "missing.pem")+": ")
}

func TestAuthoritiesAreReadOnceForACommand(t *testing.T) {
	t.Parallel()
	file := write(t, filepath.Join(t.TempDir(), "ca.pem"), credtest.NewCA("Test CA").CertPEM())
	for name, c := range map[string]common{"flag": {caFile: file, verbose: true}, "environment": {verbose: true}} {
		p, stderr := rootsFor(map[string]string{"X509_CERT_FILE": file})
		offline := c
		offline.offline = true
		_, err := p.roots(&offline) // What is not read then, is read when a server is asked.
		require.NoError(t, err, name)
		first, err := p.roots(&c)
		require.NoError(t, err, name)
		second, err := p.roots(&c)
		require.NoError(t, err, name)
		assert.NotNil(t, first, name)
		assert.Same(t, first, second, name)
		assert.Equal(t, 1, bytes.Count(stderr.Bytes(), []byte("* 1 authorities")), name)
	}
}

func TestWhatGoTakesForTheSystemsIsNotReadTwice(t *testing.T) {
	t.Parallel()
	p, _ := rootsFor(map[string]string{
		"SSL_CERT_FILE": "f", "SSL_CERT_DIR": "a" + string(os.PathListSeparator) + string(os.PathListSeparator) + "b",
		"X509_CERT_DIR": "d", "X509_CERT_FILE": "e",
	})
	first := []rootSource{{"X509_CERT_DIR", "d", true}, {"X509_CERT_FILE", "e", false}}
	second := []rootSource{{"SSL_CERT_FILE", "f", false}, {"SSL_CERT_DIR", "a", true}, {"SSL_CERT_DIR", "b", true}}
	for _, goos := range []string{"linux", "freebsd", "openbsd", "netbsd", "solaris"} {
		ours, systems := p.rootVariables(goos)
		assert.Equal(t, first, ours, goos)
		assert.Equal(t, second, systems, goos)
	}
	for _, goos := range []string{"darwin", "windows"} {
		ours, systems := p.rootVariables(goos)
		assert.Equal(t, slices.Concat(first, second), ours, goos)
		assert.Empty(t, systems, goos)
	}
}

func TestManyAuthoritiesCountOnce(t *testing.T) {
	t.Parallel()
	dir := gridFolder(t, 150)
	p, stderr := inProcess(false)
	_, err := p.roots(&common{caPath: dir, verbose: true})
	require.NoError(t, err)
	assert.Contains(t, stderr.String(), "* 150 authorities from ")
	assert.NotContains(t, stderr.String(), "left out")
}

// gridFolder has each authority under two hashes, with its policies.
func gridFolder(tb testing.TB, authorities int) string {
	tb.Helper()
	dir := tb.TempDir()
	for i := range authorities {
		require.NoError(tb, credtest.NewCA(fmt.Sprintf("Authority %d", i)).WriteHashDir(dir))
	}
	return dir
}

// BenchmarkCapath compares 150 authorities with one.
func BenchmarkCapath(b *testing.B) {
	for _, n := range []int{1, 150} {
		dir := gridFolder(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, _ := inProcess(false)
				_, err := p.roots(&common{caPath: dir})
				require.NoError(b, err)
			}
		})
	}
}
