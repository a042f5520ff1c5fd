// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawrtest

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scicred/scicred/gafaelfawr"
)

// entry is a change with its number: 1, 2, 3 as they happened.
type entry struct {
	id int
	gafaelfawr.ChangeHistoryEntry
}

func historyRoutes() map[string]route {
	return map[string]route{
		"GET /history/token-changes":                        {ReadHistory, gafaelfawr.ScopeAdminToken, func(c *call) { c.search("") }},
		"GET /users/{username}/token-change-history":        {ReadHistory, "", (*call).searchOne},
		"GET /users/{username}/tokens/{key}/change-history": {ReadHistory, "", (*call).tokenHistory},
	}
}

// record notes a change. The lock is held.
func (s *Server) record(info gafaelfawr.TokenInfo, action gafaelfawr.TokenChange, actor string, ip *string, more func(*gafaelfawr.ChangeHistoryEntry)) {
	e := gafaelfawr.ChangeHistoryEntry{
		Token: info.Token, Username: info.Username, TokenType: info.TokenType, TokenName: info.TokenName, Parent: info.Parent, Scopes: info.Scopes,
		Service: info.Service, Expires: info.Expires, Actor: actor, Action: action, IPAddress: ip, EventTime: gafaelfawr.NewTimestamp(s.now()),
	}
	if more != nil {
		more(&e)
	}
	s.history = append(s.history, entry{len(s.history) + 1, e})
}

// peer returns where a request came from.
func (c *call) peer() *string {
	host, _, err := net.SplitHostPort(c.req.RemoteAddr)
	if err != nil {
		return nil
	}
	return &host
}

func (c *call) searchOne() {
	username := c.req.PathValue("username")
	if c.mayManage(username) {
		c.search(username)
	}
}

func (c *call) tokenHistory() {
	username, key := c.req.PathValue("username"), c.req.PathValue("key")
	if !c.mayManage(username) {
		return
	}
	found := c.changes(func(e entry) bool { return e.Username == username && ofToken(e, key) })
	if len(found) == 0 {
		c.notFound("key", "Token not found")
		return
	}
	reply(c.w, http.StatusOK, plain(found))
}

func ofToken(e entry, key string) bool { return e.Token == key || e.Parent != nil && *e.Parent == key }

// changes returns those that fit, the newest first.
func (c *call) changes(fits func(entry) bool) []entry {
	found := slices.DeleteFunc(slices.Clone(c.history), func(e entry) bool { return !fits(e) })
	slices.SortStableFunc(found, func(a, b entry) int {
		if n := b.EventTime.Compare(a.EventTime.Time); n != 0 {
			return n
		}
		return b.id - a.id
	})
	return found
}

func plain(entries []entry) []gafaelfawr.ChangeHistoryEntry {
	out := make([]gafaelfawr.ChangeHistoryEntry, len(entries))
	for i, e := range entries {
		out[i] = e.ChangeHistoryEntry
	}
	return out
}

// search answers with the changes that fit the query, of one user or of all.
func (c *call) search(username string) {
	q := c.req.URL.Query()
	fits, problem := filter(q, username)
	limit, err := strconv.Atoi(q.Get("limit"))
	switch {
	case problem != "":
		fail(c.w, http.StatusUnprocessableEntity, "invalid_"+problem, "Invalid "+problem, "query", problem)
		return
	case q.Has("limit") && (err != nil || limit < 1):
		fail(c.w, http.StatusUnprocessableEntity, "greater_than_equal", "Input should be greater than or equal to 1", "query", "limit")
		return
	case q.Has("cursor") && !regexp.MustCompile(`^p?[0-9]+_[0-9]+$`).MatchString(q.Get("cursor")):
		fail(c.w, http.StatusUnprocessableEntity, "string_pattern_mismatch", "String should match pattern", "query", "cursor")
		return
	}
	found := c.changes(fits)
	total := len(found)
	page, next, prev := paginate(found, q.Get("cursor"), limit)
	if q.Has("limit") {
		c.w.Header().Set("Link", c.links(next, prev))
		c.w.Header().Set("X-Total-Count", strconv.Itoa(total))
	}
	reply(c.w, http.StatusOK, plain(page))
}

// filter reads a query. The problem names the parameter that makes no sense.
func filter(q url.Values, username string) (fits func(entry) bool, problem string) {
	since, badSince := when(q.Get("since"))
	until, badUntil := when(q.Get("until"))
	block, badBlock := addresses(q.Get("ip_address"))
	switch {
	case badSince:
		return nil, "since"
	case badUntil:
		return nil, "until"
	case badBlock:
		return nil, "ip_address"
	}
	own := username != ""
	if !own {
		username = q.Get("username")
	}
	return func(e entry) bool {
		var from netip.Addr
		if e.IPAddress != nil {
			from, _ = netip.ParseAddr(*e.IPAddress)
		}
		return (since.IsZero() || !e.EventTime.Before(since)) && (until.IsZero() || !e.EventTime.After(until)) &&
			(username == "" || e.Username == username) && (own || q.Get("actor") == "" || e.Actor == q.Get("actor")) &&
			(q.Get("key") == "" || ofToken(e, q.Get("key"))) && (q.Get("token_type") == "" || string(e.TokenType) == q.Get("token_type")) &&
			(!block.IsValid() || block.Contains(from))
	}, ""
}

func when(s string) (t time.Time, bad bool) {
	if s == "" {
		return t, false
	}
	var stamp gafaelfawr.Timestamp
	err := stamp.UnmarshalJSON([]byte(strconv.Quote(s)))
	return stamp.Time, err != nil
}

func addresses(s string) (block netip.Prefix, bad bool) {
	if s == "" {
		return block, false
	}
	if strings.Contains(s, "/") {
		block, err := netip.ParsePrefix(s)
		return block, err != nil || block != block.Masked()
	}
	addr, err := netip.ParseAddr(s)
	return netip.PrefixFrom(addr, addr.BitLen()), err != nil
}

// paginate returns the part of the changes that a cursor and a limit ask for, and
// the cursors of those around it. A cursor names the entry that its page begins
// with or, if it goes backward, the one after its last.
func paginate(all []entry, cursor string, limit int) (page []entry, next, prev string) {
	if limit == 0 {
		limit = len(all)
	}
	backward := strings.HasPrefix(cursor, "p")
	at := 0
	if cursor != "" {
		at = slices.IndexFunc(all, func(e entry) bool { return !newer(e, cursor) })
		if at < 0 {
			at = len(all)
		}
	}
	from, to := at, min(at+limit, len(all))
	if backward {
		from, to = max(at-limit, 0), at
	}
	if to < len(all) {
		next = cursorOf(all[to])
	}
	switch {
	case from == 0:
	case from < len(all):
		prev = "p" + cursorOf(all[from])
	default:
		prev = "p" + strings.TrimPrefix(cursor, "p")
	}
	return all[from:to], next, prev
}

func cursorOf(e entry) string {
	return strconv.FormatInt(e.EventTime.Unix(), 10) + "_" + strconv.Itoa(e.id)
}

// newer reports whether an entry stands before the one that a cursor names.
func newer(e entry, cursor string) bool {
	first, second, _ := strings.Cut(strings.TrimPrefix(cursor, "p"), "_")
	at, _ := strconv.ParseInt(first, 10, 64)
	id, _ := strconv.Atoi(second)
	return e.EventTime.Unix() > at || e.EventTime.Unix() == at && e.id > id
}

// links returns the header: the same request, with other cursors.
func (c *call) links(next, prev string) string {
	u := url.URL{Path: c.req.URL.Path, RawPath: c.req.URL.RawPath}
	link := func(cursor, relation string) string {
		q := c.req.URL.Query()
		q.Del("cursor")
		u.RawQuery = q.Encode()
		if cursor != "" {
			u.RawQuery += "&cursor=" + url.QueryEscape(cursor)
		}
		return "<" + origin(c.req) + u.String() + `>; rel="` + relation + `"`
	}
	header := link("", "first")
	if next != "" {
		header += ", " + link(next, "next")
	}
	if prev != "" {
		header += ", " + link(prev, "prev")
	}
	return header
}
