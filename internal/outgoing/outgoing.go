// SPDX-License-Identifier: BSD-3-Clause

// Package outgoing makes the copy of a request that is sent, and lets it be
// sent a second time.
package outgoing

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Message is one request as it is sent.
type Message struct {
	Request *http.Request
	body    *trackedBody
}

// Carrying returns a copy of req that carries an Authorization header, if one
// is given, and whose body's end is noted. Neither req nor its header changes;
// all else is shared with it, as the RoundTripper contract allows.
//
// The request and the header's value are made in one piece. The value is this
// request's own, since a RoundTripper beneath may write over it, contract or not.
func Carrying(req *http.Request, authorization string) Message {
	c := &carried{req: *req, value: [1]string{authorization}}
	out := &c.req
	m := Message{Request: out}
	if req.GetBody != nil && req.Body != nil && req.Body != http.NoBody {
		m.body = &trackedBody{ReadCloser: req.Body, closed: make(chan struct{})}
		out.Body = m.body
	}
	if authorization != "" {
		out.Header = maps.Clone(req.Header)
		if out.Header == nil {
			out.Header = http.Header{}
		}
		out.Header["Authorization"] = c.value[:]
	}
	return m
}

type carried struct {
	req   http.Request
	value [1]string
}

// Stripped returns a copy of req, a redirect to a foreign origin, without what
// net/http took along from the first request: an Authorization header equal to
// the first one's (it goes to other ports and to cleartext of the same host),
// the headers of a third-party copy, and the query in Referer. An Authorization
// that was put there since, in CheckRedirect, is the caller's wish.
func Stripped(req *http.Request, first http.Header) Message {
	out := *req
	out.Header = maps.Clone(req.Header)
	for name, values := range out.Header {
		switch {
		case strings.EqualFold(name, "Authorization"):
			if sameAsFirst(values, first) {
				delete(out.Header, name)
			}
		case len(name) >= 14 && strings.EqualFold(name[:14], "TransferHeader"):
			delete(out.Header, name)
		case strings.EqualFold(name, "Referer"):
			out.Header[name] = withoutQuery(values)
		}
	}
	return Message{Request: &out}
}

func sameAsFirst(values []string, first http.Header) bool {
	for name, was := range first {
		if strings.EqualFold(name, "Authorization") && slices.Equal(values, was) {
			return true
		}
	}
	return false
}

func withoutQuery(values []string) []string {
	var kept []string
	for _, v := range values {
		if u, err := url.Parse(v); err == nil {
			u.RawQuery, u.ForceQuery, u.Fragment, u.User = "", false, "", nil
			kept = append(kept, u.String())
		}
	}
	return kept
}

// Repeatable reports whether the request can be sent again.
func Repeatable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// closeWait is how long a second sending waits for the first reader to let go
// of the body: a transport may answer before it has read it to the end, and
// GetBody may return a reader over the same file.
const closeWait = 5 * time.Second

// Again returns a copy of req with its body made anew, once the first sending
// has let go of it; false if that cannot be.
func (m Message) Again(ctx context.Context, req *http.Request) (*http.Request, bool) {
	out := *req
	if m.body == nil {
		return &out, Repeatable(req)
	}
	t := time.NewTimer(closeWait)
	defer t.Stop()
	select {
	case <-m.body.closed:
	case <-t.C:
		return nil, false
	case <-ctx.Done():
		return nil, false
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, false
	}
	out.Body = body
	return &out, true
}

// trackedBody notes when it has been closed. Only a body that can be made anew
// is tracked.
type trackedBody struct {
	io.ReadCloser
	once   sync.Once
	closed chan struct{}
}

func (b *trackedBody) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(func() { close(b.closed) })
	return err
}

// Send sends a request. It guards against a RoundTripper that breaks its
// contract: a response beside an error is dropped, and neither is an error.
func Send(rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	resp, err := rt.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errNothing
	}
	return resp, nil
}

var errNothing = errors.New("the base RoundTripper returned neither a response nor an error")

// CloseBody closes the body of a request that is not sent: http.Client leaves
// that to the RoundTripper.
func CloseBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// drainWait is how long a response that is given up may take to end: the server
// may never end it, and on HTTP/2 it cannot while it waits for the rest of the
// request.
const drainWait = 500 * time.Millisecond

// Discard reads what little is left of a response, so that its connection can
// be used again, and closes it.
func Discard(resp *http.Response) {
	const enough = 64 << 10
	if resp.Body == nil {
		return // net/http forbids it, and a RoundTripper may do it
	}
	if resp.Uncompressed {
		_ = resp.Body.Close() // net/http's reader cannot be closed while it waits for a gzip header
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.CopyN(io.Discard, resp.Body, enough)
	}()
	t := time.NewTimer(drainWait)
	defer t.Stop()
	select {
	case <-done:
		_ = resp.Body.Close()
		return
	case <-t.C:
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = resp.Body.Close() // ends the reading; of a strange body not even that is sure
		<-done
	}()
	t.Reset(drainWait)
	select {
	case <-closed:
	case <-t.C:
	}
}
