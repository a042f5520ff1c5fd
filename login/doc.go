// SPDX-License-Identifier: BSD-3-Clause

// Package login gets bearer tokens from OAuth 2.0 and OpenID providers, such as
// Keycloak.
//
// A [Provider] is where one logs in. A [Client] is who asks there. A [Fetcher]
// is one way to get tokens: with a code that a person types into a browser, on any
// device ([NewDevice]), with the client's own secret ([NewClientCredentials]), a
// refresh token ([NewRefresh]), a password ([NewPassword]), a token or a file
// with one ([NewStatic], [NewWallarooFile]), or a program that prints one
// ([NewCommand]). A [Cached] wraps any of them: it keeps what it got in a file that
// only the user can read, renews it in time, and shares it with all processes of
// that user, so that a person logs in once. A [Source] hands its tokens to a
// [scicred.Transport], for the hosts that you name and no others.
//
// No error, log line or printed value of this package holds a token, a secret
// or a password.
//
// [scicred.Transport]: https://pkg.go.dev/github.com/scicred/scicred#Transport
package login
