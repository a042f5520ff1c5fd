// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"context"
	"net/http"
)

// TokenInfo returns what the server knows about a token, which may be any valid
// one.
func (c *Client) TokenInfo(ctx context.Context, token Token) (TokenInfo, error) {
	return get[TokenInfo](ctx, c, token, "token-info")
}

// Tokens returns all tokens of a user, also those of other types than user, and
// those that have expired a short while ago. The token needs the scope
// user:token if it is the user's own, else admin:token.
func (c *Client) Tokens(ctx context.Context, token Token, username string) ([]TokenInfo, error) {
	return getList[TokenInfo](ctx, c, token, "users", username, "tokens")
}

// Token returns what the server knows about a user's token, by its key, and a
// [NotFoundError] if the user has none such. The token needs the scope user:token
// if it is the user's own, else admin:token.
func (c *Client) Token(ctx context.Context, token Token, username, key string) (TokenInfo, error) {
	if err := checkKey(key); err != nil {
		return TokenInfo{}, err
	}
	return get[TokenInfo](ctx, c, token, "users", username, "tokens", key)
}

// CreateUserToken makes a token of type user for the user whose token is given,
// and who must be username; that token needs the scope user:token. Without an
// expiry it never expires, whenever the given one does.
func (c *Client) CreateUserToken(ctx context.Context, token Token, username string, r UserTokenRequest) (Token, error) {
	return c.create(ctx, token, r, "users", username, "tokens")
}

// CreateToken makes a token of type user or service for any user. The token needs
// the scope admin:token.
func (c *Client) CreateToken(ctx context.Context, token Token, r AdminTokenRequest) (Token, error) {
	return c.create(ctx, token, r, "tokens")
}

// CreateServiceToken makes a token of type service, for a user whose name must
// begin with bot-. The token needs the scope admin:token.
func (c *Client) CreateServiceToken(ctx context.Context, token Token, r ServiceTokenRequest) (Token, error) {
	return c.CreateToken(ctx, token, AdminTokenRequest{
		Username: r.Username, TokenType: ServiceToken, Scopes: r.Scopes, Expires: r.Expires, Name: r.Name, UID: r.UID, GID: r.GID, Groups: r.Groups,
	})
}

func (c *Client) create(ctx context.Context, token Token, body any, route ...string) (Token, error) {
	made, err := exchange[NewTokenReply](ctx, c, http.MethodPost, token, body, route...)
	return made.Token, err
}

// ModifyToken changes a user's token of type user, by its key. The token needs
// the scope admin:token. If the new expiry is earlier, tokens that were derived
// from it expire with it.
func (c *Client) ModifyToken(ctx context.Context, token Token, username, key string, changes TokenChanges) (TokenInfo, error) {
	if err := checkKey(key); err != nil {
		return TokenInfo{}, err
	}
	return exchange[TokenInfo](ctx, c, http.MethodPatch, token, changes, "users", username, "tokens", key)
}

// DeleteToken deletes a user's token of any type, by its key, and those that were
// derived from it. The error is a [NotFoundError] if the user has none such. The
// token needs the scope user:token if it is the user's own, else admin:token.
func (c *Client) DeleteToken(ctx context.Context, token Token, username, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return c.remove(ctx, token, "users", username, "tokens", key)
}

// remove deletes what is at a route.
func (c *Client) remove(ctx context.Context, token Token, route ...string) error {
	r, err := c.prepare(ctx, http.MethodDelete, token, nil, route...)
	if err != nil {
		return err
	}
	_, err = c.send(ctx, r)
	return err
}

// QuotaOverrides returns the quotas that go before those the server was
// configured with, and a [NotFoundError] if there are none. Any valid token will
// do.
func (c *Client) QuotaOverrides(ctx context.Context, token Token) (QuotaConfig, error) {
	return get[QuotaConfig](ctx, c, token, "quota-overrides")
}

// SetQuotaOverrides replaces all overrides, and returns what the server made of
// them. The token needs the scope admin:token.
func (c *Client) SetQuotaOverrides(ctx context.Context, token Token, overrides QuotaConfig) (QuotaConfig, error) {
	return exchange[QuotaConfig](ctx, c, http.MethodPut, token, overrides, "quota-overrides")
}

// DeleteQuotaOverrides removes all overrides. The error is a [NotFoundError] if
// there are none. The token needs the scope admin:token.
func (c *Client) DeleteQuotaOverrides(ctx context.Context, token Token) error {
	return c.remove(ctx, token, "quota-overrides")
}
