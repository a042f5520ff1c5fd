// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawrtest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/gafaelfawr"
	"github.com/scicred/scicred/gafaelfawr/gafaelfawrtest"
)

// These tests speak HTTP by themselves: what they ask for is what is known of
// Gafaelfawr's own mock, not what our client makes of it.

// ask makes a request and returns status and body.
func ask(t *testing.T, method, url, authorization, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

func newServer(t *testing.T) *gafaelfawrtest.Server {
	t.Helper()
	server := gafaelfawrtest.NewServer()
	t.Cleanup(server.Close)
	return server
}

func bearer(token gafaelfawr.Token) string { return "Bearer " + token.Reveal() }

func options(scopes ...string) gafaelfawrtest.TokenOptions {
	return gafaelfawrtest.TokenOptions{Scopes: scopes}
}

func TestRequestsAreCheckedInTheOrderOfTheirMock(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	now := time.Unix(1_700_000_000, 0)
	server.SetClock(func() time.Time { return now })
	require.NoError(t, server.SetUserInfo("someuser", &gafaelfawr.UserInfo{Username: "someuser"}))
	sound := server.CreateToken("someuser", options("admin:userinfo"))
	poor := server.CreateToken("someuser", options())
	expired := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{Expires: now, Scopes: []string{"admin:userinfo"}})
	expiredAndPoor := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{Expires: now})
	living := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{Expires: now.Add(time.Second)})
	failing := server.CreateToken("failing", gafaelfawrtest.TokenOptions{Expires: now})
	server.FailOn("failing", gafaelfawrtest.UserInfo, gafaelfawrtest.ListUsers)
	otherSecret := sound.Reveal()[:len(sound.Reveal())-22] + strings.Repeat("A", 22)

	for name, c := range map[string]struct {
		path, authorization string
		status              int
	}{
		"sound":                          {"/user-info", bearer(sound), 200},
		"the scheme in any case":         {"/user-info", "bEARER " + sound.Reveal(), 200},
		"another scheme":                 {"/user-info", "Basic " + sound.Reveal(), 403},
		"no header":                      {"/user-info", "", 403},
		"an unknown token":               {"/user-info", bearer(gafaelfawr.NewToken()), 403},
		"a known key, another secret":    {"/user-info", "Bearer " + otherSecret, 403},
		"no token at all":                {"/user-info", "Bearer some-token", 403},
		"failure goes before expiry":     {"/user-info", bearer(failing), 500},
		"failure goes before the scope":  {"/users", bearer(failing), 500},
		"other actions do not fail":      {"/groups", bearer(failing), 403},
		"a scope is missing":             {"/users", bearer(poor), 403},
		"the scope goes before expiry":   {"/users", bearer(expiredAndPoor), 403},
		"expired to the second":          {"/users", bearer(expired), 401},
		"expired without a scope needed": {"/user-info", bearer(expiredAndPoor), 401},
		"a second to live":               {"/user-info", bearer(living), 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := ask(t, http.MethodGet, server.URL+c.path, c.authorization, "")
			assert.Equal(t, c.status, status, body)
		})
	}
}

func TestUserInformationIsThatOfTheTokensUserAndLeavesDefaultsOut(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	token := server.CreateToken("someuser", options())
	status, _ := ask(t, http.MethodGet, server.URL+"/user-info", bearer(token), "")
	assert.Equal(t, 404, status, "nothing is known")

	require.NoError(t, server.SetUserInfo("someuser", &gafaelfawr.UserInfo{Username: "someuser", UID: new(int64(0))}))
	_, body := ask(t, http.MethodGet, server.URL+"/user-info", bearer(token), "")
	assert.JSONEq(t, `{"username":"someuser","uid":0}`, body)

	server.SetQuota("someuser", &gafaelfawr.Quota{API: map[string]int64{"tap": 0}, Notebook: &gafaelfawr.NotebookQuota{CPU: 4, Memory: 4, Spawn: true}})
	_, body = ask(t, http.MethodGet, server.URL+"/user-info", bearer(token), "")
	assert.JSONEq(t, `{"username":"someuser","uid":0,"quota":{"api":{"tap":0},"notebook":{"cpu":4,"memory":4}}}`, body)

	server.SetQuota("someuser", &gafaelfawr.Quota{Notebook: &gafaelfawr.NotebookQuota{}})
	_, body = ask(t, http.MethodGet, server.URL+"/user-info", bearer(token), "")
	assert.JSONEq(t, `{"username":"someuser","uid":0,"quota":{"notebook":{"cpu":0,"memory":0,"spawn":false}}}`, body)

	server.SetQuota("someuser", &gafaelfawr.Quota{})
	_, body = ask(t, http.MethodGet, server.URL+"/user-info", bearer(token), "")
	assert.JSONEq(t, `{"username":"someuser","uid":0,"quota":{}}`, body, "a quota without limits is not none")

	require.NoError(t, server.SetUserInfo("someuser", nil))
	status, _ = ask(t, http.MethodGet, server.URL+"/user-info", bearer(token), "")
	assert.Equal(t, 404, status)
	require.Error(t, server.SetUserInfo("someuser", &gafaelfawr.UserInfo{Username: "another"}))
	server.SetQuota("nobody", nil)
	_, body = ask(t, http.MethodGet, server.URL+"/user-info", bearer(server.CreateToken("nobody", options())), "")
	assert.JSONEq(t, `{"username":"nobody"}`, body)
}

func TestUsersAreLookedUpByNameAndFailByTheNameLookedUp(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	admin := bearer(server.CreateToken("admin", options("admin:userinfo")))
	status, _ := ask(t, http.MethodGet, server.URL+"/users/someuser", admin, "")
	assert.Equal(t, 404, status)
	require.NoError(t, server.SetUserInfo("someuser", &gafaelfawr.UserInfo{Username: "someuser", Groups: []gafaelfawr.Group{{Name: "g", ID: 7}}}))
	_, body := ask(t, http.MethodGet, server.URL+"/users/someuser", admin, "")
	assert.JSONEq(t, `{"username":"someuser","groups":[{"name":"g","id":7}]}`, body)

	server.FailOn("admin", gafaelfawrtest.UserInfo)
	status, _ = ask(t, http.MethodGet, server.URL+"/users/someuser", admin, "")
	assert.Equal(t, 200, status, "whose token it is does not matter")
	server.FailOn("someuser", gafaelfawrtest.UserInfo)
	status, _ = ask(t, http.MethodGet, server.URL+"/users/someuser", admin, "")
	assert.Equal(t, 500, status)
	server.FailOn("someuser", gafaelfawrtest.CreateToken)
	status, _ = ask(t, http.MethodGet, server.URL+"/users/someuser", admin, "")
	assert.Equal(t, 200, status, "what is to fail is replaced")
	server.FailOn("someuser")

	require.NoError(t, server.SetUserInfo("a/b", &gafaelfawr.UserInfo{Username: "a/b"}))
	_, body = ask(t, http.MethodGet, server.URL+"/users/a%2Fb", admin, "")
	assert.JSONEq(t, `{"username":"a/b"}`, body)
}

func TestListsAreInTheOrderInWhichUsersWereSetAnd404IfEmpty(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	admin := bearer(server.CreateToken("admin", options("admin:userinfo")))
	for _, path := range []string{"/users", "/groups"} {
		status, _ := ask(t, http.MethodGet, server.URL+path, admin, "")
		assert.Equal(t, 404, status, path)
	}
	for _, name := range []string{"zoe", "gone", "adam"} {
		require.NoError(t, server.SetUserInfo(name, &gafaelfawr.UserInfo{Username: name}))
	}
	require.NoError(t, server.SetUserInfo("gone", nil))
	_, body := ask(t, http.MethodGet, server.URL+"/users", admin, "")
	assert.JSONEq(t, `[{"username":"zoe"},{"username":"adam"}]`, body)

	server.SetGroups(&gafaelfawr.Groups{User: []gafaelfawr.Group{{Name: "g", ID: 1}}})
	_, body = ask(t, http.MethodGet, server.URL+"/groups", admin, "")
	assert.JSONEq(t, `{"user":[{"name":"g","id":1}]}`, body)
	server.SetGroups(nil)
	status, _ := ask(t, http.MethodGet, server.URL+"/groups", admin, "")
	assert.Equal(t, 404, status)
	server.FailOn("admin", gafaelfawrtest.ListGroups)
	status, _ = ask(t, http.MethodGet, server.URL+"/groups", admin, "")
	assert.Equal(t, 500, status)
}

func TestServiceTokensAreMadeForBotsWithWhatTheRequestSays(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	admin := server.CreateToken("admin", options("admin:token"))
	poor := server.CreateToken("admin", options("admin:userinfo"))
	const wanted = `{"username":"bot-x","token_type":"service","scopes":["admin:userinfo"],"expires":null,"name":"Bot","email":null,"uid":1,"gid":2,"groups":[{"name":"g","id":3}]}`

	status, _ := ask(t, http.MethodPost, server.URL+"/tokens", bearer(poor), wanted)
	assert.Equal(t, 403, status)
	status, _ = ask(t, http.MethodPost, server.URL+"/tokens", bearer(admin), strings.Replace(wanted, "bot-x", "botx", 1))
	assert.Equal(t, 422, status)
	status, body := ask(t, http.MethodPost, server.URL+"/tokens", bearer(admin), wanted)
	require.Equal(t, 200, status, body)
	var made struct{ Token string }
	require.NoError(t, json.Unmarshal([]byte(body), &made))
	_, body = ask(t, http.MethodGet, server.URL+"/user-info", "Bearer "+made.Token, "")
	assert.JSONEq(t, `{"username":"bot-x","name":"Bot","uid":1,"gid":2,"groups":[{"name":"g","id":3}]}`, body)
	status, _ = ask(t, http.MethodGet, server.URL+"/users/bot-x", "Bearer "+made.Token, "")
	assert.Equal(t, 200, status, "it has the scope that it was made with")

	server.FailOn("admin", gafaelfawrtest.CreateToken)
	status, _ = ask(t, http.MethodPost, server.URL+"/tokens", bearer(admin), wanted)
	assert.Equal(t, 500, status)
}

func TestItsDiscoveryLeadsToIt(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	status, body := ask(t, http.MethodGet, server.DiscoveryURL+"/discovery", "", "")
	assert.Equal(t, 200, status)
	var doc gafaelfawr.Document
	require.NoError(t, json.Unmarshal([]byte(body), &doc))
	found, ok := doc.InternalURL("gafaelfawr", "v1")
	assert.True(t, ok)
	assert.Equal(t, server.URL, found)
}

func TestTwoServersDoNotKnowEachOthersTokens(t *testing.T) {
	t.Parallel()
	one, two := newServer(t), newServer(t)
	token := one.CreateToken("someuser", options())
	one.SetQuota("someuser", nil)
	two.SetQuota("someuser", nil)
	status, _ := ask(t, http.MethodGet, one.URL+"/user-info", bearer(token), "")
	assert.Equal(t, 200, status)
	status, _ = ask(t, http.MethodGet, two.URL+"/user-info", bearer(token), "")
	assert.Equal(t, 403, status)
	assert.Equal(t, []gafaelfawrtest.Request{{Method: "GET", Path: "/auth/api/v1/user-info", Key: token.Key()}}, one.Requests())
	assert.Equal(t, 1, two.Count("/user-info"))
}

func TestItSpeaksTLS(t *testing.T) {
	t.Parallel()
	server := gafaelfawrtest.NewTLSServer()
	t.Cleanup(server.Close)
	require.True(t, strings.HasPrefix(server.URL, "https://127.0.0.1:"), server.URL)
	require.True(t, strings.HasPrefix(server.DiscoveryURL, "https://127.0.0.1:"), server.DiscoveryURL)
	admin := server.CreateToken("admin", options("admin:token"))
	server.CreateToken("someuser", options())
	client, err := server.NewClient()
	require.NoError(t, err)
	t.Cleanup(client.Close)
	for range 2 {
		n := 0
		for _, err := range client.History(t.Context(), admin, gafaelfawr.HistoryQuery{Limit: 1}) {
			require.NoError(t, err, "its links lead to https too")
			n++
		}
		assert.Equal(t, 2, n)
	}
	_, err = http.Get(server.DiscoveryURL) //nolint:bodyclose // there is no answer
	require.Error(t, err, "nobody else trusts it")
	gafaelfawrtest.TestServer(t, gafaelfawrtest.Target{APIURL: server.URL, AdminToken: admin, HTTPClient: server.Client()})
}

func TestItIsAHandlerForOtherAddresses(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	elsewhere := httptest.NewServer(server)
	t.Cleanup(elsewhere.Close)
	discovery, err := gafaelfawr.NewDiscovery(elsewhere.URL + "/repertoire")
	require.NoError(t, err)
	client, err := gafaelfawr.New(gafaelfawr.WithDiscovery(discovery))
	require.NoError(t, err)
	found, err := client.APIURL(t.Context())
	require.NoError(t, err)
	assert.Equal(t, elsewhere.URL+"/auth/api/v1", found)
	server.SetQuota("someuser", nil)
	info, err := client.UserInfo(t.Context(), server.CreateToken("someuser", options()))
	require.NoError(t, err)
	assert.Equal(t, "someuser", info.Username)
}

func TestRequestsCanBeAnsweredByTheTest(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	server.SetQuota("someuser", nil)
	token := server.CreateToken("someuser", options())
	client, err := server.NewClient()
	require.NoError(t, err)
	t.Cleanup(client.Close)
	busy := true
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !busy || !strings.HasSuffix(req.URL.Path, "/user-info") {
			return false
		}
		busy = false
		server.SetQuota("someuser", &gafaelfawr.Quota{}) // No lock is held.
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	_, err = client.UserInfo(t.Context(), token)
	var web *gafaelfawr.WebError
	require.ErrorAs(t, err, &web)
	assert.Equal(t, 429, web.Status)
	assert.False(t, web.RetryAfter.IsZero())
	info, err := client.UserInfo(t.Context(), token)
	require.NoError(t, err)
	assert.NotNil(t, info.Quota)
	assert.Equal(t, 2, server.Count("/user-info"), "those that the test answers count too")
	server.Intercept(nil)
	assert.Len(t, server.Requests(), 3)
}

// One client that sends half a body, or reads half an answer, must not stop all
// others.
func TestNoLockIsHeldWhileAClientTakesItsTime(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	admin := server.CreateToken("admin", options("admin:token"))
	others := 0
	meanwhile := func() {
		others++
		status, _ := ask(t, http.MethodGet, server.URL+"/token-info", bearer(admin), "")
		assert.Equal(t, 200, status)
	}
	body := io.MultiReader(strings.NewReader(`{"username":"bot-x",`), during(meanwhile), strings.NewReader(`"token_type":"service"}`))
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/api/v1/tokens", body)
	req.Header.Set("Authorization", bearer(admin))
	req.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	server.ServeHTTP(slowWriter{answer, meanwhile}, req)
	assert.Equal(t, 200, answer.Code)
	assert.Contains(t, answer.Body.String(), `{"token":"gt-`)
	assert.Equal(t, 2, others)
}

// during is a reader of nothing that calls itself.
type during func()

func (d during) Read([]byte) (int, error) {
	d()
	return 0, io.EOF
}

type slowWriter struct {
	http.ResponseWriter
	do func()
}

func (w slowWriter) Write(p []byte) (int, error) {
	w.do()
	return w.ResponseWriter.Write(p)
}

func TestFormsAreRefused(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	admin := server.CreateToken("admin", options("admin:token"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/tokens", strings.NewReader(`{"username":"bot-x","token_type":"service"}`))
	require.NoError(t, err)
	req.Header.Set("Authorization", bearer(admin))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, 422, resp.StatusCode)
}

func TestAHistoryHasLinksOnlyIfALimitWasGiven(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	now := time.Unix(1_700_000_000, 0)
	server.SetClock(func() time.Time { return now })
	admin := bearer(server.CreateToken("admin", options("admin:token")))
	for range 2 {
		server.CreateToken("someuser", options())
	}
	get := func(query string) (link, total string, entries []map[string]any) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/history/token-changes"+query, http.NoBody)
		require.NoError(t, err)
		req.Header.Set("Authorization", admin)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&entries))
		return resp.Header.Get("Link"), resp.Header.Get("X-Total-Count"), entries
	}
	link, total, entries := get("")
	assert.Empty(t, link+total)
	require.Len(t, entries, 3)
	assert.Equal(t, "someuser", entries[0]["username"])
	assert.Equal(t, "admin", entries[2]["username"], "the newest is first, also within a second")
	assert.InDelta(t, 1_700_000_000, entries[0]["event_time"], 0)
	assert.Contains(t, entries[0], "expires", "null is kept")

	base := server.URL + "/history/token-changes?limit=1&username=someuser"
	link, total, entries = get("?username=someuser&limit=1")
	assert.Equal(t, "2", total)
	assert.Len(t, entries, 1)
	assert.Equal(t, "<"+base+`>; rel="first", <`+base+`&cursor=1700000000_2>; rel="next"`, link)
	link, _, _ = get("?username=someuser&limit=1&cursor=1700000000_2")
	assert.Equal(t, "<"+base+`>; rel="first", <`+base+`&cursor=p1700000000_2>; rel="prev"`, link)
	link, _, _ = get("?username=someuser&cursor=1700000000_2")
	assert.Empty(t, link)
}
