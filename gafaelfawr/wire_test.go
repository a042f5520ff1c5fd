// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr_test

import (
	"bytes"
	"encoding/json"
	"go/parser"
	gotoken "go/token"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/gafaelfawr"
)

func at(seconds int64) *gafaelfawr.Timestamp {
	return new(gafaelfawr.NewTimestamp(time.Unix(seconds, 0)))
}

func TestTypesAreWrittenAsUpstreamWritesThem(t *testing.T) {
	t.Parallel()
	bare := gafaelfawr.UserInfo{Username: "u"}
	full := someUser("u")
	entry := gafaelfawr.ChangeHistoryEntry{
		Token: "k", Username: "u", TokenType: gafaelfawr.UserToken, Scopes: gafaelfawr.Scopes{"b", "a", "b"}, Actor: "a", Action: gafaelfawr.TokenCreated, EventTime: *at(5),
	}
	with := func(change func(*gafaelfawr.ChangeHistoryEntry)) gafaelfawr.ChangeHistoryEntry {
		e := entry
		change(&e)
		return e
	}
	const entryStart = `{"token":"k","username":"u","token_type":"user","scopes":["a","b"],"actor":"a","event_time":5,`
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"user-info has groups always":              {bare, `{"username":"u","groups":[]}`},
		"user-info has every map of a quota":       {gafaelfawr.UserInfo{Username: "u", Quota: &gafaelfawr.Quota{}}, `{"username":"u","groups":[],"quota":{"api":{},"disk":{},"tap":{}}}`},
		"user-info with everything":                {full, `{"username":"u","name":"Some User","email":"some@example.com","uid":4123,"gid":4124,"groups":[{"name":"g_users","id":4124},{"name":"g_ops","id":5001}],"quota":{"api":{"sia":0,"tap":10},"disk":{"/home":1099511627776},"notebook":{"cpu":1.5,"memory":6.5,"spawn":true},"tap":{"qserv":{"concurrent":4}}}}`},
		"users leaves out empty groups":            {gafaelfawr.CompactUserInfo(bare), `{"username":"u"}`},
		"users leaves out a quota's empty parts":   {gafaelfawr.CompactUserInfo{Username: "u", Groups: []gafaelfawr.Group{}, Quota: &gafaelfawr.Quota{API: map[string]int64{"x": 0}, Disk: map[string]int64{}}}, `{"username":"u","quota":{"api":{"x":0}}}`},
		"users keeps a quota without limits":       {gafaelfawr.CompactUserInfo{Username: "u", Quota: &gafaelfawr.Quota{}}, `{"username":"u","quota":{}}`},
		"users leaves out a permission":            {gafaelfawr.CompactUserInfo(full), `{"username":"u","name":"Some User","email":"some@example.com","uid":4123,"gid":4124,"groups":[{"name":"g_users","id":4124},{"name":"g_ops","id":5001}],"quota":{"api":{"sia":0,"tap":10},"disk":{"/home":1099511627776},"notebook":{"cpu":1.5,"memory":6.5},"tap":{"qserv":{"concurrent":4}}}}`},
		"users keeps a permission that is missing": {gafaelfawr.CompactUserInfo{Username: "u", Quota: &gafaelfawr.Quota{Notebook: &gafaelfawr.NotebookQuota{}}}, `{"username":"u","quota":{"notebook":{"cpu":0,"memory":0,"spawn":false}}}`},
		"groups leaves out empty lists":            {gafaelfawr.Groups{User: []gafaelfawr.Group{{Name: "g", ID: 1}}, System: []gafaelfawr.Group{}}, `{"user":[{"name":"g","id":1}]}`},
		"quota-overrides has every part":           {gafaelfawr.QuotaConfig{}, `{"default":{"api":{},"disk":{},"tap":{}},"groups":{},"bypass":[]}`},
		"token-info leaves out what is nil":        {gafaelfawr.TokenInfo{Token: "k", Username: "u", TokenType: gafaelfawr.ServiceToken, Created: *at(7)}, `{"token":"k","username":"u","token_type":"service","scopes":[],"created":7}`},
		"token-info with everything":               {gafaelfawr.TokenInfo{Token: "k", Username: "u", TokenType: gafaelfawr.InternalToken, TokenName: new("n"), Service: new("s"), Scopes: gafaelfawr.Scopes{"b", "a"}, Created: *at(7), Expires: at(8), LastUsed: at(9), Parent: new("p")}, `{"token":"k","username":"u","token_type":"internal","token_name":"n","service":"s","scopes":["a","b"],"created":7,"expires":8,"last_used":9,"parent":"p"}`},
		"history keeps a null expiry and address":  {entry, entryStart + `"action":"create","expires":null,"ip_address":null}`},
		"history has old values for edits alone": {
			with(func(e *gafaelfawr.ChangeHistoryEntry) {
				e.OldTokenName, e.OldScopes, e.OldExpires, e.Parent, e.Service, e.TokenName, e.IPAddress = new("o"), new(gafaelfawr.Scopes{}), at(1), new("p"), new("s"), new("n"), new("::1")
			}), entryStart + `"action":"create","expires":null,"ip_address":"::1","parent":"p","service":"s","token_name":"n"}`,
		},
		"an edit with old values": {
			with(func(e *gafaelfawr.ChangeHistoryEntry) {
				e.Action, e.OldTokenName, e.OldScopes, e.OldExpires = gafaelfawr.TokenEdited, new("o"), new(gafaelfawr.Scopes{}), at(1)
			}), entryStart + `"action":"edit","expires":null,"ip_address":null,"old_token_name":"o","old_scopes":[],"old_expires":1}`,
		},
		"an edit of the name of one that expires": {
			with(func(e *gafaelfawr.ChangeHistoryEntry) { e.Action, e.Expires = gafaelfawr.TokenEdited, at(9) }), entryStart + `"action":"edit","expires":9,"ip_address":null,"old_expires":null}`,
		},
		"an edit of one that never expires": {
			with(func(e *gafaelfawr.ChangeHistoryEntry) { e.Action = gafaelfawr.TokenEdited }), entryStart + `"action":"edit","expires":null,"ip_address":null}`,
		},
		"an error without a place": {gafaelfawr.ErrorBody{Detail: []gafaelfawr.ErrorDetail{{Message: "m", Type: "t"}}}, `{"detail":[{"msg":"m","type":"t"}]}`},
		"an error with a place":    {gafaelfawr.ErrorDetail{Message: "m", Type: "t", Loc: []any{"body", "groups", 0}}, `{"msg":"m","type":"t","loc":["body","groups",0]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(c.value)
			require.NoError(t, err)
			assert.JSONEq(t, c.want, string(got))
		})
	}
}

func TestWhatIsWrittenIsReadAsItWas(t *testing.T) {
	t.Parallel()
	entry := gafaelfawr.ChangeHistoryEntry{
		Token: "k", Username: "u", TokenType: gafaelfawr.UserToken, TokenName: new("n"), Parent: new("p"), Scopes: gafaelfawr.Scopes{"a"}, Service: new("s"), Expires: at(9),
		Actor: "<internal>", Action: gafaelfawr.TokenEdited, OldTokenName: new("o"), OldScopes: new(gafaelfawr.Scopes{"b"}), OldExpires: at(1), IPAddress: new("::1"), EventTime: *at(5),
	}
	admin := gafaelfawr.AdminTokenRequest{
		Username: "u", TokenType: gafaelfawr.UserToken, TokenName: new("n"), Scopes: []string{"a"}, Expires: new(time.Unix(9, 0).UTC()), Name: new("N"), Email: new("e"),
		UID: new(int64(1)), GID: new(int64(2)), Groups: []gafaelfawr.Group{},
	}
	quota := gafaelfawr.QuotaConfig{Default: *someUser("u").Quota, Groups: map[string]gafaelfawr.Quota{"g": {API: map[string]int64{"a": 1}, Disk: map[string]int64{}, Tap: map[string]gafaelfawr.TapQuota{}}}, Bypass: []string{"b"}}
	roundTrip(t, someUser("u"))
	roundTrip(t, gafaelfawr.CompactUserInfo(someUser("u")))
	roundTrip(t, entry)
	roundTrip(t, admin)
	roundTrip(t, quota)
	roundTrip(t, gafaelfawr.UserTokenRequest{TokenName: "n", Scopes: []string{"a"}, Expires: new(time.Unix(9, 0).UTC())})
	roundTrip(t, gafaelfawr.TokenChanges{})
	roundTrip(t, gafaelfawr.TokenChanges{TokenName: new("n"), Scopes: []string{}, Expires: gafaelfawr.Never()})
	roundTrip(t, gafaelfawr.TokenChanges{Expires: gafaelfawr.ExpireAt(time.Unix(9, 0))})
	roundTrip(t, gafaelfawr.TokenInfo{Token: "k", Username: "u", TokenType: "later", Scopes: gafaelfawr.Scopes{}, Created: *at(7), LastUsed: at(9), Parent: new("p")})
}

func roundTrip[T any](t *testing.T, want T) {
	t.Helper()
	written, err := json.Marshal(want)
	require.NoError(t, err)
	var got T
	require.NoError(t, json.Unmarshal(written, &got), string(written))
	assert.Equal(t, want, got)
}

func TestRequestsHaveTheBodiesOfTheOriginalClient(t *testing.T) {
	t.Parallel()
	var bodies []string
	client := withResponder(t, func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		bodies = append(bodies, req.Method+" "+strings.TrimPrefix(req.URL.Path, "/auth/api/v1")+" "+req.Header.Get("Content-Type")+" "+string(body))
		assert.Equal(t, "application/json", req.Header.Get("Accept"))
		assert.NoError(t, err)
		return answer(req, 201, `{"token":"gt-MLF5MB3Peg79wEC0BY8U8Q.ChbkqEyp3EIJ2e_1Sqff3w"}`)
	})
	ctx, token := t.Context(), gafaelfawr.NewToken()
	expires := time.Date(2026, 12, 1, 13, 0, 0, 999, time.FixedZone("", 3600))
	made, err := client.CreateServiceToken(ctx, token, gafaelfawr.ServiceTokenRequest{
		Username: "bot-user", Scopes: []string{"read:all"}, Expires: &expires, Name: new("Some bot"), UID: new(int64(45613)), GID: new(int64(45612)), Groups: []gafaelfawr.Group{{Name: "foo", ID: 12313}},
	})
	require.NoError(t, err)
	assert.Equal(t, "gt-MLF5MB3Peg79wEC0BY8U8Q.ChbkqEyp3EIJ2e_1Sqff3w", made.Reveal())
	_, err = client.CreateServiceToken(ctx, token, gafaelfawr.ServiceTokenRequest{Username: "bot-user"})
	require.NoError(t, err)
	_, err = client.CreateToken(ctx, token, gafaelfawr.AdminTokenRequest{Username: "u", TokenType: gafaelfawr.UserToken, TokenName: new("n"), Groups: []gafaelfawr.Group{}})
	require.NoError(t, err)
	_, err = client.CreateUserToken(ctx, token, "u", gafaelfawr.UserTokenRequest{TokenName: "n"})
	require.NoError(t, err)
	for _, c := range []gafaelfawr.TokenChanges{
		{},
		{Expires: gafaelfawr.Never()},
		{Expires: gafaelfawr.ExpireAt(expires)},
		{TokenName: new("n"), Scopes: []string{"b", "a"}},
		{Scopes: []string{}},
	} {
		_, err = client.ModifyToken(ctx, token, "u", "dDQg_NTNS51GxeEteqnkag", c)
		require.Error(t, err, "a new token is no TokenInfo")
	}
	assert.Equal(t, []string{
		`POST /tokens application/json {"username":"bot-user","token_type":"service","scopes":["read:all"],"expires":"2026-12-01T12:00:00Z","name":"Some bot","email":null,"uid":45613,"gid":45612,"groups":[{"name":"foo","id":12313}]}`,
		`POST /tokens application/json {"username":"bot-user","token_type":"service","scopes":[],"expires":null,"name":null,"email":null,"uid":null,"gid":null,"groups":null}`,
		`POST /tokens application/json {"username":"u","token_type":"user","token_name":"n","scopes":[],"expires":null,"name":null,"email":null,"uid":null,"gid":null,"groups":[]}`,
		`POST /users/u/tokens application/json {"token_name":"n","scopes":[],"expires":null}`,
		`PATCH /users/u/tokens/dDQg_NTNS51GxeEteqnkag application/json {}`,
		`PATCH /users/u/tokens/dDQg_NTNS51GxeEteqnkag application/json {"expires":null}`,
		`PATCH /users/u/tokens/dDQg_NTNS51GxeEteqnkag application/json {"expires":"2026-12-01T12:00:00Z"}`,
		`PATCH /users/u/tokens/dDQg_NTNS51GxeEteqnkag application/json {"token_name":"n","scopes":["a","b"]}`,
		`PATCH /users/u/tokens/dDQg_NTNS51GxeEteqnkag application/json {"scopes":[]}`,
	}, bodies)
}

func TestAnExpiryHasThreeStates(t *testing.T) {
	t.Parallel()
	read := func(body string) gafaelfawr.Expiry {
		var c gafaelfawr.TokenChanges
		require.NoError(t, json.Unmarshal([]byte(body), &c))
		return c.Expires
	}
	leave, never, later := read(`{}`), read(`{"expires":null}`), read(`{"expires":1700000000}`)
	assert.True(t, leave.IsZero())
	assert.False(t, never.IsZero())
	assert.False(t, later.IsZero())
	_, ok := never.Time()
	assert.False(t, ok)
	_, ok = leave.Time()
	assert.False(t, ok)
	when, ok := later.Time()
	assert.True(t, ok)
	assert.Equal(t, time.Unix(1_700_000_000, 0).UTC(), when)
	assert.Equal(t, gafaelfawr.Expiry{}, leave)
	assert.Equal(t, gafaelfawr.Never(), never)
	assert.Equal(t, gafaelfawr.ExpireAt(time.Unix(1_700_000_000, 500)), later)
	var c gafaelfawr.TokenChanges
	require.Error(t, json.Unmarshal([]byte(`{"expires":"soon"}`), &c))
	require.NoError(t, json.Unmarshal([]byte(`{"token_name":null,"scopes":null}`), &c))
	assert.Equal(t, gafaelfawr.TokenChanges{}, c, "null leaves them")
}

func TestTimesAreReadInEveryFormOfTheServer(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int64{
		`1700000000`: 1_700_000_000, `1700000000.9`: 1_700_000_000, `"1700000000"`: 1_700_000_000, `1.7e9`: 1_700_000_000, `0`: 0, `-5`: -5,
		`20000000000`: 20_000_000_000, `1700000000000`: 1_700_000_000, `"1700000000000"`: 1_700_000_000,
		`"2023-11-14T22:13:20Z"`: 1_700_000_000, `"2023-11-14T23:13:20.999+01:00"`: 1_700_000_000, `"2023-11-14T22:13:20"`: 1_700_000_000,
		`"2023-11-14 22:13:20"`: 1_700_000_000, `"2023-11-14 22:13:20Z"`: 1_700_000_000, `"2023-11-14"`: 1_699_920_000,
	} {
		var got gafaelfawr.Timestamp
		if assert.NoError(t, json.Unmarshal([]byte(body), &got), body) {
			assert.Equal(t, want, got.Unix(), body)
			assert.Equal(t, time.UTC, got.Location())
			assert.Zero(t, got.Nanosecond())
			written, err := json.Marshal(got)
			require.NoError(t, err)
			assert.Equal(t, strconv.FormatInt(want, 10), string(written))
		}
	}
	for _, body := range []string{`"noon"`, `""`, `true`, `{}`, `[]`, `null`, `"NaN"`, `"Inf"`, `"0x10"`, `1e300`, `"1e999"`, `-1e15`, `"2023-13-01"`} {
		got := *at(3)
		require.Error(t, got.UnmarshalJSON([]byte(body)), body)
		assert.Equal(t, *at(3), got, body)
	}
}

// Ten MiB of wrong elements took a GiB of memory and more than a second.
func TestTheFirstWrongElementEndsADocument(t *testing.T) { //nolint:paralleltest // it counts allocations
	for says, body := range map[string]string{
		"groups[0] has the wrong type or size (number)":     `{"username":"u","groups":[1` + strings.Repeat(",1", 100_000) + `]}`,
		"quota.api.a0 has the wrong type or size (string)":  `{"username":"u","quota":{"api":{"a0":"x"` + strings.Repeat(`,"a1":"x"`, 100_000) + `}}}`,
		"groups[0].id is missing":                           `{"username":"u","groups":[{"name":"a"}` + strings.Repeat(`,{}`, 100_000) + `]}`,
		"username is missing":                               `{"x":[1` + strings.Repeat(",1", 100_000) + `]}`,
		"quota.tap.q has the wrong type or size (bool)":     `{"username":"u","quota":{"tap":{"q":true` + strings.Repeat(`,"r":true`, 100_000) + `}}}`,
		"groups[0] is null":                                 `{"username":"u","groups":[null` + strings.Repeat(",null", 100_000) + `]}`,
		"username has the wrong type or size (array)":       `{"username":[1` + strings.Repeat(",1", 100_000) + `]}`,
		"quota.notebook has the wrong type or size (array)": `{"username":"u","quota":{"notebook":[1` + strings.Repeat(",1", 100_000) + `]}}`,
		"the document has the wrong type or size (array)":   `[1` + strings.Repeat(",1", 100_000) + `]`,
		"quota has the wrong type or size (array)":          `{"username":"u","quota":[{}` + strings.Repeat(",{}", 100_000) + `]}`,
		"quota.api has the wrong type or size (array)":      `{"username":"u","quota":{"api":[{}` + strings.Repeat(",{}", 100_000) + `]}}`,
		"groups has the wrong type or size (object)":        `{"username":"u","groups":{"a":1` + strings.Repeat(`,"b":1`, 100_000) + `}}`,
	} {
		var err error
		allocations := testing.AllocsPerRun(1, func() { err = json.Unmarshal([]byte(body), new(gafaelfawr.UserInfo)) })
		require.EqualError(t, err, says)
		assert.Less(t, allocations, 200.0, says)
	}
}

func TestScopesAreASet(t *testing.T) {
	t.Parallel()
	s := gafaelfawr.Scopes{"read:all", "user:token"}
	assert.True(t, s.Has("user:token"))
	assert.True(t, s.Has("user:token", "read:all"))
	assert.True(t, s.Has())
	assert.False(t, s.Has("user:token", "admin:token"))
	assert.False(t, s.Has("user"))
	for body, want := range map[string]gafaelfawr.Scopes{`["b","a"]`: {"b", "a"}, `"b,a"`: {"b", "a"}, `""`: {}, `[]`: {}} {
		var got gafaelfawr.Scopes
		require.NoError(t, json.Unmarshal([]byte(body), &got), body)
		assert.Equal(t, want, got, body)
	}
	for _, body := range []string{`5`, `[1]`, `{}`} {
		var got gafaelfawr.Scopes
		require.Error(t, json.Unmarshal([]byte(body), &got), body)
	}
}

func TestUserInformationHasHelpers(t *testing.T) {
	t.Parallel()
	u := someUser("u")
	assert.Equal(t, []int64{4124, 5001}, u.SupplementalGroups(), "the primary group is one of them")
	assert.Empty(t, gafaelfawr.UserInfo{}.SupplementalGroups())
	g, ok := u.Group("g_ops")
	assert.True(t, ok)
	assert.Equal(t, gafaelfawr.Group{Name: "g_ops", ID: 5001}, g)
	_, ok = u.Group("g_op")
	assert.False(t, ok)

	var none *gafaelfawr.Quota
	exempt := &gafaelfawr.Quota{}
	for _, q := range []*gafaelfawr.Quota{none, exempt} {
		for _, limit := range []func(string) (int64, bool){q.APILimit, q.DiskLimit, q.TapLimit} {
			n, limited := limit("tap")
			assert.False(t, limited)
			assert.Zero(t, n)
		}
		assert.True(t, q.MayUse("tap"))
		assert.True(t, q.MaySpawn())
	}
	n, limited := u.Quota.APILimit("tap")
	assert.True(t, limited)
	assert.EqualValues(t, 10, n)
	n, limited = u.Quota.APILimit("sia")
	assert.True(t, limited, "zero is a limit")
	assert.Zero(t, n)
	assert.True(t, u.Quota.MayUse("tap"))
	assert.False(t, u.Quota.MayUse("sia"))
	assert.True(t, u.Quota.MayUse("other"))
	n, limited = u.Quota.DiskLimit("/home")
	assert.True(t, limited)
	assert.EqualValues(t, 1<<40, n)
	n, limited = u.Quota.TapLimit("qserv")
	assert.True(t, limited)
	assert.EqualValues(t, 4, n)
	assert.True(t, u.Quota.MaySpawn())
	assert.False(t, (&gafaelfawr.Quota{Notebook: &gafaelfawr.NotebookQuota{}}).MaySpawn())
}

func TestMemoryIsCountedInWholeBytesAndLoggedWithItsUnit(t *testing.T) {
	t.Parallel()
	for memory, want := range map[float64]int64{0: 0, 6.5: 6979321856, 4: 4 << 30, 1.0000000001: 1 << 30, -1: 0, 1e300: math.MaxInt64} {
		assert.Equal(t, want, gafaelfawr.NotebookQuota{Memory: memory}.MemoryBytes(), memory)
	}
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	log.Info("m", "n", gafaelfawr.NotebookQuota{CPU: 1.5, Memory: 6.5}, "o", gafaelfawr.NotebookQuota{CPU: 1, Memory: 4, Spawn: true}, "t", gafaelfawr.TapQuota{Concurrent: 4})
	assert.Equal(t, `level=INFO msg=m n.cpu=1.5 n.memory="6.5 GiB" n.spawn=false o.cpu=1 o.memory="4.0 GiB" t.concurrent=4`+"\n", b.String())
}

func TestErrorsPointAtTheDocument(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "the document is null", (&gafaelfawr.FieldError{Problem: "is null"}).Error())
	assert.Equal(t, "[3].groups[0].id is missing", (&gafaelfawr.FieldError{Path: []any{3, "groups", 0, "id"}, Problem: "is missing"}).Error())
}

// The server of this project uses the wire types, and nothing else.
func TestTheWireTypesAreFreeOfClientCode(t *testing.T) {
	t.Parallel()
	all, err := filepath.Glob("*.go")
	require.NoError(t, err)
	files := slices.DeleteFunc(all, func(name string) bool {
		return strings.HasSuffix(name, "_test.go") || !strings.HasPrefix(name, "wire_") && name != "token.go"
	})
	assert.Len(t, files, 10)
	for _, name := range files {
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			assert.NotContains(t, []string{"context", "net/http", "net/url", "os", "iter"}, path, name)
		}
	}
	out, err := exec.Command("go", append([]string{"build", "-o", os.DevNull}, files...)...).CombinedOutput()
	require.NoError(t, err, "they need nothing of the other files: %s", out)
}

func TestThePackageStandsOnTheStandardLibrary(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./...").Output()
	require.NoError(t, err)
	for path := range strings.FieldsSeq(string(out)) {
		own := strings.HasPrefix(path, "github.com/scicred/scicred/gafaelfawr") || strings.HasPrefix(path, "github.com/scicred/scicred/internal/")
		assert.True(t, own, "%s is neither ours nor of the standard library", path)
	}
}
