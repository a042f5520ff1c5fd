// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/human"
)

func invalid(format string, args ...any) error {
	return fmt.Errorf("gafaelfawr: %w: %s", ErrInvalidArgument, fmt.Sprintf(format, args...))
}

// DiscoveryError means that service discovery does not lead to Gafaelfawr, or to
// what else was looked for. It wraps a [WebError] or [ValidationError] if its
// document could not be had.
type DiscoveryError struct {
	URL     string // of the document, without secrets; "" if not known
	Problem string // what is wrong
	Err     error  // the cause, or nil
}

// Error returns a sentence.
func (e *DiscoveryError) Error() string {
	s := e.Problem
	if e.URL != "" {
		s += " (" + e.URL + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *DiscoveryError) Unwrap() error { return e.Err }

// WebError means that a request failed: there was no answer, or one that is no
// success. Redirects are none.
type WebError struct {
	Method string
	URL    string // without secrets
	Status int    // 0 if there was no answer
	// Details are what the body says, in any of the shapes that servers use.
	Details []ErrorDetail
	// Body is the beginning of a body that says it in another way, such as the
	// page of a proxy. Tokens in it are hidden.
	Body string
	// Location is where a redirect leads to, without secrets.
	Location string
	// RetryAfter is when to try again, and zero if the server did not say.
	RetryAfter time.Time
	// Err is why there was no answer, or why its body could not be read. It prints
	// no token. [errors.Is] and [errors.As] find what it stands for, but what
	// errors.As returns is as it came, and may repeat what was sent.
	Err error

	wait    time.Duration // RetryAfter, as it was when the answer came
	timeout time.Duration // not zero: this time is up
}

// Error returns a sentence.
func (e *WebError) Error() string {
	var b strings.Builder
	if e.Status == 0 {
		fmt.Fprintf(&b, "no answer to %s %s", e.Method, e.URL)
	} else {
		fmt.Fprintf(&b, "status %d from %s %s", e.Status, e.Method, e.URL)
	}
	if e.Location != "" {
		fmt.Fprintf(&b, ": a redirect to %s, which is not followed", shorten(human.Printable(e.Location), maxSaid))
	}
	if s := e.says(); s != "" {
		b.WriteString(": " + s)
	}
	if e.wait > 0 { // Else the time has come.
		fmt.Fprintf(&b, "; try again after %s", max(e.wait.Round(time.Second), time.Second))
	}
	switch {
	case e.timeout > 0:
		fmt.Fprintf(&b, " within %s", e.timeout)
	case e.Err != nil:
		b.WriteString(": " + say(e.Err))
	}
	return b.String()
}

// says returns what the body says, in one line.
func (e *WebError) says() string {
	if len(e.Details) == 0 {
		return excerpt(e.Body)
	}
	said := make([]string, 0, len(e.Details))
	for _, d := range e.Details {
		s := d.Message
		if len(d.Loc) > 0 {
			s = (&FieldError{Path: d.Loc, Problem: s}).Error()
		}
		if d.Type != "" {
			s += " (" + d.Type + ")"
		}
		said = append(said, s)
	}
	return shorten(human.Printable(strings.Join(said, "; ")), maxSaid)
}

// Unwrap returns why there was no answer.
func (e *WebError) Unwrap() error { return e.Err }

// NotFoundError is a [WebError] of status 404 for anything but a POST: the user,
// token or setting is not there. Servers that do not use LDAP know no users by
// name, so that for them it is the answer to every [Client.UserInfoByName].
type NotFoundError struct{ *WebError }

// Unwrap returns the WebError.
func (e *NotFoundError) Unwrap() error { return e.WebError }

// ValidationError means that a server answered with success but not with what
// it should have.
type ValidationError struct {
	Method string
	URL    string // without secrets
	Err    error  // a [FieldError] if a member of the document is wrong
}

// Error returns a sentence.
func (e *ValidationError) Error() string {
	return fmt.Sprintf("unable to parse reply from %s %s: %s", e.Method, e.URL, say(e.Err))
}

// Unwrap returns the cause.
func (e *ValidationError) Unwrap() error { return e.Err }

// asError returns the WebError, as a NotFoundError if it is one.
func (e *WebError) asError() error {
	if e.Status == http.StatusNotFound && e.Method != http.MethodPost {
		return &NotFoundError{e}
	}
	return e
}
