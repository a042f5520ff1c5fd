// SPDX-License-Identifier: BSD-3-Clause

package outgoing_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/outgoing"
)

// body notes how often it has been closed.
type body struct {
	io.Reader
	closed int
	err    error
}

func (b *body) Close() error {
	b.closed++
	return b.err
}

func newRequest(t *testing.T, content io.ReadCloser) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://data.example.org/f?q", content)
	require.NoError(t, err)
	req.Header = http.Header{"X-Own": {"a", "b"}, "Accept": {"*/*"}}
	req.Host, req.ContentLength, req.Trailer = "other.example.org", 5, http.Header{"T": nil}
	return req
}

// rewindable is a request whose body can be made anew, and how often it was.
func rewindable(t *testing.T) (req *http.Request, first *body, made *int) {
	t.Helper()
	first, made = &body{Reader: strings.NewReader("first")}, new(int)
	req = newRequest(t, first)
	req.GetBody = func() (io.ReadCloser, error) {
		*made++
		return io.NopCloser(strings.NewReader("again")), nil
	}
	return req, first, made
}

// unchanged checks at the end that the request is as it is now.
func unchanged(t *testing.T, req *http.Request) {
	t.Helper()
	before, header := *req, req.Header.Clone()
	t.Cleanup(func() {
		assert.Equal(t, header, req.Header)
		assert.Equal(t, before.Body, req.Body)
		assert.Same(t, before.URL, req.URL)
		assert.Equal(t, []any{before.Method, before.Host, before.ContentLength, before.Trailer, before.Context()},
			[]any{req.Method, req.Host, req.ContentLength, req.Trailer, req.Context()})
	})
}

func TestCarryingIsACopyWithAnAuthorizationHeader(t *testing.T) {
	t.Parallel()
	req := newRequest(t, &body{})
	unchanged(t, req)
	out := outgoing.Carrying(req, "Bearer x").Request
	require.NotSame(t, req, out)
	assert.Equal(t, http.Header{"X-Own": {"a", "b"}, "Accept": {"*/*"}, "Authorization": {"Bearer x"}}, out.Header)
	assert.Equal(t, []any{req.Method, req.Host, req.ContentLength, req.Trailer, req.URL, req.Context()},
		[]any{out.Method, out.Host, out.ContentLength, out.Trailer, out.URL, out.Context()}, "all else is the same")
	out.Header.Set("X-Own", "changed")
	out.Header.Set("X-New", "new")
}

// A RoundTripper beneath that hides the header, as some loggers do, spoils its own
// request and no other.
func TestCarryingGivesEachRequestAValueOfItsOwn(t *testing.T) {
	t.Parallel()
	const value = "Bearer x"
	first := outgoing.Carrying(newRequest(t, nil), value).Request
	first.Header["Authorization"][0] = "REDACTED"
	second := outgoing.Carrying(newRequest(t, nil), value).Request
	assert.Equal(t, value, second.Header.Get("Authorization"))
	longer := append(second.Header["Authorization"], "more")
	longer[0] = "changed"
	assert.Equal(t, value, second.Header.Get("Authorization"), "and nobody appends into it")
}

func TestCarryingReplacesWhatNetHTTPPutThere(t *testing.T) {
	t.Parallel()
	req := newRequest(t, nil)
	req.Header.Set("Authorization", "Basic dXNlcjo=")
	unchanged(t, req)
	out := outgoing.Carrying(req, "Basic other").Request
	assert.Equal(t, []string{"Basic other"}, out.Header["Authorization"])
}

func TestCarryingNothingLeavesTheHeaderAsItIs(t *testing.T) {
	t.Parallel()
	req := newRequest(t, nil)
	unchanged(t, req)
	out := outgoing.Carrying(req, "").Request
	assert.NotSame(t, req, out)
	assert.Equal(t, req.Header, out.Header)
}

func TestCarryingWorksWithoutAHeader(t *testing.T) {
	t.Parallel()
	req := newRequest(t, nil)
	req.Header = nil
	unchanged(t, req)
	out := outgoing.Carrying(req, "Bearer x").Request
	assert.Equal(t, http.Header{"Authorization": {"Bearer x"}}, out.Header)
}

func TestTheBodyThatIsSentIsTheRequestsOwn(t *testing.T) {
	t.Parallel()
	req, first, _ := rewindable(t)
	first.err = errors.New("disk full")
	unchanged(t, req)
	out := outgoing.Carrying(req, "Bearer x").Request
	data, err := io.ReadAll(out.Body)
	require.NoError(t, err)
	assert.Equal(t, "first", string(data))
	assert.Equal(t, first.err, out.Body.Close(), "and so is the error of closing it")
	assert.NotPanics(t, func() { _ = out.Body.Close() }, "transports may close it twice")
	assert.Equal(t, 2, first.closed)

	for name, b := range map[string]io.ReadCloser{"none": nil, "no body": http.NoBody, "one that cannot be made anew": &body{}} {
		req := newRequest(t, b)
		if b == http.NoBody {
			req.GetBody = func() (io.ReadCloser, error) { return http.NoBody, nil }
		}
		out := outgoing.Carrying(req, "Bearer x").Request
		assert.Equal(t, req.Body, out.Body, name) // net/http knows NoBody by its identity
	}
}

func TestOffTheFirstOriginOnlyWhatCameAlongIsRemoved(t *testing.T) {
	t.Parallel()
	const token = "Bearer first"
	tests := map[string]struct {
		first, header, want http.Header
	}{
		"nothing to remove": {nil, http.Header{"Accept": {"*/*"}, "X-Token": {"x"}}, http.Header{"Accept": {"*/*"}, "X-Token": {"x"}}},
		"the Authorization of the first request": {
			http.Header{"Authorization": {token}}, http.Header{"Authorization": {token}, "Accept": {"*/*"}}, http.Header{"Accept": {"*/*"}},
		},
		"in lower case": {http.Header{"authorization": {token}}, http.Header{"authorization": {token}}, http.Header{}},
		"in lower case at first": {
			http.Header{"authorization": {token}}, http.Header{"Authorization": {token}}, http.Header{},
		},
		"in both": {
			http.Header{"Authorization": {token}}, http.Header{"Authorization": {token}, "authorization": {token}}, http.Header{},
		},
		"not one that was put there since": {
			http.Header{"Authorization": {token}}, http.Header{"Authorization": {"Bearer on purpose"}}, http.Header{"Authorization": {"Bearer on purpose"}},
		},
		"not one beside it": {
			http.Header{"Authorization": {token}}, http.Header{"Authorization": {token, "more"}}, http.Header{"Authorization": {token, "more"}},
		},
		"not one where the first had none": {
			http.Header{"X": {token}}, http.Header{"Authorization": {token}}, http.Header{"Authorization": {token}},
		},
		"what a third-party copy hands on": {
			nil, http.Header{"Transferheaderauthorization": {token}, "TransferHeaderX-Y": {"z"}, "transferheader": {"z"}, "TRANSFERHEADERA": {"z"}}, http.Header{},
		},
		"not what sounds like it": {nil, http.Header{"Transferhead": {"a"}, "X-Transferheader": {"b"}}, http.Header{"Transferhead": {"a"}, "X-Transferheader": {"b"}}},
		"the query of Referer": {
			nil, http.Header{"Referer": {"https://h.example.org/a%20b?token=geheim"}}, http.Header{"Referer": {"https://h.example.org/a%20b"}},
		},
		"user and fragment of Referer": {
			nil, http.Header{"Referer": {"https://u:geheim@h.example.org/a?#geheim"}}, http.Header{"Referer": {"https://h.example.org/a"}},
		},
		"an unreadable Referer": {nil, http.Header{"Referer": {"https://h.example.org/%zz?geheim", "/b?geheim"}}, http.Header{"Referer": {"/b"}}},
		"no header at all":      {nil, nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := newRequest(t, &body{})
			req.Header = tt.header
			unchanged(t, req)
			firstBefore := tt.first.Clone()
			out := outgoing.Stripped(req, tt.first).Request
			require.NotSame(t, req, out)
			assert.Equal(t, tt.want, out.Header)
			assert.Equal(t, firstBefore, tt.first)
			assert.Equal(t, req.Body, out.Body)
			assert.Same(t, req.URL, out.URL)
		})
	}
}

func TestWhatCanBeSentAgain(t *testing.T) {
	t.Parallel()
	again := func() (io.ReadCloser, error) { return http.NoBody, nil }
	for name, tt := range map[string]struct {
		req  http.Request
		want bool
	}{
		"no body":                      {http.Request{}, true},
		"NoBody":                       {http.Request{Body: http.NoBody}, true},
		"a body":                       {http.Request{Body: &body{}}, false},
		"a body that can be made anew": {http.Request{Body: &body{}, GetBody: again}, true},
	} {
		assert.Equal(t, tt.want, outgoing.Repeatable(&tt.req), name)
		if tt.req.GetBody != nil {
			continue // of these there is more below
		}
		out, ok := outgoing.Carrying(&tt.req, "").Again(t.Context(), &tt.req)
		assert.Equal(t, tt.want, ok, name)
		assert.NotSame(t, &tt.req, out, name)
	}
}

func TestAgainWaitsUntilTheFirstSendingHasClosedTheBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		req, first, made := rewindable(t)
		unchanged(t, req)
		m := outgoing.Carrying(req, "Bearer old")
		begun := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			time.Sleep(3 * time.Second)
			assert.Zero(t, *made, "GetBody may return a reader over the same file")
			assert.NoError(t, m.Request.Body.Close())
			assert.NoError(t, m.Request.Body.Close())
		})
		out, ok := m.Again(t.Context(), req)
		require.True(t, ok)
		assert.Equal(t, 3*time.Second, time.Since(begun))
		assert.Equal(t, 1, *made)
		wg.Wait()
		assert.Equal(t, 2, first.closed)

		data, err := io.ReadAll(out.Body)
		require.NoError(t, err)
		assert.Equal(t, "again", string(data))
		assert.Equal(t, req.Header, out.Header, "without what the first sending carried")
		assert.Equal(t, req.ContentLength, out.ContentLength)
	})
}

func TestAgainDoesNotWaitForABodyThatIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		req, _, _ := rewindable(t)
		m := outgoing.Carrying(req, "")
		require.NoError(t, m.Request.Body.Close())
		begun := time.Now()
		_, ok := m.Again(t.Context(), req)
		assert.True(t, ok)
		assert.Zero(t, time.Since(begun))
	})
}

func TestAgainGivesUpAfterFiveSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		req, _, made := rewindable(t)
		begun := time.Now()
		out, ok := outgoing.Carrying(req, "").Again(t.Context(), req)
		assert.False(t, ok)
		assert.Nil(t, out)
		assert.Zero(t, *made)
		assert.Equal(t, 5*time.Second, time.Since(begun))
	})
}

func TestAgainGivesUpWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		req, _, made := rewindable(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		_, ok := outgoing.Carrying(req, "").Again(ctx, req)
		assert.False(t, ok)
		assert.Zero(t, *made)
		assert.Equal(t, time.Second, time.Since(begun))
	})
}

func TestAgainGivesUpIfTheBodyCannotBeMadeAnew(t *testing.T) {
	t.Parallel()
	req, _, _ := rewindable(t)
	req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("the file is gone") }
	m := outgoing.Carrying(req, "")
	require.NoError(t, m.Request.Body.Close())
	out, ok := m.Again(t.Context(), req)
	assert.False(t, ok)
	assert.Nil(t, out)
}

func TestARequestThatIsNotSentHasItsBodyClosed(t *testing.T) {
	t.Parallel()
	b := &body{err: errors.New("of no matter")}
	outgoing.CloseBody(newRequest(t, b))
	assert.Equal(t, 1, b.closed)
	assert.NotPanics(t, func() { outgoing.CloseBody(&http.Request{}) })

	req, first, _ := rewindable(t)
	m := outgoing.Carrying(req, "")
	outgoing.CloseBody(m.Request)
	assert.Equal(t, 1, first.closed)
}

func TestOfAResponseThatIsGivenUpOnlyALittleIsRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ size, want int }{
		"empty": {0, 0}, "short": {1000, 1000}, "just enough": {64 << 10, 64 << 10}, "endless": {10 << 20, 64 << 10},
	} {
		content := bytes.NewReader(make([]byte, tt.size))
		b := &body{Reader: content}
		outgoing.Discard(&http.Response{Body: b})
		assert.Equal(t, 1, b.closed, name)
		assert.Equal(t, tt.want, tt.size-content.Len(), "%s: bytes read", name)
	}
	b := &body{Reader: io.MultiReader(strings.NewReader("ab"), broken{})}
	outgoing.Discard(&http.Response{Body: b})
	assert.Equal(t, 1, b.closed, "broken off")
	assert.NotPanics(t, func() { outgoing.Discard(&http.Response{}) }, "of a RoundTripper that gives no body")
}

func TestAResponseThatDoesNotEndIsGivenUpAfterHalfASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe() // a read waits for a write, or for the end of either
		begun, closed := time.Now(), 0
		outgoing.Discard(&http.Response{Body: endless{r, &closed}})
		assert.Equal(t, 500*time.Millisecond, time.Since(begun))
		assert.Equal(t, 1, closed)
		_, err := w.Write([]byte("late"))
		assert.ErrorIs(t, err, io.ErrClosedPipe, "and is closed when that is over")

		r, w = io.Pipe()
		go func() {
			for range 5 { // a little at a time
				time.Sleep(50 * time.Millisecond)
				_, _ = w.Write([]byte("slow"))
			}
			_ = w.Close()
		}()
		b := &body{Reader: r}
		begun = time.Now()
		outgoing.Discard(&http.Response{Body: b})
		assert.Equal(t, 250*time.Millisecond, time.Since(begun), "one that ends in time is read to its end")
		assert.Equal(t, 1, b.closed)
		time.Sleep(time.Minute)
		assert.Equal(t, 1, b.closed, "and closed once")
	})
}

// endless ends its reader when it is closed, and notes that.
type endless struct {
	*io.PipeReader
	closed *int
}

func (e endless) Close() error {
	*e.closed++
	return e.PipeReader.Close()
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestTheHeaderOfOneMessageIsNotThatOfAnother(t *testing.T) {
	t.Parallel()
	req := newRequest(t, nil)
	u := &url.URL{}
	*u = *req.URL
	unchanged(t, req)
	messages := []outgoing.Message{
		outgoing.Carrying(req, "Bearer a"), outgoing.Carrying(req, "Bearer b"), outgoing.Stripped(req, nil),
	}
	for i, want := range []string{"Bearer a", "Bearer b", ""} {
		assert.Equal(t, want, messages[i].Request.Header.Get("Authorization"))
	}
	assert.Equal(t, []string{"Accept", "X-Own"}, slices.Sorted(maps.Keys(req.Header)))
	assert.Equal(t, u, req.URL)
}
