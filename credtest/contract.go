// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// ContractOption changes how [TestRoundTripper] tests.
type ContractOption func(*contract)

// Refusing gives the contract test a RoundTripper that refuses to send whatever
// it is given, such as one that demands a credential where there is none, so
// that what becomes of a refused request is tested too.
func Refusing(wrap func(base http.RoundTripper) http.RoundTripper) ContractOption {
	return func(c *contract) { c.refusing = wrap }
}

// Patience sets how long the contract test waits for what has to happen before
// it says that it does not; the default is 10 seconds.
func Patience(d time.Duration) ContractOption {
	return func(c *contract) { c.patience = d }
}

// TestRoundTripper tests whether a RoundTripper that wraps another keeps the
// contract of [http.RoundTripper], and what programs that use net/http rely on
// besides. Each failure is a sentence that says what was broken. Run it with
// -race: some mistakes show only there.
//
// Wrap is called for every rule with a new base, which always is an
// [http.Transport], once for HTTP/1.1 and once for HTTP/2. The requests go to a
// [Site] on this machine; it takes any credential, so a wrapper that attaches
// one is tested best with one that fits every server.
//
//	credtest.TestRoundTripper(t, func(base http.RoundTripper) http.RoundTripper {
//		return &myTransport{base: base}
//	})
func TestRoundTripper(t *testing.T, wrap func(base http.RoundTripper) http.RoundTripper, opts ...ContractOption) {
	t.Helper()
	c := newContract(wrap, opts)
	for _, proto := range []string{"HTTP/1.1", "HTTP/2"} {
		for _, r := range rules() {
			t.Run(proto+"/"+r.name, func(t *testing.T) {
				if r.needsSound && c.touched {
					t.Skip("left out: a RoundTripper that changes requests would end the process here")
				}
				if r.refusal && c.refusing == nil || r.oldOnly && proto != "HTTP/1.1" {
					t.Skip("does not apply")
				}
				for _, fault := range c.examine(t.Context(), r, proto) {
					t.Error(fault)
				}
			})
		}
	}
}

// contract is what is being tested.
type contract struct {
	wrap     func(base http.RoundTripper) http.RoundTripper
	refusing func(base http.RoundTripper) http.RoundTripper
	patience time.Duration
	touched  bool // a request was changed
}

func newContract(wrap func(base http.RoundTripper) http.RoundTripper, opts []ContractOption) *contract {
	c := &contract{wrap: wrap, patience: 10 * time.Second}
	for _, o := range opts {
		o(c)
	}
	return c
}

// rule is one paragraph of the contract.
type rule struct {
	name       string
	check      func(*exam)
	refusal    bool // is about a RoundTripper that refuses
	oldOnly    bool // is about HTTP/1.1
	needsSound bool // is dangerous with a RoundTripper that changes requests
}

// examine tests one rule and returns what was found, a sentence each.
func (c *contract) examine(ctx context.Context, r rule, proto string) []string {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e := &exam{ctx: ctx, patience: c.patience, site: NewSite()}
	defer e.site.Close()
	e.base = e.site.Transport()
	e.base.ForceAttemptHTTP2 = proto != "HTTP/1.1"
	defer e.base.CloseIdleConnections()
	wrap := c.wrap
	if r.refusal {
		wrap = c.refusing
	}
	e.rt = wrap(e.base)
	r.check(e)
	e.settle()
	c.touched = c.touched || e.touched
	return e.faults
}

// exam is the test of one rule.
type exam struct {
	ctx      context.Context
	patience time.Duration
	site     *Site
	base     *http.Transport
	rt       http.RoundTripper

	mu      sync.Mutex
	watched []*watched
	remade  []*watchedBody // by GetBody
	faults  []string
	touched bool
}

// fault notes what was broken.
func (e *exam) fault(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, fmt.Sprintf(format, args...))
}

// errLost stands for an outcome that has been reported already.
var errLost = errors.New("credtest: no outcome")

// outcome is what RoundTrip returned.
type outcome struct {
	resp  *http.Response
	err   error
	panic any
}

// send calls RoundTrip with a request that is watched from now on, and checks
// what holds for every call. What says when, for the sentences: "for a request
// without a header".
func (e *exam) send(what string, req *http.Request) (*http.Response, error) {
	w := watch(what, req)
	e.mu.Lock()
	e.watched = append(e.watched, w)
	e.mu.Unlock()
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			o.panic = recover()
			done <- o
		}()
		o.resp, o.err = e.rt.RoundTrip(req) //nolint:bodyclose // by the callers of send
	}()
	timer := time.NewTimer(e.patience)
	defer timer.Stop()
	var o outcome
	select {
	case o = <-done:
	case <-timer.C:
		e.lose(w)
		e.fault("%s: RoundTrip did not return within %v", what, e.patience)
		return nil, errLost
	}
	switch {
	case o.panic != nil:
		e.lose(w)
		e.fault("%s: RoundTrip panicked (%v); it should return an error", what, o.panic)
		return nil, errLost
	case o.resp == nil && o.err == nil:
		e.fault("%s: RoundTrip returned neither a response nor an error", what)
		return nil, errLost
	case o.resp != nil && o.err != nil:
		e.fault("%s: RoundTrip returned a response and an error (%v); net/http closes no body then, so a connection is lost", what, o.err)
		_ = o.resp.Body.Close()
		return nil, o.err
	case o.resp != nil && o.resp.Body == nil:
		e.fault("%s: the response has no body; net/http promises that Body is never nil", what)
		o.resp.Body = http.NoBody
	}
	return o.resp, o.err
}

// lose notes that nothing more can be said of a request.
func (e *exam) lose(w *watched) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w.lost = true
}

// fetched is a response that has been read to its end and closed.
type fetched struct {
	status  int
	header  http.Header
	request *http.Request
	text    string
}

// fetch sends a request, reads the answer to the end and closes it. It reports
// an error as a fault and returns nil then.
func (e *exam) fetch(what string, req *http.Request) *fetched {
	resp, err := e.send(what, req)
	if err != nil {
		if !errors.Is(err, errLost) {
			e.fault("%s: RoundTrip failed (%v) although a response was there; whatever its status, that is no error", what, err)
		}
		return nil
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		e.fault("%s: the body of the response could not be read: %v", what, err)
		return nil
	}
	return &fetched{resp.StatusCode, resp.Header, resp.Request, string(data)}
}

// settle checks what must hold when all is done.
func (e *exam) settle() {
	e.compare("when all was done")
	e.mu.Lock()
	all, remade := e.watched, e.remade
	e.mu.Unlock()
	limit := time.Now().Add(e.patience)
	for _, w := range all {
		if w.body != nil && !w.lost && !w.body.closedBy(limit) {
			e.fault("%s: the request's body was not closed; RoundTrip must always close it, including on errors", w.what)
		}
	}
	for _, body := range remade {
		if !body.closedBy(limit) {
			e.fault("a body that GetBody made for a second sending was not closed")
		}
	}
}

// compare looks whether a request is no longer what it was.
func (e *exam) compare(when string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range e.watched {
		if w.lost || w.reported {
			continue
		}
		for _, what := range w.differences() {
			w.reported, e.touched = true, true
			e.faults = append(e.faults, fmt.Sprintf("%s: %s of the caller's request was found changed %s; RoundTrip should not modify the request, except for consuming and closing its body", w.what, what, when))
		}
	}
}

// request makes a request with all that a caller may set.
func (e *exam) request(method, path, body string) *http.Request {
	req := must(http.NewRequestWithContext(context.WithValue(e.ctx, mark{}, true), method, e.site.Origin+path, nil))
	req.Header = http.Header{"X-Caller": roomy("one", "two"), "Accept": roomy("text/plain"), "User-Agent": roomy("credtest")}
	if body != "" {
		req.Body = newWatchedBody(body)
		req.ContentLength = int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) {
			again := newWatchedBody(body)
			e.mu.Lock()
			defer e.mu.Unlock()
			e.remade = append(e.remade, again)
			return again, nil
		}
	}
	return req
}

// mark is in the context of every request.
type mark struct{}
