// SPDX-License-Identifier: BSD-3-Clause

package credtest_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

func newSite(t *testing.T) (*credtest.Site, *http.Client) {
	t.Helper()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	tr := site.Transport()
	t.Cleanup(tr.CloseIdleConnections)
	return site, &http.Client{Transport: tr}
}

// answer is what came back.
type answer struct {
	status    int
	url       string // that answered
	challenge string
	text      string
}

// send makes a request with headers given as name, value.
func send(t *testing.T, client *http.Client, method, url, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Request.URL.String(), resp.Header.Get("WWW-Authenticate"), string(text)}
}

func TestEachOriginIsToldApart(t *testing.T) {
	t.Parallel()
	site, client := newSite(t)
	urls := []string{site.Origin, site.OtherPort, site.OtherHost, site.Plain, site.As("sub.localhost"), site.As("data.example.org")}
	for _, url := range urls {
		send(t, client, http.MethodGet, url+"/x?q=1", "")
	}
	var seen []string
	for _, a := range site.Arrivals() {
		seen = append(seen, a.Origin)
		assert.Equal(t, "/x", a.Path)
		assert.Equal(t, "q=1", a.Query)
		assert.Empty(t, a.Secrets())
	}
	assert.Equal(t, urls, seen)
	assert.Len(t, site.ArrivalsAt(site.OtherHost+"/any/path"), 1)

	site.Forget()
	assert.Empty(t, site.Arrivals())
}

func TestAnyProgramThatTrustsTheAuthorityFindsTheServers(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: site.CA.Pool()}}
	defer tr.CloseIdleConnections()
	for _, url := range []string{site.Origin, site.OtherPort, site.OtherHost, site.Plain} {
		assert.Equal(t, http.StatusOK, send(t, &http.Client{Transport: tr}, http.MethodGet, url, "").status)
		assert.Len(t, site.ArrivalsAt(url), 1)
	}
}

func TestAnArrivalIsFiledUnderTheNameTheClientAskedFor(t *testing.T) {
	t.Parallel()
	site, client := newSite(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.Origin, nil)
	require.NoError(t, err)
	req.Host = "elsewhere.example.org"
	resp, err := client.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	a := site.Arrivals()[0]
	assert.Equal(t, site.Origin, a.Origin)
	assert.Equal(t, "elsewhere.example.org", a.Host)
}

func TestSecretsAreRecordedAndLeaksAreSentences(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	defer site.Close()
	proxy := site.CA.User("Albert Einstein").Proxy()
	tr := site.Transport()
	defer tr.CloseIdleConnections()
	tr.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		cert := proxy.TLS()
		return &cert, nil
	}
	client := &http.Client{Transport: tr}
	send(t, client, http.MethodPost, site.Origin+"/x", "body",
		"Authorization", "Bearer secret-token-abcd", "TransferHeaderAuthorization", "Bearer other-wxyz",
		"Referer", "https://a.example/?sig=s", "Proxy-Authorization", "Basic cHJveHk6cHc=")
	send(t, client, http.MethodGet, site.Plain+"/y", "", "Authorization", "Basic YWxiZXJ0OnBhc3M6d29yZA==", "Referer", "https://a.example/no-query")
	send(t, client, http.MethodGet, site.Plain+"/z", "", "Authorization", "Digest username=albert")

	all := site.Arrivals()
	a := all[0]
	assert.Equal(t, "secret-token-abcd", a.Token())
	assert.Equal(t, proxy.DN(), a.Subject())
	assert.Equal(t, []credtest.Secret{
		{Kind: scicred.KindToken, Where: "Authorization", Value: "secret-token-abcd"},
		{Where: "Proxy-Authorization", Value: "Basic cHJveHk6cHc="},
		{Where: "Referer", Value: "https://a.example/?sig=s"},
		{Where: "Transferheaderauthorization", Value: "Bearer other-wxyz"},
		{Kind: scicred.KindX509, Where: "TLS", Value: proxy.DN()},
	}, a.Secrets())
	assert.Equal(t, "albert:pass:word", all[1].Login())
	assert.Empty(t, all[1].Token())

	assert.Equal(t, []string{
		"a bearer token ending in …abcd reached " + site.Origin + " through POST /x",
		"a header Proxy-Authorization ending in …cHc= reached " + site.Origin + " through POST /x",
		"a Referer with a query reached " + site.Origin + " through POST /x",
		"a header Transferheaderauthorization ending in …wxyz reached " + site.Origin + " through POST /x",
		"the client certificate " + proxy.DN() + " reached " + site.Origin + " through POST /x",
	}, site.Leaks(site.Origin))
	assert.Equal(t, []string{
		`the login of "albert" reached ` + site.Plain + " through GET /y",
		"a header Authorization ending in …bert reached " + site.Plain + " through GET /z",
	}, site.Leaks(site.Plain))
	assert.Empty(t, site.Leaks(site.OtherPort))
}

func TestTheWholeBodyIsRecordedWhateverTheHandlerReads(t *testing.T) {
	t.Parallel()
	site, client := newSite(t)
	site.HandleFunc("/half", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadFull(r.Body, make([]byte, 2)) })
	site.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	for _, path := range []string{"/default", "/half", "/echo"} {
		send(t, client, http.MethodPut, site.Origin+path, "content")
	}
	for _, a := range site.Arrivals() {
		assert.EqualValues(t, 7, a.BodySize, a.Path)
		assert.Equal(t, credtest.SHA256([]byte("content")), a.BodySHA256, a.Path)
	}
}

func TestHandlersAreSetForAPathOrForOneOrigin(t *testing.T) {
	t.Parallel()
	site, client := newSite(t)
	site.Handle("/x", credtest.Answer(http.StatusTeapot, "everywhere"))
	site.Handle(site.Plain+"/x", credtest.Answer(http.StatusOK, "only here"))
	assert.Equal(t, "everywhere", send(t, client, http.MethodGet, site.Origin+"/x", "").text)
	assert.Equal(t, "only here", send(t, client, http.MethodGet, site.Plain+"/x", "").text)
	site.Handle(site.Plain+"/x", nil)
	assert.Equal(t, "everywhere", send(t, client, http.MethodGet, site.Plain+"/x", "").text)
	site.Handle("/x", nil)
	got := send(t, client, http.MethodGet, site.Plain+"/x", "")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Empty(t, got.text)
}

func TestRedirectsGoWhereTheySay(t *testing.T) {
	t.Parallel()
	site, client := newSite(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		site.Forget()
		site.Handle("/start", credtest.Redirect(status, site.OtherHost+"/end"))
		assert.Equal(t, site.OtherHost+"/end", send(t, client, http.MethodPut, site.Origin+"/start", "content").url)
		all := site.Arrivals()
		require.Len(t, all, 2)
		assert.Equal(t, site.OtherHost, all[1].Origin)
		want := http.MethodGet
		if status >= 307 {
			want = http.MethodPut
		}
		assert.Equal(t, want, all[1].Method, "%d", status)
	}
}

func TestBothProtocolsAreSpoken(t *testing.T) {
	t.Parallel()
	site, client := newSite(t)
	send(t, client, http.MethodGet, site.Origin, "")
	old := site.Transport()
	defer old.CloseIdleConnections()
	old.ForceAttemptHTTP2 = false
	send(t, &http.Client{Transport: old}, http.MethodGet, site.Origin, "")
	send(t, &http.Client{Transport: old}, http.MethodGet, site.Origin, "")
	all := site.Arrivals()
	assert.Equal(t, "HTTP/2.0", all[0].Proto)
	assert.Equal(t, "HTTP/1.1", all[1].Proto)
	assert.NotEqual(t, all[0].Conn, all[1].Conn)
	assert.Equal(t, all[1].Conn, all[2].Conn, "a connection is recognised")
}

func TestATransportOfASiteLeavesTheMachineForNothing(t *testing.T) {
	t.Parallel()
	_, client := newSite(t)
	for _, url := range []string{"https://example.org", "http://127.0.0.1:1"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		require.ErrorContains(t, err, "is no server of this site")
	}
}

func TestAClientThatDoesNotTrustTheAuthorityIsNotServed(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	tr := site.Transport()
	tr.TLSClientConfig.RootCAs = x509.NewCertPool()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.Origin, nil)
	require.NoError(t, err)
	resp, err := tr.RoundTrip(req)
	if err == nil {
		resp.Body.Close()
	}
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)
	assert.Empty(t, site.Arrivals())
}

func TestDemands(t *testing.T) {
	t.Parallel()
	site, client := newSite(t)
	done := credtest.Answer(http.StatusOK, "done")
	site.Handle("/token", credtest.RequireToken(func(token string) bool { return token == "good" }, done))
	site.Handle("/login", credtest.RequireLogin("albert", "pw", done))
	site.Handle("/certificate", credtest.RequireCertificate(site.CA.Vouches, done))

	for _, c := range []struct {
		name, path, authorization string
		status                    int
		challenge                 string
	}{
		{"no token", "/token", "", 401, `Bearer realm="credtest"`},
		{"a wrong token", "/token", "Bearer bad", 401, `Bearer realm="credtest", error="invalid_token", error_description="this server does not accept it"`},
		{"the right token", "/token", "bearer good", 200, ""},
		{"no login", "/login", "", 401, `Basic realm="credtest", charset="UTF-8"`},
		{"a wrong password", "/login", "Basic YWxiZXJ0Ong=", 401, `Basic realm="credtest", charset="UTF-8"`},
		{"the right login", "/login", "Basic YWxiZXJ0OnB3", 200, ""},
		{"no certificate", "/certificate", "", 403, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var header []string
			if c.authorization != "" {
				header = []string{"Authorization", c.authorization}
			}
			got := send(t, client, http.MethodGet, site.Origin+c.path, "", header...)
			assert.Equal(t, c.status, got.status)
			assert.Equal(t, c.challenge, got.challenge)
		})
	}
}

func TestACertificateIsDemandedOfTheRightAuthority(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	site.Handle("/certificate", credtest.RequireCertificate(site.CA.Vouches, credtest.Answer(http.StatusOK, "done")))
	user := site.CA.User("Albert Einstein")
	noChain := user.Proxy()
	noChain.Chain = nil
	for _, c := range []struct {
		name   string
		id     *credtest.Identity
		status int
	}{
		{"a user", user, 200},
		{"a proxy", user.Proxy(), 200},
		{"a proxy of a proxy", user.Proxy().Proxy(), 200},
		{"a user of an intermediate authority", site.CA.Intermediate("below").User("Mileva"), 200},
		{"an expired proxy", user.Proxy(credtest.Expired()), 403},
		{"a proxy without its chain", noChain, 403},
		{"a user of another authority", credtest.NewCA("Site CA").User("Albert Einstein"), 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tr := site.Transport()
			defer tr.CloseIdleConnections()
			tr.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				cert := c.id.TLS()
				return &cert, nil
			}
			got := send(t, &http.Client{Transport: tr}, http.MethodGet, site.Origin+"/certificate", "")
			assert.Equal(t, c.status, got.status, got.text)
		})
	}
}

func TestASiteTakesManyClientsAtOnce(t *testing.T) {
	t.Parallel()
	site, client := newSite(t)
	const clients = 20
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			site.Handle("/x", credtest.Answer(http.StatusOK, ""))
			resp, err := client.Post(site.Origin+"/x", "text/plain", strings.NewReader("content"))
			if assert.NoError(t, err) {
				resp.Body.Close()
			}
			_ = site.Arrivals()
			_ = site.Leaks(site.Origin)
		})
	}
	wg.Wait()
	assert.Len(t, site.Arrivals(), clients)
}
