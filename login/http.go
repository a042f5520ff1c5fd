// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/bearer/strictjson"
	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/origin"
	"github.com/scicred/scicred/internal/redact"
)

const (
	maxAnswer      = 1 << 20          // bytes; real answers have a few thousand
	maxDescription = 200              // bytes of the provider's words
	requestTimeout = 30 * time.Second // for one request, unless the caller's client says otherwise
	attempts       = 3                // of requests that do no harm when they are repeated
	firstWait      = time.Second      // before the second attempt; doubles each time
	maxWait        = time.Minute      // between two attempts
)

// httpClient returns a client that follows no redirect: what is sent here holds
// secrets, and where they may go has been said.
func httpClient(given *http.Client) *http.Client {
	c := http.Client{Timeout: requestTimeout}
	if given != nil {
		c.Transport, c.Jar, c.Timeout = given.Transport, given.Jar, cmp.Or(given.Timeout, requestTimeout)
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// checkURL returns what is wrong with the URL of a provider, reading on after
// it. Tokens and secrets travel over https alone, or within this machine (RFC
// 6749 section 3.2).
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return errors.New("is not a URL")
	case u.Host == "" || u.Hostname() == "":
		return errors.New("names no host")
	case u.User != nil:
		return errors.New("has a user name or password in it")
	case u.Fragment != "":
		return errors.New("has a fragment (#)")
	case u.Scheme == "https", u.Scheme == "http" && origin.Of(u).Loopback():
		return nil
	case u.Scheme == "http":
		return errors.New("is http, so that anybody on the way could read the secrets: use https")
	}
	return errors.New("is not https")
}

// shown returns a URL fit to be printed.
func shown(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "its address"
	}
	return redact.URL(u)
}

// members is a JSON object that a provider sent.
type members map[string]json.RawMessage

// exchange sends one request and returns the JSON object that came back. Errors
// are [*AuthError], or that of a context that is over. What hide finds is taken
// out of the provider's words.
func exchange(client *http.Client, req *http.Request, op string, hide func(string) string) (members, error) {
	ctx := req.Context()
	e := &AuthError{Op: op, URL: redact.URL(req.URL)}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, stopped(ctx, op)
		}
		e.Problem, e.Temporary, e.Err = "it cannot be reached", true, bare(err)
		return nil, e
	}
	defer resp.Body.Close()
	e.StatusCode = resp.StatusCode
	e.RetryAfter = bearer.RetryAfter(resp.Header, time.Now())
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case ctx.Err() != nil:
		return nil, stopped(ctx, op)
	case err != nil:
		e.Problem, e.Temporary, e.Err = "the answer broke off", true, bare(err)
		return nil, e
	case len(body) > maxAnswer:
		e.Problem = fmt.Sprintf("the answer is longer than %d bytes", maxAnswer)
		return nil, e
	}
	m, jsonErr := strictjson.Object(body)
	if resp.StatusCode != http.StatusOK {
		e.refusal(resp, m, hide)
		return nil, e
	}
	if jsonErr != nil {
		// A page of a proxy or of a provider that is starting: nothing was decided.
		e.Problem, e.Temporary = fmt.Sprintf("the answer%s %v", typeOf(resp.Header), jsonErr), true
		return nil, e
	}
	return m, nil
}

// refusal reads an answer that is no success (RFC 6749 section 5.2).
func (e *AuthError) refusal(resp *http.Response, m members, hide func(string) string) {
	code := resp.StatusCode
	e.Temporary = code >= http.StatusInternalServerError || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout
	e.Problem = "it answered " + status(code) + typeOf(resp.Header)
	if code >= 300 && code < 400 {
		e.Problem = "it answered with a redirect, which is not followed with secrets"
		if to, err := resp.Location(); err == nil {
			e.Problem += ": give the address it leads to, " + redact.URL(to)
		}
		return
	}
	if s, err := m.text("error"); err == nil && isCode(s) {
		e.Code = s
	}
	if s, err := m.text("error_description"); err == nil {
		e.Description = clean(hide(s))
	}
	if e.Code == "temporarily_unavailable" || e.Code == "server_error" {
		e.Temporary = true
	}
}

// isCode reports whether s can be an error code of a provider and nothing else,
// such as an echo of what was sent.
func isCode(s string) bool {
	const longest = 64
	return s != "" && len(s) <= longest && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// clean makes foreign words fit to be printed.
func clean(s string) string {
	if len(s) > maxDescription {
		s = strings.ToValidUTF8(s[:maxDescription], "") + "…"
	}
	return human.Printable(s)
}

// typeOf says what kind of answer came instead of JSON.
func typeOf(h http.Header) string {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || t == "application/json" || len(t) > 40 {
		return ""
	}
	return " (" + human.Printable(t) + ")"
}

// bare takes off what says the URL again.
func bare(err error) error {
	if ue := (*url.Error)(nil); errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// patiently repeats what does no harm when it is repeated, after failures that
// may pass.
func patiently[T any](ctx context.Context, op string, do func() (T, error)) (T, error) {
	wait := firstWait
	for n := 1; ; n++ {
		v, err := do()
		if err == nil || n == attempts || !errors.Is(err, ErrTemporary) {
			return v, err
		}
		if !pause(ctx, max(wait, retryAfter(err))) {
			return v, stopped(ctx, op)
		}
		wait *= 2
	}
}

// retryAfter returns how long the provider wants to be left alone, within
// reason.
func retryAfter(err error) time.Duration {
	if e := (*AuthError)(nil); errors.As(err, &e) {
		return min(e.RetryAfter, maxWait)
	}
	return 0
}

// pause waits; false if the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// wallClock returns the time without its monotonic part, which stands still
// while the machine sleeps; tokens go on expiring.
func wallClock() time.Time { return time.Now().Round(0) }
