// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
)

// storeFiles are what each XRootD exports.
var storeFiles = map[string]string{
	"/store/data/hello.txt":   "hello from XRootD\n",
	"/store/other/hello.txt":  "hello from another folder\n",
	"/store/public/hello.txt": "hello, whoever you are\n",
}

// xrootdConfig is the part that all three servers share. The debug level of
// http.trace is what makes a server write down the headers of each request.
var xrootdConfig = template.Must(template.New("xrootd.cfg").Parse(`
all.role server
all.adminpath {{.Dir}}/admin
all.pidpath {{.Dir}}/admin
all.export /store
oss.localroot {{.Dir}}/data
xrd.port {{.Port}}
xrd.protocol XrdHttp libXrdHttp.so
xrd.tls {{.Dir}}/host.pem {{.Dir}}/host.key
xrd.tlsca certdir {{.CertDir}}
xrd.allow host localhost
xrd.allow host 127.0.0.1
xrd.sched mint 4 maxt 64
http.listingdeny yes
http.trace debug request
ofs.authorize
{{- if .Tokens}}
http.header2cgi Authorization authz
ofs.authlib {{if .Certificates}}++ {{end}}libXrdAccSciTokens.so config={{.Dir}}/scitokens.cfg
{{- end}}
{{- if .Certificates}}
http.gridmap {{.Dir}}/gridmap
acc.authdb {{.Dir}}/authdb
{{- end}}
`))

// scitokensConfig tells the plug-in whose tokens count and for which audiences.
var scitokensConfig = template.Must(template.New("scitokens.cfg").Parse(`
[Global]
audience = https://localhost, {{.URL}}
onmissing = {{if .Certificates}}passthrough{{else}}deny{{end}}

[Issuer integration]
issuer = {{.Issuer}}
base_path = /store
map_subject = False
default_user = tokenuser
`))

// store is the configuration of one XRootD server.
type store struct {
	Name, Dir, URL, Port, CertDir, Issuer string
	Tokens, Certificates                  bool
}

func startTokenStore(b *bed) (*leashed, error) {
	return startXRootD(b, store{Name: "token-store", URL: b.tokenStore, Tokens: true})
}

func startCertStore(b *bed) (*leashed, error) {
	return startXRootD(b, store{Name: "cert-store", URL: b.certStore, Certificates: true})
}

func startBothStore(b *bed) (*leashed, error) {
	return startXRootD(b, store{Name: "both-store", URL: b.bothStore, Tokens: true, Certificates: true})
}

func startXRootD(b *bed, s store) (*leashed, error) {
	s.Dir = filepath.Join(b.dir, s.Name)
	s.Port, s.CertDir, s.Issuer = portOf(s.URL), b.certDir, b.issuer
	if err := s.writeFiles(b); err != nil {
		return nil, fmt.Errorf("configure %s: %w", s.Name, err)
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + s.Dir,
		"XDG_CACHE_HOME=" + filepath.Join(s.Dir, "cache"), // Where the SciTokens library keeps issuers' keys.
	}
	// XRootD refuses to run as root: -R makes it someone else.
	return imprison(s.Name, b.dir, b.caFile, env,
		"xrootd", "-R", xrootdUser, "-n", s.Name, "-c", filepath.Join(s.Dir, "xrootd.cfg"))
}

// xrootdUser is the account that the package makes.
const xrootdUser = "xrootd"

func (s *store) writeFiles(b *bed) error {
	var xrootd, scitokens strings.Builder
	if err := xrootdConfig.Execute(&xrootd, s); err != nil {
		return err
	}
	if err := scitokensConfig.Execute(&scitokens, s); err != nil {
		return err
	}
	files := map[string]string{
		"xrootd.cfg":    xrootd.String(),
		"scitokens.cfg": scitokens.String(),
		"gridmap":       fmt.Sprintf("%q gridada\n", b.user.DN()),
		"authdb":        "u gridada /store/data lr\nu * /store/public lr\n",
		"admin/.keep":   "",
		"cache/.keep":   "",
	}
	for name, content := range storeFiles {
		files["data"+name] = content
	}
	for name, content := range files {
		if _, err := write(0o644, []byte(content), s.Dir, name); err != nil {
			return err
		}
	}
	for name, original := range map[string]string{"host.pem": b.host.cert, "host.key": b.host.key} {
		content, err := os.ReadFile(original)
		if err != nil {
			return err
		}
		if _, err := write(0o400, content, s.Dir, name); err != nil {
			return err
		}
	}
	return giveTo(xrootdUser, s.Dir)
}

// giveTo makes a user the owner of a folder and everything in it.
func giveTo(name, dir string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
}
