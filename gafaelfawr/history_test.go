// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/gafaelfawr"
	"github.com/scicred/scicred/gafaelfawr/gafaelfawrtest"
)

// someEntry is an entry of history of a token.
func someEntry(key string) string {
	return `{"token":"` + key + `","username":"u","token_type":"user","scopes":[],"expires":null,"actor":"u","action":"create","ip_address":null,"event_time":5}`
}

// pages answers with one entry and a Link header, by the query.
func pages(links map[string]string) (responder, *[]string) {
	var asked []string
	return func(req *http.Request) (*http.Response, error) {
		asked = append(asked, req.URL.String())
		cursor := req.URL.Query().Get("cursor")
		return answer(req, 200, "["+someEntry("k"+cursor)+"]", "Link", links[cursor], "X-Total-Count", "3")
	}, &asked
}

func keys(t *testing.T, entries func(yield func(gafaelfawr.ChangeHistoryEntry, error) bool)) (found []string, err error) {
	t.Helper()
	for e, err := range entries {
		if err != nil {
			return found, err
		}
		found = append(found, e.Token)
	}
	return found, nil
}

func TestPagesAreFollowedAsTheServerSays(t *testing.T) {
	t.Parallel()
	const base = "https://data.example.org/auth/api/v1/history/token-changes"
	for name, c := range map[string]map[string]string{
		"absolute":                  {"": "<" + base + `?limit=1&cursor=2>; rel="next"`, "2": "<" + base + `?limit=1>; rel="first", <` + base + `?limit=1&cursor=3>; rel="next"`, "3": `<` + base + `?limit=1>; rel="first"`},
		"relative":                  {"": `<?cursor=2>; rel=next`, "2": `</auth/api/v1/history/token-changes?cursor=3>;rel="next"`},
		"the default port":          {"": `<https://data.example.org:443/auth/api/v1/history/token-changes?cursor=2>; rel=next`, "2": `<https://DATA.example.org/x?cursor=3>; rel="next"`},
		"commas within the target":  {"": `<?cursor=2&scopes=a,b;c>; rel="next"`, "2": `<?cursor=0>; title="<x>; rel=\"next\"", <?cursor=3>; rel="next"`},
		"several relations in one":  {"": `<?cursor=2>; rel="next last"`, "2": `<?cursor=3>; REL="NEXT"`},
		"only the first rel counts": {"": `<?cursor=9>; rel="prev"; rel="next", <?cursor=2>; rel="next"`, "2": `<?cursor=3>; rel=next, <?cursor=9>; rel=next`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, asked := pages(c)
			client := withResponder(t, r)
			entries := client.History(t.Context(), gafaelfawr.NewToken(), gafaelfawr.HistoryQuery{Limit: 1})
			for range 2 {
				found, err := keys(t, entries)
				require.NoError(t, err)
				assert.Equal(t, []string{"k", "k2", "k3"}, found, "it begins anew each time")
			}
			assert.Len(t, *asked, 6)
		})
	}
}

func TestWhoStopsAsksForNoFurtherPage(t *testing.T) {
	t.Parallel()
	r, asked := pages(map[string]string{"": `<?cursor=2>; rel=next`})
	client := withResponder(t, r)
	for range client.History(t.Context(), gafaelfawr.NewToken(), gafaelfawr.HistoryQuery{}) {
		break
	}
	for range client.TokenHistory(t.Context(), gafaelfawr.NewToken(), "u", "dDQg_NTNS51GxeEteqnkag") {
		break
	}
	assert.Equal(t, []string{
		"https://data.example.org/auth/api/v1/history/token-changes?limit=500",
		"https://data.example.org/auth/api/v1/users/u/tokens/dDQg_NTNS51GxeEteqnkag/change-history",
	}, *asked)
}

func TestTheTokenGoesToNoOtherServerForAPage(t *testing.T) {
	t.Parallel()
	for _, link := range []string{
		`<https://evil.example.org/auth/api/v1/history/token-changes?cursor=2>; rel=next`, `<//evil.example.org/x?cursor=2>; rel=next`,
		`<http://data.example.org/auth/api/v1/history/token-changes?cursor=2>; rel=next`, `<https://data.example.org:8443/?cursor=2>; rel=next`,
		`<https://u:p@data.example.org/?cursor=2>; rel=next`, `<https://data.example.org.evil.org/?cursor=2>; rel=next`, `<https://[>; rel=next`,
	} {
		r, asked := pages(map[string]string{"": link})
		client := withResponder(t, r)
		found, err := keys(t, client.History(t.Context(), gafaelfawr.NewToken(), gafaelfawr.HistoryQuery{}))
		var invalid *gafaelfawr.ValidationError
		require.ErrorAs(t, err, &invalid, link)
		assert.Contains(t, err.Error(), "to which the token is not sent")
		assert.Len(t, *asked, 1)
		assert.Empty(t, found)
	}
}

func TestAServerThatGoesInCirclesIsLeft(t *testing.T) {
	t.Parallel()
	r, asked := pages(map[string]string{"": `<?cursor=2>; rel=next`, "2": `<?cursor=3>; rel=next`, "3": `<?cursor=2>; rel=next`})
	client := withResponder(t, r)
	found, err := keys(t, client.History(t.Context(), gafaelfawr.NewToken(), gafaelfawr.HistoryQuery{}))
	var invalid *gafaelfawr.ValidationError
	require.ErrorAs(t, err, &invalid)
	assert.Contains(t, err.Error(), "the next page is one that was there before")
	assert.Equal(t, []string{"k", "k2", "k3"}, found)
	assert.Len(t, *asked, 3)
}

func TestThePageThatWasFirstIsOneThatWasThere(t *testing.T) {
	t.Parallel()
	r, asked := pages(map[string]string{"": `<?limit=500>; rel=next`})
	client := withResponder(t, r)
	found, err := keys(t, client.History(t.Context(), gafaelfawr.NewToken(), gafaelfawr.HistoryQuery{}))
	require.Error(t, err)
	assert.Contains(t, err.Error(), "the next page is one that was there before")
	assert.Equal(t, []string{"k"}, found)
	assert.Len(t, *asked, 1)
}

// The cursor of the page before the newest entry finds nothing, and its next page
// is the newest entry's: the one empty page that is not the last.
func TestEmptyPagesAreNotFollowedForEver(t *testing.T) {
	t.Parallel()
	calls := 0
	endless := withResponder(t, func(req *http.Request) (*http.Response, error) {
		calls++
		return answer(req, 200, "[]", "Link", fmt.Sprintf("<?cursor=%d>; rel=next", calls))
	})
	_, err := keys(t, endless.History(t.Context(), gafaelfawr.NewToken(), gafaelfawr.HistoryQuery{}))
	as[*gafaelfawr.ValidationError](t, err)
	assert.Contains(t, err.Error(), "the page is empty, like the one before it, and yet not the last")
	assert.Equal(t, 2, calls)

	backward := withResponder(t, func(req *http.Request) (*http.Response, error) {
		switch cursor := req.URL.Query().Get("cursor"); cursor {
		case "p9":
			return answer(req, 200, "[]", "Link", "<?cursor=9>; rel=next")
		case "9":
			return answer(req, 200, "["+someEntry("k9")+"]", "Link", "<?cursor=8>; rel=next")
		default:
			return answer(req, 200, "[]")
		}
	})
	found, err := keys(t, backward.History(t.Context(), gafaelfawr.NewToken(), gafaelfawr.HistoryQuery{Cursor: "p9"}))
	require.NoError(t, err)
	assert.Equal(t, []string{"k9"}, found)
}

// URLs stand in the logs of servers and proxies.
func TestNoTokenGoesIntoAURL(t *testing.T) {
	t.Parallel()
	var asked []string
	client := withResponder(t, func(req *http.Request) (*http.Response, error) {
		asked = append(asked, req.URL.String())
		return answer(req, 404, "")
	})
	own, other := gafaelfawr.NewToken(), gafaelfawr.NewToken()
	key := own.Key()
	ctx := t.Context()
	for _, s := range []string{own.Reveal(), other.Reveal(), own.Reveal()[26:], "Bearer " + other.Reveal()} {
		for name, call := range map[string]func() error{
			"Token":          func() error { _, err := client.Token(ctx, own, "u", s); return err },
			"Token of a":     func() error { _, err := client.Token(ctx, own, s, key); return err },
			"ModifyToken":    func() error { _, err := client.ModifyToken(ctx, own, "u", s, gafaelfawr.TokenChanges{}); return err },
			"DeleteToken":    func() error { return client.DeleteToken(ctx, own, "u", s) },
			"TokenHistory":   func() error { return first(client.TokenHistory(ctx, own, "u", s)) },
			"UserInfoByName": func() error { _, err := client.UserInfoByName(ctx, own, s); return err },
			"Tokens":         func() error { _, err := client.Tokens(ctx, own, s); return err },
			"UserHistory":    func() error { return first(client.UserHistory(ctx, own, s, gafaelfawr.HistoryQuery{})) },
			"Key":            func() error { return first(client.History(ctx, own, gafaelfawr.HistoryQuery{Key: s})) },
			"Actor":          func() error { return first(client.History(ctx, own, gafaelfawr.HistoryQuery{Actor: s})) },
			"Username":       func() error { return first(client.History(ctx, own, gafaelfawr.HistoryQuery{Username: s})) },
			"Cursor":         func() error { _, err := client.HistoryPage(ctx, own, gafaelfawr.HistoryQuery{Cursor: s}); return err },
		} {
			err := call()
			require.ErrorIs(t, err, gafaelfawr.ErrInvalidArgument, name)
			assert.Contains(t, err.Error(), "use Token.Key", name)
			assert.NotContains(t, err.Error(), own.Reveal()[26:], name)
			assert.NotContains(t, err.Error(), other.Reveal()[26:], name)
		}
	}
	for _, short := range []string{"", "k", key[1:], key + "x"} {
		_, err := client.Token(ctx, own, "u", short)
		require.ErrorIs(t, err, gafaelfawr.ErrInvalidArgument)
		assert.Contains(t, err.Error(), fmt.Sprintf("a key has 22 characters, not %d", len(short)))
	}
	assert.Empty(t, asked)
}

func TestAnErrorEndsAHistory(t *testing.T) {
	t.Parallel()
	calls := 0
	client := withResponder(t, func(req *http.Request) (*http.Response, error) {
		if calls++; calls > 1 {
			return answer(req, 500, "")
		}
		return answer(req, 200, "["+someEntry("k")+"]", "Link", "<?cursor=2>; rel=next")
	})
	errs := 0
	for e, err := range client.UserHistory(t.Context(), gafaelfawr.NewToken(), "u", gafaelfawr.HistoryQuery{}) {
		if err != nil {
			errs++
			assert.Equal(t, gafaelfawr.ChangeHistoryEntry{}, e)
		}
	}
	assert.Equal(t, 1, errs)
	assert.Equal(t, 2, calls)
}

func TestEveryFilterIsSent(t *testing.T) {
	t.Parallel()
	var asked []url.Values
	client := withResponder(t, func(req *http.Request) (*http.Response, error) {
		asked = append(asked, req.URL.Query())
		return answer(req, 200, "[]")
	})
	token := gafaelfawr.NewToken()
	q := gafaelfawr.HistoryQuery{
		Since: time.Date(2026, 9, 1, 14, 0, 0, 5, time.FixedZone("", 7200)), Until: time.Unix(1_700_000_000, 0), Key: "dDQg_NTNS51GxeEteqnkag", TokenType: gafaelfawr.NotebookToken,
		IPAddress: "2001:db8::/32", Limit: 7, Cursor: "p1614985055_4234",
	}
	want := url.Values{
		"since": {"2026-09-01T12:00:00Z"}, "until": {"2023-11-14T22:13:20Z"}, "key": {"dDQg_NTNS51GxeEteqnkag"}, "token_type": {"notebook"},
		"ip_address": {"2001:db8::/32"}, "limit": {"7"}, "cursor": {"p1614985055_4234"},
	}
	_, err := client.UserHistoryPage(t.Context(), token, "u", q)
	require.NoError(t, err)
	require.NoError(t, first(client.UserHistory(t.Context(), token, "u", q)))
	q.Username, q.Actor = "u&x", "<bootstrap>"
	_, err = client.HistoryPage(t.Context(), token, q)
	require.NoError(t, err)
	require.NoError(t, first(client.History(t.Context(), token, gafaelfawr.HistoryQuery{})))
	all := url.Values{"username": {"u&x"}, "actor": {"<bootstrap>"}}
	for k, v := range want {
		all[k] = v
	}
	assert.Equal(t, []url.Values{want, want, all, {"limit": {"500"}}}, asked)

	_, err = client.UserHistoryPage(t.Context(), token, "u", q)
	require.ErrorIs(t, err, gafaelfawr.ErrInvalidArgument, "the route would ignore them")
	require.ErrorIs(t, first(client.UserHistory(t.Context(), token, "u", gafaelfawr.HistoryQuery{Actor: "x"})), gafaelfawr.ErrInvalidArgument)
	require.ErrorIs(t, first(client.History(t.Context(), token, gafaelfawr.HistoryQuery{Limit: -1})), gafaelfawr.ErrInvalidArgument)
	assert.Len(t, asked, 4)
}

func TestAPageSaysHowMuchThereIsIfTheServerDoes(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]*int{"9": new(9), "0": new(0), "": nil, "many": nil, "-1": nil} {
		client := withResponder(t, func(req *http.Request) (*http.Response, error) {
			return answer(req, 200, "[]", "X-Total-Count", header, "Link", `<?cursor=1_2>; rel="next", <?cursor=p3_4>; rel="previous"`)
		})
		page, err := client.HistoryPage(t.Context(), gafaelfawr.NewToken(), gafaelfawr.HistoryQuery{})
		require.NoError(t, err)
		assert.Equal(t, want, page.Total, header)
		assert.Equal(t, "1_2", page.Next)
		assert.Equal(t, "p3_4", page.Prev)
		assert.Empty(t, page.Entries)
	}
}

func TestAHistoryOfManyPagesIsComplete(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	admin := server.CreateToken("admin", gafaelfawrtest.TokenOptions{Scopes: []string{gafaelfawr.ScopeAdminToken}})
	want := []string{admin.Key()}
	for i := range 50 {
		want = append(want, server.CreateToken(fmt.Sprint("user", i), gafaelfawrtest.TokenOptions{}).Key())
	}
	found, err := keys(t, client.History(t.Context(), admin, gafaelfawr.HistoryQuery{Limit: 7}))
	require.NoError(t, err)
	assert.ElementsMatch(t, want, found)
	assert.Equal(t, 8, server.Count("/token-changes"))
	assert.True(t, strings.HasPrefix(server.URL, "http://127.0.0.1:"))
}
