// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"context"
	"errors"
	"net/url"
)

const (
	grantRefresh  = "refresh"
	grantClient   = "client credentials"
	grantPassword = "password"
)

// Refresh gets tokens with a refresh token that the caller has. [NewRefresh]
// makes one.
type Refresh struct {
	client Client
	first  TokenData
}

// NewRefresh returns the [Fetcher] of a refresh token, such as one for offline
// access that was given to a batch job.
func NewRefresh(c *Client, refreshToken Secret) (*Refresh, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if refreshToken.IsZero() {
		return nil, ErrNoRefresh
	}
	return &Refresh{client: *c, first: TokenData{refresh: refreshToken}}, nil
}

// About implements [Fetcher].
func (r *Refresh) About() About { return r.client.about(grantRefresh) }

// Fetch implements [Fetcher], with the refresh token that was given at first.
func (r *Refresh) Fetch(ctx context.Context) (*TokenData, error) {
	t, err := r.client.refresh(ctx, &r.first)
	return t, fetchError(grantRefresh, err)
}

// Refresh implements [Fetcher].
func (r *Refresh) Refresh(ctx context.Context, old *TokenData) (*TokenData, error) {
	t, err := r.client.refresh(ctx, old)
	return t, refreshError(err)
}

// ClientCredentials gets tokens for a program and not for a person (RFC 6749
// section 4.4). [NewClientCredentials] makes one.
type ClientCredentials struct{ client Client }

// NewClientCredentials returns the [Fetcher] of a confidential client.
func NewClientCredentials(c *Client) (*ClientCredentials, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.auth() == AuthNone {
		return nil, errors.New("login: only a client with a secret can get tokens for itself")
	}
	return &ClientCredentials{client: *c}, nil
}

// About implements [Fetcher].
func (c *ClientCredentials) About() About { return c.client.about(grantClient) }

// Fetch implements [Fetcher]. It asks again after failures that may pass.
func (c *ClientCredentials) Fetch(ctx context.Context) (*TokenData, error) {
	t, err := patiently(ctx, opToken, func() (*TokenData, error) {
		return c.client.token(ctx, c.client.wishes(url.Values{"grant_type": {"client_credentials"}}))
	})
	if err != nil {
		return nil, fetchError(grantClient, err)
	}
	// A refresh token should not be there (RFC 6749 section 4.4.3), and is of no
	// use: the secret is.
	t.refresh = Secret{}
	return t, nil
}

// Refresh implements [Fetcher]: the client just asks anew.
func (c *ClientCredentials) Refresh(ctx context.Context, _ *TokenData) (*TokenData, error) {
	t, err := c.Fetch(ctx)
	return t, refreshError(err)
}

// Password gets tokens for a user name and password (RFC 6749 section 4.3).
// [NewPassword] makes one.
type Password struct {
	client   Client
	user     string
	password Secret
}

// NewPassword returns the [Fetcher] of a user name and password.
//
// It is there for services that offer nothing else. RFC 9700 section 2.4 forbids
// this grant: the program sees the password, and a second factor is impossible.
// Use [NewDevice] for people and [NewClientCredentials] for programs.
func NewPassword(c *Client, user string, password Secret) (*Password, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if user == "" || password.IsZero() {
		return nil, errors.New("login: the user name or the password is missing")
	}
	return &Password{client: *c, user: user, password: password}, nil
}

// About implements [Fetcher].
func (p *Password) About() About {
	a := p.client.about(grantPassword)
	a.User = p.user
	return a
}

// Fetch implements [Fetcher].
func (p *Password) Fetch(ctx context.Context) (*TokenData, error) {
	form := p.client.wishes(url.Values{"grant_type": {"password"}, "username": {p.user}, "password": {p.password.Reveal()}})
	t, err := patiently(ctx, opToken, func() (*TokenData, error) { return p.client.token(ctx, form, p.password) })
	return t, fetchError(grantPassword, err)
}

// Refresh implements [Fetcher].
func (p *Password) Refresh(ctx context.Context, old *TokenData) (*TokenData, error) {
	t, err := p.client.refresh(ctx, old)
	return t, refreshError(err)
}
