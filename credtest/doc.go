// SPDX-License-Identifier: BSD-3-Clause

// Package credtest makes the credentials that tests and demonstrations of
// scientific services need: certificate authorities, host and user
// certificates, RFC 3820 proxies, SciTokens and WLCG tokens, sound ones and
// ones that are broken in a named way.
//
// A certificate authority signs hosts and users, a user signs proxies, and a
// proxy signs further proxies:
//
//	ca := credtest.NewCA("Test CA")
//	host := ca.Host("localhost", "127.0.0.1")
//	user := ca.User("Albert Einstein")
//	proxy := user.Proxy()
//	os.WriteFile("x509up_u1000", proxy.PEM(), 0o600)
//
// A token issuer signs tokens and publishes its keys:
//
//	issuer := credtest.NewIssuer("https://issuer.example.org")
//	token := issuer.SciToken(credtest.Claims{"aud": "https://data.example.org", "scope": "read:/"})
//
// What a program should refuse comes as enumerations, so that a test can walk
// through all of them: [AllCertFaults] and [AllTokenFaults] are broken,
// [AllLayouts] are the sound ways in which a certificate file may be arranged.
//
// # Throw-away material
//
// Nothing made here protects anything. Keys are made afresh by each call, are
// as small as today's software accepts, and are handed out freely. The names
// of all certificates lie under /DC=org/DC=scicred-test, which is no real
// authority's.
//
// # Failure
//
// Like [net/http/httptest], functions of this package panic where a test could
// only give up: when the random number generator fails or when what they are
// asked for cannot be encoded. No function needs a [testing.TB], so programs
// can use them too.
//
// # Concurrency
//
// A [CA], an [Identity] and an [Issuer] do not change once they are made; all
// their methods may be called from several goroutines.
package credtest
