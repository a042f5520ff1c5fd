// SPDX-License-Identifier: BSD-3-Clause

// Package gafaelfawr is a client of Gafaelfawr, the token and user-information
// service of the Rubin Science Platform: who is the user behind a token, which
// groups and quotas do they have, and which tokens are there.
//
// On the platform a client needs no arguments:
//
//	client, err := gafaelfawr.New()
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	token, err := gafaelfawr.ParseToken(req.Header.Get("X-Auth-Request-Token"))
//	if err != nil {
//		return err
//	}
//	user, err := client.UserInfo(ctx, token)
//
// The environment variable REPERTOIRE_BASE_URL says where service discovery is,
// and service discovery where Gafaelfawr is. [WithAPIURL] does without either.
// [Discovery] answers other questions about the site too.
//
// # Tokens
//
// Every request is made with a [Token] that the caller gives. A service that acts
// for its users has one of each user, delegated by Gafaelfawr's ingress; a service
// that acts for itself has a token of its own, and scopes for what it does:
// admin:userinfo for users by name, admin:token for other users' tokens.
//
// A token is never printed. Errors and logs show its key at most, and hide what a
// server or proxy repeats of it. Tokens travel over https alone, or http to this
// machine; redirects are not followed.
//
// # Caches
//
// User information is remembered for five minutes, for up to 1000 users by token
// and as many by name. Under load each user costs one request in that time,
// however many ask, and nobody waits for another user's. [WithCacheLifetime] and
// [WithCacheSize] tune both; five minutes should not be exceeded, so that changes
// of groups show. The document of service discovery is remembered for five
// minutes too, and used for longer when it cannot be fetched.
//
// # Errors
//
//	DiscoveryError    service discovery fails, or does not know Gafaelfawr
//	WebError          no answer, or one that is no success
//	NotFoundError     a WebError of status 404: no such user, token or setting
//	ValidationError   an answer that is not what it should be
//	ErrInvalidToken, ErrInvalidArgument   nothing was sent
//
// Each is a sentence that says what was asked of whom. What a server does not say
// is nil, never a zero: an unknown UID is not that of root.
//
// # Wire types
//
// The types of requests and replies write and read the JSON of Gafaelfawr's own
// server, so that servers can use them as well. They are in the files token.go and
// wire_*.go, which need nothing of the client.
//
// Package gafaelfawrtest has a server for tests.
package gafaelfawr
