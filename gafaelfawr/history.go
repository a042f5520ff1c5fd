// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/scicred/scicred/internal/origin"
)

// DefaultPageSize is how many entries a request for history asks for, if
// [HistoryQuery] does not say.
const DefaultPageSize = 500

// HistoryQuery says which changes to look for. The zero value looks for all.
type HistoryQuery struct {
	Since, Until time.Time // when they happened, both inclusive; zero: any time
	Key          string    // [Token.Key] of the token, or of the one that it was derived from directly
	TokenType    TokenType
	IPAddress    string // where they came from: an address, or a block such as 192.0.2.0/24
	// Username is whose token it is, Actor who did it: <bootstrap> and <internal>
	// are actors too. Only [Client.History] and [Client.HistoryPage] have them.
	Username, Actor string

	Limit  int    // entries in a page; 0: [DefaultPageSize]
	Cursor string // of the page to begin with; "": the newest entries
}

// HistoryPage is a part of a history.
type HistoryPage struct {
	Entries []ChangeHistoryEntry // the newest is first
	// Total is how many entries there are in all pages, or nil if the server
	// does not say.
	Total *int
	// Next and Prev are the cursors of the pages with older and with newer
	// entries; "" if there is none.
	Next, Prev string

	next string // the URL
}

// History goes through the changes of all tokens, the newest first, and asks the
// server for a page at a time. After an error there is nothing more. The token
// needs the scope admin:token.
func (c *Client) History(ctx context.Context, token Token, q HistoryQuery) iter.Seq2[ChangeHistoryEntry, error] {
	return c.walk(ctx, token, q, "history", "token-changes")
}

// UserHistory goes through the changes of a user's tokens, the newest first, and
// asks the server for a page at a time. After an error there is nothing more. The
// token needs the scope user:token if it is the user's own, else admin:token.
func (c *Client) UserHistory(ctx context.Context, token Token, username string, q HistoryQuery) iter.Seq2[ChangeHistoryEntry, error] {
	if err := q.forOneUser(); err != nil {
		return only(err)
	}
	return c.walk(ctx, token, q, "users", username, "token-change-history")
}

// TokenHistory goes through the changes of a user's token, by its key, and of
// those that were derived from it directly, the newest first. It works for tokens
// that are gone. The error is a [NotFoundError] if there is no entry. The token
// needs the scope user:token if it is the user's own, else admin:token.
func (c *Client) TokenHistory(ctx context.Context, token Token, username, key string) iter.Seq2[ChangeHistoryEntry, error] {
	if err := checkKey(key); err != nil {
		return only(err)
	}
	return func(yield func(ChangeHistoryEntry, error) bool) {
		entries, err := getList[ChangeHistoryEntry](ctx, c, token, "users", username, "tokens", key, "change-history")
		if err != nil {
			yield(ChangeHistoryEntry{}, err)
			return
		}
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// HistoryPage returns a page of the changes of all tokens, for those who show
// pages. The token needs the scope admin:token.
func (c *Client) HistoryPage(ctx context.Context, token Token, q HistoryQuery) (HistoryPage, error) {
	return c.firstPage(ctx, token, q, "history", "token-changes")
}

// UserHistoryPage returns a page of the changes of a user's tokens, for those who
// show pages. The token needs the scope user:token if it is the user's own, else
// admin:token.
func (c *Client) UserHistoryPage(ctx context.Context, token Token, username string, q HistoryQuery) (HistoryPage, error) {
	if err := q.forOneUser(); err != nil {
		return HistoryPage{}, err
	}
	return c.firstPage(ctx, token, q, "users", username, "token-change-history")
}

func only(err error) iter.Seq2[ChangeHistoryEntry, error] {
	return func(yield func(ChangeHistoryEntry, error) bool) { yield(ChangeHistoryEntry{}, err) }
}

// walk goes through all pages. The server says where the next one is.
func (c *Client) walk(ctx context.Context, token Token, q HistoryQuery, route ...string) iter.Seq2[ChangeHistoryEntry, error] {
	return func(yield func(ChangeHistoryEntry, error) bool) {
		var watch pageWatch
		r, err := c.search(ctx, token, q, route...)
		for err == nil {
			if err = watch.visit(r); err != nil {
				break
			}
			var page HistoryPage
			if page, err = c.page(ctx, r); err != nil {
				break
			}
			for _, e := range page.Entries {
				if !yield(e, nil) {
					return
				}
			}
			if page.next == "" {
				return
			}
			if err = watch.got(r, len(page.Entries)); err == nil {
				r.url = page.next
			}
		}
		yield(ChangeHistoryEntry{}, err)
	}
}

// pageWatch notices a server that would keep us for ever, and yield nothing new.
type pageWatch struct {
	seen  map[[sha256.Size]byte]bool // hashes of URLs, which can be long
	empty bool                       // the last page was
}

// visit refuses a page that was there before.
func (w *pageWatch) visit(r request) error {
	hash := sha256.Sum256([]byte(r.url))
	if w.seen[hash] {
		return r.misread(errors.New("the next page is one that was there before"))
	}
	if w.seen == nil {
		w.seen = map[[sha256.Size]byte]bool{}
	}
	w.seen[hash] = true
	return nil
}

// got refuses a second empty page in a row that is not the last. There can be one,
// the first: a cursor that goes backward from the newest entry finds nothing, and
// what comes next is where it came from.
func (w *pageWatch) got(r request, entries int) error {
	if entries == 0 && w.empty {
		return r.misread(errors.New("the page is empty, like the one before it, and yet not the last"))
	}
	w.empty = entries == 0
	return nil
}

func (c *Client) firstPage(ctx context.Context, token Token, q HistoryQuery, route ...string) (HistoryPage, error) {
	r, err := c.search(ctx, token, q, route...)
	if err != nil {
		return HistoryPage{}, err
	}
	return c.page(ctx, r)
}

// search returns the request for the first page.
func (c *Client) search(ctx context.Context, token Token, q HistoryQuery, route ...string) (request, error) {
	if err := q.check(token); err != nil {
		return request{}, err
	}
	r, err := c.prepare(ctx, http.MethodGet, token, nil, route...)
	r.url += "?" + q.encode()
	return r, err
}

func (c *Client) page(ctx context.Context, r request) (HistoryPage, error) {
	answer, err := c.send(ctx, r)
	if err != nil {
		return HistoryPage{}, err
	}
	var page HistoryPage
	if page.Entries, err = decodeList[ChangeHistoryEntry](r, answer); err != nil {
		return HistoryPage{}, err
	}
	if n, err := strconv.Atoi(answer.header.Get("X-Total-Count")); err == nil && n >= 0 {
		page.Total = &n
	}
	found := links(answer.header.Values("Link"))
	if page.next, page.Next, err = r.follow(found["next"]); err != nil {
		return HistoryPage{}, err
	}
	_, page.Prev, err = r.follow(found["prev"])
	return page, err
}

// follow returns the URL of another page, and its cursor. It must be at the same
// server, since the token goes there.
func (r request) follow(link string) (where, cursor string, err error) {
	if link == "" {
		return "", "", nil
	}
	own, err := url.Parse(r.url)
	if err != nil {
		return "", "", invalid("%s is malformed", r.where())
	}
	other, err := own.Parse(link)
	if err != nil || origin.Of(other) != origin.Of(own) || other.User != nil {
		return "", "", r.misread(errors.New("the next page is at another server, to which the token is not sent: " + shorten(hideSecret(printable(link), r.token), maxSaid)))
	}
	return other.String(), other.Query().Get("cursor"), nil
}

func (q HistoryQuery) check(token Token) error {
	if q.Limit < 0 {
		return invalid("a page cannot have %d entries", q.Limit)
	}
	if q.Key != "" {
		if err := checkKey(q.Key); err != nil {
			return err
		}
	}
	return checkSecrets(token, q.Key, string(q.TokenType), q.IPAddress, q.Username, q.Actor, q.Cursor)
}

func (q HistoryQuery) forOneUser() error {
	if q.Username != "" || q.Actor != "" {
		return invalid("the history of one user cannot be searched by user or actor")
	}
	return nil
}

// encode returns the query. A limit is always there: without one the server
// sends everything at once.
func (q HistoryQuery) encode() string {
	v := url.Values{}
	set := func(name, text string) {
		if text != "" {
			v.Set(name, text)
		}
	}
	at := func(name string, t time.Time) {
		if !t.IsZero() {
			v.Set(name, t.UTC().Format(time.RFC3339))
		}
	}
	at("since", q.Since)
	at("until", q.Until)
	set("key", q.Key)
	set("token_type", string(q.TokenType))
	set("ip_address", q.IPAddress)
	set("username", q.Username)
	set("actor", q.Actor)
	set("cursor", q.Cursor)
	limit := q.Limit
	if limit == 0 {
		limit = DefaultPageSize
	}
	v.Set("limit", strconv.Itoa(limit))
	return v.Encode()
}
