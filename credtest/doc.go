// SPDX-License-Identifier: BSD-3-Clause

// Package credtest makes what tests and demonstrations of scientific services
// need: certificate authorities, host and user certificates, RFC 3820 proxies,
// SciTokens and WLCG tokens, sound ones and ones that are broken in a named way;
// servers that record which secret reached them; a machine in memory to look
// for credentials on; and a test of the contract that every [http.RoundTripper]
// has to keep.
//
// # Credentials
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
// # Servers
//
// A [Site] is a set of origins on this machine, which differ from each other in
// host, port or scheme. It records every request with the secrets that came
// along, and says in a sentence which of them reached an origin that they
// should not have reached:
//
//	site := credtest.NewSite()
//	defer site.Close()
//	site.Handle("/data", credtest.Redirect(307, site.OtherHost+"/data"))
//	client := &http.Client{Transport: wrap(site.Transport())}
//	client.Get(site.Origin + "/data")
//	for _, leak := range site.Leaks(site.OtherHost) {
//		t.Error(leak) // a bearer token ending in …abcd reached https://127.0.0.1:4711 through GET /data
//	}
//
// # Machines
//
// A [World] has an environment, files with owners and modes, a user, and a
// clock that stands still until it is moved:
//
//	world := credtest.NewWorld()
//	world.Put("/tmp/bt_u1000", issuer.SciToken(nil))
//	transport, err := scicred.NewTransport(base, scicred.WithSystem(world.System()))
//	world.Advance(time.Hour) // now it has expired
//
// # The contract of RoundTrippers
//
// [TestRoundTripper] puts any RoundTripper that wraps another through what
// net/http demands of it and what programs rely on, and says in a sentence what
// is broken.
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
// A [CA], an [Identity] and an [Issuer] do not change once they are made; a
// [Site] and a [World] guard what changes. All their methods may be called from
// several goroutines.
package credtest
