// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

const dataFile = "/store/data/hello.txt"

// fetch returns the body and what CheckResponse says of the response.
func fetch(ctx context.Context, t *testing.T, client *http.Client, url string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body), scicred.CheckResponse(resp)
}

// attemptOf returns what the report in an error says of a candidate.
func attemptOf(t *testing.T, err error, candidate string) (*scicred.StatusError, scicred.Attempt) {
	t.Helper()
	var status *scicred.StatusError
	require.ErrorAs(t, err, &status)
	require.NotNil(t, status.Report)
	for _, a := range status.Report.Attempts {
		if a.Candidate == candidate {
			return status, a
		}
	}
	require.Failf(t, "no such candidate", "%s in\n%s", candidate, status.Report)
	return nil, scicred.Attempt{}
}

func TestTokenInAFileOpensXRootD(t *testing.T) {
	t.Parallel()
	b := servers(t)
	for name, token := range map[string]string{
		"SciToken for this server": b.tokens.SciToken(credtest.Claims{"aud": b.tokenStore}),
		"SciToken for the host":    b.tokens.SciToken(credtest.Claims{"aud": "https://localhost"}),
		"WLCG token for any":       b.tokens.WLCG(nil, credtest.RS256()),
		"WLCG token, one folder":   b.tokens.WLCG(credtest.Claims{"scope": "storage.read:/data"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, mark := marked(b.tokenStore + dataFile)
			body, err := fetch(t.Context(), t, newPlace(t, b).withToken(t, token).client(t), url)
			require.NoError(t, err)
			assert.Equal(t, storeFiles[dataFile], body)
			assert.Equal(t, []string{"token-store bearer " + tail(token)}, authorizations(b.storeSaw(t, "token-store", mark)))
		})
	}
}

func TestProxyOpensXRootD(t *testing.T) {
	t.Parallel()
	b := servers(t)
	made := readFile(t, b.userProxy)
	for name, proxy := range map[string][]byte{
		"of grid-proxy-init": made,
		"nested":             b.user.Proxy().Proxy().PEM(),
		"key last":           credtest.LayoutKeyLast.Arrange(b.user.Proxy()),
		"reversed":           credtest.LayoutReversed.Arrange(b.user.Proxy()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := fetch(t.Context(), t, newPlace(t, b).withProxy(t, proxy).client(t), b.certStore+dataFile)
			require.NoError(t, err)
			assert.Equal(t, storeFiles[dataFile], body)
		})
	}
}

func TestTokenThatDoesNotFitIsNotSentAndTheRefusalExplained(t *testing.T) {
	t.Parallel()
	b := servers(t)
	for name, test := range map[string]struct {
		token string
		kind  error
		words []string
	}{
		"another audience": {
			b.tokens.SciToken(credtest.Claims{"aud": "https://elsewhere.invalid"}),
			scicred.ErrMismatch,
			[]string{"BEARER_TOKEN_FILE", "audience", "https://elsewhere.invalid"},
		},
		"expired": {
			b.tokens.SciToken(credtest.Claims{"aud": b.tokenStore}, credtest.Expired()),
			scicred.ErrExpired,
			[]string{"BEARER_TOKEN_FILE", "expired", "1h"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, mark := marked(b.tokenStore + dataFile)
			_, err := fetch(t.Context(), t, newPlace(t, b).withToken(t, test.token).client(t), url)
			status, attempt := attemptOf(t, err, "BEARER_TOKEN_FILE")
			assert.Equal(t, http.StatusForbidden, status.StatusCode)
			assert.Equal(t, scicred.Rejected, attempt.Outcome)
			require.ErrorIs(t, attempt.Err, test.kind)
			for _, word := range test.words {
				assert.Contains(t, err.Error()+"\n"+status.Report.String(), word)
			}
			assert.NotContains(t, err.Error()+status.Report.String(), test.token)
			assert.Equal(t, []string{"token-store"}, authorizations(b.storeSaw(t, "token-store", mark)), "no token arrived")
		})
	}
}

func TestTokenThatOnlyTheServerRefusesIsExplained(t *testing.T) {
	t.Parallel()
	b := servers(t)
	forged := b.tokens.SciToken(credtest.Claims{"aud": b.tokenStore}, credtest.Forged())
	url, mark := marked(b.tokenStore + dataFile)
	_, err := fetch(t.Context(), t, newPlace(t, b).withToken(t, forged).client(t), url)
	status, attempt := attemptOf(t, err, "BEARER_TOKEN_FILE")
	assert.Equal(t, http.StatusForbidden, status.StatusCode)
	assert.Equal(t, scicred.Attached, attempt.Outcome)
	assert.NotEmpty(t, status.Facts)
	assert.Equal(t, []string{"token-store bearer " + tail(forged)}, authorizations(b.storeSaw(t, "token-store", mark)))
}

// XRootD forgets the certificate of a request whose token is valid, however
// little the token allows.
func TestXRootDJudgesByTheTokenAlone(t *testing.T) {
	t.Parallel()
	b := servers(t)
	narrow := b.tokens.SciToken(credtest.Claims{"aud": b.bothStore, "scope": "read:/other"})
	client := newPlace(t, b).withToken(t, narrow).withProxy(t, readFile(t, b.userProxy)).client(t)

	_, err := fetch(t.Context(), t, client, b.bothStore+dataFile)
	status, token := attemptOf(t, err, "BEARER_TOKEN_FILE")
	_, certificate := attemptOf(t, err, "X509_USER_PROXY")
	assert.Equal(t, http.StatusForbidden, status.StatusCode)
	assert.Equal(t, scicred.Attached, token.Outcome)
	assert.Equal(t, scicred.Attached, certificate.Outcome)
	assert.Contains(t, err.Error(), "token alone")

	// What the error advises helps.
	body, err := fetch(scicred.NewContext(t.Context(), scicred.Without(scicred.KindToken)), t, client, b.bothStore+dataFile)
	require.NoError(t, err)
	assert.Equal(t, storeFiles[dataFile], body)
}

func TestNetrcLogsInToNginx(t *testing.T) {
	t.Parallel()
	b := servers(t)
	for name, machine := range map[string]string{"host": "localhost", "host and port": hostPort(b.web)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, mark := marked(b.web + "/login/hello.txt")
			body, err := fetch(t.Context(), t, newPlace(t, b).withLogin(t, machine, loginPassword).client(t), url)
			require.NoError(t, err)
			assert.Equal(t, nginxFile, body)
			logged := b.nginxSaw(t, mark)
			assert.Equal(t, []string{serverOf(b.web) + " basic"}, authorizations(logged))
			assert.Equal(t, loginUser, logged[0].User)
		})
	}
}

func TestCertificateOpensNginx(t *testing.T) {
	t.Parallel()
	b := servers(t)
	url, mark := marked(b.web + "/certificate")
	_, err := fetch(t.Context(), t, newPlace(t, b).withCertificate(t, b.user.CertPEM(), b.user.KeyPEM()).client(t), url)
	require.NoError(t, err)
	assert.Equal(t, nginxDN(b.user), b.nginxSaw(t, mark)[0].Subject)
}

func TestTokenReplacedUnderWayIsSentOnceMore(t *testing.T) {
	t.Parallel()
	b := servers(t)
	for name, test := range map[string]struct {
		url      string
		old, new string
		saw      func(mark string) []string
	}{
		"nginx, 401": {
			b.web + "/newest-token",
			b.tokens.SciToken(nil), b.newestToken,
			func(mark string) []string { return authorizations(b.nginxSaw(t, mark)) },
		},
		"XRootD, 403": {
			b.tokenStore + dataFile,
			b.tokens.SciToken(nil, credtest.Forged()), b.tokens.SciToken(nil),
			func(mark string) []string { return authorizations(b.storeSaw(t, "token-store", mark)) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, b).withToken(t, test.old)
			url, mark := marked(test.url)

			// When there is a connection, the old token has been chosen and not
			// been sent.
			var once sync.Once
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				GotConn: func(httptrace.GotConnInfo) { once.Do(func() { p.put(t, "token", test.new) }) },
			})
			_, err := fetch(ctx, t, p.client(t), url)
			require.NoError(t, err)
			saw := test.saw(mark)
			require.Len(t, saw, 2)
			assert.Contains(t, saw[0], "bearer "+tail(test.old))
			assert.Contains(t, saw[1], "bearer "+tail(test.new))
		})
	}
}

func TestRotationWithoutRestart(t *testing.T) {
	t.Parallel()
	b := servers(t)
	p := newPlace(t, b).withToken(t, b.tokens.SciToken(nil)).withCertificate(t, b.user.CertPEM(), b.user.KeyPEM())
	client := p.client(t)
	ask := func() seen {
		url, mark := marked(b.web + "/whoami")
		_, err := fetch(t.Context(), t, client, url)
		require.NoError(t, err)
		logged := b.nginxSaw(t, mark)
		require.Len(t, logged, 1)
		return logged[0]
	}
	before := ask()
	assert.Equal(t, nginxDN(b.user), before.Subject)

	successor, token := b.ca.User("Grace Hopper", credtest.RSAKey()), b.tokens.SciToken(nil)
	p.put(t, "token", token)
	p.put(t, "usercert.pem", string(successor.CertPEM()))
	p.put(t, "userkey.pem", string(successor.KeyPEM()))
	p.later(2 * time.Second) // It looks at files once a second.
	var after seen
	require.Eventually(t, func() bool { // And serves what it has if looking takes long.
		after = ask()
		p.later(2 * time.Second)
		return after.Tail == tail(token) && after.Subject == nginxDN(successor)
	}, 10*time.Second, time.Millisecond)
	assert.NotEqual(t, before.Connection, after.Connection, "a connection shows the certificate it was opened with")
}

func TestNothingGoesOverCleartextHTTPUnlessNamed(t *testing.T) {
	t.Parallel()
	b := servers(t)
	token := b.tokens.SciToken(nil)
	p := newPlace(t, b).withToken(t, token).withLogin(t, "localhost", loginPassword)
	for name, test := range map[string]struct {
		opts []scicred.Option
		want string
	}{
		"discovered": {nil, serverOf(b.plain)},
		"named":      {[]scicred.Option{scicred.WithToken(token)}, serverOf(b.plain) + " bearer " + tail(token)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, mark := marked(b.plain + "/whoami")
			_, err := fetch(t.Context(), t, p.client(t, test.opts...), url)
			require.NoError(t, err)
			assert.Equal(t, []string{test.want}, authorizations(b.nginxSaw(t, mark)))
		})
	}
}

func TestForceNoAuthDoesNotRideAnAuthenticatedConnection(t *testing.T) {
	t.Parallel()
	b := servers(t)
	client := newPlace(t, b).withToken(t, b.tokens.SciToken(nil)).
		withCertificate(t, b.user.CertPEM(), b.user.KeyPEM()).withLogin(t, "localhost", loginPassword).client(t)
	url, mark := marked(b.web + "/whoami")
	for range 2 {
		_, err := fetch(t.Context(), t, client, url)
		require.NoError(t, err)
		_, err = fetch(scicred.NewContext(t.Context(), scicred.ForceNoAuth()), t, client, url)
		require.NoError(t, err)
	}
	logged := b.nginxSaw(t, mark)
	require.Len(t, logged, 4)
	for i, e := range logged {
		if i%2 == 0 {
			assert.Equal(t, "bearer", e.Authorization)
			assert.Equal(t, "SUCCESS", e.Certificate)
		} else {
			assert.Empty(t, e.Authorization)
			assert.Equal(t, "NONE", e.Certificate)
		}
	}
	assert.Equal(t, logged[0].Connection, logged[2].Connection, "connections are kept")
}

func TestServerWithAStrangeCertificateGetsNothing(t *testing.T) {
	t.Parallel()
	b := servers(t)
	url, mark := marked(b.untrusted + "/whoami")
	client := newPlace(t, b).withToken(t, b.tokens.SciToken(nil)).client(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err == nil {
		require.NoError(t, resp.Body.Close())
	}
	require.Error(t, err)
	assert.Empty(t, b.nginxSaw(t, mark))
}
