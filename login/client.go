// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/scicred/scicred/internal/redact"
)

// ClientAuth is how a client proves who it is.
type ClientAuth uint8

const (
	// AuthDefault is AuthBasic if there is a secret, else AuthNone.
	AuthDefault ClientAuth = iota
	// AuthNone is that of a public client: it just says its name.
	AuthNone
	// AuthBasic sends name and secret in an Authorization header
	// (client_secret_basic, RFC 6749 section 2.3.1).
	AuthBasic
	// AuthPost sends both in the form (client_secret_post), for providers that
	// want it so.
	AuthPost
)

// Client is who asks a provider for tokens, and for what. It must not be
// changed after it was given to a [Fetcher].
type Client struct {
	Provider *Provider
	ID       string     // as the provider knows it
	Secret   Secret     // of a confidential client; zero for a public one
	Auth     ClientAuth // how the secret is sent
	Scopes   []string   // asked for
	Audience []string   // asked for by the parameter "audience", which many providers know
	Resource []string   // URIs asked for by the parameter "resource" (RFC 8707)

	// HTTP is what the provider is asked with. Its CheckRedirect is not used: a
	// redirect is never followed, since what is sent holds secrets. Nil is a
	// client of its own; a Timeout of 0 means 30 seconds for one request.
	HTTP *http.Client
}

// check returns what is missing.
func (c *Client) check() error {
	switch {
	case c == nil || c.Provider == nil:
		return errors.New("login: the client has no provider")
	case c.ID == "":
		return errors.New("login: the client has no ID")
	case c.auth() > AuthPost:
		return errors.New("login: the client has an unknown kind of authentication")
	case c.Secret.IsZero() && c.auth() != AuthNone:
		return errors.New("login: the client has no secret to prove itself with")
	}
	return nil
}

func (c *Client) auth() ClientAuth {
	if c.Auth == AuthDefault && !c.Secret.IsZero() {
		return AuthBasic
	}
	return cmp.Or(c.Auth, AuthNone)
}

// wishes adds what is asked for.
func (c *Client) wishes(form url.Values) url.Values {
	if len(c.Scopes) > 0 {
		form.Set("scope", strings.Join(c.Scopes, " "))
	}
	if len(c.Audience) > 0 {
		form["audience"] = slices.Clone(c.Audience)
	}
	if len(c.Resource) > 0 {
		form["resource"] = slices.Clone(c.Resource)
	}
	return form
}

// post sends a form with the client's authentication and returns the answer.
// The form's secrets are named, so that no error repeats them.
func (c *Client) post(ctx context.Context, op, address string, form url.Values, secrets ...Secret) (members, error) {
	if ctx.Err() != nil {
		return nil, stopped(ctx, op)
	}
	sent := url.Values{}
	for name, values := range form {
		sent[name] = values
	}
	if c.auth() != AuthBasic {
		sent.Set("client_id", c.ID)
	}
	if c.auth() == AuthPost {
		sent.Set("client_secret", c.Secret.Reveal())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(sent.Encode()))
	if err != nil {
		return nil, &AuthError{Op: op, Problem: "the address is not a URL"}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.auth() == AuthBasic {
		// Both are encoded first (RFC 6749 section 2.3.1).
		req.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret.Reveal()))
	}
	hidden := []string{c.Secret.Reveal(), url.QueryEscape(c.Secret.Reveal())}
	for _, s := range secrets {
		hidden = append(hidden, s.Reveal(), url.QueryEscape(s.Reveal()))
	}
	return exchange(httpClient(c.HTTP), req, op, redact.Scrubber(hidden...))
}

const opToken = "token"

// token asks the token endpoint.
func (c *Client) token(ctx context.Context, form url.Values, secrets ...Secret) (*TokenData, error) {
	e, err := c.Provider.Endpoints(ctx, c.HTTP)
	if err != nil {
		return nil, err
	}
	return c.tokenFrom(ctx, e.Token, form, secrets...)
}

// tokenFrom asks this token endpoint.
func (c *Client) tokenFrom(ctx context.Context, address string, form url.Values, secrets ...Secret) (*TokenData, error) {
	m, err := c.post(ctx, opToken, address, form, secrets...)
	if err != nil {
		return nil, err
	}
	t, err := parseToken(m, wallClock())
	if err != nil {
		return nil, &AuthError{Op: opToken, URL: shown(address), StatusCode: http.StatusOK, Problem: "the answer cannot be used: " + err.Error()}
	}
	return t, nil
}

// refresh asks for new tokens with a refresh token (RFC 6749 section 6). It is
// asked once: if the answer is lost the refresh token may be used up, and many
// providers take a second use of it for theft and end the whole session.
func (c *Client) refresh(ctx context.Context, old *TokenData) (*TokenData, error) {
	if old == nil || old.refresh.IsZero() {
		return nil, ErrNoRefresh
	}
	t, err := c.token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {old.refresh.Reveal()}}, old.refresh)
	if err != nil {
		return nil, err
	}
	return t.after(old), nil
}
