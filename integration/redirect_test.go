// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
)

// laden returns a client with a token that fits everywhere, a certificate, and
// a login for both hosts of the test bed.
func laden(t *testing.T, b *bed, opts ...scicred.Option) (client *http.Client, token string) {
	t.Helper()
	token = b.tokens.SciToken(nil)
	p := newPlace(t, b).withToken(t, token).withCertificate(t, b.user.CertPEM(), b.user.KeyPEM())
	p.put(t, ".netrc", fmt.Sprintf("machine localhost login %[1]s password %[2]s\nmachine 127.0.0.2 login %[1]s password %[2]s\n",
		loginUser, loginPassword))
	return p.client(t, opts...), token
}

// The first server gets token and certificate; whom it sends us to gets nothing,
// and neither does the first when it gets us back that way.
func TestRedirectsTakeNothingToAnotherOrigin(t *testing.T) {
	t.Parallel()
	b := servers(t)
	for _, code := range redirectCodes() {
		for where, hops := range map[string][]string{
			"other-port": {b.otherPort},
			"other-host": {b.otherHost},
			"http":       {b.plain},
			"back":       {b.otherHost, b.web},
			"login":      {b.otherPort}, // Which asks for the login that netrc has for its name.
		} {
			t.Run(fmt.Sprint(code, " ", where), func(t *testing.T) {
				t.Parallel()
				client, token := laden(t, b)
				url, mark := marked(fmt.Sprintf("%s/redirect/%d/%s", b.web, code, where))
				_, err := fetch(t.Context(), t, client, url)
				if where == "login" {
					var status *scicred.StatusError
					require.ErrorAs(t, err, &status)
					assert.Equal(t, http.StatusUnauthorized, status.StatusCode)
				} else {
					require.NoError(t, err)
				}
				logged := b.nginxSaw(t, mark)
				require.Len(t, logged, 1+len(hops))
				assert.Equal(t, "bearer "+tail(token), logged[0].Authorization+" "+logged[0].Tail)
				assert.Equal(t, "SUCCESS", logged[0].Certificate)
				for i, hop := range hops {
					e := logged[1+i]
					assert.Equal(t, serverOf(hop), e.Server)
					assert.Empty(t, e.Authorization)
					assert.NotEqual(t, "SUCCESS", e.Certificate)
					assert.Empty(t, e.Subject)
					assert.NotContains(t, e.Referer, mark, "a query may hold secrets")
				}
			})
		}
	}
}

func TestRedirectsTakeEverythingToTheSameOrigin(t *testing.T) {
	t.Parallel()
	b := servers(t)
	for _, code := range redirectCodes() {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			client, token := laden(t, b)
			url, mark := marked(fmt.Sprintf("%s/redirect/%d/same", b.web, code))
			_, err := fetch(t.Context(), t, client, url)
			require.NoError(t, err)
			logged := b.nginxSaw(t, mark)
			require.Len(t, logged, 2)
			for _, e := range logged {
				assert.Equal(t, "bearer "+tail(token)+" SUCCESS", e.Authorization+" "+e.Tail+" "+e.Certificate)
			}
		})
	}
}

func TestRedirectsTakeCredentialsToTrustedHosts(t *testing.T) {
	t.Parallel()
	b := servers(t)
	client, token := laden(t, b, scicred.WithTrustedHosts(hostPort(b.otherHost)))
	url, mark := marked(b.web + "/redirect/307/other-host")
	_, err := fetch(t.Context(), t, client, url)
	require.NoError(t, err)
	logged := b.nginxSaw(t, mark)
	require.Len(t, logged, 2)
	assert.Equal(t, serverOf(b.otherHost), logged[1].Server)
	assert.Equal(t, "bearer "+tail(token)+" SUCCESS", logged[1].Authorization+" "+logged[1].Tail+" "+logged[1].Certificate)
}

func TestRedirectLoopEnds(t *testing.T) {
	t.Parallel()
	b := servers(t)
	client, _ := laden(t, b)
	url, mark := marked(b.web + "/redirect/302/loop")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	if resp != nil {
		require.NoError(t, resp.Body.Close())
	}
	require.ErrorContains(t, err, "stopped after 10 redirects")
	assert.Len(t, b.nginxSaw(t, mark), 10)
}
