// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawrtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scicred/scicred/gafaelfawr"
)

// Target is a server to test.
type Target struct {
	APIURL     string           // such as https://data.example.org/auth/api/v1
	AdminToken gafaelfawr.Token // with the scope admin:token; a bootstrap token will do
	HTTPClient *http.Client     // nil: one of its own
}

// TestServer puts a client through every operation against a server: against a
// [Server], or against a real one that exists for tests, since it makes users,
// tokens and entries in the history, and replaces quota overrides for a moment.
// It does not need LDAP. Each failure is a sentence.
//
//	gafaelfawrtest.TestServer(t, gafaelfawrtest.Target{APIURL: server.URL, AdminToken: token})
func TestServer(t *testing.T, target Target) {
	t.Helper()
	opts := []gafaelfawr.Option{gafaelfawr.WithAPIURL(target.APIURL)}
	if target.HTTPClient != nil {
		opts = append(opts, gafaelfawr.WithHTTPClient(target.HTTPClient))
	}
	client, err := gafaelfawr.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)

	mark := "suite" + strings.ToLower(rand.Text()[:8]) + "u" // Nobody has run it under this name before.
	s := &suite{client: client, mark: mark}
	s.admin, err = client.CreateToken(t.Context(), target.AdminToken, gafaelfawr.AdminTokenRequest{
		Username: mark + "admin", TokenType: gafaelfawr.UserToken, TokenName: new("suite"),
		Scopes: []string{gafaelfawr.ScopeAdminToken, gafaelfawr.ScopeAdminUserInfo, gafaelfawr.ScopeUserToken},
	})
	if err != nil {
		t.Fatalf("no token for an administrator could be made: %v", err)
	}
	t.Run("user information", s.userInfo)
	t.Run("refusals", s.refusals)
	t.Run("lists", s.lists)
	t.Run("tokens", s.tokens)
	t.Run("changes of tokens", s.changes)
	t.Run("history", s.history)
	t.Run("pages of history", s.pages)
	t.Run("quota overrides", s.overrides)
}

type suite struct {
	client *gafaelfawr.Client
	admin  gafaelfawr.Token
	mark   string
}

// ok gives up if there is an error.
func ok[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
	return v
}

// same says that two values should be the same.
func same[T comparable](t *testing.T, what string, want, got T) {
	t.Helper()
	if want != got {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

// refused says that an error should be a WebError of one of these statuses, and
// name a reason.
func refused(t *testing.T, err error, reason string, statuses ...int) {
	t.Helper()
	web, is := errors.AsType[*gafaelfawr.WebError](err)
	switch {
	case !is:
		t.Errorf("the error is no WebError but %v", err)
	case !slices.Contains(statuses, web.Status):
		t.Errorf("the status is %d, none of %v: %v", web.Status, statuses, err)
	case reason != "" && !slices.ContainsFunc(web.Details, func(d gafaelfawr.ErrorDetail) bool { return d.Type == reason }):
		t.Errorf("the reason is not %s: %v", reason, err)
	}
	var missing *gafaelfawr.NotFoundError
	if is && web.Method != http.MethodPost && errors.As(err, &missing) != (web.Status == http.StatusNotFound) {
		t.Errorf("a NotFoundError is one of status 404, and the other way round: %v", err)
	}
}

// user makes a user with a session of sorts: a token that may make others.
func (s *suite) user(t *testing.T, name string) (username string, token gafaelfawr.Token) {
	t.Helper()
	username = s.mark + name
	token, err := s.client.CreateToken(t.Context(), s.admin, gafaelfawr.AdminTokenRequest{
		Username: username, TokenType: gafaelfawr.UserToken, TokenName: new("first"), Scopes: []string{gafaelfawr.ScopeUserToken},
		Name: new("Suite User"), Email: new("suite@example.com"), UID: new(int64(4123)), Groups: []gafaelfawr.Group{{Name: "users", ID: 4000}},
	})
	return username, ok(t, token, err)
}

func (s *suite) userInfo(t *testing.T) {
	ctx := t.Context()
	bare, err := s.client.CreateServiceToken(ctx, s.admin, gafaelfawr.ServiceTokenRequest{Username: "bot-" + s.mark + "a"})
	info, err := s.client.UserInfo(ctx, ok(t, bare, err))
	same(t, "the user of a bare service token", "bot-"+s.mark+"a", ok(t, info, err).Username)

	full, err := s.client.CreateServiceToken(ctx, s.admin, gafaelfawr.ServiceTokenRequest{
		Username: "bot-" + s.mark + "b", Scopes: []string{gafaelfawr.ScopeAdminUserInfo}, Expires: new(time.Now().Add(24 * time.Hour)),
		Name: new("Some bot"), UID: new(int64(45613)), GID: new(int64(45612)),
		Groups: []gafaelfawr.Group{{Name: "bar", ID: 45612}, {Name: "foo", ID: 12313}},
	})
	info, err = s.client.UserInfo(ctx, ok(t, full, err))
	ok(t, info, err)
	if info.Name == nil || info.UID == nil || info.GID == nil {
		t.Fatalf("user information lacks what the token was made with: %+v", info)
	}
	same(t, "the name", "Some bot", *info.Name)
	same(t, "the UID", 45613, *info.UID)
	same(t, "the GID", 45612, *info.GID)
	same(t, "the groups", "[{bar 45612} {foo 12313}]", fmt.Sprint(info.Groups))
	same(t, "whether there is an e-mail address", false, info.Email != nil)

	// Only servers with LDAP know users by name.
	byName, err := s.client.UserInfoByName(ctx, full, s.mark+"admin")
	if err == nil {
		same(t, "the user looked up by name", s.mark+"admin", byName.Username)
	} else {
		refused(t, err, "", http.StatusNotFound)
	}
	_, err = s.client.UserInfoByName(ctx, bare, s.mark+"admin")
	if byName.Username == "" { // Else it is remembered.
		refused(t, err, "", http.StatusForbidden, http.StatusNotFound)
	}
}

func (s *suite) refusals(t *testing.T) {
	ctx := t.Context()
	_, err := s.client.UserInfo(ctx, gafaelfawr.NewToken())
	refused(t, err, "invalid_token", http.StatusUnauthorized, http.StatusForbidden)

	username, token := s.user(t, "refused")
	_, err = s.client.Users(ctx, token)
	refused(t, err, "", http.StatusForbidden, http.StatusNotFound)
	_, err = s.client.Groups(ctx, token)
	refused(t, err, "", http.StatusForbidden, http.StatusNotFound)
	_, err = s.client.CreateServiceToken(ctx, token, gafaelfawr.ServiceTokenRequest{Username: "bot-" + s.mark + "c"})
	refused(t, err, "permission_denied", http.StatusForbidden)
	_, err = s.client.CreateServiceToken(ctx, s.admin, gafaelfawr.ServiceTokenRequest{Username: username})
	refused(t, err, "", http.StatusForbidden, http.StatusUnprocessableEntity)
	_, err = s.client.SetQuotaOverrides(ctx, token, gafaelfawr.QuotaConfig{})
	refused(t, err, "permission_denied", http.StatusForbidden)
	refused(t, s.client.DeleteQuotaOverrides(ctx, token), "permission_denied", http.StatusForbidden)
	for _, err := range s.client.History(ctx, token, gafaelfawr.HistoryQuery{}) {
		refused(t, err, "permission_denied", http.StatusForbidden)
	}
	_, err = s.client.UserInfoByName(ctx, s.admin, "no/such/../user")
	refused(t, err, "", http.StatusNotFound, http.StatusUnprocessableEntity)
}

func (s *suite) lists(t *testing.T) {
	ctx := t.Context()
	users, err := s.client.Users(ctx, s.admin)
	if err != nil {
		refused(t, err, "", http.StatusNotFound)
	} else if len(users) == 0 || users[0].Username == "" {
		t.Errorf("no user is listed: %v", users)
	}
	groups, err := s.client.Groups(ctx, s.admin)
	if err != nil {
		refused(t, err, "", http.StatusNotFound)
	} else if len(groups.User)+len(groups.System) == 0 {
		t.Error("no group is listed")
	}
}

func (s *suite) tokens(t *testing.T) {
	ctx := t.Context()
	username, first := s.user(t, "tokens")
	other, foreign := s.user(t, "other")
	expires := time.Now().Add(time.Hour).Truncate(time.Second)
	made, err := s.client.CreateUserToken(ctx, first, username, gafaelfawr.UserTokenRequest{TokenName: "laptop", Scopes: []string{gafaelfawr.ScopeUserToken}, Expires: &expires})
	ok(t, made, err)

	info, err := s.client.Token(ctx, first, username, made.Key())
	ok(t, info, err)
	same(t, "the key", made.Key(), info.Token)
	same(t, "the user", username, info.Username)
	same(t, "the type", gafaelfawr.UserToken, info.TokenType)
	same(t, "the scopes", "[user:token]", fmt.Sprint(info.Scopes))
	if info.TokenName == nil || info.Expires == nil {
		t.Fatalf("name or expiry are missing: %+v", info)
	}
	same(t, "the name", "laptop", *info.TokenName)
	same(t, "the expiry", expires.Unix(), info.Expires.Unix())
	same(t, "whether it has a parent", false, info.Parent != nil)
	same(t, "whether it was made just now", true, time.Since(info.Created.Time).Abs() < time.Hour)

	own, err := s.client.TokenInfo(ctx, made)
	same(t, "what it says of itself", info.Token, ok(t, own, err).Token)
	userInfo, err := s.client.UserInfo(ctx, made)
	same(t, "its user", username, ok(t, userInfo, err).Username)

	all, err := s.client.Tokens(ctx, first, username)
	same(t, "the number of tokens", 2, len(ok(t, all, err)))
	forever, err := s.client.CreateUserToken(ctx, made, username, gafaelfawr.UserTokenRequest{TokenName: "forever"})
	info, err = s.client.Token(ctx, s.admin, username, ok(t, forever, err).Key())
	same(t, "whether a token without an expiry expires", false, ok(t, info, err).Expires != nil)
	same(t, "the number of scopes of a token without scopes", 0, len(info.Scopes))

	_, err = s.client.CreateUserToken(ctx, first, username, gafaelfawr.UserTokenRequest{TokenName: "laptop"})
	refused(t, err, "duplicate_token_name", http.StatusConflict)
	_, err = s.client.CreateUserToken(ctx, first, username, gafaelfawr.UserTokenRequest{TokenName: "broad", Scopes: []string{gafaelfawr.ScopeAdminToken}})
	refused(t, err, "invalid_scopes", http.StatusUnprocessableEntity)
	_, err = s.client.CreateUserToken(ctx, first, username, gafaelfawr.UserTokenRequest{TokenName: "short", Expires: new(time.Now().Add(time.Minute))})
	refused(t, err, "invalid_expires", http.StatusUnprocessableEntity)
	_, err = s.client.CreateUserToken(ctx, first, other, gafaelfawr.UserTokenRequest{TokenName: "theirs"})
	refused(t, err, "permission_denied", http.StatusForbidden)
	_, err = s.client.CreateUserToken(ctx, s.admin, username, gafaelfawr.UserTokenRequest{TokenName: "by an administrator"})
	refused(t, err, "permission_denied", http.StatusForbidden)

	for reason, r := range map[string]gafaelfawr.AdminTokenRequest{
		"invalid_expires":      {Username: username, TokenType: gafaelfawr.UserToken, TokenName: new("soon"), Expires: new(time.Now())},
		"duplicate_token_name": {Username: username, TokenType: gafaelfawr.UserToken, TokenName: new("laptop")},
		"":                     {Username: username, TokenType: gafaelfawr.SessionToken},
	} {
		_, err = s.client.CreateToken(ctx, s.admin, r)
		refused(t, err, reason, http.StatusConflict, http.StatusUnprocessableEntity)
	}

	// My name and a key of another, another's name and key, and nobody's key.
	_, err = s.client.Token(ctx, first, username, foreign.Key())
	refused(t, err, "not_found", http.StatusNotFound)
	_, err = s.client.Token(ctx, first, other, foreign.Key())
	refused(t, err, "permission_denied", http.StatusForbidden)
	_, err = s.client.Token(ctx, first, other, gafaelfawr.NewToken().Key())
	refused(t, err, "not_found", http.StatusNotFound)
	_, err = s.client.Tokens(ctx, first, other)
	refused(t, err, "permission_denied", http.StatusForbidden)
	refused(t, s.client.DeleteToken(ctx, first, other, foreign.Key()), "permission_denied", http.StatusForbidden)

	if err := s.client.DeleteToken(ctx, first, username, made.Key()); err != nil {
		t.Fatal(err)
	}
	refused(t, s.client.DeleteToken(ctx, first, username, made.Key()), "not_found", http.StatusNotFound)
	_, err = s.client.TokenInfo(ctx, made)
	refused(t, err, "invalid_token", http.StatusUnauthorized, http.StatusForbidden)
}

func (s *suite) changes(t *testing.T) {
	ctx := t.Context()
	username, first := s.user(t, "changes")
	expires := time.Now().Add(time.Hour).Truncate(time.Second)
	made, err := s.client.CreateUserToken(ctx, first, username, gafaelfawr.UserTokenRequest{TokenName: "before", Scopes: []string{gafaelfawr.ScopeUserToken}, Expires: &expires})
	key := ok(t, made, err).Key()
	change := func(what string, c gafaelfawr.TokenChanges) gafaelfawr.TokenInfo {
		t.Helper()
		info, err := s.client.ModifyToken(ctx, s.admin, username, key, c)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		same(t, what+": the key", key, info.Token)
		return info
	}
	expiry := func(info gafaelfawr.TokenInfo) int64 {
		if info.Expires == nil {
			return 0
		}
		return info.Expires.Unix()
	}

	info := change("a new name", gafaelfawr.TokenChanges{TokenName: new("after")})
	same(t, "the new name", "after", *info.TokenName)
	same(t, "the expiry, which was left", expires.Unix(), expiry(info))
	same(t, "the scopes, which were left", "[user:token]", fmt.Sprint(info.Scopes))
	later := expires.Add(time.Hour)
	info = change("a later expiry", gafaelfawr.TokenChanges{Expires: gafaelfawr.ExpireAt(later)})
	same(t, "the new expiry", later.Unix(), expiry(info))
	same(t, "the name, which was left", "after", *info.TokenName)
	same(t, "the expiry of one that never expires", 0, expiry(change("no expiry", gafaelfawr.TokenChanges{Expires: gafaelfawr.Never()})))
	same(t, "the expiry, which was left", 0, expiry(change("nothing", gafaelfawr.TokenChanges{})))
	info = change("new scopes", gafaelfawr.TokenChanges{Scopes: []string{gafaelfawr.ScopeAdminUserInfo, gafaelfawr.ScopeUserToken}})
	same(t, "the new scopes", "[admin:userinfo user:token]", fmt.Sprint(info.Scopes))

	_, err = s.client.ModifyToken(ctx, first, username, key, gafaelfawr.TokenChanges{TokenName: new("mine")})
	refused(t, err, "permission_denied", http.StatusForbidden)
	_, err = s.client.ModifyToken(ctx, s.admin, username, key, gafaelfawr.TokenChanges{Expires: gafaelfawr.ExpireAt(time.Now())})
	refused(t, err, "invalid_expires", http.StatusUnprocessableEntity)
	_, err = s.client.ModifyToken(ctx, s.admin, username, gafaelfawr.NewToken().Key(), gafaelfawr.TokenChanges{})
	refused(t, err, "not_found", http.StatusNotFound)

	if err := s.client.DeleteToken(ctx, s.admin, username, key); err != nil {
		t.Fatal(err)
	}
	found := s.collect(t, s.client.TokenHistory(ctx, first, username, key))
	actions := make([]gafaelfawr.TokenChange, len(found))
	for i, e := range found {
		actions[i] = e.Action
	}
	same(t, "the history", "[revoke edit edit edit edit edit create]", fmt.Sprint(actions))
	if len(found) != 7 {
		return
	}
	same(t, "who made it", username, found[6].Actor)
	same(t, "who deleted it", s.mark+"admin", found[0].Actor)
	named, dated, freed, scoped := found[5], found[4], found[3], found[1]
	if named.OldTokenName == nil || dated.OldExpires == nil || freed.OldExpires == nil || scoped.OldScopes == nil {
		t.Fatal("the history does not say what was before")
	}
	same(t, "the old name", "before", *named.OldTokenName)
	same(t, "the old expiry", expires.Unix(), dated.OldExpires.Unix())
	same(t, "the later expiry", later.Unix(), freed.OldExpires.Unix())
	same(t, "whether the history of one that never expires has an expiry", false, freed.Expires != nil)
	same(t, "the old scopes", "[user:token]", fmt.Sprint(*scoped.OldScopes))
	same(t, "whether a deletion has something old", false, found[0].OldTokenName != nil || found[0].OldScopes != nil || found[0].OldExpires != nil)
	for _, err := range s.client.TokenHistory(ctx, first, username, gafaelfawr.NewToken().Key()) {
		refused(t, err, "", http.StatusNotFound)
	}
}

// collect returns all entries.
func (s *suite) collect(t *testing.T, entries func(yield func(gafaelfawr.ChangeHistoryEntry, error) bool)) []gafaelfawr.ChangeHistoryEntry {
	t.Helper()
	var all []gafaelfawr.ChangeHistoryEntry
	for e, err := range entries {
		all = append(all, ok(t, e, err))
	}
	return all
}

// busy makes a user who has made and deleted tokens: nine entries of history.
func (s *suite) busy(t *testing.T, name string) (username string, token, kept gafaelfawr.Token) {
	t.Helper()
	username, token = s.user(t, name)
	for i := range 4 {
		made, err := s.client.CreateUserToken(t.Context(), token, username, gafaelfawr.UserTokenRequest{TokenName: fmt.Sprint("token ", i)})
		ok(t, made, err)
		if err := s.client.DeleteToken(t.Context(), s.admin, username, made.Key()); err != nil {
			t.Fatal(err)
		}
		kept = made
	}
	return username, token, kept
}

func (s *suite) history(t *testing.T) {
	ctx := t.Context()
	username, token, kept := s.busy(t, "history")
	mine := func(q gafaelfawr.HistoryQuery) []gafaelfawr.ChangeHistoryEntry {
		t.Helper()
		return s.collect(t, s.client.UserHistory(ctx, token, username, q))
	}
	all := mine(gafaelfawr.HistoryQuery{})
	same(t, "the number of changes", 9, len(all))
	if len(all) != 9 {
		return
	}
	same(t, "the order", true, slices.IsSortedFunc(all, func(a, b gafaelfawr.ChangeHistoryEntry) int { return b.EventTime.Compare(a.EventTime.Time) }))
	same(t, "the last change", gafaelfawr.TokenRevoked, all[0].Action)
	same(t, "the first change", token.Key(), all[8].Token)
	for _, limit := range []int{1, 2, 3, 8, 9, 10} {
		paged := mine(gafaelfawr.HistoryQuery{Limit: limit})
		same(t, fmt.Sprintf("the history in pages of %d", limit), describe(all), describe(paged))
	}

	same(t, "changes of one token", 2, len(mine(gafaelfawr.HistoryQuery{Key: kept.Key()})))
	same(t, "changes of type user", 9, len(mine(gafaelfawr.HistoryQuery{TokenType: gafaelfawr.UserToken})))
	same(t, "changes of type session", 0, len(mine(gafaelfawr.HistoryQuery{TokenType: gafaelfawr.SessionToken})))
	same(t, "changes since the last", true, len(mine(gafaelfawr.HistoryQuery{Since: all[0].EventTime.Time})) > 0)
	same(t, "changes after the last", 0, len(mine(gafaelfawr.HistoryQuery{Since: all[0].EventTime.Add(time.Hour)})))
	same(t, "changes until the first", true, len(mine(gafaelfawr.HistoryQuery{Until: all[8].EventTime.Time})) > 0)
	same(t, "changes before the first", 0, len(mine(gafaelfawr.HistoryQuery{Until: all[8].EventTime.Add(-time.Hour)})))
	same(t, "changes from nowhere", 0, len(mine(gafaelfawr.HistoryQuery{IPAddress: "192.0.2.0/24"})))
	if from := all[0].IPAddress; from != nil {
		same(t, "changes from here", 9, len(mine(gafaelfawr.HistoryQuery{IPAddress: *from})))
	}
	for _, err := range s.client.UserHistory(ctx, token, username, gafaelfawr.HistoryQuery{IPAddress: "nonsense"}) {
		refused(t, err, "invalid_ip_address", http.StatusUnprocessableEntity)
	}
	for _, err := range s.client.UserHistory(ctx, token, s.mark+"admin", gafaelfawr.HistoryQuery{}) {
		refused(t, err, "permission_denied", http.StatusForbidden)
	}

	every := func(q gafaelfawr.HistoryQuery) []gafaelfawr.ChangeHistoryEntry {
		t.Helper()
		return s.collect(t, s.client.History(ctx, s.admin, q))
	}
	same(t, "the user's part of everybody's history", describe(all), describe(every(gafaelfawr.HistoryQuery{Username: username})))
	same(t, "what the user did", 4, len(every(gafaelfawr.HistoryQuery{Actor: username})))
	same(t, "what was done to the user", 5, len(every(gafaelfawr.HistoryQuery{Actor: s.mark + "admin", Username: username})))
}

// describe returns what tells entries apart.
func describe(entries []gafaelfawr.ChangeHistoryEntry) string {
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = fmt.Sprintf("%s %s", e.Token, e.Action)
	}
	return strings.Join(lines, "\n")
}

func (s *suite) pages(t *testing.T) {
	ctx := t.Context()
	username, token, _ := s.busy(t, "pages")
	read := func(cursor string) gafaelfawr.HistoryPage {
		t.Helper()
		page, err := s.client.UserHistoryPage(ctx, token, username, gafaelfawr.HistoryQuery{Limit: 4, Cursor: cursor})
		ok(t, page, err)
		if page.Total == nil {
			t.Fatal("the number of all changes is missing")
		}
		same(t, "the number of all changes", 9, *page.Total)
		return page
	}
	first := read("")
	second := read(first.Next)
	third := read(second.Next)
	same(t, "the sizes of the pages", "4 4 1", fmt.Sprint(len(first.Entries), len(second.Entries), len(third.Entries)))
	same(t, "whether there is something before the first page", false, first.Prev != "")
	same(t, "whether there is something after the last page", false, third.Next != "")
	back := read(third.Prev)
	same(t, "the page before the third", describe(second.Entries), describe(back.Entries))
	same(t, "the page before that", describe(first.Entries), describe(read(back.Prev).Entries))
	same(t, "the page after it", describe(third.Entries), describe(read(back.Next).Entries))

	page, err := s.client.HistoryPage(ctx, s.admin, gafaelfawr.HistoryQuery{Limit: 3, Username: username})
	same(t, "the size of a page of everybody's history", 3, len(ok(t, page, err).Entries))
	_, err = s.client.HistoryPage(ctx, s.admin, gafaelfawr.HistoryQuery{Cursor: "nonsense"})
	refused(t, err, "", http.StatusUnprocessableEntity)
}

func (s *suite) overrides(t *testing.T) {
	ctx := t.Context()
	before, err := s.client.QuotaOverrides(ctx, s.admin)
	if err != nil {
		refused(t, err, "not_found", http.StatusNotFound)
	} else {
		t.Cleanup(func() {
			// The test's own context has ended by then.
			if _, err := s.client.SetQuotaOverrides(context.WithoutCancel(ctx), s.admin, before); err != nil {
				t.Errorf("the quota overrides could not be restored: %v", err)
			}
		})
	}
	wanted := gafaelfawr.QuotaConfig{
		Default: gafaelfawr.Quota{API: map[string]int64{"suite": 0}, Tap: map[string]gafaelfawr.TapQuota{"suite": {Concurrent: 1}}},
		Groups:  map[string]gafaelfawr.Quota{"suite": {Notebook: &gafaelfawr.NotebookQuota{CPU: 0.5, Memory: 1.5}}},
		Bypass:  []string{"suite-admins"},
	}
	check := func(what string, got gafaelfawr.QuotaConfig) {
		t.Helper()
		limit, limited := got.Default.APILimit("suite")
		same(t, what+": the limit of requests", "0 true", fmt.Sprint(limit, limited))
		same(t, what+": queries", 1, got.Default.Tap["suite"].Concurrent)
		same(t, what+": the groups without limits", "[suite-admins]", fmt.Sprint(got.Bypass))
		notebook := got.Groups["suite"].Notebook
		if notebook == nil {
			t.Fatalf("%s: the notebook is missing", what)
		}
		same(t, what+": the notebook", gafaelfawr.NotebookQuota{CPU: 0.5, Memory: 1.5}, *notebook)
	}
	got, err := s.client.SetQuotaOverrides(ctx, s.admin, wanted)
	check("the answer", ok(t, got, err))
	got, err = s.client.QuotaOverrides(ctx, s.admin)
	check("what is kept", ok(t, got, err))
	if err := s.client.DeleteQuotaOverrides(ctx, s.admin); err != nil {
		t.Fatal(err)
	}
	_, err = s.client.QuotaOverrides(ctx, s.admin)
	refused(t, err, "not_found", http.StatusNotFound)
	refused(t, s.client.DeleteQuotaOverrides(ctx, s.admin), "not_found", http.StatusNotFound)
}
