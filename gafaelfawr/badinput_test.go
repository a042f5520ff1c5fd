// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/gafaelfawr"
	"github.com/scicred/scicred/gafaelfawr/gafaelfawrtest"
)

const apiURL = "https://data.example.org/auth/api/v1"

func TestAReplyThatIsNoneIsAValidationError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ contentType, body, says string }{
		"a page":              {"text/html; charset=utf-8", "<html><title>Log in</title></html>", "it is not JSON but text/html; charset=utf-8"},
		"nothing":             {"", "", "it is not JSON"},
		"half of it":          {"application/json", `{"username":"u"`, "it is not JSON"},
		"two of them":         {"application/json", `{"username":"u"} {}`, "it is not JSON"},
		"null":                {"application/json", ` null `, "the document is null"},
		"a list":              {"application/json", `[]`, "the document has the wrong type or size (array)"},
		"no user name":        {"application/json", `{}`, "username is missing"},
		"a null user name":    {"application/json", `{"username":null}`, "username is null"},
		"an empty user name":  {"application/json", `{"username":""}`, "username is empty"},
		"a name of names":     {"application/json", `{"USERNAME":"u"}`, "username is missing"},
		"a number for a name": {"application/json", `{"username":5}`, "username has the wrong type or size (number)"},
		"a text for a UID":    {"application/json", `{"username":"u","uid":"4123"}`, "uid has the wrong type or size (string)"},
		"a huge UID":          {"application/json", `{"username":"u","uid":18446744073709551616}`, "uid has the wrong type or size (number)"},
		"a fraction of a GID": {"application/json", `{"username":"u","gid":1.5}`, "gid has the wrong type or size (number)"},
		"null groups":         {"application/json", `{"username":"u","groups":null}`, "groups is null"},
		"an object of groups": {"application/json", `{"username":"u","groups":{"g":1}}`, "groups has the wrong type or size (object)"},
		"a null group":        {"application/json", `{"username":"u","groups":[null]}`, "groups[0] is null"},
		"a group's name":      {"application/json", `{"username":"u","groups":["g"]}`, "groups[0] has the wrong type or size (string)"},
		"a group without GID": {"application/json", `{"username":"u","groups":[{"name":"a","id":1},{"name":"b"}]}`, "groups[1].id is missing"},
		"a quota of null":     {"application/json", `{"username":"u","quota":{"api":null}}`, "quota.api is null"},
		"a text for a limit":  {"application/json", `{"username":"u","quota":{"api":{"tap":"5"}}}`, "quota.api.tap has the wrong type or size (string)"},
		"half a notebook":     {"application/json", `{"username":"u","quota":{"notebook":{"cpu":1}}}`, "quota.notebook.memory is missing"},
		"a number of queries": {"application/json", `{"username":"u","quota":{"tap":{"qserv":1}}}`, "quota.tap.qserv has the wrong type or size (number)"},
		"a null permission":   {"application/json", `{"username":"u","quota":{"notebook":{"cpu":1,"memory":1,"spawn":null}}}`, "quota.notebook.spawn is null"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := withResponder(t, func(req *http.Request) (*http.Response, error) {
				return answer(req, 200, c.body, "Content-Type", c.contentType)
			})
			info, err := client.UserInfo(t.Context(), gafaelfawr.NewToken())
			var invalid *gafaelfawr.ValidationError
			require.ErrorAs(t, err, &invalid)
			assert.Equal(t, "unable to parse reply from GET "+apiURL+"/user-info: "+c.says, err.Error())
			assert.Equal(t, gafaelfawr.UserInfo{}, info)
		})
	}
}

func TestWhatIsNotKnownIsNilAndWhatIsUnknownIsIgnored(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]gafaelfawr.UserInfo{
		`{"username":"u"}`: {Username: "u"},
		`{"username":"u","name":null,"email":null,"uid":null,"gid":null,"quota":null}`: {Username: "u"},
		`{"username":"u","uid":0,"name":"","later":{"a":[]},"groups":[]}`:              {Username: "u", UID: new(int64(0)), Name: new(""), Groups: []gafaelfawr.Group{}},
		`{"username":"u","quota":{}}`:                                                  {Username: "u", Quota: &gafaelfawr.Quota{}},
		`{"username":"u","quota":{"notebook":{"cpu":1,"memory":2,"x":1}}}`:             {Username: "u", Quota: &gafaelfawr.Quota{Notebook: &gafaelfawr.NotebookQuota{CPU: 1, Memory: 2, Spawn: true}}},
	} {
		client := withResponder(t, func(req *http.Request) (*http.Response, error) { return answer(req, 200, body) })
		got, err := client.UserInfo(t.Context(), gafaelfawr.NewToken())
		require.NoError(t, err, body)
		assert.Equal(t, want, got, body)
	}
}

func TestEveryReplyIsCheckedForWhatItMustHave(t *testing.T) {
	t.Parallel()
	token := gafaelfawr.NewToken()
	key := token.Key()
	for says, c := range map[string]struct {
		body string
		call func(*gafaelfawr.Client) error
	}{
		"[1].username is missing": {`[{"username":"a"},{}]`, func(c *gafaelfawr.Client) error { _, err := c.Users(t.Context(), token); return err }},
		"system[0].id is missing": {`{"system":[{"name":"a"}]}`, func(c *gafaelfawr.Client) error { _, err := c.Groups(t.Context(), token); return err }},
		"user is null":            {`{"user":null}`, func(c *gafaelfawr.Client) error { _, err := c.Groups(t.Context(), token); return err }},
		"token is no Gafaelfawr token": {`{"token":"gt-x"}`, func(c *gafaelfawr.Client) error {
			_, err := c.CreateServiceToken(t.Context(), token, gafaelfawr.ServiceTokenRequest{Username: "bot-x"})
			return err
		}},
		"token is null": {`{"token":null}`, func(c *gafaelfawr.Client) error {
			_, err := c.CreateUserToken(t.Context(), token, "u", gafaelfawr.UserTokenRequest{})
			return err
		}},
		"created is missing":     {`{"token":"k","username":"u","token_type":"user","scopes":[]}`, func(c *gafaelfawr.Client) error { _, err := c.TokenInfo(t.Context(), token); return err }},
		"created is not a time":  {`{"token":"k","username":"u","token_type":"user","scopes":[],"created":"noon"}`, func(c *gafaelfawr.Client) error { _, err := c.TokenInfo(t.Context(), token); return err }},
		"scopes[0] is null":      {`{"token":"k","username":"u","token_type":"user","scopes":[null],"created":1}`, func(c *gafaelfawr.Client) error { _, err := c.TokenInfo(t.Context(), token); return err }},
		"[0].scopes is null":     {`[{"token":"k","username":"u","token_type":"user","scopes":null,"created":1}]`, func(c *gafaelfawr.Client) error { _, err := c.Tokens(t.Context(), token, "u"); return err }},
		"token_type is empty":    {`{"token":"k","username":"u","token_type":"","scopes":[],"created":1}`, func(c *gafaelfawr.Client) error { _, err := c.Token(t.Context(), token, "u", key); return err }},
		"[0].event_time is null": {`[{"token":"k","username":"u","token_type":"user","scopes":[],"actor":"u","action":"edit","event_time":null}]`, func(c *gafaelfawr.Client) error { return first(c.TokenHistory(t.Context(), token, "u", key)) }},
		"[0].actor is missing": {`[{"token":"k","username":"u","token_type":"user","scopes":[],"action":"edit","event_time":1}]`, func(c *gafaelfawr.Client) error {
			return first(c.History(t.Context(), token, gafaelfawr.HistoryQuery{}))
		}},
		"the document is null": {`null`, func(c *gafaelfawr.Client) error {
			return first(c.UserHistory(t.Context(), token, "u", gafaelfawr.HistoryQuery{}))
		}},
		"bypass[0] has the wrong type or size (number)":    {`{"bypass":[1]}`, func(c *gafaelfawr.Client) error { _, err := c.QuotaOverrides(t.Context(), token); return err }},
		"the document has the wrong type or size (object)": {`{}`, func(c *gafaelfawr.Client) error { _, err := c.Users(t.Context(), token); return err }},
	} {
		client := withResponder(t, func(req *http.Request) (*http.Response, error) { return answer(req, 200, c.body) })
		err := c.call(client)
		var invalid *gafaelfawr.ValidationError
		if assert.ErrorAs(t, err, &invalid, says) {
			assert.True(t, strings.HasSuffix(err.Error(), ": "+says), err.Error())
		}
	}
}

// first returns the first error.
func first(entries func(yield func(gafaelfawr.ChangeHistoryEntry, error) bool)) error {
	for _, err := range entries {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestAFailureIsAWebErrorThatSaysWhy(t *testing.T) {
	t.Parallel()
	now := newClock()
	for name, c := range map[string]struct {
		status int
		header []string
		body   string
		says   string
		check  func(*testing.T, *gafaelfawr.WebError)
	}{
		"an object, where nobody is logged in": {
			401, nil, `{"detail":{"msg":"Authentication required","type":"no_authorization"}}`,
			"status 401 from GET " + apiURL + "/token-info: Authentication required (no_authorization)",
			func(t *testing.T, e *gafaelfawr.WebError) {
				t.Helper()
				assert.Equal(t, []gafaelfawr.ErrorDetail{{Message: "Authentication required", Type: "no_authorization"}}, e.Details)
				assert.Empty(t, e.Body)
			},
		},
		"a list, for what is wrong with the request": {
			422, nil, `{"detail":[{"type":"missing","loc":["body","groups",0,"id"],"msg":"Field required","input":{"token":"hunter2"},"ctx":{"x":"hunter2"}},{"type":"value_error","loc":null,"msg":"Value error, x"}]}`,
			"status 422 from GET " + apiURL + "/token-info: body.groups[0].id Field required (missing); Value error, x (value_error)",
			func(t *testing.T, e *gafaelfawr.WebError) {
				t.Helper()
				assert.Equal(t, []any{"body", "groups", 0, "id"}, e.Details[0].Loc)
			},
		},
		"a text, from the framework": {405, nil, `{"detail":"Method Not Allowed"}`, "status 405 from GET " + apiURL + "/token-info: Method Not Allowed", nil},
		"a text for a terminal":      {400, nil, `{"detail":"\u001b[31mred"}`, "status 400 from GET " + apiURL + "/token-info: \uFFFD[31mred", nil},
		"a page": {502, []string{"Content-Type", "text/html"}, "<html>\n<h1>Bad Gateway</h1></html>", "status 502 from GET " + apiURL + "/token-info: a page, not JSON", func(t *testing.T, e *gafaelfawr.WebError) {
			t.Helper()
			assert.Contains(t, e.Body, "Bad Gateway")
		}},
		"a sentence":            {503, nil, "upstream \x1b[31m connect\nerror", "status 503 from GET " + apiURL + "/token-info: upstream \uFFFD[31m connect error", nil},
		"nothing":               {500, nil, "", "status 500 from GET " + apiURL + "/token-info", nil},
		"other JSON":            {400, nil, `{"error":"x"}`, "status 400 from GET " + apiURL + `/token-info: {"error":"x"}`, nil},
		"an empty list":         {400, nil, `{"detail":[]}`, "status 400 from GET " + apiURL + `/token-info: {"detail":[]}`, nil},
		"details that are none": {400, nil, `{"detail":[{"loc":[{}],"msg":"m"}]}`, "status 400 from GET " + apiURL + `/token-info: {"detail":[{"loc":[{}],"msg":"m"}]}`, nil},
		"seconds to wait": {429, []string{"Retry-After", "30"}, `{"detail":[{"msg":"Rate limit (10/minute) exceeded","type":"rate_limited"}]}`, "status 429 from GET " + apiURL + "/token-info: Rate limit (10/minute) exceeded (rate_limited); try again after 30s", func(t *testing.T, e *gafaelfawr.WebError) {
			t.Helper()
			assert.Equal(t, now.Now().Add(30*time.Second), e.RetryAfter)
		}},
		"a date to wait for": {429, []string{"Retry-After", now.Now().Add(time.Minute).Format(http.TimeFormat)}, "", "status 429 from GET " + apiURL + "/token-info; try again after 1m0s", func(t *testing.T, e *gafaelfawr.WebError) {
			t.Helper()
			assert.True(t, now.Now().Add(time.Minute).Equal(e.RetryAfter))
		}},
		"a date that has passed": {503, []string{"Retry-After", now.Now().Add(-time.Minute).Format(http.TimeFormat)}, "", "status 503 from GET " + apiURL + "/token-info", func(t *testing.T, e *gafaelfawr.WebError) {
			t.Helper()
			assert.True(t, now.Now().Add(-time.Minute).Equal(e.RetryAfter))
		}},

		"nonsense to wait for":    {429, []string{"Retry-After", "soon"}, "", "status 429 from GET " + apiURL + "/token-info", nil},
		"a negative wait":         {429, []string{"Retry-After", "-5"}, "", "status 429 from GET " + apiURL + "/token-info", nil},
		"a wait beyond all years": {429, []string{"Retry-After", "4294967295"}, "", "status 429 from GET " + apiURL + "/token-info", nil},
		"a redirect": {302, []string{"Location", "https://login.example.org/?state=hunter2&rd=x"}, "", "status 302 from GET " + apiURL + "/token-info: a redirect to https://login.example.org/?state=REDACTED&rd=x, which is not followed", func(t *testing.T, e *gafaelfawr.WebError) {
			t.Helper()
			assert.Equal(t, "https://login.example.org/?state=REDACTED&rd=x", e.Location)
		}},
		"a redirect that cannot be read": {302, []string{"Location", "https://h/%zz?state=hunter2"}, "", "status 302 from GET " + apiURL + "/token-info", nil},
		"a redirect to nowhere":          {307, nil, "", "status 307 from GET " + apiURL + "/token-info", nil},
		"nothing new":                    {304, nil, "", "status 304 from GET " + apiURL + "/token-info", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			client := withResponder(t, func(req *http.Request) (*http.Response, error) {
				calls++
				return answer(req, c.status, c.body, c.header...)
			}, gafaelfawr.WithClock(now.Now))
			_, err := client.TokenInfo(t.Context(), gafaelfawr.NewToken())
			var web *gafaelfawr.WebError
			require.ErrorAs(t, err, &web)
			assert.Equal(t, c.says, err.Error())
			assert.Equal(t, c.status, web.Status)
			assert.Equal(t, http.MethodGet, web.Method)
			assert.Equal(t, apiURL+"/token-info", web.URL)
			assert.NotContains(t, err.Error(), "hunter2")
			assert.Equal(t, 1, calls)
			var missing *gafaelfawr.NotFoundError
			assert.NotErrorAs(t, err, &missing)
			if c.check != nil {
				c.check(t, web)
			}
		})
	}
}

// What comes after status 101 is no HTTP, and a connection has no end.
func TestAnUpgradedConnectionIsNotRead(t *testing.T) {
	t.Parallel()
	client := withResponder(t, func(req *http.Request) (*http.Response, error) {
		resp, err := answer(req, 101, "")
		resp.Body = io.NopCloser(readerFunc(func([]byte) (int, error) {
			t.Error("it is read")
			return 0, io.EOF
		}))
		return resp, err
	})
	_, err := client.Groups(t.Context(), gafaelfawr.NewToken())
	require.Error(t, err)
	assert.Equal(t, "status 101 from GET "+apiURL+"/groups", err.Error())
}

func TestABodyThatDoesNotEndWithItsContextIsClosed(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"of a success": 200, "of a failure": 500} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := withResponder(t, func(req *http.Request) (*http.Response, error) {
					resp, err := answer(req, status, "")
					resp.Body, _ = io.Pipe() // Nobody writes.
					return resp, err
				})
				started := time.Now()
				_, err := client.Groups(t.Context(), gafaelfawr.NewToken())
				assert.Equal(t, gafaelfawr.DefaultTimeout, time.Since(started))
				web := as[*gafaelfawr.WebError](t, err)
				assert.Equal(t, status, web.Status)
				if status == 200 {
					require.ErrorIs(t, err, context.DeadlineExceeded)
					assert.Equal(t, "status 200 from GET "+apiURL+"/groups within 5s", err.Error())
				}

				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				started = time.Now()
				_, err = client.Groups(ctx, gafaelfawr.NewToken())
				assert.Equal(t, time.Second, time.Since(started))
				require.Error(t, err)
				assert.NotContains(t, err.Error(), "within")
			})
		})
	}
}

func TestForeignNamesInErrorsAreShortAndPrintable(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 1<<20)
	for name, c := range map[string]struct {
		status     int
		body, says string
	}{
		"a name for a terminal": {200, `{"username":"u","quota":{"api":{"\u001b[31mred\nINFO forged":"x"}}}`, "quota.api.�[31mred�INFO forged has the wrong type or size (string)"},
		"a name without end":    {200, `{"username":"u","quota":{"api":{"` + long + `":"x"}}}`, "quota.api." + long[:64] + "… has the wrong type or size (string)"},
		"a detail without end":  {400, `{"detail":"` + long[:50_000] + `"}`, long[:500] + "…"},
		"a path without end":    {400, `{"detail":[{"msg":"m","loc":["a"` + strings.Repeat(`,"a"`, 10_000) + `]}]}`, strings.Repeat("a.", 150) + "… m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := withResponder(t, func(req *http.Request) (*http.Response, error) { return answer(req, c.status, c.body) })
			_, err := client.UserInfo(t.Context(), gafaelfawr.NewToken())
			require.Error(t, err)
			_, says, _ := strings.Cut(err.Error(), "/user-info: ")
			assert.Equal(t, c.says, says)
			if wrong, ok := errors.AsType[*gafaelfawr.FieldError](err); ok {
				assert.Less(t, len(fmt.Sprint(wrong.Path...)), 100, "it keeps no more than it says")
			}
		})
	}
	wrong := &gafaelfawr.FieldError{Path: []any{"a\nb", 1, long}, Problem: "is missing"}
	assert.Equal(t, "a�b[1]."+long[:64]+"… is missing", wrong.Error(), "servers use it too")
}

func TestStatus404IsNotFoundForAllButPost(t *testing.T) {
	t.Parallel()
	client := withResponder(t, func(req *http.Request) (*http.Response, error) { return answer(req, 404, `{"detail":"Not Found"}`) })
	ctx, token := t.Context(), gafaelfawr.NewToken()
	key := token.Key()
	for name, c := range map[string]struct {
		call    func() error
		missing bool
	}{
		"UserInfo":       {func() error { _, err := client.UserInfo(ctx, token); return err }, true},
		"UserInfoByName": {func() error { _, err := client.UserInfoByName(ctx, token, "u"); return err }, true},
		"Users":          {func() error { _, err := client.Users(ctx, token); return err }, true},
		"Groups":         {func() error { _, err := client.Groups(ctx, token); return err }, true},
		"Token":          {func() error { _, err := client.Token(ctx, token, "u", key); return err }, true},
		"ModifyToken": {func() error {
			_, err := client.ModifyToken(ctx, token, "u", key, gafaelfawr.TokenChanges{})
			return err
		}, true},
		"DeleteToken":          {func() error { return client.DeleteToken(ctx, token, "u", key) }, true},
		"DeleteQuotaOverrides": {func() error { return client.DeleteQuotaOverrides(ctx, token) }, true},
		"CreateServiceToken": {func() error {
			_, err := client.CreateServiceToken(ctx, token, gafaelfawr.ServiceTokenRequest{})
			return err
		}, false},
		"CreateUserToken": {func() error {
			_, err := client.CreateUserToken(ctx, token, "u", gafaelfawr.UserTokenRequest{})
			return err
		}, false},
	} {
		err := c.call()
		var missing *gafaelfawr.NotFoundError
		var web *gafaelfawr.WebError
		assert.ErrorAs(t, err, &web, name)
		assert.Equal(t, c.missing, errors.As(err, &missing), name)
	}
}

func TestRedirectsAreNotFollowedAndCookiesNotSent(t *testing.T) {
	t.Parallel()
	target := newServer(t)
	target.SetQuota("someuser", nil)
	token := target.CreateToken("someuser", gafaelfawrtest.TokenOptions{})
	var cookies []*http.Cookie
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		cookies = append(cookies, req.Cookies()...)
		http.Redirect(w, req, target.URL+"/user-info", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	jar.SetCookies(u, []*http.Cookie{{Name: "gafaelfawr", Value: "somebody-elses-session"}})
	own := &http.Client{Jar: jar}
	client, err := gafaelfawr.New(gafaelfawr.WithHTTPClient(own), gafaelfawr.WithAPIURL(server.URL))
	require.NoError(t, err)
	_, err = client.UserInfo(t.Context(), token)
	var web *gafaelfawr.WebError
	require.ErrorAs(t, err, &web)
	assert.Equal(t, http.StatusTemporaryRedirect, web.Status)
	assert.Empty(t, target.Requests(), "the token went no further")
	assert.Empty(t, cookies, "a cookie goes before the token at the server")
	assert.NotNil(t, own.Jar, "the caller's client is left alone")
	assert.Nil(t, own.CheckRedirect)
}

func TestABodyOverTenMiBIsRefused(t *testing.T) {
	t.Parallel()
	const limit = 10 << 20
	users := func(size int) []byte {
		body := []byte(`[{"username":"u","name":"`)
		body = append(body, bytes.Repeat([]byte("x"), size-len(body)-3)...)
		return append(body, `"}]`...)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(users(limit + 1))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	served := map[string][]byte{"/exact/users": users(limit), "/over/users": users(limit + 1), "/packed/users": packed.Bytes()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.URL.Path, "/packed") {
			w.Header().Set("Content-Encoding", "gzip")
		}
		_, _ = w.Write(served[req.URL.Path])
	}))
	defer server.Close()
	ask := func(path string) error {
		client, err := gafaelfawr.New(gafaelfawr.WithAPIURL(server.URL+path), gafaelfawr.WithTimeout(time.Hour))
		require.NoError(t, err)
		defer client.Close()
		_, err = client.Users(t.Context(), gafaelfawr.NewToken())
		return err
	}
	require.NoError(t, ask("/exact"))
	for _, path := range []string{"/over", "/packed"} {
		var invalid *gafaelfawr.ValidationError
		err := ask(path)
		require.ErrorAs(t, err, &invalid)
		assert.Contains(t, err.Error(), "the reply is larger than 10 MiB")
	}
}

func TestTheBodyOfAFailureIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	read := 0
	client := withResponder(t, func(req *http.Request) (*http.Response, error) {
		resp, err := answer(req, 500, "")
		resp.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
			read += len(p)
			return copy(p, bytes.Repeat([]byte("é"), len(p))), nil
		}))
		return resp, err
	})
	_, err := client.TokenInfo(t.Context(), gafaelfawr.NewToken())
	var web *gafaelfawr.WebError
	require.ErrorAs(t, err, &web)
	assert.LessOrEqual(t, read, 256<<10)
	assert.LessOrEqual(t, len(web.Body), 4<<10)
	assert.Less(t, len(err.Error()), 300)
}

func TestABodyThatBreaksOffIsAWebError(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	client := withResponder(t, func(req *http.Request) (*http.Response, error) {
		resp, err := answer(req, 200, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"user`), readerFunc(func([]byte) (int, error) { return 0, broken })))
		return resp, err
	})
	_, err := client.TokenInfo(t.Context(), gafaelfawr.NewToken())
	var web *gafaelfawr.WebError
	require.ErrorAs(t, err, &web)
	require.ErrorIs(t, err, broken)
	assert.Equal(t, "status 200 from GET "+apiURL+"/token-info: connection reset", err.Error())
}

func TestARoundTripperThatReturnsNothingIsAnError(t *testing.T) {
	t.Parallel()
	for _, resp := range []*http.Response{nil, {StatusCode: 200}} {
		client := withResponder(t, func(*http.Request) (*http.Response, error) { return resp, nil })
		_, err := client.TokenInfo(t.Context(), gafaelfawr.NewToken())
		var web *gafaelfawr.WebError
		require.ErrorAs(t, err, &web)
	}
}

func TestUserNamesAreEscaped(t *testing.T) {
	t.Parallel()
	var paths []string
	client := withResponder(t, func(req *http.Request) (*http.Response, error) {
		paths = append(paths, req.URL.RequestURI())
		return answer(req, 404, "")
	})
	ctx, token := t.Context(), gafaelfawr.NewToken()
	for _, name := range []string{"a/b", "../history/token-changes", "a?b=c", "a#b", "a%2Fb", "é", "a b", "a\nb", "<bootstrap>", "..%2f", "a;b"} {
		_, err := client.UserInfoByName(ctx, token, name)
		var missing *gafaelfawr.NotFoundError
		require.ErrorAs(t, err, &missing, name)
	}
	_, err := client.Token(ctx, token, "a/b", "dDQg_NTNS5/GxeEteqnkag")
	require.Error(t, err)
	require.Error(t, first(client.UserHistory(ctx, token, "a/b", gafaelfawr.HistoryQuery{})))
	p := "/auth/api/v1/users/"
	assert.Equal(t, []string{
		p + "a%2Fb", p + "..%2Fhistory%2Ftoken-changes", p + "a%3Fb=c", p + "a%23b", p + "a%252Fb", p + "%C3%A9", p + "a%20b", p + "a%0Ab", p + "%3Cbootstrap%3E", p + "..%252f", p + "a%3Bb",
		p + "a%2Fb/tokens/dDQg_NTNS5%2FGxeEteqnkag", p + "a%2Fb/token-change-history?limit=500",
	}, paths)

	paths = nil
	for _, name := range []string{"", ".", ".."} {
		_, err := client.UserInfoByName(ctx, token, name)
		require.ErrorIs(t, err, gafaelfawr.ErrInvalidArgument)
		_, err = client.Token(ctx, token, "u", name)
		require.ErrorIs(t, err, gafaelfawr.ErrInvalidArgument)
		require.ErrorIs(t, client.DeleteToken(ctx, token, name, token.Key()), gafaelfawr.ErrInvalidArgument)
	}
	assert.Empty(t, paths, "they would lead to another route")
}

func TestWithoutATokenNothingIsAsked(t *testing.T) {
	t.Parallel()
	client := withResponder(t, func(*http.Request) (*http.Response, error) { panic("asked") })
	ctx := t.Context()
	var none gafaelfawr.Token
	_, err := client.UserInfo(ctx, none)
	require.ErrorIs(t, err, gafaelfawr.ErrInvalidToken)
	_, err = client.UserInfoByName(ctx, none, "u")
	require.ErrorIs(t, err, gafaelfawr.ErrInvalidToken)
	_, err = client.Users(ctx, none)
	require.ErrorIs(t, err, gafaelfawr.ErrInvalidToken)
	_, err = client.CreateToken(ctx, none, gafaelfawr.AdminTokenRequest{})
	require.ErrorIs(t, err, gafaelfawr.ErrInvalidToken)
	require.ErrorIs(t, client.DeleteQuotaOverrides(ctx, none), gafaelfawr.ErrInvalidToken)
	require.ErrorIs(t, first(client.History(ctx, none, gafaelfawr.HistoryQuery{})), gafaelfawr.ErrInvalidToken)
}

func TestTokensTravelInCleartextOnlyToThisMachine(t *testing.T) {
	t.Parallel()
	for host, allowed := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9": true, "[::1]": true, "localhost:8080": true, "LOCALHOST.": true,
		"data.example.org": false, "10.0.0.1": false, "127.0.0.1.example.org": false, "[::2]": false, "localhost.example.org": false,
	} {
		r := responder(func(req *http.Request) (*http.Response, error) { return answer(req, 500, "") })
		ask := func(opts ...gafaelfawr.Option) error {
			_, err := withResponder(t, r, append(opts, gafaelfawr.WithAPIURL("http://"+host+"/auth/api/v1"))...).UserInfo(t.Context(), gafaelfawr.NewToken())
			return err
		}
		var web *gafaelfawr.WebError
		var discovery *gafaelfawr.DiscoveryError
		if allowed {
			require.ErrorAs(t, ask(), &web, host)
		} else {
			require.ErrorAs(t, ask(), &discovery, host)
		}
		require.ErrorAs(t, ask(gafaelfawr.WithPlaintextHTTP()), &web, host)
	}
}
