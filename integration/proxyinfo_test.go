// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gridUser is a user with an authority, a VOMS server, and the program, in a
// folder of their own. The tools of the grid want key identifiers in their
// certificates.
type gridUser struct{ dir, program string }

const gridConfig = `[req]
distinguished_name = dn
prompt = no
[dn]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[user]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
`

func newGridUser(t *testing.T) *gridUser {
	t.Helper()
	for _, tool := range []string{"openssl", "grid-proxy-init", "grid-proxy-info", "voms-proxy-info", "voms-proxy-fake"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "true" {
				t.Skip(&missingError{[]string{tool}})
			}
			require.NoError(t, err)
		}
	}
	g := &gridUser{dir: t.TempDir()}
	g.program = g.file("scicred")
	require.NoError(t, os.WriteFile(g.file("conf"), []byte(gridConfig), 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", g.program, "../cmd/scicred").CombinedOutput()
	require.NoError(t, err, "%s", out)
	openssl := func(args ...string) {
		t.Helper()
		out, _, code := g.run(t, "openssl", args...)
		require.Zero(t, code, out)
	}
	request := func(name, subject string) {
		openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", g.file(name+".key"), "-out", g.file(name+".csr"),
			"-subj", subject, "-config", g.file("conf"))
	}
	request("ca", "/DC=org/DC=scicred-test/CN=Test CA")
	openssl("x509", "-req", "-in", g.file("ca.csr"), "-signkey", g.file("ca.key"), "-days", "30", "-extfile", g.file("conf"),
		"-extensions", "ca", "-out", g.file("ca.pem"))
	for name, subject := range map[string]string{"user": "/DC=org/DC=scicred-test/CN=Test User", "host": "/DC=org/DC=scicred-test/CN=voms.example.org"} {
		request(name, subject)
		openssl("x509", "-req", "-in", g.file(name+".csr"), "-CA", g.file("ca.pem"), "-CAkey", g.file("ca.key"), "-CAcreateserial",
			"-days", "30", "-extfile", g.file("conf"), "-extensions", "user", "-out", g.file(name+".pem"))
	}
	hash, _, code := g.run(t, "openssl", "x509", "-in", g.file("ca.pem"), "-noout", "-hash")
	require.Zero(t, code)
	require.NoError(t, os.Mkdir(g.file("certs"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(g.file("certs"), strings.TrimSpace(hash)+".0"), readFile(t, g.file("ca.pem")), 0o600))
	return g
}

func (g *gridUser) file(name string) string { return filepath.Join(g.dir, name) }

func (g *gridUser) run(t *testing.T, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut strings.Builder
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + g.dir, "X509_CERT_DIR=" + g.file("certs")}
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// facts reads what a tool says: lines like "identity : /DC=org".
func facts(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, " : ")
		if name = strings.TrimSpace(name); m[name] == "" { // Those of the attribute certificate come last.
			m[name] = strings.TrimSpace(value)
		}
	}
	return m
}

// shown is what scicred proxy-info --json says.
type shown struct {
	Subject  string   `json:"subject"`
	Issuer   string   `json:"issuer"`
	Identity string   `json:"identity"`
	Type     string   `json:"type"`
	VOMSType string   `json:"voms_type"`
	Strength int      `json:"strength"`
	Path     string   `json:"path"`
	Timeleft int      `json:"timeleft"`
	KeyUsage []string `json:"key_usage"`
	Depth    int      `json:"depth"`
	VOMS     []struct {
		VO         string   `json:"vo"`
		FQANs      []string `json:"fqans"`
		Attributes []struct {
			Name, Value, Qualifier string
		} `json:"attributes"`
		Server   string `json:"server"`
		Issuer   string `json:"issuer"`
		Timeleft int    `json:"timeleft"`
		Verified bool   `json:"verified"`
	} `json:"voms"`
}

func (g *gridUser) shown(t *testing.T, file string) (s shown) {
	t.Helper()
	out, stderr, code := g.run(t, g.program, "proxy-info", "--json", file)
	require.Zero(t, code, stderr)
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	return s
}

// seconds reads H:MM:SS.
func seconds(t *testing.T, text string) int {
	t.Helper()
	n := 0
	parts := strings.Split(text, ":")
	require.Len(t, parts, 3, text)
	for _, part := range parts {
		value, err := strconv.Atoi(part)
		require.NoError(t, err)
		n = 60*n + value
	}
	return n
}

// Beside a name, what each tool says of a proxy, and where the three disagree on
// whose it is: grid-proxy-info says that an independent proxy is its own, and
// voms-proxy-info takes what the last proxy was made from for the user.
func TestProxyInfoAgreesWithTheToolsOfTheGrid(t *testing.T) {
	t.Parallel()
	g := newGridUser(t)
	const user = "/DC=org/DC=scicred-test/CN=Test User"
	type words struct{ ours, grid, voms string }
	for _, test := range []struct {
		name       string
		from       string
		options    []string
		words      words
		gridItself bool // grid-proxy-info: identity is the subject
		vomsIssuer bool // voms-proxy-info: identity is the issuer, which is another proxy
		depth      int
	}{
		{"rfc", "user", []string{"-rfc"}, words{"RFC 3820 impersonation proxy", "RFC 3820 compliant impersonation proxy", "RFC compliant proxy"}, false, false, 1},
		{"rfc limited", "user", []string{"-rfc", "-limited"}, words{"RFC 3820 limited proxy", "RFC 3820 compliant limited proxy", "RFC compliant proxy"}, false, false, 1},
		{"rfc independent", "user", []string{"-rfc", "-independent"}, words{"RFC 3820 independent proxy", "RFC 3820 compliant independent proxy", "RFC compliant proxy"}, true, false, 1},
		{"draft", "user", []string{"-draft"}, words{"draft impersonation proxy (before RFC 3820)", "Proxy draft (pre-RFC) compliant impersonation proxy", "GT3-style proxy"}, false, false, 1},
		{"draft limited", "user", []string{"-draft", "-limited"}, words{"draft limited proxy (before RFC 3820)", "Proxy draft (pre-RFC) compliant limited proxy", "GT3-style proxy"}, false, false, 1},
		{"old", "user", []string{"-old"}, words{"legacy full proxy", "full legacy globus proxy", "proxy"}, false, false, 1},
		{"old limited", "user", []string{"-old", "-limited"}, words{"legacy limited proxy", "limited legacy globus proxy", "limited proxy"}, false, false, 1},
		{"nested", "rfc", []string{"-rfc", "-limited"}, words{"RFC 3820 limited proxy", "RFC 3820 compliant limited proxy", "RFC compliant proxy"}, false, true, 2},
	} {
		file, cert, key := g.file(test.name+".proxy"), g.file("user.pem"), g.file("user.key")
		if test.from != "user" {
			cert = g.file(test.from + ".proxy")
			key = cert
		}
		out, errOut, code := g.run(t, "grid-proxy-init", append([]string{"-q", "-cert", cert, "-key", key, "-certdir", g.file("certs"), "-valid", "12:00", "-bits", "2048", "-out", file}, test.options...)...)
		require.Zero(t, code, out+errOut)
		ours := g.shown(t, file)
		out, errOut, code = g.run(t, "grid-proxy-info", "-file", file)
		require.Zero(t, code, errOut)
		grid := facts(out)
		out, errOut, code = g.run(t, "voms-proxy-info", "-all", "-dont-verify-ac", "-file", file)
		require.Zero(t, code, errOut)
		voms := facts(out)

		assert.Equal(t, user, ours.Identity, test.name)
		wantGrid, wantVOMS := user, user
		if test.gridItself {
			wantGrid = ours.Subject
		}
		if test.vomsIssuer {
			wantVOMS = ours.Issuer
		}
		assert.Equal(t, wantGrid, grid["identity"], test.name)
		assert.Equal(t, wantVOMS, voms["identity"], test.name)
		said := words{ours.Type, grid["type"], voms["type"]}
		assert.Equal(t, test.words, said, test.name)
		assert.Equal(t, voms["type"], ours.VOMSType, test.name)
		assert.Equal(t, test.depth, ours.Depth, test.name)
		assert.Equal(t, voms["key usage"], strings.Join(ours.KeyUsage, ", "), test.name)
		for who, theirs := range map[string]map[string]string{"grid-proxy-info": grid, "voms-proxy-info": voms} {
			assert.Equal(t, theirs["subject"], ours.Subject, "%s, %s", who, test.name)
			assert.Equal(t, theirs["issuer"], ours.Issuer, "%s, %s", who, test.name)
			assert.Equal(t, theirs["strength"], strconv.Itoa(ours.Strength)+" bits", "%s, %s", who, test.name)
			assert.Equal(t, theirs["path"], ours.Path, "%s, %s", who, test.name)
			assert.InDelta(t, seconds(t, theirs["timeleft"]), ours.Timeleft, 30, "%s, %s", who, test.name) // They ran one after the other.
		}
	}
}

func TestProxyInfoExitsAsVOMSProxyInfo(t *testing.T) {
	t.Parallel()
	g := newGridUser(t)
	good := g.file("good.proxy")
	out, errOut, code := g.run(t, "grid-proxy-init", "-q", "-cert", g.file("user.pem"), "-key", g.file("user.key"), "-certdir", g.file("certs"), "-valid", "12:00", "-bits", "2048", "-rfc", "-out", good)
	require.Zero(t, code, out+errOut)
	require.NoError(t, os.WriteFile(g.file("garbage"), []byte("garbage"), 0o600))
	certificates := regexp.MustCompile(`(?s)-----BEGIN CERT.*?-----END CERTIFICATE-----\n`).FindAll(readFile(t, good), -1)
	require.NoError(t, os.WriteFile(g.file("nokey"), append(certificates[0], certificates[1]...), 0o600))
	for _, file := range []string{good, g.file("garbage"), g.file("nokey"), g.file("missing")} {
		for _, options := range [][]string{nil, {"-exists"}, {"-exists", "-valid", "1:00"}, {"-exists", "-valid", "48:00"}, {"-timeleft"}, {"-exists", "-valid", "48:00", "-timeleft"}} {
			_, _, want := g.run(t, "voms-proxy-info", append([]string{"-dont-verify-ac", "-file", file}, options...)...)
			if filepath.Base(file) == "nokey" && len(options) > 0 && options[0] == "-exists" {
				// Of what exists without its key only grid-proxy-info says that it does not.
				_, _, want = g.run(t, "grid-proxy-info", "-file", file, "-exists")
				assert.Equal(t, exitFailure, want)
			}
			_, _, got := g.run(t, g.program, append([]string{"proxy-info", file}, options...)...)
			assert.Equal(t, want, got, "%s %v", filepath.Base(file), options)
		}
	}
}

func TestProxyInfoShowsTheAttributesOfVOMS(t *testing.T) {
	t.Parallel()
	g := newGridUser(t)
	file := g.file("voms.proxy")
	out, errOut, code := g.run(t, "voms-proxy-fake", "-q", "-rfc", "-cert", g.file("user.pem"), "-key", g.file("user.key"), "-certdir", g.file("certs"),
		"-hours", "12", "-bits", "2048", "-hostcert", g.file("host.pem"), "-hostkey", g.file("host.key"), "-voms", "test.vo",
		"-uri", "voms.example.org:15000", "-newformat", "-fqan", "/test.vo/Role=NULL/Capability=NULL",
		"-fqan", "/test.vo/group/Role=production/Capability=NULL", "-ga", "nickname=tester (test.vo)", "-out", file)
	require.Zero(t, code, out+errOut)
	out, errOut, code = g.run(t, "voms-proxy-info", "-all", "-dont-verify-ac", "-file", file)
	require.Zero(t, code, errOut)
	_, part, found := strings.Cut(out, "extension information")
	require.True(t, found, out)
	theirs := facts(part)
	var fqans []string
	for _, m := range regexp.MustCompile(`(?m)^attribute : (/.*)$`).FindAllStringSubmatch(part, -1) {
		fqans = append(fqans, m[1])
	}
	ours := g.shown(t, file)
	require.Len(t, ours.VOMS, 1)
	v := ours.VOMS[0]
	assert.Equal(t, theirs["VO"], v.VO)
	assert.Equal(t, theirs["issuer"], v.Issuer)
	assert.Equal(t, theirs["uri"], v.Server)
	assert.Equal(t, theirs["subject"], ours.Identity)
	assert.Len(t, fqans, 2)
	assert.Equal(t, fqans, v.FQANs)
	assert.InDelta(t, seconds(t, theirs["timeleft"]), v.Timeleft, 30)
	assert.False(t, v.Verified)
	require.Len(t, v.Attributes, 1)
	assert.Contains(t, part, "nickname = tester  (test.vo)")
	assert.Equal(t, []string{"nickname", "tester", "test.vo"}, []string{v.Attributes[0].Name, strings.TrimSpace(v.Attributes[0].Value), v.Attributes[0].Qualifier})
	text, _, code := g.run(t, g.program, "proxy-info", file)
	assert.Zero(t, code)
	assert.Contains(t, text, "test.vo (not verified)")
}
