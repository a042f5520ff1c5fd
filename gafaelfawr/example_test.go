// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/gafaelfawr"
	"github.com/scicred/scicred/gafaelfawr/gafaelfawrtest"
)

// aSiteForExamples is a site with one user and some tokens. A real one is found
// by gafaelfawr.New() and the environment variable REPERTOIRE_BASE_URL.
func aSiteForExamples() (server *gafaelfawrtest.Server, client *gafaelfawr.Client, done func()) {
	server = gafaelfawrtest.NewServer()
	info := &gafaelfawr.UserInfo{
		Username: "someuser", Name: new("Some User"), UID: new(int64(4123)), GID: new(int64(4123)),
		Groups: []gafaelfawr.Group{{Name: "someuser", ID: 4123}, {Name: "g_operators", ID: 5001}},
		Quota:  &gafaelfawr.Quota{API: map[string]int64{"tap": 10}},
	}
	if err := server.SetUserInfo("someuser", info); err != nil {
		panic(err)
	}
	client, err := server.NewClient()
	if err != nil {
		panic(err)
	}
	return server, client, func() { client.Close(); server.Close() }
}

// A service behind Gafaelfawr gets a token of its user with each request, if it
// asked for one. The token says who the user is, and what may be done in their
// name.
func Example_delegatedToken() {
	site, client, done := aSiteForExamples() // In a service: gafaelfawr.New().
	defer done()

	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		token, err := gafaelfawr.ParseToken(req.Header.Get("X-Auth-Request-Token"))
		if err != nil {
			http.Error(w, "no token was delegated", http.StatusInternalServerError)
			return
		}
		user, err := client.UserInfo(req.Context(), token)
		if err != nil {
			http.Error(w, "who are you?", http.StatusBadGateway)
			return
		}
		if _, ok := user.Group("g_operators"); !ok {
			http.Error(w, "for operators only", http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, "Hello %s, your groups are %v.", user.Username, user.SupplementalGroups())
	}))
	defer service.Close()

	// What the ingress does for the service:
	req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, service.URL, http.NoBody)
	req.Header.Set("X-Auth-Request-Token", site.CreateToken("someuser", gafaelfawrtest.TokenOptions{}).Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(string(body))
	// Output: Hello someuser, your groups are [4123 5001].
}

// A service with a token of its own, of scope admin:userinfo, asks about users by
// name.
func Example_serviceToken() {
	site, client, done := aSiteForExamples()
	defer done()
	raw := site.CreateToken("bot-service", gafaelfawrtest.TokenOptions{Scopes: []string{gafaelfawr.ScopeAdminUserInfo}}).Reveal()

	token, err := gafaelfawr.ParseToken(raw) // From a secret of the service.
	if err != nil {
		fmt.Println(err)
		return
	}
	user, err := client.UserInfoByName(context.Background(), token, "someuser")
	if err != nil {
		fmt.Println(err)
		return
	}
	if limit, limited := user.Quota.APILimit("tap"); limited {
		fmt.Printf("%s may make %d requests per minute.\n", *user.Name, limit)
	}
	_, err = client.UserInfoByName(context.Background(), token, "nobody")
	var missing *gafaelfawr.NotFoundError
	fmt.Println("nobody is there:", errors.As(err, &missing))
	// Output:
	// Some User may make 10 requests per minute.
	// nobody is there: true
}

// A program that has an http.Client already, with proxies and certificates as it
// needs them, makes all requests with that one.
func ExampleWithHTTPClient() {
	site := gafaelfawrtest.NewServer()
	defer site.Close()
	transport := &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 10}
	existing := &http.Client{Transport: transport, Timeout: 20 * time.Second}

	discovery, err := gafaelfawr.NewDiscovery(site.DiscoveryURL, gafaelfawr.WithHTTPClient(existing))
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := gafaelfawr.New(gafaelfawr.WithHTTPClient(existing), gafaelfawr.WithDiscovery(discovery))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close() // The connections of the http.Client stay as they are.

	doc, err := discovery.Document(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(doc.Applications, doc.InternalVersions("gafaelfawr"))
	// Output: [gafaelfawr] [v1]
}

// A program with many users remembers more of them, and one for which changes of
// groups matter more remembers them for a shorter time.
func ExampleWithCacheLifetime() {
	site, _, done := aSiteForExamples()
	defer done()
	client, err := gafaelfawr.New(
		gafaelfawr.WithAPIURL(site.URL),
		gafaelfawr.WithCacheSize(20_000),
		gafaelfawr.WithCacheLifetime(30*time.Second),
		gafaelfawr.WithTimeout(2*time.Second),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	token := site.CreateToken("someuser", gafaelfawrtest.TokenOptions{})
	for range 1000 {
		if _, err := client.UserInfo(context.Background(), token); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println("requests:", site.Count("/user-info"))
	client.ClearCache()
	_, _ = client.UserInfo(context.Background(), token)
	fmt.Println("requests:", site.Count("/user-info"))
	// Output:
	// requests: 1
	// requests: 2
}

// A Gafaelfawr token goes through scicred like any other: it is no JWT and names
// no audience, so that its hosts must be named. A token file will do as well,
// and is read again when it changes.
func Example_scicred() {
	site, _, done := aSiteForExamples()
	defer done()
	token := site.CreateToken("someuser", gafaelfawrtest.TokenOptions{})
	file := filepath.Join(os.TempDir(), "gafaelfawr-example-token")
	if err := os.WriteFile(file, []byte(token.Reveal()+"\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(file)
	u, err := url.Parse(site.URL)
	if err != nil {
		fmt.Println(err)
		return
	}

	for _, option := range []scicred.Option{scicred.WithToken(token.Reveal()), scicred.WithTokenFile(file)} {
		transport, err := scicred.NewTransport(nil, option, scicred.WithHosts(u.Host))
		if err != nil {
			fmt.Println(err)
			return
		}
		client := &http.Client{Transport: transport}
		// Any service of the site, such as TAP; here it is Gafaelfawr itself.
		req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, site.URL+"/user-info", http.NoBody)
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(resp.Status, resp.Request.Header.Get("Authorization") == "")
		_ = resp.Body.Close()
	}
	// Output:
	// 200 OK true
	// 200 OK true
}

// A client of this package can have scicred below it, for the certificate that a
// site's proxy asks for, say. Its own token goes before what scicred finds. Service
// discovery needs no token, and has a bare client, so that it gets none either.
func ExampleClient_scicredBelow() {
	site, _, done := aSiteForExamples()
	defer done()
	token := site.CreateToken("someuser", gafaelfawrtest.TokenOptions{})
	u, err := url.Parse(site.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	transport, err := scicred.NewTransport(nil, scicred.WithToken(token.Reveal()), scicred.WithHosts(u.Host))
	if err != nil {
		fmt.Println(err)
		return
	}

	discovery, err := gafaelfawr.NewDiscovery(site.DiscoveryURL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer discovery.Close()
	client, err := gafaelfawr.New(gafaelfawr.WithDiscovery(discovery), gafaelfawr.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		fmt.Println(err)
		return
	}
	user, err := client.UserInfo(context.Background(), token)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.Username)
	for _, r := range site.Requests() {
		fmt.Println(r.Path, "with a token:", r.Key != "")
	}
	// Output:
	// someuser
	// /repertoire/discovery with a token: false
	// /auth/api/v1/user-info with a token: true
}

// The expiry of a token can be left, lifted or set.
func ExampleClient_ModifyToken() {
	site, client, done := aSiteForExamples()
	defer done()
	ctx := context.Background()
	admin := site.CreateToken("admin", gafaelfawrtest.TokenOptions{Scopes: []string{gafaelfawr.ScopeAdminToken}})
	key := site.CreateToken("someuser", gafaelfawrtest.TokenOptions{Name: "laptop", Expires: time.Now().Add(time.Hour)}).Key()

	for _, changes := range []gafaelfawr.TokenChanges{
		{TokenName: new("old laptop")},
		{Expires: gafaelfawr.Never()},
		{Expires: gafaelfawr.ExpireAt(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))},
	} {
		info, err := client.ModifyToken(ctx, admin, "someuser", key, changes)
		if err != nil {
			fmt.Println(err)
			return
		}
		switch {
		case info.Expires == nil:
			fmt.Println(*info.TokenName, "never expires")
		case info.Expires.Year() == 2100:
			fmt.Println(*info.TokenName, "expires in 2100")
		default:
			fmt.Println(*info.TokenName, "expires soon")
		}
	}
	// Output:
	// old laptop expires soon
	// old laptop never expires
	// old laptop expires in 2100
}

// The history comes in pages, which a loop does not see.
func ExampleClient_History() {
	site, client, done := aSiteForExamples()
	defer done()
	ctx := context.Background()
	admin := site.CreateToken("admin", gafaelfawrtest.TokenOptions{Scopes: []string{gafaelfawr.ScopeAdminToken}})
	token, err := client.CreateServiceToken(ctx, admin, gafaelfawr.ServiceTokenRequest{Username: "bot-mobu", Scopes: []string{"read:tap"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := client.DeleteToken(ctx, admin, "bot-mobu", token.Key()); err != nil {
		fmt.Println(err)
		return
	}
	for change, err := range client.History(ctx, admin, gafaelfawr.HistoryQuery{Username: "bot-mobu", Limit: 1}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(change.Actor, change.Action, change.TokenType, change.Scopes)
	}
	// Output:
	// admin revoke service [read:tap]
	// admin create service [read:tap]
}

// What a server says about a failure is there for programs and for people.
func ExampleWebError() {
	site, client, done := aSiteForExamples()
	defer done()
	token := site.CreateToken("someuser", gafaelfawrtest.TokenOptions{})
	_, err := client.Users(context.Background(), token)
	var web *gafaelfawr.WebError
	if errors.As(err, &web) {
		fmt.Println(web.Status, web.Details[0].Type)
		fmt.Println(web.Details[0].Message)
	}
	// Output:
	// 403 permission_denied
	// Token does not have required scope admin:userinfo
}
