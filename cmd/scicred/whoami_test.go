// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/gafaelfawr"
	"github.com/scicred/scicred/gafaelfawr/gafaelfawrtest"
)

// serveGafaelfawr makes the stage a Rubin site.
func serveGafaelfawr(s *stage) (*gafaelfawrtest.Server, error) {
	const api = "/auth/api/v1"
	server := gafaelfawrtest.NewServer()
	inside, err := url.Parse(server.URL)
	if err != nil {
		return nil, err
	}
	inside.Path = ""
	site := s.site
	site.Handle(api+"/user-info", httputil.NewSingleHostReverseProxy(inside))
	discovery := func(path, apiURL string) {
		site.Handle(path+"/discovery", credtest.Answer(http.StatusOK, `{"services":{"internal":{"gafaelfawr":{"url":"https://x.example.org","versions":{"v1":{"url":"`+apiURL+`"}}}}}}`))
	}
	discovery("/repertoire", site.Origin+api)
	discovery("/other-host", site.OtherHost+api)
	discovery("/cleartext", "http://data.example.org"+api)
	discovery("/broken", site.Origin+"/html")
	discovery("/moved-away", site.Origin+"/to-other")
	discovery("/busy", site.Origin+"/busy")
	discovery("/quoting", site.Origin+"/quotes-secrets")
	discovery("/of-another-kind", site.Origin+"/of-another-kind")
	site.Handle("/without/discovery", credtest.Answer(http.StatusOK, `{"services":{"ui":{}}}`))
	site.Handle("/login/discovery", credtest.Redirect(http.StatusFound, "https://login.example.org/?state=the-query-secret"))
	site.Handle("/none/discovery", credtest.Answer(http.StatusNotFound, "no such page"))
	site.HandleFunc("/html/user-info", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><body>Log in</body></html>"))
	})
	site.HandleFunc("/quotes-secrets/user-info", func(w http.ResponseWriter, r *http.Request) {
		_, part, _ := strings.Cut(r.Header.Get("Authorization"), ".")
		w.Header().Set("Content-Type", "text/"+part)
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"detail": {"msg": "not with ` + r.Header.Get("Authorization") + ` nor ` + part + `", "type": "x"}}`))
	})
	site.HandleFunc("/busy/user-info", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	site.Handle("/to-other/user-info", credtest.Redirect(http.StatusFound, site.OtherHost+api+"/user-info"))
	site.Handle("/of-another-kind/user-info", credtest.Answer(http.StatusOK, `{"username": "ada", "uid": "4123"}`))
	groups := []gafaelfawr.Group{{Name: "ada", ID: 4123}, {Name: "g_operators", ID: 5001}}
	return server, errors.Join(
		server.SetUserInfo("ada", &gafaelfawr.UserInfo{
			Username: "ada", Name: new("Ada \x1b[31mLovelace"), Email: new("ada@example.org"), UID: new(int64(4123)), GID: new(int64(4123)), Groups: groups,
			Quota: &gafaelfawr.Quota{
				API:      map[string]int64{"tap": 500, "hips": 0, "cutout": 1},
				Disk:     map[string]int64{"/home": 35 << 30},
				Notebook: &gafaelfawr.NotebookQuota{CPU: 4, Memory: 16.5},
				Tap:      map[string]gafaelfawr.TapQuota{"qserv": {Concurrent: 5}, "ssotap": {Concurrent: 1}},
			},
		}),
		server.SetUserInfo("bot-quiet", &gafaelfawr.UserInfo{Username: "bot-quiet"}),
	)
}

// cmdGafaelfawr makes a token of a user: gafaelfawr FILE USER [expired|unknown|echo].
// An echo repeats the token where the user's name should be.
func cmdGafaelfawr(ts *testscript.TestScript, _ bool, args []string) {
	server := on(ts).gafaelfawr
	var o gafaelfawrtest.TokenOptions
	word := strings.Join(args[2:], " ")
	if word == "expired" {
		o.Expires = time.Now().Add(-time.Hour)
	}
	token := server.CreateToken(args[1], o)
	switch word {
	case "unknown":
		token = gafaelfawr.NewToken()
	case "echo":
		ts.Check(server.SetUserInfo(args[1], &gafaelfawr.UserInfo{Username: args[1], Name: new(token.Reveal()), Email: new(secretOf(token))}))
	}
	on(ts).secrets = append(on(ts).secrets, secretOf(token))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(token.Reveal()+"\n"), 0o600))
}

func secretOf(token gafaelfawr.Token) string {
	_, part, _ := strings.Cut(token.Reveal(), ".")
	return part
}

func TestWhoAmISaysWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	none := "username  ada\nname      not known\nemail     not known\nuid       not known\ngid       not known\ngroups    none\nquota     no limits\n"
	assert.Equal(t, none, describeUser(gafaelfawr.UserInfo{Username: "ada"}))
	assert.Equal(t, none, describeUser(gafaelfawr.UserInfo{Username: "ada", Quota: &gafaelfawr.Quota{}}))
}

func TestWhoAmIThatIsStoppedSaysByWhom(t *testing.T) {
	t.Parallel()
	server := gafaelfawrtest.NewServer()
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopped by Ada"))
	var stdout, stderr bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, system: &scicred.System{TempDir: t.TempDir}}
	assert.Equal(t, exitFailure, p.run(ctx, []string{"whoami", "--gafaelfawr", server.DiscoveryURL}))
	assert.Equal(t, "scicred: stopped by Ada\n", stderr.String())
}
