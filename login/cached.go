// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/internal/osfile"
)

const (
	leastMargin  = 30 * time.Second
	renewalLimit = time.Minute      // for a lock and a few requests
	lockPatience = 5 * time.Second  // while there is a token that can be sent
	retryPause   = 10 * time.Second // after a failure that may pass
	maxJump      = time.Minute      // of the clock, backwards
)

// CacheConfig says where and under which name a [Cached] keeps its login. The
// zero value is good.
type CacheConfig struct {
	Dir     string // "": [DefaultDir]
	LockDir string // for the lock alone, where Dir has no locks; "": Dir
	Name    string // tells logins of several users at one provider apart; often ""

	Logger *slog.Logger // is told what could not be kept; nil: nobody is
}

// Cached keeps the tokens of a [Fetcher] in a file of the user's and renews them
// in time, for all processes of the user together: only one at a time asks the
// provider, and the others take over what it got. It is safe for concurrent use.
//
// A token is renewed when 30 seconds or a tenth of its life are left, whichever
// is more, but not before half of its life is over. If the provider cannot be
// asked, the token is used until it expires.
type Cached struct {
	fetcher Fetcher
	store   *store
	name    string
	log     *slog.Logger
	jitter  float64 // of the margin, so that processes do not all wake at once

	mu       sync.Mutex
	have     *TokenData   // what was read or got last
	stamp    osfile.Stamp // of the file that it is in
	unsaved  bool         // it is in no file
	retry    time.Time    // not to ask before, as long as there is a token
	rejected Secret       // an access token that a server refused
	flying   *renewal     // what is under way
}

// renewal is one renewal and who waits for it.
type renewal struct {
	done  chan struct{} // closed when the rest is set
	token *TokenData
	err   error
}

// NewCached returns a Fetcher's tokens with a memory. It reads nothing yet.
func NewCached(f Fetcher, c CacheConfig) (*Cached, error) {
	if f == nil {
		return nil, errors.New("login: there is no Fetcher")
	}
	dir := c.Dir
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return nil, err
		}
	}
	lockDir := c.LockDir
	if lockDir == "" {
		lockDir = dir
	}
	if !filepath.IsAbs(dir) || !filepath.IsAbs(lockDir) {
		return nil, errors.New("login: the folder for logins is not an absolute path")
	}
	log := c.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	jitter := 1 - rand.Float64()/10 //nolint:gosec // no secret
	return &Cached{fetcher: f, store: newStore(f.About(), c.Name, dir, lockDir), name: c.Name, log: log, jitter: jitter}, nil
}

// Path returns the file that the login is kept in.
func (c *Cached) Path() string { return c.store.path }

// Token returns a token that has not expired, renewed if need be. It never talks
// to the user: if only that helps, the error is an [*InteractionRequiredError].
// Other errors are a [*TokenRefreshError], a [*TokenFetchError] or a
// [*CacheError]. A renewal that has begun goes on when the caller leaves, since
// its answer may hold the only refresh token that is good.
func (c *Cached) Token(ctx context.Context) (*TokenData, error) {
	if ctx.Err() != nil {
		return nil, stopped(ctx, "token")
	}
	c.mu.Lock()
	if t := c.atHand(); t != nil {
		c.mu.Unlock()
		return t, nil
	}
	r := c.flying
	if r == nil {
		r = &renewal{done: make(chan struct{})}
		c.flying = r
		go c.fly(context.WithoutCancel(ctx), r)
	}
	c.mu.Unlock()
	select {
	case <-r.done:
		return r.token, r.err
	case <-ctx.Done():
		return nil, stopped(ctx, "waiting for a token")
	}
}

// atHand returns what can be used without asking anybody; nil if nothing can.
// The file is looked at each time: a logout elsewhere counts here too.
func (c *Cached) atHand() *TokenData {
	now := wallClock()
	if c.have == nil || !c.unsaved && c.store.stamp() != c.stamp {
		return nil
	}
	if c.fresh(c.have, now) || now.Before(c.retry) && c.usable(c.have, now) {
		return c.have
	}
	return nil
}

func (c *Cached) fly(ctx context.Context, r *renewal) {
	ctx, cancel := context.WithTimeout(ctx, renewalLimit)
	defer cancel()
	r.token, r.err = c.renew(ctx)
	c.mu.Lock()
	c.flying = nil
	c.mu.Unlock()
	close(r.done)
}

// usable reports whether a token can be sent.
func (c *Cached) usable(t *TokenData, now time.Time) bool {
	return t != nil && (t.expiry.IsZero() || now.Before(t.expiry)) && (c.rejected.IsZero() || t.access.Reveal() != c.rejected.Reveal())
}

// fresh reports whether a token can be sent and need not be renewed. One that
// was got in the future was got while the clock was wrong: its expiry is too.
func (c *Cached) fresh(t *TokenData, now time.Time) bool {
	return c.usable(t, now) && !now.Before(t.issued.Add(-maxJump)) &&
		(t.expiry.IsZero() || now.Before(t.expiry.Add(-time.Duration(c.jitter*float64(margin(t))))))
}

// margin is how long before its expiry a token is renewed. Keycloak's tokens may
// live for a minute in all.
func margin(t *TokenData) time.Duration {
	life := t.expiry.Sub(t.issued)
	return max(0, min(max(leastMargin, life/10), life/2))
}

// renew reads what others have got, or gets it.
func (c *Cached) renew(ctx context.Context) (*TokenData, error) {
	if t, err := c.read(); t != nil || err != nil {
		return t, err
	}
	if old := c.last(); c.fetcher.About().Interactive && (old == nil || old.refresh.IsZero()) {
		return c.still(c.required(ErrNoRefresh)) // before a folder is made for it
	}
	lockCtx, cancel := c.patience(ctx)
	defer cancel()
	release, err := c.store.acquire(lockCtx)
	switch {
	case err == nil:
		defer release()
	case lockCtx.Err() != nil || c.fetcher.About().Interactive || !c.last().replaceable():
		return c.still(err)
	default:
		// Two that ask at once get two tokens, and neither loses one.
		c.log.Warn("login: the login is not shared with other processes", "error", err)
	}
	// Another may have been here while we waited for the lock.
	if t, err := c.read(); t != nil || err != nil {
		return t, err
	}
	return c.ask(ctx, c.last())
}

// patience returns for how long to wait for another process: not long, while
// there is a token that can be sent.
func (c *Cached) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	now := wallClock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.usable(c.have, now) || c.have.expiry.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, min(c.have.expiry.Sub(now)/2, lockPatience))
}

// last returns what was read or got last.
func (c *Cached) last() *TokenData {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.have
}

// replaceable reports whether nothing is lost with the tokens.
func (t *TokenData) replaceable() bool { return t == nil || t.refresh.IsZero() }

func (c *Cached) required(why error) error {
	return &InteractionRequiredError{About: c.fetcher.About(), Name: c.name, Err: why}
}

// read takes over what is in the file, and returns it if it is fresh.
func (c *Cached) read() (*TokenData, error) {
	stamp := c.store.stamp()
	t, err := c.store.load()
	if errors.Is(err, errDamaged) {
		// It is ours, and of no use to anybody.
		c.log.Warn("login: a kept login is not used", "error", err)
		t, err = nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unsaved && (t == nil || t.issued.Before(c.have.issued)) {
		t, err = c.have, nil // the file is older
	} else if err == nil {
		c.have, c.stamp, c.unsaved = t, stamp, false
	}
	if err != nil {
		return nil, err
	}
	if c.fresh(t, wallClock()) {
		return t, nil
	}
	return nil, nil
}

// still returns what there is as long as it can be sent, and else the error.
func (c *Cached) still(err error) (*TokenData, error) {
	now := wallClock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.usable(c.have, now) {
		return nil, err
	}
	c.log.Warn("login: the token is not renewed yet", "error", err)
	c.retry = now.Add(retryPause)
	return c.have, nil
}

// ask gets new tokens, under the lock.
func (c *Cached) ask(ctx context.Context, old *TokenData) (*TokenData, error) {
	slot, saveErr := c.store.reserve()
	if saveErr != nil && !old.replaceable() {
		// The provider may give a new refresh token for the old one, which could
		// not be kept: then there would be none.
		return c.still(saveErr)
	}
	t, err := c.get(ctx, old)
	if errors.Is(err, ErrInvalidGrant) {
		// Where locks do not reach, another machine may have used the refresh
		// token just now, and left a new one.
		if t, err := c.read(); t != nil || err != nil {
			slot.drop()
			return t, err
		}
		if now := c.last(); !now.replaceable() && now.refresh.Reveal() != old.refresh.Reveal() {
			old = now
			t, err = c.get(ctx, old)
		}
	}
	switch {
	case err == nil:
		if saveErr == nil {
			saveErr = slot.keep(t)
		}
		c.took(t, saveErr)
		return t, nil
	case errors.Is(err, ErrInvalidGrant) && !old.replaceable():
		c.clear(slot)
	default:
		slot.drop()
	}
	if c.fetcher.About().Interactive && (errors.Is(err, ErrInvalidGrant) || errors.Is(err, ErrNoRefresh)) {
		err = c.required(err)
	}
	return c.still(err)
}

// get renews the old tokens, or gets others where that needs no person.
func (c *Cached) get(ctx context.Context, old *TokenData) (*TokenData, error) {
	err := refreshError(ErrNoRefresh)
	if old != nil {
		var t *TokenData
		if t, err = c.fetcher.Refresh(ctx, old); err == nil {
			return t, nil
		}
	}
	if c.fetcher.About().Interactive || !errors.Is(err, ErrInvalidGrant) && !errors.Is(err, ErrNoRefresh) {
		return nil, err
	}
	return c.fetcher.Fetch(ctx)
}

// clear removes the refresh token, which is of no use any more, and nothing else:
// the access token may still be good.
func (c *Cached) clear(slot *slot) {
	cleared := *c.last()
	cleared.refresh, cleared.refreshExpiry = Secret{}, time.Time{}
	c.took(&cleared, slot.keep(&cleared))
}

// took remembers tokens that were got. If they could not be kept they live as
// long as this process.
func (c *Cached) took(t *TokenData, saveErr error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.have, c.retry = t, time.Time{}
	if c.unsaved = saveErr != nil; c.unsaved {
		c.log.Warn("login: the login is not kept for other processes", "error", saveErr)
		return
	}
	c.stamp = c.store.stamp()
}

// Login gets tokens anew, and keeps them in place of those there were. If the
// Fetcher is interactive it talks to the user; no lock is held meanwhile. If the
// tokens cannot be kept they are returned along with a [*CacheError].
func (c *Cached) Login(ctx context.Context) (*TokenData, error) {
	t, err := c.fetcher.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	release, err := c.store.acquire(ctx)
	if err == nil {
		defer release()
		err = c.store.save(t)
	}
	c.took(t, err)
	return t, err
}

// Forget removes the login and returns what there was, if anything, so that it
// can be revoked. It waits for a renewal in another process to end, and removes
// what that has got.
func (c *Cached) Forget(ctx context.Context) (*TokenData, error) {
	release, err := c.store.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	t, err := c.store.load()
	if err != nil && !errors.Is(err, errDamaged) {
		return nil, err
	}
	c.mu.Lock()
	if t == nil {
		t = c.have
	}
	c.have, c.unsaved, c.stamp = nil, false, osfile.Stamp{}
	c.mu.Unlock()
	return t, c.store.remove()
}

// Peek returns what there is, expired or not, and asks nobody; nil if there is
// nothing.
func (c *Cached) Peek() (*TokenData, error) {
	t, err := c.store.load()
	c.mu.Lock()
	defer c.mu.Unlock()
	if t == nil && c.unsaved {
		return c.have, nil
	}
	return t, err
}

// Reject says that a server refused a token: it is renewed when a token is asked
// for next, however long it would live.
func (c *Cached) Reject(t *scicred.Token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.have != nil && c.have.access.Reveal() == t.Reveal() {
		c.rejected, c.retry = NewSecret(t.Reveal()), time.Time{}
	}
}

// InteractionRequiredError says that a person must log in, and how.
type InteractionRequiredError struct {
	About About
	Name  string // of the login; often ""
	Err   error  // why what there was does not do
}

// Error says what to run.
func (e *InteractionRequiredError) Error() string {
	s := "login: somebody must log in: run " + e.Command()
	if e.Err != nil && !errors.Is(e.Err, ErrNoRefresh) {
		s += " (" + strings.TrimPrefix(e.Err.Error(), "login: ") + ")"
	}
	return s
}

// Unwrap returns why.
func (e *InteractionRequiredError) Unwrap() error { return e.Err }

// Command returns the command to run in a shell.
func (e *InteractionRequiredError) Command() string {
	args := []string{"scicred", "login"}
	add := func(flag, value string) {
		if value == "" {
			return
		}
		if strings.ContainsFunc(value, func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/._-@", r)
		}) {
			value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
		}
		args = append(args, flag, value)
	}
	add("--issuer", e.About.Issuer)
	add("--client-id", e.About.ClientID)
	add("--scope", strings.Join(e.About.Scopes, " "))
	for _, a := range e.About.Audience {
		add("--audience", a)
	}
	add("--as", e.Name)
	return strings.Join(args, " ")
}

// String describes the login without its tokens.
func (c *Cached) String() string {
	a := c.fetcher.About()
	return fmt.Sprintf("login of %s at %s", a.ClientID, a.Issuer)
}
