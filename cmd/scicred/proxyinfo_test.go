// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

// inWorld runs the program in a world of its own.
func inWorld(t *testing.T, w *credtest.World, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	p, errOut := inProcess(false)
	var out bytes.Buffer
	p.stdout, p.system = &out, w.System()
	code = p.run(t.Context(), args)
	return out.String(), errOut.String(), code
}

func TestProxyInfoShowsTheProxyThatDiscoveryFinds(t *testing.T) {
	t.Parallel()
	const variable, tmp = "/home/user/proxy.pem", "/tmp/x509up_u1000"
	for name, test := range map[string]struct {
		lasts  map[string]time.Duration // 0: broken
		want   string                   // "": none
		stderr string
	}{
		"none":                            {nil, "", "no proxy found"},
		"the variable alone":              {map[string]time.Duration{variable: time.Hour}, variable, ""},
		"/tmp alone":                      {map[string]time.Duration{tmp: time.Hour}, tmp, ""},
		"the variable first":              {map[string]time.Duration{variable: time.Hour, tmp: 2 * time.Hour}, variable, ""},
		"an expired one hides none":       {map[string]time.Duration{variable: -time.Hour, tmp: time.Hour}, tmp, "X509_USER_PROXY " + variable + ": expired 1h ago, so another one is taken"},
		"nor does one that soon will be":  {map[string]time.Duration{variable: 9 * time.Minute, tmp: time.Hour}, tmp, "X509_USER_PROXY " + variable + ": expires in 9m, so another one is taken"},
		"nor does a broken one":           {map[string]time.Duration{variable: 0, tmp: time.Hour}, tmp, "X509_USER_PROXY " + variable + ": not PEM, so another one is taken"},
		"one that soon will be, if alone": {map[string]time.Duration{variable: 9 * time.Minute}, variable, ""},
		"expired ones, the first":         {map[string]time.Duration{variable: -time.Hour, tmp: -2 * time.Hour}, variable, ""},
		"broken ones":                     {map[string]time.Duration{variable: 0, tmp: 0}, "", "no proxy found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := credtest.NewWorld()
			w.Advance(time.Duration(int(time.Second) - w.Now().Nanosecond())) // Certificates have whole seconds.
			w.SetEnv("X509_USER_PROXY", variable)
			user := credtest.NewCA("Test CA").User("Ada", credtest.WithValidity(w.Now().Add(-24*time.Hour), w.Now().Add(24*time.Hour)))
			for path, lasts := range test.lasts {
				text := "garbage"
				if lasts != 0 {
					text = string(user.Proxy(credtest.WithValidity(w.Now().Add(-12*time.Hour), w.Now().Add(lasts))).PEM())
				}
				w.WriteFile(path, text, 0o600, 1000)
			}
			stdout, stderr, code := inWorld(t, w, "proxy-info", "--json")
			if test.want == "" {
				assert.Equal(t, exitFailure, code)
				assert.Contains(t, stderr, test.stderr)
				assert.Empty(t, stdout)
				return
			}
			require.Equal(t, exitOK, code, stderr)
			var e proxyEntry
			require.NoError(t, json.Unmarshal([]byte(stdout), &e))
			assert.Equal(t, test.want, e.Path)
			assert.Equal(t, int64(max(0, test.lasts[test.want]/time.Second)), e.Timeleft)
			if test.stderr == "" {
				assert.Empty(t, stderr)
			}
			assert.Contains(t, stderr, test.stderr)
		})
	}
}

func TestProxyInfoSaysWhatIsUnusual(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	user := ca.User("Ada")
	proxy := user.Proxy()
	for name, test := range map[string]struct {
		file string
		mode os.FileMode
		want []string
	}{
		"a key under a passphrase": {string(proxy.CertPEM()) + string(proxy.ChainPEM()) + string(proxy.EncryptedKeyPEM("open-sesame")), 0o600, []string{"note +the private key is encrypted"}},
		"a key of another": {
			string(proxy.CertPEM()) + string(proxy.ChainPEM()) + string(user.Proxy().KeyPEM()), 0o600,
			[]string{"note +the private key belongs to another certificate"},
		},
		"a file for all to read":         {string(proxy.PEM()), 0o644, []string{"note +.*others"}},
		"a proxy without its user":       {string(proxy.CertPEM()) + string(proxy.KeyPEM()), 0o600, []string{"note +the user's certificate is not there"}},
		"a legacy proxy":                 {string(user.Proxy(credtest.LegacyProxy()).PEM()), 0o600, []string{"type +legacy full proxy \\(voms-proxy-info: proxy\\)", "note +a proxy of the kind before RFC 3820"}},
		"a limited proxy":                {string(user.Proxy(credtest.Limited()).PEM()), 0o600, []string{"limited +yes: it may"}},
		"a full one of a limited one":    {string(user.Proxy(credtest.Limited()).Proxy().PEM()), 0o600, []string{"depth +2", "limited +yes, since"}},
		"a path length":                  {string(user.Proxy(credtest.PathLength(3)).PEM()), 0o600, []string{"path length +3"}},
		"no proxy":                       {string(user.PEM()), 0o600, []string{"type +no proxy, but a certificate of a user or host"}},
		"a certificate for servers only": {string(ca.Host("a.example.org").PEM()), 0o600, []string{"type +no proxy"}},
		"an authority in front, of somebody else": {
			string(credtest.NewCA("Other CA").CertPEM()) + string(proxy.CertPEM()) + string(proxy.ChainPEM()), 0o600,
			[]string{"identity +/.*CN=Ada$", "note +no private key", " +1 certificate in the file besides"},
		},
		"a user who is about to expire": {
			string(ca.User("Eve", credtest.ExpiresIn(time.Hour)).Proxy(credtest.ExpiresIn(12 * time.Hour)).PEM()), 0o600,
			[]string{"timeleft +0:59:5\\d", "note +it ends with /.*CN=Eve, on "},
		},
		"a user who has expired": {
			string(ca.User("Eve", credtest.WithValidity(time.Now().Add(-3*time.Hour), time.Now().Add(-time.Hour))).Proxy().PEM()), 0o600,
			[]string{"timeleft +0:00:00, expired 1h ago"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "proxy.pem")
			require.NoError(t, os.WriteFile(file, []byte(test.file), test.mode))
			require.NoError(t, os.Chmod(file, test.mode))
			p, stderr := inProcess(false)
			var stdout bytes.Buffer
			p.stdout, p.system = &stdout, nil
			assert.Equal(t, exitOK, p.run(t.Context(), []string{"proxy-info", file}), stderr)
			for _, want := range test.want {
				assert.Regexp(t, "(?m)^"+want, stdout.String())
			}
			assert.NotContains(t, stdout.String()+stderr.String(), "open-sesame")
			assert.NotContains(t, stdout.String()+stderr.String(), "PRIVATE KEY")
		})
	}
}

// The words of the tools of the grid, which made these files. That they agree on
// files made today is tested where the tools are.
func TestProxyInfoShowsWhatVOMSHasPutIn(t *testing.T) {
	t.Parallel()
	p, _ := inProcess(false)
	var stdout bytes.Buffer
	p.stdout, p.system = &stdout, nil
	require.Equal(t, exitOK, p.run(t.Context(), []string{"proxy-info", "../../testdata/proxies/voms.pem"}))
	for _, want := range []string{
		`VO +test.vo \(not verified\)`, `  attribute +/test.vo/Role=NULL/Capability=NULL`,
		` +/test.vo/group/Role=production/Capability=NULL`, `  attribute +nickname = tester`,
		`  issuer +/DC=org/DC=scicred-test/CN=voms.example.org`, `  uri +voms.example.org:15000`, `  timeleft +\d+:\d\d:\d\d, `,
	} {
		assert.Regexp(t, "(?m)^"+want, stdout.String())
	}
}

func TestProxyInfoPassesOverWhatCannotBeUsedYet(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	for fault, want := range map[credtest.CertFault]string{
		credtest.CertNoKey:       "no private key, so another one is taken",
		credtest.CertNotYetValid: "so another one is taken",
	} {
		w := credtest.NewWorld()
		w.SetEnv("X509_USER_PROXY", "/home/user/proxy.pem")
		w.WriteFile("/home/user/proxy.pem", string(fault.Bundle(ca)), 0o600, 1000)
		_, stderr, code := inWorld(t, w, "proxy-info", "--exists")
		assert.Equal(t, exitFailure, code, fault)
		assert.Contains(t, stderr, "hint: make a proxy", fault)
		stdout, stderr, code := inWorld(t, w, "proxy-info")
		assert.Equal(t, exitOK, code, fault)
		assert.Contains(t, stdout, "/home/user/proxy.pem", fault)
		assert.Empty(t, stderr, fault)
		w.WriteFile("/tmp/x509up_u1000", string(ca.User("Ada").Proxy().PEM()), 0o600, 1000)
		stdout, stderr, code = inWorld(t, w, "proxy-info", "--exists", "--json")
		assert.Equal(t, exitOK, code, fault)
		assert.Contains(t, stdout, "/tmp/x509up_u1000", fault)
		assert.Contains(t, stderr, want, fault)
	}
}

func TestProxyInfoReadsNoHugeFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "huge.pem")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("open-sesame ", 10<<20/12)), 0o600))
	p, stderr := inProcess(false)
	p.system = nil
	assert.Equal(t, exitFailure, p.run(t.Context(), []string{"proxy-info", file}))
	assert.Contains(t, stderr.String(), "is too large")
	assert.NotContains(t, stderr.String(), "sesame")
}
