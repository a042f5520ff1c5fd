// SPDX-License-Identifier: BSD-3-Clause

package issuer_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/issuer"
)

// A server with a token issuer on this machine. In your program the issuer is
// somewhere else, and Transport need not be set.
func exampleIssuer() (*credtest.Site, *credtest.Issuer) {
	site := credtest.NewSite()
	is := credtest.NewIssuer(site.Origin)
	site.Handle("/.well-known/openid-configuration", credtest.Answer(http.StatusOK, string(is.OpenIDConfiguration())))
	site.Handle("/jwks", credtest.Answer(http.StatusOK, string(is.JWKS())))
	return site, is
}

// A service believes a token only if one of its issuers has signed it for this
// service.
func ExampleKeys_Verify() {
	site, is := exampleIssuer()
	defer site.Close()

	keys, err := issuer.New(issuer.Config{
		Issuers:   []string{is.URL()}, // "https://cilogon.org/igwn"
		Audience:  []string{"https://data.example.org"},
		Transport: site.Transport(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := keys.Verify(context.Background(), is.SciToken(credtest.Claims{"aud": "https://data.example.org"}))
	fmt.Println(claims.Subject, claims.Scope, err)

	_, err = keys.Verify(context.Background(), is.SciToken(credtest.Claims{"aud": "https://other.example.org"}))
	fmt.Println(err)
	_, err = keys.Verify(context.Background(), is.SciToken(nil, credtest.Forged()))
	fmt.Println(err, errors.Is(err, issuer.ErrSignature))
	// Output:
	// test.user [read:/] <nil>
	// the token is refused: its audience is https://other.example.org, not https://data.example.org
	// the token is refused: its signature is not one of its issuer's key, or it was changed since true
}

// A program that sends tokens notices a forged one before the server does, and
// goes on to the next place where a token may be.
func ExampleNew_verifier() {
	site, is := exampleIssuer()
	defer site.Close()

	world := credtest.NewWorld() // a machine with two tokens
	forged := is.SciToken(nil, credtest.Forged(), credtest.At(world.Now()))
	world.SetEnv("SCITOKEN", forged)
	world.SetEnv("BEARER_TOKEN", is.SciToken(nil, credtest.At(world.Now())))

	keys, err := issuer.New(issuer.Config{Issuers: []string{is.URL()}, Transport: site.Transport()})
	if err != nil {
		fmt.Println(err)
		return
	}
	transport, err := scicred.NewTransport(nil, scicred.WithSystem(world.System()),
		scicred.WithTokenPolicy(scicred.TokenPolicy{Verifier: keys}))
	if err != nil {
		fmt.Println(err)
		return
	}
	report := transport.Explain(context.Background(), &url.URL{Scheme: "https", Host: "data.example.org"})
	for _, a := range report.Attempts {
		if a.Outcome == scicred.Attached || a.Outcome == scicred.Rejected {
			fmt.Println(a.Outcome, a.Candidate, a.Err)
		}
	}
	// Output:
	// rejected SCITOKEN its signature is wrong
	// attached BEARER_TOKEN <nil>
}

// A program that runs for a moment keeps the keys in a folder, so that it need
// not ask the issuer each time.
func ExampleNew_cache() {
	dir, err := issuer.DefaultCacheDir() // ~/.cache/scicred/keys
	if err != nil {
		dir = "" // no home, no cache
	}
	_, err = issuer.New(issuer.Config{
		Issuers:  []string{"https://cilogon.org/igwn", "https://wlcg.cloud.cnaf.infn.it/"},
		CacheDir: dir,
	})
	fmt.Println(err)
	// Output: <nil>
}

// Key is what a verifier of tokens needs, for example golang-jwt.
func ExampleKeys_Key() {
	site, is := exampleIssuer()
	defer site.Close()

	keys, err := issuer.New(issuer.Config{Issuers: []string{is.URL()}, Transport: site.Transport()})
	if err != nil {
		fmt.Println(err)
		return
	}
	public, err := keys.Key(context.Background(), is.URL(), "ES256", "es256")
	if ec, ok := public.(*ecdsa.PublicKey); ok {
		fmt.Println(ec.Curve.Params().Name, err)
	}

	// A name that the issuer does not know, and an issuer that nobody named.
	_, err = keys.Key(context.Background(), is.URL(), "ES256", "k9")
	fmt.Println(strings.ReplaceAll(err.Error(), is.URL(), "https://issuer.example"))
	_, err = keys.Key(context.Background(), "https://stranger.example", "ES256", "es256")
	fmt.Println(err)
	// Output:
	// P-256 <nil>
	// issuer "https://issuer.example": https://issuer.example/jwks publishes no key "k9" for ES256; its keys are "es256" (ES256), "rs256" (RS256) (asked less than 1s ago)
	// issuer "https://stranger.example": it is not one whose tokens are accepted, so nothing was fetched from it
}
