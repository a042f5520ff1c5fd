// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/gafaelfawr/gafaelfawrtest"
)

// TestScripts runs the program as a user does. Each script has servers, an empty
// home and an empty temporary folder of its own; beside the commands of
// testscript there are:
//
//	exits CODE ARG…          runs scicred; no secret may be where none belongs
//	token FILE [CLAIM=VALUE|WORD…]
//	                         mints a token: opaque, expired, early, or a SciToken
//	certificate FILE [WORD…] mints a proxy: expired, or a credtest.CertFault
//	login HOST…              writes ~/.netrc
//	arrived URL WHAT…        checks what came with the last request to the URL
//	json FILE                compares the last output; the file may name variables
//	body PATH TEXT…          makes the server send that text
//	gafaelfawr FILE USER [WORD]
//	                         makes a token that the site's Gafaelfawr knows: expired,
//	                         unknown (it does not), echo (it says the token)
//	write FILE TEXT          writes a file without a line end
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup:              setUp,
		Condition: func(cond string) (bool, error) {
			if cond == "windows" {
				return runtime.GOOS == "windows", nil
			}
			return false, fmt.Errorf("unknown condition %s", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": cmdExits, "token": cmdToken, "certificate": cmdCertificate, "login": cmdLogin,
			"arrived": cmdArrived, "json": cmdJSON, "body": cmdBody, "write": cmdWrite,
			"gafaelfawr": cmdGafaelfawr,
		},
	})
}

const password = "open-sesame-4711"

// until is when everything that is minted for a JSON file expires.
var until = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// stage is what a script plays on.
type stage struct {
	site    *credtest.Site
	user    *credtest.Identity
	issuer  *credtest.Issuer
	secrets []string

	gafaelfawr *gafaelfawrtest.Server
}

type stageKey struct{}

func on(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

func setUp(env *testscript.Env) error {
	s := &stage{site: credtest.NewSite(), issuer: credtest.NewIssuer("https://issuer.example.org"), secrets: []string{password}}
	env.Defer(s.site.Close)
	s.user = s.site.CA.User("Ada Lovelace", credtest.WithValidity(time.Now().Add(-time.Hour), until))
	env.Values[stageKey{}] = s
	home := env.WorkDir + "/home"
	env.Setenv("GORACE", "atexit_sleep_ms=0") // else each run of the program takes a second
	env.Setenv("HOME", home)
	env.Setenv("USERPROFILE", home)
	env.Setenv("ORIGIN", s.site.Origin)
	env.Setenv("OTHER", s.site.OtherHost)
	env.Setenv("PORT", s.site.OtherPort)
	env.Setenv("PLAIN", s.site.Plain)
	env.Setenv("HOSTPORT", strings.TrimPrefix(s.site.Origin, "https://"))
	env.Setenv("OTHERHOSTPORT", strings.TrimPrefix(s.site.OtherHost, "https://"))
	serve(s)
	echoes := serveEchoes(s.site.CA)
	env.Defer(echoes.Close)
	s.site.Handle("/to-echo", credtest.Redirect(http.StatusFound, echoes.URL+"/status"))
	rubin, err := serveGafaelfawr(s)
	if err != nil {
		return err
	}
	env.Defer(rubin.Close)
	s.gafaelfawr = rubin
	env.Setenv("ECHO", echoes.URL)
	env.Setenv("RUBIN", rubin.DiscoveryURL)
	env.Setenv("ECHOHOSTPORT", echoes.Listener.Addr().String())
	return errors.Join(
		os.MkdirAll(home, 0o700),
		os.WriteFile(env.WorkDir+"/ca.pem", s.site.CA.CertPEM(), 0o600),
		s.site.CA.WriteHashDir(env.WorkDir+"/certificates"),
	)
}

// content is what most paths serve: 26 letters.
const content = "abcdefghijklmnopqrstuvwxyz"

func serve(s *stage) {
	whole := func(etag string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if etag != "" {
				w.Header().Set("ETag", etag)
			}
			w.Header().Set("Content-Type", "application/octet-stream")
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
		}
	}
	plain := whole("")
	site := s.site
	site.Handle("/data", whole(`"v1"`))
	site.Handle("/changed", whole(`"v2"`))
	site.Handle("/weak", whole(`W/"v1"`))
	site.Handle("/no-etag", plain)
	site.Handle("/no-range", credtest.Answer(http.StatusOK, content))
	site.Handle("/token", credtest.RequireToken(func(string) bool { return true }, plain))
	site.Handle("/certificate", credtest.RequireCertificate(site.CA.Vouches, plain))
	site.Handle("/login", credtest.RequireLogin("ada", password, plain))
	site.Handle("/to-other", credtest.Redirect(http.StatusFound, site.OtherHost+"/data"))
	site.Handle("/to-refused", credtest.Redirect(http.StatusFound, site.OtherHost+"/refused"))
	site.Handle("/moved", credtest.Redirect(http.StatusFound, "/data?authz=the-query-secret"))
	site.Handle("/see-307", credtest.Redirect(http.StatusTemporaryRedirect, "/data"))
	site.Handle("/loop", credtest.Redirect(http.StatusFound, "/loop"))
	site.Handle("/refused", credtest.Answer(http.StatusForbidden, "go\x1b[31m away\nplease\r\n"))
	site.HandleFunc("/bad-location", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://x:port/?authz=the-query-secret")
		w.WriteHeader(http.StatusFound)
	})
	site.HandleFunc("/choices", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMultipleChoices) })
	site.HandleFunc("/html", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("<html><style>p{color:red}</style><h1>Closed</h1>\n\n<p>Come back later</html>"))
	})
	site.HandleFunc("/binary", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("unreadable"))
	})
	site.HandleFunc("/large-refusal", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(strings.Repeat("x", 4<<10) + "beyond"))
	})
	site.HandleFunc("/quotes-secrets", func(w http.ResponseWriter, r *http.Request) {
		sent := r.Header.Get("Authorization")
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+sent+`"`)
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "you sent %s and %s.\n", sent, r.Header.Get("X-Api-Key"))
		_, _ = w.Write([]byte(strings.Repeat("y", 4000) + sent))
	})
	site.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			whole(`"v1"`)(w, r)
			return
		}
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write([]byte(content[:10]))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	site.HandleFunc("/other-part", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-4/26")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write([]byte(content[:5]))
	})
	site.HandleFunc("/piecemeal", func(w http.ResponseWriter, r *http.Request) { // at most ten bytes
		var first int
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &first)
		last := min(first+9, len(content)-1)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(content)))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write([]byte(content[first : last+1]))
	})
	site.HandleFunc("/like-xrootd-5.5", func(w http.ResponseWriter, r *http.Request) {
		var first, last int
		if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last); n == 2 {
			plain(w, r)
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d--1/%d", first, len(content)))
		w.WriteHeader(http.StatusPartialContent)
	})
	site.HandleFunc("/short-part", func(w http.ResponseWriter, r *http.Request) { // five bytes, once
		if strings.HasPrefix(r.Header.Get("Range"), "bytes=5-") {
			w.Header().Set("Content-Range", "bytes 5-9/26")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte(content[5:10]))
			return
		}
		w.Header().Set("Content-Range", "bytes 10--1/26")
		w.WriteHeader(http.StatusPartialContent)
	})
	site.HandleFunc("/nothing-part", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", "bytes 7--1/26")
		w.WriteHeader(http.StatusPartialContent)
	})
}

// serveEchoes returns a server of HTTP/1.1 that says what it was sent wherever
// there is room for it.
func serveEchoes(authority *credtest.CA) *httptest.Server {
	mux := http.NewServeMux()
	echo := func(path string, answer func(w http.ResponseWriter, secret string)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			_, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			if _, word, ok := r.BasicAuth(); ok {
				secret += "/" + word
			}
			answer(w, secret)
		})
	}
	raw := func(w http.ResponseWriter, format string, args ...any) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = fmt.Fprintf(conn, format, args...)
			_ = conn.Close()
		}
	}
	echo("/status", func(w http.ResponseWriter, secret string) {
		raw(w, "HTTP/1.1 403 not with %s\r\nContent-Type: text/%s\r\nContent-Length: 0\r\n\r\n", secret, secret)
	})
	echo("/malformed", func(w http.ResponseWriter, secret string) { raw(w, "%s-is-no-answer\r\n\r\n", secret) })
	echo("/unasked", func(w http.ResponseWriter, secret string) {
		raw(w, "HTTP/1.1 302 Found\r\nLocation: /no-such\r\nContent-Length: 0\r\n\r\n%s", secret)
	})
	mux.HandleFunc("/query", func(w http.ResponseWriter, r *http.Request) {
		raw(w, "HTTP/1.1 403 not with %s\r\nContent-Length: 0\r\n\r\n", r.FormValue("authz"))
	})
	for path, to := range map[string]string{"/to-ftp": "ftp://x/?state=", "/to-path": "/p/", "/to-host": "ftp://x."} {
		echo(path, func(w http.ResponseWriter, secret string) {
			w.Header().Set("Location", to+strings.ReplaceAll(secret, "=", "%3d"))
			w.WriteHeader(http.StatusFound)
		})
	}
	server := httptest.NewUnstartedServer(mux)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{authority.Host("127.0.0.1").TLS()}}
	server.StartTLS()
	return server
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code arg…")
	}
	code := 0
	if err := ts.Exec("scicred", args[1:]...); err != nil {
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, not %s", code, args[0])
	}
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	for _, secret := range append(on(ts).secrets, "the-query-secret") {
		if strings.Contains(stderr, secret) || args[1] != "token" && strings.Contains(stdout, secret) {
			ts.Fatalf("the output has a secret in it")
		}
	}
	if strings.ContainsFunc(stderr, func(c rune) bool { return c < ' ' && c != '\n' }) {
		ts.Fatalf("standard error has control characters in it")
	}
	if code != exitOK && !strings.Contains(stderr, "scicred: ") {
		ts.Fatalf("it failed without a word")
	}
	for line := range strings.Lines(stderr) {
		if strings.Contains(line, "scicred: scicred:") || strings.HasPrefix(line, "goroutine ") || strings.Contains(line, "With") {
			ts.Fatalf("this is not the language of users: %s", line)
		}
	}
}

func cmdToken(ts *testscript.TestScript, _ bool, args []string) {
	claims := credtest.Claims{"jti": "id-1", "exp": until.Unix()}
	var opts []credtest.TokenOption
	opaque := false
	for _, arg := range args[1:] {
		name, value, isClaim := strings.Cut(arg, "=")
		switch {
		case isClaim && value == "":
			claims[name] = nil
		case isClaim && name == "exp":
			n, err := strconv.ParseInt(value, 10, 64)
			ts.Check(err)
			claims[name] = n
		case isClaim:
			claims[name] = value
		case arg == "expired":
			delete(claims, "exp")
			opts = append(opts, credtest.Expired())
		case arg == "early":
			opts = append(opts, credtest.NotYetValid())
		case arg == "opaque":
			opaque = true
		default:
			ts.Fatalf("unknown word %s", arg)
		}
	}
	text := on(ts).issuer.SciToken(claims, opts...)
	if opaque {
		text = "opaque-" + strings.ReplaceAll(text[len(text)-20:], "eyJ", "x")
	}
	on(ts).secrets = append(on(ts).secrets, text)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text+"\n"), 0o600))
}

func cmdCertificate(ts *testscript.TestScript, _ bool, args []string) {
	s := on(ts)
	data := s.user.Proxy(credtest.WithValidity(time.Now().Add(-time.Hour), until)).PEM()
	if len(args) > 1 {
		data = credtest.CertFault(strings.Join(args[1:], " ")).Bundle(s.site.CA)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

func cmdLogin(ts *testscript.TestScript, _ bool, hosts []string) {
	text := ""
	for _, host := range hosts {
		text += "machine " + host + " login ada password " + password + "\n"
	}
	ts.Check(os.WriteFile(ts.Getenv("HOME")+"/.netrc", []byte(text), 0o600))
}

func cmdArrived(ts *testscript.TestScript, _ bool, args []string) {
	var last *credtest.Arrival
	for _, a := range on(ts).site.Arrivals() {
		if a.Origin+a.Path == args[0] {
			last = &a
		}
	}
	if last == nil {
		if !reflect.DeepEqual(args[1:], []string{"never"}) {
			ts.Fatalf("nothing arrived at %s", args[0])
		}
		return
	}
	what := []string{}
	for _, s := range last.Secrets() {
		what = append(what, s.Kind.String())
	}
	for _, want := range args[1:] {
		if name, value, isHeader := strings.Cut(want, "="); isHeader {
			got := last.Header.Get(name)
			switch name {
			case "method":
				got = last.Method
			case "size":
				got = strconv.FormatInt(last.BodySize, 10)
			}
			if got != value {
				ts.Fatalf("%s is %q, not %q", name, got, value)
			}
			continue
		}
		if want == "nothing" && len(what) == 0 {
			continue
		}
		if len(what) == 0 || what[0] != want {
			ts.Fatalf("%v arrived at %s, not %v", what, args[0], args[1:])
		}
		what = what[1:]
	}
	if len(what) > 0 {
		ts.Fatalf("%v arrived at %s besides", what, args[0])
	}
}

func cmdJSON(ts *testscript.TestScript, _ bool, args []string) {
	var got, want any
	serial := regexp.MustCompile(`/CN=\d+"`) // the last name of a proxy is new each time
	ts.Check(json.Unmarshal([]byte(serial.ReplaceAllString(ts.ReadFile("stdout"), `/CN=1"`)), &got))
	ts.Check(json.Unmarshal([]byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), &want))
	if !reflect.DeepEqual(got, want) {
		ts.Fatalf("it is not what %s says:\n%s", args[0], ts.ReadFile("stdout"))
	}
}

func cmdBody(ts *testscript.TestScript, _ bool, args []string) {
	on(ts).site.Handle(args[0], credtest.Answer(http.StatusOK, strings.Join(args[1:], " ")))
}

func cmdWrite(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(args[1]), 0o600))
}
