// SPDX-License-Identifier: BSD-3-Clause

// Package login gets bearer tokens from OAuth 2.0 and OpenID providers, such as
// Keycloak.
//
// A [Provider] is where one logs in. A [Client] is who asks there. A [Fetcher]
// is one way to get tokens; [NewDevice] has a person type a code into a browser,
// on any device.
//
// No error, log line or printed value of this package holds a token, a secret
// or a password.
package login
