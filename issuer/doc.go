// SPDX-License-Identifier: BSD-3-Clause

// Package issuer checks that tokens were really signed by those who they say
// issued them. It is opt-in: package scicred finds and sends tokens without it,
// since the server that gets a token checks it, and finding one must work
// without a network.
//
// # What it is about
//
// A SciToken or WLCG token is a JWT. It names its issuer, an https URL such as
// https://cilogon.org/igwn, and is signed with a private key that only the
// issuer has. The issuer publishes the public keys that belong to it, so that
// everybody can check signatures without asking. This package knows where
// (OpenID Connect Discovery, RFC 8414), fetches the keys (RFC 7517), and keeps
// them.
//
// You need it in two cases.
//
// Your program receives tokens and has to decide whether to believe them:
//
//	keys, err := issuer.New(issuer.Config{
//		Issuers:  []string{"https://cilogon.org/igwn"},
//		Audience: []string{"https://data.example.org"},
//	})
//	...
//	claims, err := keys.Verify(ctx, token)
//
// Or it sends tokens, and you want it to notice before the server does that one
// is damaged or forged. Then give the [Keys] to scicred:
//
//	scicred.WithTokenPolicy(scicred.TokenPolicy{Verifier: keys})
//
// # What is promised
//
// Nobody is asked who is not on your list. Nothing is fetched but over https
// with the server's certificate checked, redirects included, and nothing is
// sent along: no token, no login, no cookie, no client certificate. The metadata
// must name the issuer letter by letter as the token does.
//
// Only RS256, RS384, RS512, ES256, ES384 and EdDSA are accepted. RSA keys have
// between 2048 and 4096 bits. A key that was published with its private part, or
// is broken, or is for encryption, is not used, and does not spoil the others.
//
// What comes from the network is bounded in size and time, and so is how often
// it is asked for: keys are fetched again after one to six hours, as the issuer
// says (Cache-Control), and for a key that is not among them at most once a
// minute.
//
// # Without a network
//
// While an issuer cannot be reached its keys go on to serve, up to two days
// after it confirmed them last (Config.Offline). With Config.CacheDir they are
// kept in files as well, so that programs that run for a moment need not ask
// each time, and find keys though the network is down. Any number of processes
// may share the folder. It must belong to the user and be closed to others: who
// can write there can make tokens be believed. A damaged file is the same as
// none, and is replaced.
//
// Both have a price: a key that the issuer withdraws is believed until the next
// fetch, up to six hours later, or up to two days later by those who cannot
// reach the issuer.
package issuer
