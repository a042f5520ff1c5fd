// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

// The exit codes of the program.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	exitNothing = 3
	exitStatus  = 22
)

// nobody is the user who runs the program: not root, so that modes and owners
// of files count, and with no credentials under /tmp.
const nobody = 65534

// program is the built program; see [place.run].
var program struct {
	once sync.Once
	err  error
}

// run runs the program in this place and nothing else: no variable of this
// process reaches it. It checks that no output has the secrets that lie there.
func (p *place) run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	binary := filepath.Join(p.bed.dir, "scicred")
	program.once.Do(func() {
		out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../cmd/scicred").CombinedOutput()
		if err != nil {
			program.err = errors.New(string(out))
		}
	})
	require.NoError(t, program.err, "build the program")
	require.NoError(t, filepath.WalkDir(p.dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, nobody, nobody))
	}))

	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir = p.home()
	cmd.Env = []string{"HOME=" + p.home()}
	for key, value := range p.env {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	cmd.Stdout, cmd.Stderr = &out, &errOut
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	p.checkSecrets(t, args[0], out.String(), errOut.String())
	t.Logf("scicred %s: exit code %d\n%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), errOut.String())
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// checkSecrets checks that a secret is on standard output only where that is
// the command's purpose, and never on standard error.
func (p *place) checkSecrets(t *testing.T, command, stdout, stderr string) {
	t.Helper()
	secrets := []string{loginPassword}
	if file := p.env["BEARER_TOKEN_FILE"]; file != "" {
		secrets = append(secrets, strings.TrimSpace(string(readFile(t, file))))
	}
	for _, secret := range secrets {
		assert.NotContains(t, stderr, secret)
		if command != "token" {
			assert.NotContains(t, stdout, secret)
		}
	}
}

func TestProgramGetsFromXRootD(t *testing.T) {
	t.Parallel()
	b := servers(t)
	for name, test := range map[string]struct {
		prepare func(*place)
		url     string
		trust   []string
	}{
		"with a token": {
			func(p *place) { p.withToken(t, b.tokens.SciToken(credtest.Claims{"aud": b.tokenStore})) },
			b.tokenStore,
			[]string{"--cacert", b.caFile},
		},
		"with a proxy of grid-proxy-init": {
			func(p *place) { p.withProxy(t, readFile(t, b.userProxy)) },
			b.certStore,
			[]string{"--cacert", b.caFile},
		},
		"trusting a grid machine's folder": {
			func(p *place) { p.withProxy(t, readFile(t, b.userProxy)) },
			b.certStore,
			[]string{"--capath", b.certDir},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, b)
			test.prepare(p)
			stdout, _, code := p.run(t, append([]string{"get", test.url + dataFile}, test.trust...)...)
			assert.Equal(t, exitOK, code)
			assert.Equal(t, storeFiles[dataFile], stdout)
		})
	}
}

func TestProgramExplainsWhatItDoesNotSend(t *testing.T) {
	t.Parallel()
	b := servers(t)
	for name, test := range map[string]struct {
		token string
		word  string
	}{
		"another audience": {b.tokens.SciToken(credtest.Claims{"aud": "https://elsewhere.invalid"}), "https://elsewhere.invalid"},
		"expired":          {b.tokens.SciToken(credtest.Claims{"aud": b.tokenStore}, credtest.Expired()), "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, b).withToken(t, test.token)

			url, mark := marked(b.tokenStore + dataFile)
			stdout, stderr, code := p.run(t, "get", "--cacert", b.caFile, url)
			assert.Equal(t, exitStatus, code)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, "403")
			assert.Contains(t, stderr, "BEARER_TOKEN_FILE")
			assert.Contains(t, stderr, test.word)
			assert.Equal(t, []string{"token-store"}, authorizations(b.storeSaw(t, "token-store", mark)), "no token arrived")

			url, mark = marked(b.tokenStore + dataFile)
			stdout, stderr, code = p.run(t, "get", "--cacert", b.caFile, "--fail-if-noauth", url)
			assert.Equal(t, exitNothing, code)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, test.word)
			assert.Empty(t, b.storeSaw(t, "token-store", mark), "no request arrived")

			stdout, stderr, code = p.run(t, "token", "--url", b.tokenStore)
			assert.Equal(t, exitNothing, code)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, test.word)
		})
	}
}

func TestProgramGetsFromNginx(t *testing.T) {
	t.Parallel()
	b := servers(t)
	for name, test := range map[string]struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"with a login":              {[]string{b.web + "/login/hello.txt"}, exitOK, nginxFile, ""},
		"without the login":         {[]string{b.web + "/login/hello.txt", "--no-netrc"}, exitStatus, "", "401"},
		"what is not there":         {[]string{b.web + "/status/404"}, exitStatus, "", "404"},
		"from a broken server":      {[]string{b.web + "/status/500"}, exitStatus, "", "500"},
		"from a strange one":        {[]string{b.untrusted + "/whoami"}, exitFailure, "", "certificate"},
		"without saying from where": {nil, exitUsage, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, b).withLogin(t, "localhost", loginPassword)
			stdout, stderr, code := p.run(t, append([]string{"get", "--cacert", b.caFile}, test.args...)...)
			assert.Equal(t, test.code, code)
			assert.Equal(t, test.stdout, stdout)
			assert.Contains(t, stderr, test.stderr)
		})
	}
	t.Run("into a file", func(t *testing.T) {
		t.Parallel()
		p := newPlace(t, b).withLogin(t, "localhost", loginPassword)
		file := filepath.Join(p.home(), "fetched")
		stdout, _, code := p.run(t, "get", "--cacert", b.caFile, b.web+"/login/hello.txt", "-o", file)
		assert.Equal(t, exitOK, code)
		assert.Empty(t, stdout)
		assert.Equal(t, nginxFile, string(readFile(t, file)))
	})
}

// XRootD 5.5 answers "Range: bytes=7-" with 206, no byte and "Content-Range:
// bytes 7--1/16": it wants to be told where the range ends.
func TestProgramResumes(t *testing.T) {
	t.Parallel()
	b := servers(t)
	for name, url := range map[string]string{"XRootD": b.tokenStore + dataFile, "nginx": b.web + "/login/hello.txt"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, b)
			want := storeFiles[dataFile]
			if name == "nginx" {
				want = nginxFile
				p.withLogin(t, "localhost", loginPassword)
			} else {
				p.withToken(t, b.tokens.SciToken(nil))
			}
			file := p.put(t, "fetched", want[:7])
			_, _, code := p.run(t, "get", "--cacert", b.caFile, "-C", "-", "-o", file, url)
			assert.Equal(t, exitOK, code)
			assert.Equal(t, want, string(readFile(t, file)))
		})
	}
}

func TestProgramTakesNothingToAnotherOrigin(t *testing.T) {
	t.Parallel()
	b := servers(t)
	token := b.tokens.SciToken(nil)
	for _, where := range []string{"other-port", "other-host", "http", "back"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, b).withToken(t, token).withCertificate(t, b.user.CertPEM(), b.user.KeyPEM())
			url, mark := marked(b.web + "/redirect/302/" + where)
			stdout, stderr, code := p.run(t, "get", "-v", "--cacert", b.caFile, url)
			require.Equal(t, exitOK, code)
			assert.NotEmpty(t, stderr)
			var told seen
			require.NoError(t, json.Unmarshal([]byte(stdout), &told))
			assert.Empty(t, told.Authorization)
			assert.Empty(t, told.Subject)
			logged := b.nginxSaw(t, mark)
			assert.Equal(t, "bearer "+tail(token), logged[0].Authorization+" "+logged[0].Tail)
			for _, e := range logged[1:] {
				assert.Empty(t, e.Authorization)
				assert.NotEqual(t, "SUCCESS", e.Certificate)
			}
		})
	}
	t.Run("but to a trusted host", func(t *testing.T) {
		t.Parallel()
		p := newPlace(t, b).withToken(t, token)
		url, mark := marked(b.web + "/redirect/302/other-host")
		_, _, code := p.run(t, "get", "--cacert", b.caFile, "--trust-host", hostPort(b.otherHost), url)
		require.Equal(t, exitOK, code)
		assert.Contains(t, authorizations(b.nginxSaw(t, mark)), serverOf(b.otherHost)+" bearer "+tail(token))
	})
}

func TestProgramPrintsTheTokenThatARequestWouldCarry(t *testing.T) {
	t.Parallel()
	b := servers(t)
	token := b.tokens.SciToken(credtest.Claims{"aud": b.tokenStore})
	p := newPlace(t, b).withToken(t, token)
	stdout, stderr, code := p.run(t, "token", "--url", b.tokenStore+dataFile)
	assert.Equal(t, exitOK, code)
	assert.Empty(t, stderr)
	assert.Equal(t, token+"\n", stdout)

	// Other programs can use it.
	status, body := get(t, b.client(t, nil), b.tokenStore+dataFile, bearer(strings.TrimSpace(stdout)))
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, storeFiles[dataFile], body)
}

func TestProgramReportsWhatItDiscovers(t *testing.T) {
	t.Parallel()
	b := servers(t)
	token := b.tokens.SciToken(credtest.Claims{"aud": b.bothStore, "jti": "the-token"})
	p := newPlace(t, b).withToken(t, token).withProxy(t, readFile(t, b.userProxy))
	stdout, _, code := p.run(t, "discover", "--json", "--url", b.bothStore+dataFile)
	require.Equal(t, exitOK, code)
	var report struct {
		Token struct {
			Found    bool
			Source   string
			Path     string
			Issuer   string
			Audience []string
			ID       string
		}
		X509 struct {
			Found   bool
			Source  string
			Cert    string
			Subject string
		}
		Basic    struct{ Found bool }
		Attached []string
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	assert.True(t, report.Token.Found)
	assert.Equal(t, "BEARER_TOKEN_FILE", report.Token.Source)
	assert.Equal(t, p.env["BEARER_TOKEN_FILE"], report.Token.Path)
	assert.Equal(t, b.issuer, report.Token.Issuer)
	assert.Equal(t, []string{b.bothStore}, report.Token.Audience)
	assert.Equal(t, "the-token", report.Token.ID)
	assert.True(t, report.X509.Found)
	assert.Equal(t, "X509_USER_PROXY", report.X509.Source)
	assert.Equal(t, p.env["X509_USER_PROXY"], report.X509.Cert)
	assert.Contains(t, report.X509.Subject, "Ada Lovelace")
	assert.False(t, report.Basic.Found)
	assert.Equal(t, []string{"token", "x509"}, report.Attached)

	_, _, code = newPlace(t, b).run(t, "discover", "--url", b.bothStore)
	assert.Equal(t, exitNothing, code)
}
