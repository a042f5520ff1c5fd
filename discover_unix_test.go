// SPDX-License-Identifier: BSD-3-Clause

//go:build unix

package scicred_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

// nobody is a user who owns nothing here.
const nobody = 65534

// stageVariable tells the child of a test where its parent has put things.
const stageVariable = "SCICRED_TEST_STAGE"

// On a real file system: what the user may not read, and what others have
// planted. Root may read everything, so root sets the stage and a child under
// another user goes on it; without root there is nobody who could plant.
func TestDiscoveryUnderAnotherUser(t *testing.T) { //nolint:paralleltest // sets the environment in the child
	if stage := os.Getenv(stageVariable); stage != "" {
		onStage(t, stage)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can start a process under another user")
	}
	is, ca := issuer(), credtest.NewCA("Stage CA")
	stage := t.TempDir()
	for dir := stage; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	write := func(name, text string, mode fs.FileMode, uid int) {
		path := filepath.Join(stage, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chmod(path, mode))
		require.NoError(t, os.Chown(path, uid, uid))
	}
	token, user := is.SciToken(credtest.Claims{"aud": "https://data.example.org"}), ca.User("ann")
	const netrc = "machine data.example.org login marie password radium\n"
	suffix := strconv.Itoa(nobody)

	write("closed", token, 0o600, 0)
	write("cellar/token", token, 0o644, 0)
	write("mine", token, 0o600, nobody)
	write("theirs", token, 0o644, 0)
	write("tmp/bt_u"+suffix, token, 0o644, 0)
	write("tmp/x509up_u"+suffix, string(user.PEM()), 0o644, 0)
	write("home/.netrc", netrc, 0o644, nobody)
	write("home/theirs", netrc, 0o644, 0)
	write("home/good", netrc, 0o600, nobody)
	write("home/.globus/usercert.pem", string(user.CertPEM()), 0o644, nobody)
	write("home/.globus/userkey.pem", string(user.KeyPEM()), 0o400, 0)
	require.NoError(t, os.Chmod(filepath.Join(stage, "cellar"), 0o700))
	require.NoError(t, os.Chmod(filepath.Join(stage, "tmp"), os.ModeSticky|0o777))
	runUnder(t, nobody, stage)
}

// onStage is what the child does.
func onStage(t *testing.T, stage string) {
	t.Helper()
	require.Equal(t, nobody, os.Geteuid())
	at := func(name string) string { return filepath.Join(stage, name) }
	quiet(t)
	sys := &scicred.System{
		TempDir: func() string { return at("tmp") },
		HomeDir: func() (string, error) { return at("home"), nil },
	}
	target := scicred.Target{URL: parse(t, dataURL)}

	t.Setenv("SCITOKEN_FILE", at("closed"))
	t.Setenv("_CONDOR_CREDS", at("cellar"))
	t.Setenv("BEARER_TOKEN_FILE", at("cellar/token"))
	_, err := sys.FindToken(t.Context(), target)
	require.ErrorIs(t, err, scicred.ErrNoCredentials)
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorIs(t, err, scicred.ErrInsecure)
	assert.Regexp(t, `token +rejected +SCITOKEN_FILE +\S+/closed +permission denied`, err.Error())
	assert.Regexp(t, `token +rejected +_CONDOR_CREDS +\S+/cellar +permission denied`, err.Error())
	assert.Regexp(t, `token +rejected +BEARER_TOKEN_FILE +\S+/token +permission denied`, err.Error())
	assert.Regexp(t, `token +rejected +\S+/tmp +\S+/bt_u65534 +belongs to another user \(uid 0, not 65534\)`, err.Error())

	_, err = sys.FindX509(t.Context(), target)
	require.ErrorIs(t, err, scicred.ErrInsecure)
	assert.Regexp(t, `x509 +rejected +\S+/tmp +\S+/x509up_u65534 +belongs to another user`, err.Error())
	assert.Regexp(t, `x509 +rejected +~/.globus +\S+/usercert.pem +its key file: permission denied`, err.Error())

	_, err = sys.FindNetrc(t.Context(), target)
	require.ErrorIs(t, err, scicred.ErrInsecure)
	assert.Regexp(t, `basic +rejected +netrc +\S+/.netrc +may be read or written by others \(mode 0644, want 0600\)`, err.Error())
	t.Setenv("NETRC", "~/theirs")
	_, err = sys.FindNetrc(t.Context(), target)
	require.ErrorIs(t, err, scicred.ErrInsecure)
	assert.Regexp(t, `basic +rejected +NETRC +\S+/theirs +belongs to another user \(uid 0, not 65534\)`, err.Error())
	t.Setenv("NETRC", "~/good")
	login, err := sys.FindNetrc(t.Context(), target)
	require.NoError(t, err)
	assert.Equal(t, "marie", login.User())

	// None of this keeps a good token from being found.
	t.Setenv("BEARER_TOKEN_FILE", at("mine"))
	tok, err := sys.FindToken(t.Context(), target)
	require.NoError(t, err)
	assert.Equal(t, at("mine"), tok.Path())
	t.Setenv("BEARER_TOKEN_FILE", at("theirs"))
	tok, err = sys.FindToken(t.Context(), target)
	require.NoError(t, err, "where only root may write, root's word is good")
	assert.Equal(t, at("theirs"), tok.Path())
}

// runUnder runs the test that calls it once more, as another user, on a stage.
func runUnder(t *testing.T, uid uint32, stage string) {
	t.Helper()
	program := filepath.Join(stage, "test") // the go command keeps its own from others
	self, err := os.Executable()
	require.NoError(t, err)
	in, err := os.Open(self)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.OpenFile(program, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Chmod(0o755))
	require.NoError(t, out.Close())

	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = "/", []string{"TMPDIR=" + os.TempDir(), stageVariable + "=" + stage}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	printed, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("root cannot start a process under another user: %v", err)
		}
		t.Skipf("this system lets nobody start a process under another user: %v", err)
	}
	require.NoError(t, err, "%s", printed)
	assert.Contains(t, string(printed), "--- PASS: "+t.Name())
}

// On a real file system: files that are none.
func TestDiscoveryIsNotHeldUpBySpecialFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	env := map[string]string{
		"SCITOKEN_FILE": pipe, "BEARER_TOKEN_FILE": "/dev/zero", "X509_USER_PROXY": pipe, "NETRC": "/dev/zero",
		"X509_USER_CERT": "/dev/zero", "X509_USER_KEY": pipe, "_CONDOR_CREDS": pipe,
	}
	sys := empty(t, env)
	target := scicred.Target{URL: parse(t, dataURL)}
	found := make(chan []error, 1)
	go func() {
		_, tokenErr := sys.FindToken(t.Context(), target)
		_, certErr := sys.FindX509(t.Context(), target)
		_, loginErr := sys.FindNetrc(t.Context(), target)
		found <- []error{tokenErr, certErr, loginErr}
	}()
	select {
	case errs := <-found:
		for _, err := range errs {
			require.ErrorIs(t, err, scicred.ErrNoCredentials)
			assert.ErrorIs(t, err, scicred.ErrMalformed)
		}
		assert.Contains(t, errs[0].Error(), "is not a regular file but a named pipe")
		assert.Contains(t, errs[0].Error(), "is not a regular file but a device")
	case <-time.After(20 * time.Second): // only ever waited for in a test that fails
		t.Fatal("discovery hangs")
	}
}
