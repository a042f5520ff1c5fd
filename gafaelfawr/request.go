// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/redact"
)

const (
	maxBody      = 10 << 20 // of a success; the largest site has some thousand users
	maxErrorBody = 64 << 10 // of a failure
	maxKept      = 4 << 10  // of a failure's body, in the error
)

// sender makes requests. It asks the RoundTripper itself, since all that an
// http.Client adds is unwanted: it follows redirects, and repeats in its errors
// where they lead to, and it has cookies.
type sender struct {
	rt      http.RoundTripper
	timeout time.Duration // of one request with its answer
	now     func() time.Time
}

// request is one to be made.
type request struct {
	method string
	url    string
	token  Token // the zero Token: none
	body   any   // nil: none
}

// reply is a success.
type reply struct {
	header http.Header
	body   []byte
}

// send makes a request and reads its answer. Each failure is a WebError, a
// NotFoundError or a ValidationError.
func (s *sender) send(ctx context.Context, r request) (*reply, error) {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	where := r.where()
	req, err := r.build(limited)
	if err != nil {
		return nil, err
	}
	resp, err := s.rt.RoundTrip(req)
	if err == nil && (resp == nil || resp.Body == nil) {
		err = errors.New("the RoundTripper returned neither an answer nor an error")
	}
	if err != nil {
		return nil, s.failed(ctx, limited, r, bare(err))
	}
	defer resp.Body.Close()
	// Not every body ends with the context of its request: neither that of a
	// connection that was upgraded nor that of any RoundTripper.
	defer context.AfterFunc(limited, func() { _ = resp.Body.Close() })()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, s.refusal(r, where, resp).asError()
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		e := s.failed(ctx, limited, r, err)
		e.Status = resp.StatusCode
		return nil, e
	}
	if len(body) > maxBody {
		return nil, r.misread(fmt.Errorf("the reply is larger than %d MiB", maxBody>>20))
	}
	return &reply{header: resp.Header, body: body}, nil
}

// failed returns the error for a request without an answer, or with half of one.
func (s *sender) failed(ctx, limited context.Context, r request, err error) *WebError {
	e := &WebError{Method: r.method, URL: r.where()}
	if over := limited.Err(); over != nil && !errors.Is(err, over) {
		err = fmt.Errorf("%w: %w", over, err) // It may say no more than that we closed the body.
	}
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		e.timeout = s.timeout
	}
	e.Err = quiet(err, r.token)
	return e
}

// where returns the URL for people.
func (r request) where() string { return hideSecret(printable(r.url), r.token) }

// bare returns an error without what a RoundTripper with an http.Client in it adds,
// method and URL, which stand in our own error, without secrets.
func bare(err error) error {
	for {
		outer, ok := err.(*url.Error) //nolint:errorlint // what others wrapped has words of its own
		if !ok {
			return err
		}
		err = outer.Err
	}
}

func (r request) build(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		encoded, err := json.Marshal(r.body)
		if err != nil {
			return nil, invalid("the request cannot be written as JSON: %v", err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return nil, invalid("%s %s cannot be requested", r.method, r.where())
	}
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !r.token.IsZero() {
		req.Header.Set("Authorization", "Bearer "+r.token.Reveal())
	}
	return req, nil
}

// refusal describes an answer that is no success.
func (s *sender) refusal(r request, where string, resp *http.Response) *WebError {
	e := &WebError{Method: r.method, URL: where, Status: resp.StatusCode}
	if resp.StatusCode/100 == 3 {
		if target, err := resp.Location(); err == nil {
			e.Location = hideSecret(redact.URL(target), r.token)
		}
	}
	e.RetryAfter, e.wait = s.retryAfter(resp.Header.Get("Retry-After"))
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return e // What follows is another protocol, and may never end.
	}
	// A body that breaks off says less, and the status is known.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	var said ErrorBody
	if json.Unmarshal(body, &said) == nil && len(said.Detail) > 0 {
		e.Details = said.Detail
		for i := range e.Details {
			e.Details[i] = hideInDetail(e.Details[i], r.token)
		}
		return e
	}
	e.Body = hideSecret(strings.ToValidUTF8(string(body), "\uFFFD"), r.token)
	if len(e.Body) > maxKept {
		e.Body = strings.ToValidUTF8(e.Body[:maxKept], "")
	}
	return e
}

// retryAfter reads the header (RFC 9110 section 10.2.3): seconds or a date. What
// is beyond a year is nonsense.
func (s *sender) retryAfter(header string) (time.Time, time.Duration) {
	const year = 365 * 24 * time.Hour
	now := s.now()
	at, err := http.ParseTime(header)
	if seconds, bad := strconv.ParseUint(header, 10, 32); bad == nil {
		at, err = now.Add(time.Duration(seconds)*time.Second), nil
	}
	if err != nil || at.Sub(now) > year {
		return time.Time{}, 0
	}
	return at, at.Sub(now)
}

// misread returns the error for an answer that is not what it should be.
func (r request) misread(err error) *ValidationError {
	return &ValidationError{Method: r.method, URL: r.where(), Err: err}
}

// decode reads the body of a success.
func decode[T any](r request, from *reply, into *T) error {
	err := json.Unmarshal(from.body, into)
	if err == nil && isNull(from.body) {
		err = &FieldError{Problem: "is null"}
	}
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*FieldError](err); ok {
		return r.misread(hideInField(wrong, r.token))
	}
	text := "it " + problem(err)
	if kind := from.header.Get("Content-Type"); kind != "" && !strings.HasPrefix(kind, "application/json") {
		text += " but " + excerpt(hideSecret(kind, r.token))
	}
	return r.misread(errors.New(text))
}

// fetch makes a request and reads a T from its answer.
func fetch[T any](ctx context.Context, s *sender, r request) (out T, err error) {
	answer, err := s.send(ctx, r)
	if err != nil {
		return out, err
	}
	err = decode(r, answer, &out)
	return out, err
}

// fetchList makes a request and reads an array of T from its answer.
func fetchList[T any](ctx context.Context, s *sender, r request) ([]T, error) {
	answer, err := s.send(ctx, r)
	if err != nil {
		return nil, err
	}
	return decodeList[T](r, answer)
}

func decodeList[T any](r request, from *reply) ([]T, error) {
	var elements array[T]
	err := decode(r, from, &elements)
	return elements, err
}

// array is decoded with the place of what is wrong in it.
type array[T any] []T

// UnmarshalJSON reads an array without nulls.
func (a *array[T]) UnmarshalJSON(data []byte) error {
	if isNull(data) {
		return &FieldError{Problem: "is null"}
	}
	if err := listOf((*[]T)(a))(data); err != nil {
		if _, ok := errors.AsType[*FieldError](err); ok {
			return err
		}
		return &FieldError{Problem: problem(err)}
	}
	return nil
}

// printable returns a URL without what may be secret.
func printable(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "a malformed URL"
	}
	return hideTokens(redact.URL(u))
}
