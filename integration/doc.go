// SPDX-License-Identifier: BSD-3-Clause

// Package integration tests scicred against the servers that scientists meet:
// XRootD with its SciTokens plug-in, XRootD with X.509 proxies, and nginx with
// client certificates, logins and redirects.
//
// The tests are behind the build tag integration, since they need those servers
// installed, and root, which gives each server a namespace and a user of its
// own:
//
//	make integration
//
// They start the servers on loopback, on ports that are free, from a folder
// under /tmp that is theirs, with credentials that package credtest mints, and
// leave nothing behind, even if they are interrupted.
//
// Where a server is missing the tests skip, saying what is missing; if the
// environment has CI=true they fail instead.
package integration
