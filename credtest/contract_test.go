// SPDX-License-Identifier: BSD-3-Clause

package credtest_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

func TestTheTransportOfNetHTTPKeepsTheContract(t *testing.T) {
	t.Parallel()
	credtest.TestRoundTripper(t, func(base http.RoundTripper) http.RoundTripper { return base })
}

// brokenEnv tells a child of this test to test what is broken.
const brokenEnv = "CREDTEST_BROKEN_ROUND_TRIPPER"

func TestABrokenRoundTripperFailsItsTest(t *testing.T) {
	if os.Getenv(brokenEnv) != "" {
		credtest.TestRoundTripper(t, broken(func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
			if req.Header != nil {
				req.Header.Set("Authorization", "Bearer secret")
			}
			return base.RoundTrip(req)
		}).wrap)
		return
	}
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), brokenEnv+"=1")
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "%s", out)
	assert.Contains(t, string(out), "--- FAIL: "+t.Name()+"/HTTP/2/every_answer_is_handed_over")
	assert.Contains(t, string(out), "for an answer with status 200: the Header of the caller's request was found changed while it was being sent; RoundTrip should not modify the request")
	assert.Contains(t, string(out), "--- SKIP: "+t.Name()+"/HTTP/1.1/concurrent_use", "two that change one map would end the process")
}

// withScicred returns a wrap function for a world in which the user has what
// prepare puts there.
func withScicred(t *testing.T, prepare func(*credtest.World), opts ...scicred.Option) func(http.RoundTripper) http.RoundTripper {
	t.Helper()
	w := credtest.NewWorld()
	prepare(w)
	opts = append(opts, scicred.WithSystem(w.System()))
	return func(base http.RoundTripper) http.RoundTripper {
		tr, err := scicred.NewTransport(base, opts...)
		require.NoError(t, err)
		return tr
	}
}

func TestScicredKeepsTheContract(t *testing.T) {
	t.Parallel()
	issuer := credtest.NewIssuer("https://issuer.example.org")
	proxy := credtest.NewCA("Test CA").User("Albert Einstein").Proxy()
	token := func(w *credtest.World) { w.Put("/tmp/bt_u1000", issuer.SciToken(nil)) }
	certificate := func(w *credtest.World) { w.Put("/tmp/x509up_u1000", string(proxy.PEM())) }
	login := func(w *credtest.World) { w.Put("/home/user/.netrc", "machine localhost login albert password pw\n") }
	refusing := credtest.Refusing(withScicred(t, func(*credtest.World) {}, scicred.FailIfNoAuth()))
	for _, c := range []struct {
		name    string
		prepare func(*credtest.World)
		opts    []scicred.Option
	}{
		{"without credentials", func(*credtest.World) {}, nil},
		{"with a token", token, nil},
		{"with a certificate", certificate, nil},
		{"with a login", login, nil},
		{"with everything", func(w *credtest.World) { token(w); certificate(w); login(w) }, nil},
		{"with ForceNoAuth", token, []scicred.Option{scicred.ForceNoAuth()}},
		{"with a named token", func(*credtest.World) {}, []scicred.Option{scicred.WithToken("opaque"), scicred.WithHosts("*")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			credtest.TestRoundTripper(t, withScicred(t, c.prepare, c.opts...), refusing)
		})
	}
}

// broken wraps a base in the way of a common mistake.
type broken func(base http.RoundTripper, req *http.Request) (*http.Response, error)

func (b broken) wrap(base http.RoundTripper) http.RoundTripper { return brokenTransport{base, b} }

type brokenTransport struct {
	base http.RoundTripper
	b    broken
}

func (t brokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.b(t.base, req)
}

func (t brokenTransport) CloseIdleConnections() {
	t.base.(interface{ CloseIdleConnections() }).CloseIdleConnections()
}

// onlyReader hides everything else that a body can do.
type onlyReader struct{ io.ReadCloser }

func TestEachMistakeIsSaidInASentence(t *testing.T) {
	t.Parallel()
	plain := func(base http.RoundTripper, req *http.Request) (*http.Response, error) { return base.RoundTrip(req) }
	for _, c := range []struct {
		name   string
		broken broken
		want   string
	}{
		{
			"it sets a header of the caller's request",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				if req.Header != nil {
					req.Header.Set("Authorization", "Bearer secret")
				}
				return base.RoundTrip(req)
			},
			"the Header of the caller's request was found changed while it was being sent",
		},
		{
			"it sets a header and takes it away again",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				if req.Header != nil {
					req.Header.Set("Authorization", "Bearer secret")
					defer req.Header.Del("Authorization")
				}
				return base.RoundTrip(req)
			},
			"the Header of the caller's request was found changed while it was being sent",
		},
		{
			"it appends to a header's values without a copy",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				out := *req
				out.Header = http.Header{}
				for name, values := range req.Header {
					out.Header[name] = values
				}
				out.Header["X-Caller"] = append(out.Header["X-Caller"], "three")
				return base.RoundTrip(&out)
			},
			"the Header of the caller's request was found changed",
		},
		{
			"it puts another header map into the request",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				req.Header = req.Header.Clone()
				return base.RoundTrip(req)
			},
			"the Header of the caller's request was found changed",
		},
		{
			"it changes the URL",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				if req.URL != nil {
					req.URL.RawQuery = "token=secret"
				}
				return base.RoundTrip(req)
			},
			"the URL of the caller's request was found changed",
		},
		{
			"it wraps the body in the caller's request",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				if req.Body != nil {
					req.Body = onlyReader{req.Body}
				}
				return base.RoundTrip(req)
			},
			"the Body of the caller's request was found changed",
		},
		{
			"it forgets the body where the base is not asked",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				if req.URL == nil || req.URL.Host == "" {
					return nil, errors.New("no host")
				}
				return base.RoundTrip(req)
			},
			"for a request without a host: the request's body was not closed",
		},
		{
			"it forgets the body when it reads it itself",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				out := *req
				if req.Body != nil {
					data, _ := io.ReadAll(req.Body)
					out.Body = io.NopCloser(bytes.NewReader(data))
				}
				return base.RoundTrip(&out)
			},
			"for an answer with status 200: the request's body was not closed",
		},
		{
			"it reads the body into memory",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				out := *req
				if req.Body != nil {
					data, _ := io.ReadAll(req.Body)
					_ = req.Body.Close()
					out.Body = io.NopCloser(bytes.NewReader(data))
				}
				return base.RoundTrip(&out)
			},
			"for a request whose body comes in two parts: the first part did not arrive before the second was written",
		},
		{
			"it sends a used body a second time",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				out := *req
				if req.Body != nil {
					out.Body = &lockedBody{ReadCloser: req.Body} // the first sending may still read it
				}
				resp, err := base.RoundTrip(&out)
				if err == nil && resp.StatusCode == http.StatusUnauthorized && req.Body != nil {
					resp.Body.Close()
					again := out
					again.ContentLength = 0
					return base.RoundTrip(&again)
				}
				return resp, err
			},
			"for an answer with status 401: another request arrived than was sent: PUT /answer with a body of 0 bytes",
		},
		{
			"it forgets the body that GetBody made",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				if req.GetBody != nil {
					_, _ = req.GetBody()
				}
				return base.RoundTrip(req)
			},
			"a body that GetBody made for a second sending was not closed",
		},
		{
			"it returns a response and an error",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil && resp.StatusCode == http.StatusForbidden {
					return resp, errors.New("forbidden")
				}
				return resp, err
			},
			"for an answer with status 403: RoundTrip returned a response and an error (forbidden)",
		},
		{
			"it takes a status for an error",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil && resp.StatusCode >= 500 {
					resp.Body.Close()
					return nil, errors.New("server error")
				}
				return resp, err
			},
			"for an answer with status 500: RoundTrip failed (server error) although a response was there",
		},
		{
			"it returns nothing at all",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil && resp.StatusCode == http.StatusNotFound {
					resp.Body.Close()
					return nil, nil //nolint:nilnil // the mistake
				}
				return resp, err
			},
			"for an answer with status 404: RoundTrip returned neither a response nor an error",
		},
		{
			"it makes a response up where there is none",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err != nil {
					return &http.Response{StatusCode: http.StatusBadGateway, Body: http.NoBody, Request: req}, nil //nolint:nilerr // the mistake
				}
				return resp, nil
			},
			"when the base fails: RoundTrip returned a response (status 502) although there is none",
		},
		{
			"it returns a response without a body",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil && resp.StatusCode == http.StatusServiceUnavailable {
					resp.Body.Close()
					resp.Body = nil
				}
				return resp, err
			},
			"for an answer with status 503: the response has no body",
		},
		{
			"it follows redirects",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil && resp.StatusCode == http.StatusFound {
					resp.Body.Close()
					next := req.Clone(req.Context())
					next.Method, next.Body, next.ContentLength = http.MethodGet, nil, 0
					next.URL.Path = resp.Header.Get("Location")
					return base.RoundTrip(next)
				}
				return resp, err
			},
			"for an answer with status 302: the response is not the one that the server sent",
		},
		{
			"it drops headers of the request",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				out := *req
				if req.Header != nil {
					out.Header = http.Header{"Authorization": {"Bearer secret"}}
				}
				return base.RoundTrip(&out)
			},
			"for an answer with status 200: the header X-Caller did not arrive as it was sent",
		},
		{
			"it drops headers that are not canonical",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				out := *req
				out.Header = req.Header.Clone()
				delete(out.Header, "x-lower")
				return base.RoundTrip(&out)
			},
			"for a request with header names in lower case: they did not arrive",
		},
		{
			"it leaves its copy with the secret in the response",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				out := *req
				out.Header = req.Header.Clone()
				if out.Header != nil {
					out.Header.Set("Authorization", "Bearer secret")
				}
				return base.RoundTrip(&out)
			},
			"the response's Request has a header Authorization that the caller did not set",
		},
		{
			"it leaves no request in the response",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil {
					resp.Request = nil
				}
				return resp, err
			},
			"the response's Request is nil",
		},
		{
			"it leaves another request in the response",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil {
					resp.Request = resp.Request.Clone(req.Context())
					resp.Request.URL.RawQuery = ""
				}
				return resp, err
			},
			"the response's Request is another one than the caller's",
		},
		{
			"it leaves a request without the caller's context in the response",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil {
					resp.Request = req.WithContext(context.Background())
				}
				return resp, err
			},
			"the response's Request has lost the caller's context",
		},
		{
			"it does not expect a nil Header",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				out := req.Clone(req.Context())
				out.Header.Set("Authorization", "Bearer secret")
				resp, err := base.RoundTrip(out)
				if err == nil {
					resp.Request = req
				}
				return resp, err
			},
			"for a request with a nil Header: RoundTrip panicked",
		},
		{
			"it does not expect a nil URL",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				if req.URL.Scheme == "" {
					return nil, errors.New("no scheme")
				}
				return base.RoundTrip(req)
			},
			"for a request without a URL: RoundTrip panicked",
		},
		{
			"it sends the empty method as another one",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				out := *req
				out.Method = cmp.Or(req.Method, http.MethodPost)
				return base.RoundTrip(&out)
			},
			"for a request without a method: POST arrived",
		},
		{
			"it reads the response into memory",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil && resp.StatusCode != http.StatusSwitchingProtocols {
					data, _ := io.ReadAll(resp.Body)
					resp.Body.Close()
					resp.Body = io.NopCloser(bytes.NewReader(data))
				}
				return resp, err
			},
			"for a response that comes in two parts: RoundTrip did not return within",
		},
		{
			"it makes a response of its own and forgets the trailer",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err != nil {
					return nil, err
				}
				return &http.Response{Status: resp.Status, StatusCode: resp.StatusCode, Header: resp.Header, Body: resp.Body, Request: req}, nil
			},
			"for a response that comes in two parts: the trailer is missing",
		},
		{
			"it wraps the response's body",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil {
					resp.Body = onlyReader{resp.Body}
				}
				return resp, err
			},
			"for 101 Switching Protocols: the response's body is no io.Writer",
		},
		{
			"it gives up on 101",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				if req.Header.Get("Upgrade") != "" {
					return nil, errors.New("no upgrades")
				}
				return base.RoundTrip(req)
			},
			"for 101 Switching Protocols: RoundTrip failed: no upgrades",
		},
		{
			"it does not hear that the context has ended",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				return base.RoundTrip(req.WithContext(context.WithoutCancel(req.Context())))
			},
			"when the context is cancelled: RoundTrip did not return within",
		},
		{
			"it hides that the context has ended",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err != nil {
					return nil, fmt.Errorf("sending: %v", err) //nolint:errorlint // the mistake
				}
				return resp, nil
			},
			`when the context is cancelled: RoundTrip failed with an error that is not "context canceled"`,
		},
		{
			"it hides that the time is over",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err != nil {
					return nil, fmt.Errorf("sending: %v", err) //nolint:errorlint // the mistake
				}
				return resp, nil
			},
			"when the context's time is over: the error is no timeout",
		},
		{
			"it cuts the context of the response's body off",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				ctx, cancel := context.WithCancel(context.WithoutCancel(req.Context()))
				stop := context.AfterFunc(req.Context(), cancel)
				resp, err := base.RoundTrip(req.WithContext(ctx))
				stop()
				return resp, err
			},
			"when the context is cancelled while the response is read: reading went on",
		},
		{
			"it takes a context of its own",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				ctx, cancel := context.WithCancel(context.Background())
				context.AfterFunc(req.Context(), cancel)
				resp, err := base.RoundTrip(req.WithContext(ctx))
				if err == nil {
					resp.Request = req
				}
				return resp, err
			},
			"for a request with values in its context: they did not reach the base",
		},
		{
			"it leaves the connection of a refused request open",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil && resp.StatusCode == http.StatusUnauthorized && req.Body == nil {
					return base.RoundTrip(req) // and the first response is neither read nor closed
				}
				return resp, err
			},
			"for a second request: it did not use the connection of the first",
		},
		{
			"it asks for a connection of its own each time",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				out := *req
				out.Close = true
				return base.RoundTrip(&out)
			},
			"it did not use the connection of that one",
		},
		{
			"it knows but two schemes",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				if req.URL != nil && !strings.HasPrefix(req.URL.Scheme, "http") {
					if req.Body != nil {
						req.Body.Close()
					}
					return nil, errors.New("unknown scheme")
				}
				return base.RoundTrip(req)
			},
			"for a scheme that the base has registered: RoundTrip failed (unknown scheme)",
		},
		{
			"it rewrites the URL of other schemes",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				if req.URL == nil || req.URL.Scheme != "credtest" {
					return base.RoundTrip(req)
				}
				out := req.Clone(req.Context())
				out.URL.Path = "/y"
				return base.RoundTrip(out)
			},
			"for a scheme that the base has registered: another URL reached it",
		},
		{
			"it follows redirects behind the client's back",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err == nil && resp.StatusCode == http.StatusFound && req.URL.Path == "/start" {
					resp.Body.Close()
					next := req.Clone(req.Context())
					next.Method, next.Body, next.ContentLength = http.MethodGet, nil, 0
					next.URL.Path = resp.Header.Get("Location")
					return base.RoundTrip(next)
				}
				return resp, err
			},
			"for an http.Client that follows a redirect with status 302: it got \"GET \", and CheckRedirect was asked 0 times",
		},
		{
			"it lets the time of an http.Client pass",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				resp, err := base.RoundTrip(req)
				if err != nil && req.URL != nil && req.URL.Path == "/never" && req.Body == nil {
					return &http.Response{StatusCode: http.StatusGatewayTimeout, Body: http.NoBody, Request: req}, nil
				}
				return resp, err
			},
			"for an http.Client with a Timeout: it did not end with a timeout",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assertFault(t, c.want, c.broken.wrap, credtest.Patience(500*time.Millisecond))
		})
	}

	t.Run("nothing is wrong with the frame of these", func(t *testing.T) {
		t.Parallel()
		assert.Empty(t, credtest.Faults(t.Context(), "", broken(plain).wrap))
	})
}

func assertFault(t *testing.T, want string, wrap func(http.RoundTripper) http.RoundTripper, opts ...credtest.ContractOption) {
	t.Helper()
	faults := credtest.Faults(t.Context(), want, wrap, opts...)
	if !strings.Contains(strings.Join(faults, "\n"), want) {
		assert.Fail(t, "the mistake was not found", "want: %s\ngot:\n%s", want, strings.Join(faults, "\n"))
	}
}

func TestAMixUpOfConcurrentRequestsIsFound(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	second := make(chan string)
	// The path of a request is kept where another request that comes in between
	// replaces it.
	mixUp := broken(func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
		if req.URL == nil || len(req.URL.Path) != len("/0") || req.URL.Scheme != "https" {
			return base.RoundTrip(req)
		}
		switch calls.Add(1) {
		case 1:
			out := *req
			url := *req.URL
			out.URL, url.Path = &url, <-second
			return base.RoundTrip(&out)
		case 2:
			second <- req.URL.Path
		}
		return base.RoundTrip(req)
	})
	assertFault(t, "for requests at the same time that share a Header: the answer to", mixUp.wrap)
}

func TestARoundTripperWithoutCloseIdleConnectionsIsFound(t *testing.T) {
	t.Parallel()
	faults := credtest.Faults(t.Context(), "", func(base http.RoundTripper) http.RoundTripper { return baseFunc(base.RoundTrip) })
	require.Len(t, faults, 1)
	assert.Contains(t, faults[0], "has no method CloseIdleConnections")
}

func TestACloseIdleConnectionsThatEndsAtTheWrapperIsFound(t *testing.T) {
	t.Parallel()
	faults := credtest.Faults(t.Context(), "", func(base http.RoundTripper) http.RoundTripper { return deaf{base} })
	require.Len(t, faults, 1)
	assert.Contains(t, faults[0], "it used a connection that should have been closed")
}

type deaf struct{ http.RoundTripper }

func (deaf) CloseIdleConnections() {}

func TestWhatARefusalForgetsIsFound(t *testing.T) {
	t.Parallel()
	plain := func(base http.RoundTripper) http.RoundTripper { return base }
	refusal := errors.New("no")
	for _, c := range []struct {
		name   string
		broken broken
		want   string
	}{
		{
			"the body",
			func(http.RoundTripper, *http.Request) (*http.Response, error) { return nil, refusal },
			"when it refuses to send: the request's body was not closed",
		},
		{
			"that it refuses",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) { return base.RoundTrip(req) },
			"when it refuses to send: RoundTrip returned a response (status 200) although there is none",
		},
		{
			"not to send",
			func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
				if resp, err := base.RoundTrip(req); err == nil {
					resp.Body.Close()
				}
				return nil, refusal
			},
			"when it refuses to send: 1 requests arrived all the same",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assertFault(t, c.want, plain, credtest.Refusing(c.broken.wrap), credtest.Patience(500*time.Millisecond))
		})
	}
}

// lockedBody lets two readers at a body, one at a time.
type lockedBody struct {
	mu sync.Mutex
	io.ReadCloser
}

func (b *lockedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ReadCloser.Read(p)
}

func (b *lockedBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ReadCloser.Close()
}
