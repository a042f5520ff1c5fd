// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"context"
	"net/http"
)

// UserInfo returns what is known about the user whom a token belongs to: a token
// that was delegated to a service, for example. Any valid token will do.
//
// It is remembered for five minutes ([WithCacheLifetime]), for up to 1000 tokens
// ([WithCacheSize]); those who ask for the same at the same time share a request.
// Failures are not remembered, nor are replies of more than 64 KiB (some thousand
// groups), so that the memory has a bound too. What is remembered is returned even
// if ctx has ended. The UserInfo is the caller's, but what its
// pointers, slices and maps lead to is shared: see [UserInfo.Clone].
func (c *Client) UserInfo(ctx context.Context, token Token) (UserInfo, error) {
	if token.IsZero() {
		return UserInfo{}, errNoToken()
	}
	key := hashOf(token)
	if info, ok := c.byToken.get(key); ok {
		return info, nil
	}
	return miss(ctx, c, &c.byToken, key, token, "", "user-info")
}

// UserInfoByName returns what is known about a user by name. The token needs the
// scope admin:userinfo, except for its own user. Servers that do not use LDAP
// always answer with a [NotFoundError].
//
// It is remembered as [Client.UserInfo] does, but by name alone: what one token
// was told, another is told too, even if the server would refuse it. Do not let
// strangers choose the token.
func (c *Client) UserInfoByName(ctx context.Context, token Token, username string) (UserInfo, error) {
	switch {
	case token.IsZero():
		return UserInfo{}, errNoToken()
	case username == "":
		return UserInfo{}, invalid("the user name is empty")
	}
	if info, ok := c.byName.get(username); ok {
		return info, nil
	}
	return miss(ctx, c, &c.byName, username, token, username, "users", username)
}

// maxRemembered is the size of a reply about a user up to which it is remembered:
// more than a thousand groups.
const maxRemembered = 64 << 10

// miss asks the server for what a cache does not have, and remembers it.
func miss[K comparable](ctx context.Context, c *Client, known *cache[K, UserInfo], key K, token Token, name string, route ...string) (UserInfo, error) {
	age := known.age()
	return c.flights.do(ctx, flightKey{hashOf(token), name, age}, func(ctx context.Context) (UserInfo, error) {
		// Somebody may have brought it since we looked.
		if info, ok := known.get(key); ok {
			return info, nil
		}
		var info UserInfo
		r, err := c.prepare(ctx, http.MethodGet, token, nil, route...)
		if err != nil {
			return info, err
		}
		answer, err := c.send(ctx, r)
		if err != nil {
			return info, err
		}
		err = decode(r, answer, &info)
		if err == nil && len(answer.body) <= maxRemembered {
			known.put(key, info, age)
		}
		return info, err
	})
}

// Users returns what is known about all users. The token needs the scope
// admin:userinfo, and the server LDAP, else it answers with a [NotFoundError].
// Quotas are not told.
func (c *Client) Users(ctx context.Context, token Token) ([]UserInfo, error) {
	return getList[UserInfo](ctx, c, token, "users")
}

// Groups returns all groups. The token needs the scope admin:userinfo, and the
// server LDAP, else it answers with a [NotFoundError].
func (c *Client) Groups(ctx context.Context, token Token) (Groups, error) {
	return get[Groups](ctx, c, token, "groups")
}

// prepare returns a request for a route.
func (c *Client) prepare(ctx context.Context, method string, token Token, body any, route ...string) (request, error) {
	if token.IsZero() {
		return request{}, errNoToken()
	}
	if err := checkSecrets(token, route...); err != nil {
		return request{}, err
	}
	where, err := c.route(ctx, route...)
	return request{method: method, url: where, token: token, body: body}, err
}

// get reads a T from a route.
func get[T any](ctx context.Context, c *Client, token Token, route ...string) (T, error) {
	return exchange[T](ctx, c, http.MethodGet, token, nil, route...)
}

// exchange sends a body, if there is one, to a route and reads a T from it.
func exchange[T any](ctx context.Context, c *Client, method string, token Token, body any, route ...string) (out T, err error) {
	r, err := c.prepare(ctx, method, token, body, route...)
	if err != nil {
		return out, err
	}
	return fetch[T](ctx, &c.sender, r)
}

// getList reads an array of T from a route.
func getList[T any](ctx context.Context, c *Client, token Token, route ...string) ([]T, error) {
	r, err := c.prepare(ctx, http.MethodGet, token, nil, route...)
	if err != nil {
		return nil, err
	}
	return fetchList[T](ctx, &c.sender, r)
}
