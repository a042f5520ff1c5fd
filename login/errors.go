// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/human"
)

// Error is the type of the errors to test for with [errors.Is]. They are
// constants, so that nobody can replace one.
type Error string

// Error implements error.
func (e Error) Error() string { return string(e) }

// What can go wrong in a way that a program may want to react to.
const (
	// ErrCodeExpired means that the user did not enter the code in time
	// (expired_token of RFC 8628 section 3.5): start again.
	ErrCodeExpired Error = "the code expired before anybody entered it"
	// ErrDenied means that the user, or the provider, said no (access_denied).
	ErrDenied Error = "the login was denied"
	// ErrInvalidGrant means that a refresh token or password is wrong, used up,
	// revoked or expired (invalid_grant of RFC 6749 section 5.2): a new login is
	// needed.
	ErrInvalidGrant Error = "the provider does not accept the grant any more"
	// ErrTemporary means that trying again later may help: the provider was not
	// reached, or was not well.
	ErrTemporary Error = "a temporary failure"
	// ErrNotOffered means that the provider has no such endpoint.
	ErrNotOffered Error = "the provider does not offer it"
	// ErrNoRefresh means that there is nothing to get a new token with.
	ErrNoRefresh Error = "there is no refresh token"
)

// AuthError says that a provider refused something, answered nonsense, or could
// not be asked. It holds no secret: what had been sent is taken out of the
// provider's words.
//
// errors.Is tells with [ErrDenied], [ErrCodeExpired], [ErrInvalidGrant] and
// [ErrTemporary] what kind of failure it is. In Wallaroo's Python SDK all errors
// of a login are AuthErrors; here [TokenFetchError] and [TokenRefreshError] wrap
// one, so errors.As finds it in both.
type AuthError struct {
	Op          string        // what was asked for: "discovery", "device code", "token"
	URL         string        // who was asked, without secrets
	StatusCode  int           // of the answer; 0 if there was none
	Code        string        // the provider's error code (RFC 6749 section 5.2), such as "invalid_client"; "" if it gave none
	Description string        // the provider's words; often ""
	Problem     string        // what is wrong, if the provider gave no code
	RetryAfter  time.Duration // how long the provider wants to be left alone; 0 if it does not say
	Temporary   bool          // trying again later may help
	Err         error         // why there was no answer; nil if there was one
}

// Error says who was asked for what, what came back, and what that means.
func (e *AuthError) Error() string {
	s := "login: " + e.Op
	if e.URL != "" {
		s += " from " + e.URL
	}
	s += ": "
	switch {
	case e.Code != "":
		s += "refused with " + e.Code
		if m := meaning(e.Code); m != "" {
			s += ", which means that " + m
		}
	case e.Problem != "":
		s += e.Problem
	default:
		s += "failed"
	}
	if e.Description != "" {
		s += fmt.Sprintf(" (the provider says %q)", e.Description)
	}
	if e.Err != nil {
		s += ": " + human.Printable(e.Err.Error())
	}
	return s
}

// Unwrap returns why there was no answer.
func (e *AuthError) Unwrap() error { return e.Err }

// Is tells what kind of failure it is.
func (e *AuthError) Is(target error) bool {
	switch target {
	case ErrTemporary:
		return e.Temporary
	case ErrDenied:
		return e.Code == codeDenied
	case ErrCodeExpired:
		return e.Code == codeExpired
	case ErrInvalidGrant:
		return e.Code == codeInvalidGrant
	}
	return false
}

// Error codes of RFC 6749 section 5.2 and RFC 8628 section 3.5.
const (
	codeDenied       = "access_denied"
	codeExpired      = "expired_token"
	codeInvalidGrant = "invalid_grant"
	codePending      = "authorization_pending"
	codeSlowDown     = "slow_down"
)

// meaning says an error code in plain words.
func meaning(code string) string {
	switch code {
	case codeDenied:
		return string(ErrDenied)
	case codeExpired:
		return string(ErrCodeExpired)
	case codeInvalidGrant:
		return "the refresh token, code or password is wrong, used up, revoked or expired"
	case "invalid_client":
		return "the provider does not know this client, or its secret is wrong"
	case "unauthorized_client", "unsupported_grant_type":
		return "this client may not log in this way: ask for the grant to be enabled for it"
	case "invalid_scope":
		return "a scope is unknown, or this client may not ask for it"
	case "invalid_target":
		return "the audience or resource is unknown, or this client may not ask for it (RFC 8707)"
	case "invalid_request":
		return "the provider misses something in the request"
	}
	return ""
}

// TokenFetchError says that no token could be got anew. It has Wallaroo's name.
type TokenFetchError struct {
	Grant string // the way that was tried, such as "device"
	Err   error
}

// Error says which way failed, and why.
func (e *TokenFetchError) Error() string {
	return "no token by " + e.Grant + ": " + strings.TrimPrefix(e.Err.Error(), "login: ")
}

// Unwrap returns why.
func (e *TokenFetchError) Unwrap() error { return e.Err }

// TokenRefreshError says that a token could not be renewed. It has Wallaroo's
// name. With [ErrInvalidGrant] a new login is needed; with [ErrTemporary] what
// there was is still good and the next attempt may succeed.
type TokenRefreshError struct {
	Err error
}

// Error says why.
func (e *TokenRefreshError) Error() string {
	return "the token was not renewed: " + strings.TrimPrefix(e.Err.Error(), "login: ")
}

// Unwrap returns why.
func (e *TokenRefreshError) Unwrap() error { return e.Err }

// fetchError wraps what a grant returned; a call that the caller called off is
// his own doing and says so.
func fetchError(grant string, err error) error {
	if err == nil {
		return nil
	}
	return &TokenFetchError{Grant: grant, Err: err}
}

func refreshError(err error) error {
	if err == nil {
		return nil
	}
	return &TokenRefreshError{Err: err}
}

// stopped is the error of a call that its caller called off or gave no more
// time. It is no failure of the provider.
func stopped(ctx context.Context, what string) error {
	err := context.Cause(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("login: %s: the time that the caller allowed is over: %w", what, err)
	}
	return fmt.Errorf("login: %s: called off: %w", what, err)
}

// status names a status without the server's own words.
func status(code int) string {
	if text := http.StatusText(code); text != "" {
		return fmt.Sprintf("%d %s", code, text)
	}
	return fmt.Sprint(code)
}
