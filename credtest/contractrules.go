// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"
)

// rules lists what is tested.
func rules() []rule {
	return []rule{
		{name: "every answer is handed over", check: (*exam).answers},
		{name: "a request that cannot be sent", check: (*exam).unsendable},
		{name: "a request that is refused", check: (*exam).refused, refusal: true},
		{name: "the response names its request", check: (*exam).namesRequest},
		{name: "unusual requests", check: (*exam).unusual},
		{name: "bodies stream", check: (*exam).streams},
		{name: "switching protocols", check: (*exam).switches, oldOnly: true},
		{name: "the context ends a request", check: (*exam).ends},
		{name: "the context's values go along", check: (*exam).values},
		{name: "connections are used again and closed", check: (*exam).connections},
		{name: "other schemes go to the base", check: (*exam).schemes},
		{name: "http.Client works", check: (*exam).client},
		{name: "concurrent use", check: (*exam).concurrent, needsSound: true},
	}
}

// answers: "RoundTrip should not attempt to interpret the response", "must
// return err == nil if it obtained a response, regardless of the response's HTTP
// status code", "should not attempt to handle higher-level protocol details such
// as redirects, authentication, or cookies".
func (e *exam) answers() {
	for _, status := range []int{200, 201, 302, 307, 401, 403, 404, 407, 500, 503} {
		for _, again := range []bool{true, false} {
			what := fmt.Sprintf("for an answer with status %d", status)
			const body = "the body of the request"
			e.site.HandleFunc("/answer", func(w http.ResponseWriter, r *http.Request) {
				e.compare("while it was being sent")
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("X-Answer", "yes")
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("WWW-Authenticate", `Bearer realm="credtest"`)
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "the answer")
			})
			e.site.Forget()
			req := e.request(http.MethodPut, "/answer", body)
			if !again {
				what += " and a body that cannot be sent twice"
				req.GetBody = nil
			}
			got := e.fetch(what, req)
			if got == nil {
				continue
			}
			if got.status != status || got.header.Get("X-Answer") != "yes" || got.text != "the answer" {
				e.fault("%s: the response is not the one that the server sent but has status %d and the text %q; RoundTrip should not interpret it", what, got.status, got.text)
			}
			for _, a := range e.site.Arrivals() {
				if a.Method != http.MethodPut || a.Path != "/answer" || a.BodySHA256 != SHA256([]byte(body)) {
					e.fault("%s: another request arrived than was sent: %s %s with a body of %d bytes", what, a.Method, a.Path, a.BodySize)
				}
				for _, name := range []string{"X-Caller", "Accept", "User-Agent"} {
					if !slices.Equal(a.Header[name], req.Header[name]) {
						e.fault("%s: the header %s did not arrive as it was sent", what, name)
					}
				}
			}
		}
	}
}

// unsendable: "must return a non-nil err on failure to obtain a response",
// "must always close the body, including on errors".
func (e *exam) unsendable() {
	closed := e.request(http.MethodPut, "/", "body")
	closed.URL.Host = "localhost:1" // no server of the site
	noURL := e.request(http.MethodPut, "/", "body")
	noURL.URL = nil
	noHost := e.request(http.MethodPut, "/", "body")
	noHost.URL.Host, noHost.Host = "", ""
	scheme := e.request(http.MethodPut, "/", "body")
	scheme.URL.Scheme = "credtest-unknown"
	canceled, cancel := context.WithCancel(e.ctx)
	cancel()
	for _, c := range []struct {
		what string
		req  *http.Request
	}{
		{"when the base fails", closed},
		{"for a request without a URL", noURL},
		{"for a request without a host", noHost},
		{"for a scheme that nobody knows", scheme},
		{"for a request whose context has ended", e.request(http.MethodPut, "/", "body").WithContext(canceled)},
	} {
		_ = e.mustFail(c.what, c.req)
	}
}

// refused is the same for a RoundTripper that does not even try.
func (e *exam) refused() {
	_ = e.mustFail("when it refuses to send", e.request(http.MethodPut, "/", "body"))
	if n := len(e.site.Arrivals()); n > 0 {
		e.fault("when it refuses to send: %d requests arrived all the same", n)
	}
}

func (e *exam) mustFail(what string, req *http.Request) error {
	resp, err := e.send(what, req)
	if err == nil {
		_ = resp.Body.Close()
		e.fault("%s: RoundTrip returned a response (status %d) although there is none", what, resp.StatusCode)
	}
	return err
}

// namesRequest: Response.Request "is the request that was sent to obtain this
// Response". Programs read it for the URL and the context, and logs print it,
// so a copy with a secret does not belong there.
func (e *exam) namesRequest() {
	for _, status := range []int{200, 302, 401, 403, 500} {
		what := fmt.Sprintf("after an answer with status %d", status)
		e.site.Handle("/", Answer(status, ""))
		req := e.request(http.MethodGet, "/?x=1", "")
		answer := e.fetch(what, req)
		if answer == nil {
			continue
		}
		got := answer.request
		if got == nil {
			e.fault("%s: the response's Request is nil; http.Client and its users take the URL from it", what)
			continue
		}
		if got.URL == nil || got.URL.String() != req.URL.String() || got.Method != req.Method {
			e.fault("%s: the response's Request is another one than the caller's", what)
		}
		if got.Context().Value(mark{}) == nil {
			e.fault("%s: the response's Request has lost the caller's context", what)
		}
		for name, values := range got.Header {
			if !slices.Equal(values, req.Header[name]) {
				e.fault("%s: the response's Request has a header %s that the caller did not set; a credential there is a credential in every log that prints responses", what, name)
			}
		}
	}
}

// unusual: requests that net/http allows, and that wrappers forget.
func (e *exam) unusual() {
	e.site.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})
	zero := &http.Request{URL: e.request(http.MethodGet, "/", "").URL, Header: http.Header{}}
	if e.fetch("for a request with nothing but a URL and a header", zero) != nil {
		if all := e.site.Arrivals(); len(all) > 0 && all[len(all)-1].Method != http.MethodGet {
			e.fault("for a request without a method: %s arrived; for clients an empty method means GET", all[len(all)-1].Method)
		}
	}

	// http.Transport refuses a nil Header, others may take it; nobody may panic.
	what := "for a request with a nil Header"
	bare := e.request(http.MethodPut, "/", "body")
	bare.Header = nil
	if resp, err := e.send(what, bare); err == nil {
		_ = resp.Body.Close()
	}

	what = "for a request with header names in lower case"
	lower := e.request(http.MethodGet, "/", "")
	lower.Header["x-lower"] = roomy("value")
	e.site.Forget()
	if e.fetch(what, lower) != nil && len(e.site.Arrivals()) > 0 && e.site.Arrivals()[0].Header.Get("X-Lower") != "value" {
		e.fault("%s: they did not arrive", what)
	}

	what = "for a body of unknown length with a trailer"
	unknown := e.request(http.MethodPut, "/", "the body")
	unknown.ContentLength = -1
	unknown.Trailer = http.Header{"X-Sum": roomy("1")}
	if got := e.fetch(what, unknown); got != nil && got.text != "the body" {
		e.fault("%s: the server received %q", what, got.text)
	}

	what = "for http.NoBody"
	none := e.request(http.MethodPost, "/", "")
	none.Body = http.NoBody
	e.fetch(what, none)
}

// streams: RoundTrip returns as soon as it has the response's header, and
// neither body is held back.
func (e *exam) streams() {
	const what = "for a response that comes in two parts"
	half := make(chan struct{})
	e.site.HandleFunc("/down", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-half:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "second\n")
		w.Header().Set("X-Sum", "1")
	})
	if resp, err := e.send(what, e.request(http.MethodGet, "/down", "")); err == nil {
		body := bufio.NewReader(resp.Body)
		first, _ := body.ReadString('\n')
		close(half)
		rest, err := io.ReadAll(body)
		_ = resp.Body.Close()
		if first+string(rest) != "first\nsecond\n" || err != nil {
			e.fault("%s: the body read as %q (%v)", what, first+string(rest), err)
		}
		if resp.Trailer.Get("X-Sum") != "1" {
			e.fault("%s: the trailer is missing, which net/http puts into the response it returned when the body has been read", what)
		}
	}
	e.streamsUp()
}

func (e *exam) streamsUp() {
	const what = "for a request whose body comes in two parts"
	begun := make(chan struct{})
	e.site.HandleFunc("/up", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, len("first")))
		close(begun)
		rest, _ := io.ReadAll(r.Body)
		_, _ = w.Write(rest)
	})
	reader, writer := io.Pipe()
	req := e.request(http.MethodPut, "/up", "")
	req.Body = reader
	req.ContentLength = -1
	var writing sync.WaitGroup
	writing.Go(func() {
		_, _ = io.WriteString(writer, "first")
		timer := time.NewTimer(e.patience / 2)
		defer timer.Stop()
		select {
		case <-begun:
		case <-timer.C:
			e.fault("%s: the first part did not arrive before the second was written; a body must not be read into memory", what)
		}
		_, _ = io.WriteString(writer, "second")
		_ = writer.Close()
	})
	if got := e.fetch(what, req); got != nil && got.text != "second" {
		e.fault("%s: the second part arrived as %q", what, got.text)
	}
	_ = reader.Close() // if nobody has read it
	writing.Wait()
}

// switches: after 101 the body "will also be an io.Writer".
func (e *exam) switches() {
	const what = "for 101 Switching Protocols"
	e.site.HandleFunc("/switch", func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("echo " + line)
		_ = rw.Flush()
	})
	req := e.request(http.MethodGet, "/switch", "")
	req.Header["Connection"], req.Header["Upgrade"] = roomy("Upgrade"), roomy("echo")
	resp, err := e.send(what, req)
	if err != nil {
		if !errors.Is(err, errLost) {
			e.fault("%s: RoundTrip failed: %v", what, err)
		}
		return
	}
	defer resp.Body.Close()
	writer, ok := resp.Body.(io.Writer)
	if !ok {
		e.fault("%s: the response's body is no io.Writer, so WebSockets and proxies fail; do not wrap it", what)
		return
	}
	_, _ = io.WriteString(writer, "hello\n")
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "echo hello\n" {
		e.fault("%s: the other side was not reached through the body (%q, %v)", what, line, err)
	}
}

// ends: the context "controls the entire lifetime of a request and its
// response".
func (e *exam) ends() {
	arrived := make(chan struct{}, 1)
	e.site.HandleFunc("/never", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case arrived <- struct{}{}:
		default: // it came twice
		}
		hang(r)
	})
	for _, c := range []struct {
		what string
		ctx  func() (context.Context, context.CancelFunc)
		want error
	}{
		{"when the context is cancelled", func() (context.Context, context.CancelFunc) { return context.WithCancel(e.ctx) }, context.Canceled},
		{"when the context's time is over", func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(e.ctx, 50*time.Millisecond)
		}, context.DeadlineExceeded},
	} {
		ctx, cancel := c.ctx()
		stop := make(chan struct{})
		go func() {
			select {
			case <-arrived:
			case <-stop:
			}
			if errors.Is(c.want, context.Canceled) {
				cancel()
			}
		}()
		err := e.mustFail(c.what, e.request(http.MethodPut, "/never", "body").WithContext(ctx))
		close(stop)
		cancel()
		if err != nil && !errors.Is(err, errLost) && !errors.Is(err, c.want) {
			e.fault("%s: RoundTrip failed with an error that is not %q: %v", c.what, c.want, err)
		}
		if timeout, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](err); errors.Is(c.want, context.DeadlineExceeded) && !errors.Is(err, errLost) && (!ok || !timeout.Timeout()) {
			e.fault("%s: the error is no timeout to those who ask it with Timeout", c.what)
		}
	}

	const what = "when the context is cancelled while the response is read"
	e.site.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		hang(r)
	})
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	resp, err := e.send(what, e.request(http.MethodGet, "/endless", "").WithContext(ctx))
	if err != nil {
		return
	}
	cancel()
	timer := time.AfterFunc(e.patience, func() {
		e.fault("%s: reading went on", what)
		e.site.Close()
	})
	defer timer.Stop()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
		e.fault("%s: reading ended with %v and not with the context's error", what, err)
	}
	_ = resp.Body.Close()
}

// hang waits until the client is gone and sends nothing then: a client that is
// about to close its connection might still read it.
func hang(r *http.Request) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// values: net/http/httptrace and others reach the base through the context.
func (e *exam) values() {
	var mu sync.Mutex
	traced := false
	ctx := httptrace.WithClientTrace(e.ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		mu.Lock()
		defer mu.Unlock()
		traced = true
	}})
	const what = "for a request with values in its context"
	if e.fetch(what, e.request(http.MethodGet, "/", "").WithContext(ctx)) == nil {
		return
	}
	mu.Lock()
	defer mu.Unlock()
	if !traced {
		e.fault("%s: they did not reach the base; net/http/httptrace and tracing libraries depend on them", what)
	}
}

// connections: what is read to the end and closed leaves a connection for the
// next request, and CloseIdleConnections reaches the base.
func (e *exam) connections() {
	e.site.Handle("/refuse", Answer(http.StatusUnauthorized, strings.Repeat("no ", 1000)))
	get := func(what, path string) string {
		e.site.Forget()
		e.fetch(what, e.request(http.MethodGet, path, ""))
		all := e.site.Arrivals()
		if len(all) == 0 {
			return ""
		}
		return all[len(all)-1].Conn
	}
	first := get("for a first request", "/")
	if second := get("for a second request", "/refuse"); second != first {
		e.fault("for a second request: it did not use the connection of the first, though that was read to the end and closed")
	}
	if third := get("for a request after an answer with status 401", "/"); third != first {
		e.fault("for a request after an answer with status 401: it did not use the connection of that one, though it was read to the end and closed")
	}
	closer, ok := e.rt.(interface{ CloseIdleConnections() })
	if !ok {
		e.fault("the RoundTripper has no method CloseIdleConnections, so http.Client.CloseIdleConnections does nothing")
		return
	}
	closer.CloseIdleConnections()
	if fourth := get("for a request after CloseIdleConnections", "/"); fourth == first {
		e.fault("for a request after CloseIdleConnections: it used a connection that should have been closed")
	}
}

// passed is a base for another scheme.
type passed struct{ seen *http.Request }

func (p *passed) RoundTrip(req *http.Request) (*http.Response, error) {
	p.seen = req
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("passed")), Header: http.Header{}, Request: req}, nil
}

// schemes: http.Transport.RegisterProtocol lets programs fetch file: and others.
func (e *exam) schemes() {
	const what = "for a scheme that the base has registered"
	base := &passed{}
	e.base.RegisterProtocol("credtest", base)
	req := e.request(http.MethodPut, "/x", "body")
	req.URL.Scheme = "credtest"
	got := e.fetch(what, req)
	switch {
	case got == nil:
	case got.text != "passed" || base.seen == nil:
		e.fault("%s: the request did not reach it", what)
	case base.seen.URL.String() != req.URL.String():
		e.fault("%s: another URL reached it", what)
	}
}

// through makes the RoundTripper one whose requests are watched.
type through struct {
	e    *exam
	what string
}

func (t through) RoundTrip(req *http.Request) (*http.Response, error) { return t.e.send(t.what, req) }

// client: http.Client with its redirects and its timeout works on top.
func (e *exam) client() {
	e.site.HandleFunc("/end", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Method+" ") //nolint:gosec // no browser will see it
		_, _ = io.Copy(w, r.Body)
	})
	for status, want := range map[int]string{302: "GET ", 307: "PUT the body", 308: "PUT the body"} {
		what := fmt.Sprintf("for an http.Client that follows a redirect with status %d", status)
		e.site.Handle("/start", Redirect(status, "/end"))
		asked := 0
		c := &http.Client{Transport: through{e, what}, CheckRedirect: func(*http.Request, []*http.Request) error { asked++; return nil }}
		resp, err := c.Do(e.request(http.MethodPut, "/start", "the body"))
		if err != nil {
			e.fault("%s: %v", what, err)
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(text) != want || asked != 1 || resp.Request == nil || resp.Request.URL.Path != "/end" {
			e.fault("%s: it got %q, and CheckRedirect was asked %d times; the RoundTripper should leave redirects to the client", what, text, asked)
		}
	}

	what := "for an http.Client that does not follow redirects"
	e.site.Handle("/start", Redirect(http.StatusFound, "/end"))
	c := &http.Client{Transport: through{e, what}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(e.request(http.MethodPut, "/start", "the body"))
	switch {
	case err != nil:
		e.fault("%s: %v", what, err)
	case resp.StatusCode != http.StatusFound:
		e.fault("%s: it got status %d", what, resp.StatusCode)
	}
	if err == nil {
		_ = resp.Body.Close()
	}

	what = "for an http.Client with a Timeout"
	e.site.HandleFunc("/never", func(_ http.ResponseWriter, r *http.Request) { hang(r) })
	c = &http.Client{Transport: through{e, what}, Timeout: 50 * time.Millisecond}
	resp, err = c.Do(e.request(http.MethodGet, "/never", ""))
	if err == nil {
		_ = resp.Body.Close()
	}
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); !ok || !timeout.Timeout() {
		e.fault("%s: it did not end with a timeout but with: %v", what, err)
	}
}

// concurrent: "RoundTrippers must be safe for concurrent use by multiple
// goroutines", and requests may share what RoundTrip may only read.
func (e *exam) concurrent() {
	const what = "for requests at the same time that share a Header"
	const callers, each = 8, 8
	for i := range callers {
		e.site.HandleFunc(fmt.Sprintf("/%d", i), func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.URL.Path+" ") //nolint:gosec // no browser will see it
			_, _ = io.Copy(w, r.Body)
		})
	}
	shared := e.request(http.MethodGet, "/", "").Header
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for n := range each {
				path, body := fmt.Sprintf("/%d", i), fmt.Sprintf("body %d of %d", n, i)
				req := e.request(http.MethodPut, path, body)
				req.Header = shared
				if got := e.fetch(what, req); got != nil && got.text != path+" "+body {
					e.fault("%s: the answer to %s with %q was %q", what, path, body, got.text)
				}
			}
		})
	}
	wg.Wait()
}
