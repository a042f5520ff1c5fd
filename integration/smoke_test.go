// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

// The tests in this file use net/http alone. They show that the servers are
// what the other tests take them for: if one of these fails, look here first.

// client returns a client that trusts the test bed's authority, offers the
// certificate if there is one, and does not follow redirects.
func (b *bed) client(t *testing.T, certificate *tls.Certificate) *http.Client {
	t.Helper()
	config := &tls.Config{RootCAs: b.ca.Pool()}
	if certificate != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	}
	transport := &http.Transport{TLSClientConfig: config, TLSHandshakeTimeout: 10 * time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get returns status and body.
func get(t *testing.T, client *http.Client, url string, prepare ...func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	for _, p := range prepare {
		p(req)
	}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func loadProxy(t *testing.T, b *bed) *tls.Certificate {
	t.Helper()
	c, err := tls.LoadX509KeyPair(b.userProxy, b.userProxy)
	require.NoError(t, err)
	return &c
}

func TestTokenStoreJudgesTokens(t *testing.T) {
	t.Parallel()
	b := servers(t)
	audience := credtest.Claims{"aud": b.tokenStore}
	for name, test := range map[string]struct {
		token  string
		status int
	}{
		"SciToken":         {b.tokens.SciToken(audience), http.StatusOK},
		"SciToken, RS256":  {b.tokens.SciToken(audience, credtest.RS256()), http.StatusOK},
		"SciToken for any": {b.tokens.SciToken(nil), http.StatusOK},
		"WLCG for any":     {b.tokens.WLCG(nil), http.StatusOK},
		"another audience": {b.tokens.SciToken(credtest.Claims{"aud": "https://elsewhere.invalid"}), http.StatusForbidden},
		"another folder":   {b.tokens.SciToken(credtest.Claims{"scope": "read:/other"}), http.StatusForbidden},
		"expired":          {b.tokens.SciToken(audience, credtest.Expired()), http.StatusForbidden},
		"forged":           {b.tokens.SciToken(audience, credtest.Forged()), http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, mark := marked(b.tokenStore + "/store/data/hello.txt")
			status, body := get(t, b.client(t, nil), url, bearer(test.token))
			assert.Equal(t, test.status, status)
			if test.status == http.StatusOK {
				assert.Equal(t, storeFiles["/store/data/hello.txt"], body)
			}
			assert.Equal(t, []string{"token-store bearer " + tail(test.token)}, authorizations(b.storeSaw(t, "token-store", mark)))
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		url, mark := marked(b.tokenStore + "/store/data/hello.txt")
		status, _ := get(t, b.client(t, nil), url)
		assert.Equal(t, http.StatusForbidden, status)
		assert.Equal(t, []string{"token-store"}, authorizations(b.storeSaw(t, "token-store", mark)))
	})
}

func TestCertStoreJudgesCertificates(t *testing.T) {
	t.Parallel()
	b := servers(t)
	userCert, ourProxy, otherProxy := b.user.TLS(), b.user.Proxy(credtest.RSAKey()).TLS(), b.ca.User("Charles Babbage").Proxy().TLS()
	for name, test := range map[string]struct {
		certificate *tls.Certificate
		status      int
	}{
		"proxy of grid-proxy-init": {loadProxy(t, b), http.StatusOK},
		"proxy of credtest":        {&ourProxy, http.StatusOK},
		"user certificate":         {&userCert, http.StatusOK},
		"another user":             {&otherProxy, http.StatusForbidden},
		"none":                     {nil, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := get(t, b.client(t, test.certificate), b.certStore+"/store/data/hello.txt")
			assert.Equal(t, test.status, status)
			if test.status == http.StatusOK {
				assert.Equal(t, storeFiles["/store/data/hello.txt"], body)
			}
		})
	}
}

func TestBothStoreTakesEither(t *testing.T) {
	t.Parallel()
	b := servers(t)
	status, _ := get(t, b.client(t, nil), b.bothStore+"/store/data/hello.txt", bearer(b.tokens.SciToken(nil)))
	assert.Equal(t, http.StatusOK, status, "token")
	status, _ = get(t, b.client(t, loadProxy(t, b)), b.bothStore+"/store/data/hello.txt")
	assert.Equal(t, http.StatusOK, status, "proxy")
	status, _ = get(t, b.client(t, nil), b.bothStore+"/store/public/hello.txt")
	assert.Equal(t, http.StatusOK, status, "neither, public")
	status, _ = get(t, b.client(t, nil), b.bothStore+"/store/data/hello.txt")
	assert.Equal(t, http.StatusForbidden, status, "neither")
}

func TestNginxSeesWhatIsSent(t *testing.T) {
	t.Parallel()
	b := servers(t)
	token := b.tokens.SciToken(nil)
	userCert := b.user.TLS()
	login := func(r *http.Request) { r.SetBasicAuth(loginUser, loginPassword) }
	for name, test := range map[string]struct {
		url         string
		certificate *tls.Certificate
		prepare     func(*http.Request)
		want        seen
	}{
		"nothing":     {b.web, nil, func(*http.Request) {}, seen{Certificate: "NONE"}},
		"token":       {b.web, nil, bearer(token), seen{Certificate: "NONE", Authorization: "bearer", Tail: tail(token)}},
		"login":       {b.web, nil, login, seen{Certificate: "NONE", Authorization: "basic", User: loginUser}},
		"certificate": {b.otherHost, &userCert, func(*http.Request) {}, seen{Certificate: "SUCCESS", Subject: nginxDN(b.user)}},
		"over http":   {b.plain, nil, bearer(token), seen{Authorization: "bearer", Tail: tail(token)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, mark := marked(test.url + "/whoami")
			status, body := get(t, b.client(t, test.certificate), url, test.prepare)
			require.Equal(t, http.StatusOK, status)
			want := test.want
			want.Server, want.Method, want.URI, want.Status = serverOf(test.url), http.MethodGet, "/whoami?"+mark, http.StatusOK

			logged := b.nginxSaw(t, mark)
			require.Len(t, logged, 1)
			want.Connection = logged[0].Connection
			assert.Equal(t, want, logged[0], "the log")
			var told seen
			require.NoError(t, json.Unmarshal([]byte(body), &told))
			assert.Equal(t, want, told, "the answer")
		})
	}
}

// nginxDN is how nginx writes a name: CN=Ada Lovelace,DC=scicred-test,DC=org.
func nginxDN(id *credtest.Identity) string {
	parts := strings.Split(strings.TrimPrefix(id.DN(), "/"), "/")
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, ",")
}

func TestNginxDoors(t *testing.T) {
	t.Parallel()
	b := servers(t)
	userCert := b.user.TLS()
	login := func(password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(loginUser, password) }
	}
	for name, test := range map[string]struct {
		path        string
		certificate *tls.Certificate
		prepare     func(*http.Request)
		status      int
	}{
		"certificate":          {"/certificate", &userCert, nil, http.StatusOK},
		"no certificate":       {"/certificate", nil, nil, http.StatusForbidden},
		"proxy for nginx":      {"/certificate", loadProxy(t, b), nil, http.StatusBadRequest}, // nginx accepts no proxies.
		"login":                {"/login/hello.txt", nil, login(loginPassword), http.StatusOK},
		"wrong password":       {"/login/hello.txt", nil, login("x"), http.StatusUnauthorized},
		"no login":             {"/login/hello.txt", nil, nil, http.StatusUnauthorized},
		"newest token":         {"/newest-token", nil, bearer(b.newestToken), http.StatusOK},
		"another token":        {"/newest-token", nil, bearer(b.tokens.SciToken(nil)), http.StatusUnauthorized},
		"status without cause": {"/status/503", nil, nil, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var prepare []func(*http.Request)
			if test.prepare != nil {
				prepare = append(prepare, test.prepare)
			}
			status, _ := get(t, b.client(t, test.certificate), b.web+test.path, prepare...)
			assert.Equal(t, test.status, status)
		})
	}
}

func TestNginxRedirects(t *testing.T) {
	t.Parallel()
	b := servers(t)
	for _, code := range redirectCodes() {
		for where, target := range b.redirects() {
			t.Run(fmt.Sprint(code, " ", where), func(t *testing.T) {
				t.Parallel()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s/redirect/%d/%s?q=1", b.web, code, where), nil)
				require.NoError(t, err)
				resp, err := b.client(t, nil).Do(req)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				assert.Equal(t, code, resp.StatusCode)
				assert.Equal(t, target+"?q=1", resp.Header.Get("Location"))
			})
		}
	}
}

func TestStrangeCertificateIsRefused(t *testing.T) {
	t.Parallel()
	b := servers(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.untrusted+"/whoami", nil)
	require.NoError(t, err)
	resp, err := b.client(t, nil).Do(req)
	if err == nil {
		require.NoError(t, resp.Body.Close())
	}
	var unknown *tls.CertificateVerificationError
	require.ErrorAs(t, err, &unknown)
}
