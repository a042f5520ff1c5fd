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
// The key of a token ([Token.Key]) is no secret and stands in URLs. A whole token in
// its place is refused before anything is sent: servers log URLs.
//
// A token is never printed. Errors and logs show its key at most, and hide what a
// server or proxy repeats of it. Tokens travel over https alone, or http to this
// machine; redirects are not followed.
//
// # With scicred
//
// A client can make its requests through a scicred.Transport ([WithHTTPClient]), for
// the certificate that a site's proxy asks for, say. The Token given to a method goes
// before any that scicred finds, and each of the two has its own rules on where
// tokens may go.
//
// Service discovery is asked without a token: it needs none. But a transport that
// adds one, such as that of scicred with WithToken, adds it there as well if the
// host of service discovery is among those that WithHosts names. Give service
// discovery a client of its own in that case:
//
//	discovery, err := gafaelfawr.NewDiscovery("") // on a bare client
//	if err != nil {
//		return err
//	}
//	client, err := gafaelfawr.New(gafaelfawr.WithDiscovery(discovery), gafaelfawr.WithHTTPClient(&http.Client{Transport: transport}))
//
// # Caches
//
// User information is remembered for five minutes, for up to 1000 users by token
// and as many by name. Under load each user costs one request in that time,
// however many ask, and nobody waits for another user's. [WithCacheLifetime] and
// [WithCacheSize] tune both; five minutes should not be exceeded, so that changes
// of groups show. Replies of more than 64 KiB are not remembered. What is remembered
// is returned even if the context has ended, since nothing is waited for. The
// document of service discovery is remembered for five minutes too, and used for
// longer when it cannot be fetched; that is then tried every ten seconds.
//
// # Errors
//
//	DiscoveryError    service discovery fails, or does not know Gafaelfawr
//	WebError          no answer, or one that is no success
//	NotFoundError     a WebError of status 404: no such user, token or setting
//	ValidationError   an answer that is not what it should be
//	ErrInvalidToken, ErrInvalidArgument   nothing was sent
//
// Each is a sentence that says what was asked of whom, with what servers and proxies
// say about it: without tokens, in printable characters, and a few hundred of them at
// most. What a server does not say
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
