// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

// The examples run on a machine in memory (a [credtest.World]) and against
// servers on the loopback interface (a [credtest.Site]), so that they look at no
// real credential. Programs leave out both: NewTransport(nil) is all they need.

// A program that needs nothing but a client: what it finds goes along, where it
// may.
func Example() {
	site, world, issuer := credtest.NewSite(), credtest.NewWorld(), credtest.NewIssuer("https://issuer.example.org")
	defer site.Close()
	world.Put("/tmp/bt_u1000", issuer.SciToken(credtest.Claims{"aud": "https://data.example.org"}))

	transport, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(world.System()))
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport}
	for _, host := range []string{"data.example.org", "elsewhere.example.org"} {
		resp, err := client.Get(site.As(host) + "/frames")
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		got := site.ArrivalsAt(site.As(host))[0]
		fmt.Printf("%s: %s, with a token: %t\n", host, resp.Status, got.Token() != "")
	}
	// Output:
	// data.example.org: 200 OK, with a token: true
	// elsewhere.example.org: 200 OK, with a token: false
}

// Options say what to attach, where it may go, and what if there is none.
func ExampleNewTransport() {
	world := credtest.NewWorld()
	_, err := scicred.NewTransport(nil,
		scicred.WithSystem(world.System()),
		scicred.WithTokenFile("/home/user/token"), // what the caller names
		scicred.WithHosts("*.example.org"),        // and where it may go
		scicred.FailIfNoAuth(),
	)
	fmt.Println(err)
	// Output:
	// scicred: WithTokenFile /home/user/token: no such file or directory
}

// A service that acts for many users keeps its own credentials out of it, and
// gives each request the user's token. Nothing is shared between users.
func ExampleWithoutDiscovery() {
	site, world := credtest.NewSite(), credtest.NewWorld()
	defer site.Close()
	world.SetEnv("BEARER_TOKEN", "the-token-of-the-service-itself")

	transport, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(world.System()), scicred.WithoutDiscovery(), scicred.FailIfNoAuth())
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport}
	for _, token := range []string{"token-of-marie", "token-of-albert", ""} {
		ctx := context.Background()
		if token != "" {
			ctx = scicred.NewContext(ctx, scicred.WithToken(token))
		}
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, site.Origin, nil)
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println("not sent, no credential:", errors.Is(err, scicred.ErrNoCredentials))
			continue
		}
		resp.Body.Close()
	}
	for _, a := range site.Arrivals() {
		fmt.Println("arrived:", a.Token())
	}
	// Output:
	// not sent, no credential: true
	// arrived: token-of-marie
	// arrived: token-of-albert
}

// A director redirects to caches. Credentials follow to those that are named and
// stay away from all others.
func ExampleWithTrustedHosts() {
	site, world, issuer := credtest.NewSite(), credtest.NewWorld(), credtest.NewIssuer("https://issuer.example.org")
	defer site.Close()
	site.Handle("/near", credtest.Redirect(http.StatusTemporaryRedirect, site.As("cache.example.net")+"/data"))
	site.Handle("/far", credtest.Redirect(http.StatusTemporaryRedirect, site.As("elsewhere.example.com")+"/data"))
	world.SetEnv("BEARER_TOKEN", issuer.WLCG(credtest.Claims{"aud": "https://director.example.net"}))

	transport, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(world.System()), scicred.WithTrustedHosts("*.example.net"))
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport}
	for _, path := range []string{"/near", "/far"} {
		resp, err := client.Get(site.As("director.example.net") + path)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		arrived := site.ArrivalsAt(resp.Request.URL.Scheme + "://" + resp.Request.URL.Host)
		fmt.Printf("%s: token %t\n", resp.Request.URL.Hostname(), arrived[0].Token() != "")
	}
	// Output:
	// cache.example.net: token true
	// elsewhere.example.com: token false
}

// An uploader gives the body in a form that can be read again: for redirects,
// and for the second sending after a token was renewed under way.
func ExampleCheckResponse_upload() {
	site, world, issuer := credtest.NewSite(), credtest.NewWorld(), credtest.NewIssuer("https://issuer.example.org")
	defer site.Close()
	site.Handle("/door/file", credtest.Redirect(http.StatusTemporaryRedirect, "/pool/file"))
	site.Handle("/old/file", credtest.Redirect(http.StatusFound, "/pool/file"))
	world.SetEnv("BEARER_TOKEN", issuer.WLCG(credtest.Claims{"scope": "storage.create:/"}))

	transport, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(world.System()))
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport}
	for _, path := range []string{"/door/file", "/old/file"} {
		open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("ten years of data")), nil } // of a file: os.Open
		body, _ := open()
		req, _ := http.NewRequest(http.MethodPut, site.Origin+path, body)
		req.GetBody = open
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		err = scicred.CheckResponse(resp) // net/http calls both a success
		var status *scicred.StatusError
		if errors.As(err, &status) {
			fmt.Println(path, status.Facts)
			continue
		}
		last := site.Arrivals()[len(site.Arrivals())-1]
		fmt.Println(path, last.Method, last.BodySize, "bytes, with a token:", last.Token() != "")
	}
	// Output:
	// /door/file PUT 17 bytes, with a token: true
	// /old/file [a redirect turned the PUT into a GET, so nothing was done; send the request to the new address]
}

// In a third-party copy the destination fetches from the source, and needs the
// credential that a request of ours to the source would carry.
func ExampleTransport_Credentials() {
	site, world, issuer := credtest.NewSite(), credtest.NewWorld(), credtest.NewIssuer("https://issuer.example.org")
	defer site.Close()
	world.Put("/creds/destination.use", issuer.WLCG(credtest.Claims{"aud": "https://destination.example.org", "sub": "writer"}))
	world.Put("/creds/source.use", issuer.WLCG(credtest.Claims{"aud": "https://source.example.org", "sub": "reader"}))
	world.SetEnv("_CONDOR_CREDS", "/creds")
	site.HandleFunc("/file", func(_ http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Authorization", "TransferHeaderAuthorization"} {
			token, err := scicred.ParseToken(strings.TrimPrefix(r.Header.Get(name), "Bearer "))
			if err != nil {
				fmt.Println(err)
				return
			}
			claims, _ := token.Claims()
			fmt.Printf("%s: token of the %s\n", name, claims.Subject)
		}
	})

	transport, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(world.System()))
	if err != nil {
		fmt.Println(err)
		return
	}
	source, _ := url.Parse(site.As("source.example.org") + "/file")
	creds, err := transport.Credentials(context.Background(), source)
	if err != nil || creds.Token == nil {
		fmt.Println(err, creds.Report)
		return
	}
	req, _ := http.NewRequest("COPY", site.As("destination.example.org")+"/file", nil)
	req.Header.Set("Source", source.String())
	req.Header.Set("TransferHeaderAuthorization", "Bearer "+creds.Token.Reveal())
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	// Output:
	// Authorization: token of the writer
	// TransferHeaderAuthorization: token of the reader
}

// In a program these two are golang.org/x/oauth2's.
type (
	oauth2Token       struct{ AccessToken string }
	oauth2TokenSource interface{ Token() (*oauth2Token, error) }
)

type loggedIn struct{}

func (loggedIn) Token() (*oauth2Token, error) {
	return &oauth2Token{AccessToken: "from-the-login"}, nil
}

// An oauth2.TokenSource is a [scicred.TokenSource] in four lines. WithHosts says
// where its tokens may go; a source that knows by itself looks at the target and
// returns [scicred.ErrNoCredentials] for what is not its business.
func ExampleWithTokenSource() {
	site := credtest.NewSite()
	defer site.Close()
	var login oauth2TokenSource = loggedIn{}

	source := scicred.TokenSourceFunc(func(context.Context, scicred.Target) (*scicred.Token, error) {
		token, err := login.Token()
		if err != nil {
			return nil, err
		}
		return scicred.ParseToken(token.AccessToken)
	})

	transport, err := scicred.NewTransport(site.Transport(),
		scicred.WithTokenSource("login", source), scicred.WithHosts("localhost"), scicred.WithoutDiscovery())
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := (&http.Client{Transport: transport}).Get(site.Origin)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println("arrived:", site.Arrivals()[0].Token())
	// Output:
	// arrived: from-the-login
}

// Some requests must go without: really without, netrc included, and on a
// connection that shows no certificate.
func ExampleForceNoAuth() {
	site, world := credtest.NewSite(), credtest.NewWorld()
	defer site.Close()
	world.Put("/home/user/.netrc", "machine localhost login marie password radium\n")

	transport, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(world.System()))
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport}
	for _, ctx := range []context.Context{
		context.Background(),
		scicred.NewContext(context.Background(), scicred.ForceNoAuth()),
	} {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, site.Origin, nil)
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
	}
	for _, a := range site.Arrivals() {
		fmt.Println(a.Secrets())
	}
	// Output:
	// [the login of "marie"]
	// []
}

// With FailIfNoAuth a request fails before it is sent, and the error says for
// every place why it gave nothing. It is each of the reasons to errors.Is.
func ExampleFailIfNoAuth() {
	world, issuer := newYear(), credtest.NewIssuer("https://issuer.example.org")
	world.SetEnv("BEARER_TOKEN_FILE", "/home/user/token")
	world.Put("/home/user/token", issuer.SciToken(nil, credtest.At(world.Now()), credtest.Expired()))
	world.SetEnv("XDG_RUNTIME_DIR", "/run/user/1000")

	transport, err := scicred.NewTransport(nil, scicred.WithSystem(world.System()), scicred.FailIfNoAuth(scicred.KindToken))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := (&http.Client{Transport: transport}).Get("https://data.example.org/frames")
	if err == nil {
		resp.Body.Close()
	}
	var chain *scicred.ChainError
	if errors.As(err, &chain) {
		for _, a := range chain.Report.Attempts {
			if a.Outcome == scicred.Rejected {
				fmt.Printf("%s %s: %v\n", a.Candidate, a.Path, a.Err)
			}
		}
	}
	fmt.Println(errors.Is(err, scicred.ErrNoCredentials), errors.Is(err, scicred.ErrExpired), errors.Is(err, scicred.ErrInsecure))
	// Output:
	// BEARER_TOKEN_FILE /home/user/token: expired 1h ago
	// true true false
}

// newYear returns a machine whose clock shows the same time in every run.
func newYear() *credtest.World {
	world := credtest.NewWorld()
	world.Advance(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Sub(world.Now()))
	return world
}

// Explain says what a request would carry and why, without sending anything.
func ExampleTransport_Explain() {
	world, ca, issuer := newYear(), credtest.NewCA("Example CA"), credtest.NewIssuer("https://issuer.example.org")
	now := credtest.At(world.Now())
	world.SetEnv("BEARER_TOKEN_FILE", "/run/user/1000/bt_u1000")
	world.Put("/run/user/1000/bt_u1000", issuer.SciToken(credtest.Claims{"aud": "https://other.example.org"}, now))
	world.SetEnv("XDG_RUNTIME_DIR", "/run/user/1001")
	world.SetEnv("X509_USER_PROXY", "/home/user/cert.pem")
	world.Put("/home/user/cert.pem", string(ca.User("Albert Einstein", now, credtest.ExpiresIn(11*time.Hour)).PEM()))
	world.WriteFile("/home/user/.netrc", "machine data.example.org:8443 login albert password e=mc2\n", 0o600, 1000)

	transport, err := scicred.NewTransport(nil, scicred.WithSystem(world.System()))
	if err != nil {
		fmt.Println(err)
		return
	}
	u, _ := url.Parse("https://data.example.org/frames?authz=secret")
	report := transport.Explain(context.Background(), u)
	fmt.Println(report.URL)
	fmt.Println(report)
	// Output:
	// https://data.example.org/frames?authz=REDACTED
	// KIND   OUTCOME    CANDIDATE          PATH                             DETAIL
	// token  not found  SCITOKEN                                            not set
	// token  not found  SCITOKEN_FILE                                       not set
	// token  not found  _CONDOR_CREDS                                       not set
	// token  not found  BEARER_TOKEN                                        not set
	// token  rejected   BEARER_TOKEN_FILE  /run/user/1000/bt_u1000          its audience is https://other.example.org, not https://data.example.org
	// token  not found  XDG_RUNTIME_DIR    /run/user/1001/bt_u1000          no such file, and its folder does not exist either (looked for effective uid 1000)
	// token  not found  /tmp               /tmp/bt_u1000                    no such file or directory (looked for effective uid 1000)
	// x509   not found  X509_USER_CERT                                      not set
	// x509   attached   X509_USER_PROXY    /home/user/cert.pem              /DC=org/DC=scicred-test/CN=Albert Einstein, expires in 11h
	// x509   not asked  /tmp               /tmp/x509up_u1000
	// x509   not asked  ~/.globus          /home/user/.globus/usercert.pem
	// x509   not asked  ~/.globus          /home/user/.globus/usercred.p12
	// basic  not found  netrc              /home/user/.netrc                no entry for data.example.org, only for its port 8443
}

// CheckResponse turns a refusal into an error that says what can be told from
// here about why.
func ExampleCheckResponse() {
	site, world, issuer := credtest.NewSite(), credtest.NewWorld(), credtest.NewIssuer("https://issuer.example.org")
	defer site.Close()
	site.Handle("/private", credtest.Answer(http.StatusForbidden, "no"))
	world.Put("/tmp/bt_u1000", issuer.WLCG(credtest.Claims{"aud": "https://data.example.org", "scope": "storage.read:/public"}))

	transport, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(world.System()))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := (&http.Client{Transport: transport}).Get(site.As("data.example.org") + "/private")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	var status *scicred.StatusError
	if errors.As(scicred.CheckResponse(resp), &status) {
		fmt.Println(status.Status)
		for _, fact := range status.Facts {
			fmt.Println("-", fact)
		}
	}
	// Output:
	// 403 Forbidden
	// - the token from /tmp/bt_u1000 was sent (audience https://data.example.org, scope storage.read:/public) and looked fine from here, but was refused: its scope may not cover this operation or path
}

// FindToken is for programs that do not make their requests with net/http. It
// looks at this process; here, at the machine in memory.
func ExampleFindToken() {
	world, issuer := credtest.NewWorld(), credtest.NewIssuer("https://issuer.example.org")
	world.SetEnv("BEARER_TOKEN", issuer.WLCG(credtest.Claims{"aud": "https://other.example.org"}))
	world.Put("/tmp/bt_u1000", issuer.WLCG(credtest.Claims{"aud": "https://data.example.org", "scope": "storage.read:/ligo"}))

	u, _ := url.Parse("https://data.example.org/ligo/frames")
	target := scicred.Target{URL: u, Scope: []string{"storage.read:/ligo/frames"}}
	token, err := world.System().FindToken(context.Background(), target) // scicred.FindToken(ctx, target)
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, _ := token.Claims()
	fmt.Println(token.Path(), claims.Scope)
	fmt.Println(token) // prints no secret; token.Reveal() returns it
	// Output:
	// /tmp/bt_u1000 [storage.read:/ligo]
	// token of "test.user" for ["https://data.example.org"] from /tmp
}

// FindX509 gives crypto/tls a client certificate, for other protocols than
// HTTP. GetClientCertificate, unlike Certificates, offers a proxy to every
// server that asks.
func ExampleFindX509() {
	world, user := credtest.NewWorld(), credtest.NewCA("Example CA").User("Albert Einstein")
	world.Put("/tmp/x509up_u1000", string(user.PEM()))

	cert, err := world.System().FindX509(context.Background(), scicred.Target{}) // scicred.FindX509(ctx, …)
	if err != nil {
		fmt.Println(err)
		return
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return cert.Certificate(), nil
		},
	}
	offered, _ := config.GetClientCertificate(nil)
	fmt.Println(cert.Subject(), cert.Path(), len(offered.Certificate))
	// Output:
	// /DC=org/DC=scicred-test/CN=Albert Einstein /tmp/x509up_u1000 1
}

// FindNetrc looks up the login for a host.
func ExampleFindNetrc() {
	world := credtest.NewWorld()
	world.Put("/home/user/.netrc", "machine data.example.org login marie password radium\n")

	u, _ := url.Parse("https://data.example.org/")
	login, err := world.System().FindNetrc(context.Background(), scicred.Target{URL: u}) // scicred.FindNetrc(ctx, …)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(login.User(), len(login.Reveal()))
	fmt.Println(login)
	// Output:
	// marie 6
	// login of "marie" from netrc
}

// ParseToken reads what a token says of itself. Nobody has checked the
// signature: do not decide by it who may do what.
func ExampleParseToken() {
	raw := credtest.NewIssuer("https://issuer.example.org").SciToken(credtest.Claims{"sub": "albert", "scope": "read:/frames write:/home"})

	token, err := scicred.ParseToken(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, isJWT := token.Claims()
	fmt.Println(isJWT, claims.Issuer, claims.Subject, claims.Scope)

	_, err = scicred.ParseToken("Bearer " + raw)
	fmt.Println(err, errors.Is(err, scicred.ErrMalformed))
	// Output:
	// true https://issuer.example.org albert [read:/frames write:/home]
	// starts with "Bearer ": leave the prefix out true
}

// observer stands for otelhttp, a logger, a cache.
type observer struct {
	name string
	next http.RoundTripper
}

func (o observer) RoundTrip(req *http.Request) (*http.Response, error) {
	fmt.Printf("%s: sees Authorization: %t\n", o.name, req.Header.Get("Authorization") != "")
	return o.next.RoundTrip(req)
}

// What measures, logs, retries or caches belongs around the Transport, where it
// sees the caller's request. Between the Transport and the network it would see
// the secrets.
func ExampleTransport_RoundTrip() {
	site, world, issuer := credtest.NewSite(), credtest.NewWorld(), credtest.NewIssuer("https://issuer.example.org")
	defer site.Close()
	world.SetEnv("BEARER_TOKEN", issuer.WLCG(nil))

	transport, err := scicred.NewTransport(
		observer{"inside (wrong)", site.Transport()},
		scicred.WithSystem(world.System()),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: observer{"outside (right)", transport}}
	resp, err := client.Get(site.Origin)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	// Output:
	// outside (right): sees Authorization: false
	// inside (wrong): sees Authorization: true
}

// A test of a program that must not give its token away: the site records which
// secret reached which origin.
func Example_testing() {
	site, world, issuer := credtest.NewSite(), credtest.NewWorld(), credtest.NewIssuer("https://issuer.example.org")
	defer site.Close()
	world.SetEnv("BEARER_TOKEN", issuer.SciToken(credtest.Claims{"aud": "ANY"}))
	site.Handle(site.Origin+"/data", credtest.Redirect(http.StatusFound, site.OtherHost+"/data"))

	transport, err := scicred.NewTransport(site.Transport(), scicred.WithSystem(world.System()))
	if err != nil {
		fmt.Println(err)
		return
	}
	program := func(client *http.Client) error { // what is under test
		resp, err := client.Get(site.Origin + "/data")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	if err := program(&http.Client{Transport: transport}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("secrets at the origin:", len(site.Leaks(site.Origin)))
	fmt.Println("secrets elsewhere:    ", len(site.Leaks(site.OtherHost)))
	// Output:
	// secrets at the origin: 1
	// secrets elsewhere:     0
}
