// SPDX-License-Identifier: BSD-3-Clause

package gate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/gate"
	"github.com/scicred/scicred/internal/origin"
)

func patterns(t *testing.T, list ...string) []origin.Pattern {
	t.Helper()
	if len(list) == 0 {
		return nil
	}
	p, err := origin.ParsePatterns(list)
	require.NoError(t, err)
	return p
}

// request is a request to the last of the URLs, to which the others redirected.
func request(t *testing.T, chain ...string) *http.Request {
	t.Helper()
	var req *http.Request
	for _, raw := range chain {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		next := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}
		if req != nil {
			next.Response = &http.Response{StatusCode: http.StatusFound, Request: req}
		}
		req = next
	}
	return req
}

func noProxy(*http.Request) (*url.URL, bool) { return nil, true }

func aProxy(*http.Request) (*url.URL, bool) {
	return &url.URL{Scheme: "http", Host: "proxy.example.org"}, true
}

// text is what an error says, "" of none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

const (
	https     = "https://data.example.org/f"
	http1     = "http://data.example.org/f"
	signed    = "the URL is presigned, which is a credential by itself"
	cleartext = "http would show it to everybody on the way"
	noTLS     = "there is no TLS on http"
)

func TestWhatMayGoWhere(t *testing.T) {
	t.Parallel()
	foreign := func(from string) string { return "redirected here from another origin (" + from + ")" }
	notNamed := func(host string) string { return host + " is not among the hosts that WithHosts names" }
	only := func(scheme string) string { return "only https carries credentials, not " + scheme }
	first := "https://data.example.org"
	tests := map[string]struct {
		chain            []string
		hosts            [][]string
		trusted          []string
		plaintext, proxy bool
		// What bars all, the Authorization header, the certificate, and what
		// was not named.
		all, auth, tls, named string
	}{
		"https":               {chain: []string{https}},
		"HTTPS in capitals":   {chain: []string{"HTTPS://DATA.EXAMPLE.ORG/f"}},
		"https through proxy": {chain: []string{https}, proxy: true},
		"https to itself":     {chain: []string{"https://localhost:8443"}},

		// Cleartext.
		"http":                                {chain: []string{http1}, auth: cleartext, tls: noTLS},
		"http, if the user insists":           {chain: []string{http1}, plaintext: true, tls: noTLS},
		"http to localhost":                   {chain: []string{"http://localhost:8000"}, named: cleartext, tls: noTLS},
		"http to 127.0.0.1":                   {chain: []string{"http://127.0.0.1"}, named: cleartext, tls: noTLS},
		"http to 127.8.9.10":                  {chain: []string{"http://127.8.9.10"}, named: cleartext, tls: noTLS},
		"http to ::1":                         {chain: []string{"http://[::1]:80"}, named: cleartext, tls: noTLS},
		"http to localhost by a proxy":        {chain: []string{"http://localhost:8000"}, proxy: true, auth: cleartext, tls: noTLS},
		"http to localhost, user insists":     {chain: []string{"http://localhost"}, plaintext: true, tls: noTLS},
		"http to what sounds like localhost":  {chain: []string{"http://localhost.example.org"}, auth: cleartext, tls: noTLS},
		"http to what reads like 127.0.0.1":   {chain: []string{"http://127.0.0.1.example.org"}, auth: cleartext, tls: noTLS},
		"http to this network":                {chain: []string{"http://192.168.1.1"}, auth: cleartext, tls: noTLS},
		"another scheme":                      {chain: []string{"root://data.example.org/f"}, all: only("root")},
		"another scheme, if the user insists": {chain: []string{"ftp://data.example.org"}, plaintext: true, all: only("ftp")},

		// Hosts.
		"a host that is named":          {chain: []string{https}, hosts: [][]string{{"other.org", "data.example.org"}}},
		"one that is not":               {chain: []string{https}, hosts: [][]string{{"other.org"}}, all: notNamed("data.example.org")},
		"a subdomain":                   {chain: []string{https}, hosts: [][]string{{"*.example.org"}}},
		"the apex is no subdomain":      {chain: []string{"https://example.org"}, hosts: [][]string{{"*.example.org"}}, all: notNamed("example.org")},
		"every host":                    {chain: []string{https}, hosts: [][]string{{"*"}}},
		"no port is every port":         {chain: []string{"https://data.example.org:8443"}, hosts: [][]string{{"data.example.org"}}},
		"a port":                        {chain: []string{"https://data.example.org:8443"}, hosts: [][]string{{"data.example.org:8443"}}},
		"the other port":                {chain: []string{https}, hosts: [][]string{{"data.example.org:8443"}}, all: notNamed("data.example.org")},
		"another port is said":          {chain: []string{"https://data.example.org:1"}, hosts: [][]string{{"data.example.org:8443"}}, all: notNamed("data.example.org:1")},
		"every list must match":         {chain: []string{https}, hosts: [][]string{{"*"}, {"*.example.org"}, {"data.example.org"}}},
		"a request cannot widen":        {chain: []string{https}, hosts: [][]string{{"other.org"}, {"*"}}, all: notNamed("data.example.org")},
		"a request can narrow":          {chain: []string{https}, hosts: [][]string{{"*"}, {"other.org"}}, all: notNamed("data.example.org")},
		"named or not, http is http":    {chain: []string{http1}, hosts: [][]string{{"data.example.org"}}, auth: cleartext, tls: noTLS},
		"trust does not count at first": {chain: []string{https}, hosts: [][]string{{"other.org"}}, trusted: []string{"data.example.org"}, all: notNamed("data.example.org")},

		// Redirects.
		"to the same origin":                   {chain: []string{https, "https://data.example.org/g"}},
		"to another host":                      {chain: []string{https, "https://other.org"}, all: foreign(first)},
		"to another port":                      {chain: []string{https, "https://data.example.org:8443"}, all: foreign(first)},
		"to a subdomain":                       {chain: []string{https, "https://s.data.example.org"}, all: foreign(first)},
		"there and back":                       {chain: []string{https, "https://other.org", https}, all: foreign(first)},
		"to a trusted host":                    {chain: []string{https, "https://cache.org"}, trusted: []string{"cache.org"}},
		"from there to the next":               {chain: []string{https, "https://cache.org", "https://other.org"}, trusted: []string{"cache.org"}, all: foreign(first)},
		"to a trusted host by another":         {chain: []string{https, "https://other.org", "https://cache.org"}, trusted: []string{"cache.org"}, all: foreign(first)},
		"to one that is trusted but not named": {chain: []string{https, "https://cache.org"}, hosts: [][]string{{"data.example.org"}}, trusted: []string{"cache.org"}},
		"to one that is named but not trusted": {chain: []string{https, "https://cache.org"}, hosts: [][]string{{"*"}}, all: foreign(first)},
		"to http":                              {chain: []string{https, http1}, all: foreign(first)},
		"to http of a trusted host":            {chain: []string{https, "http://cache.org"}, trusted: []string{"*"}, plaintext: true, all: foreign(first)},
		"from http to https of it":             {chain: []string{http1, https}, all: foreign("http://data.example.org")},
		"from http to https of a trusted host": {chain: []string{http1, https}, trusted: []string{"data.example.org"}},
		"to https and back to http":            {chain: []string{http1, https, http1}, trusted: []string{"*"}, plaintext: true, all: only("http")},
		"from http to itself":                  {chain: []string{http1, http1}, auth: cleartext, tls: noTLS},
		"at home in cleartext":                 {chain: []string{"http://localhost/a", "http://localhost/b"}, named: cleartext, tls: noTLS},
		"not at home in cleartext":             {chain: []string{"http://localhost/a", "http://127.0.0.1/b"}, all: foreign("http://localhost")},
		"from a host that is not named":        {chain: []string{"https://evil.org", "https://cache.org"}, hosts: [][]string{{"data.example.org"}}, trusted: []string{"cache.org"}, all: notNamed("cache.org")},

		// Presigned.
		"X-Amz-Signature":               {chain: []string{https + "?X-Amz-Signature=x"}, auth: signed},
		"X-Goog-Signature":              {chain: []string{https + "?a=b&X-Goog-Signature=x"}, auth: signed},
		"Signature":                     {chain: []string{https + "?Signature=x"}, auth: signed},
		"sig":                           {chain: []string{https + "?sig=x"}, auth: signed},
		"signed, by a redirect":         {chain: []string{https, https + "?sig=x"}, auth: signed},
		"signed, elsewhere":             {chain: []string{https, "https://other.org?sig=x"}, all: foreign(first)},
		"signed, and trusted":           {chain: []string{https, "https://cache.org?sig=x"}, trusted: []string{"cache.org"}, auth: signed},
		"signed, at home in cleartext":  {chain: []string{"http://localhost?sig=x"}, auth: signed, named: cleartext, tls: noTLS},
		"no longer signed":              {chain: []string{https + "?sig=x", https}},
		"something that sounds like it": {chain: []string{https + "?signature_algorithm=x&design=1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := gate.Rules{Trusted: patterns(t, tt.trusted...), Plaintext: tt.plaintext, Proxy: noProxy}
			for _, list := range tt.hosts {
				r.Hosts = append(r.Hosts, patterns(t, list...))
			}
			if tt.proxy {
				r.Proxy = aProxy
			}
			p := look(&r, request(t, tt.chain...))
			assert.Equal(t, tt.all, text(p.All), "all")
			assert.Equal(t, tt.auth, text(p.Auth), "Authorization")
			assert.Equal(t, tt.tls, text(p.TLS), "certificate")
			assert.Equal(t, tt.named, text(p.Named), "named alone")
			assert.Equal(t, len(tt.chain) == 1, p.First())
		})
	}
}

func TestAForeignHopKnowsSo(t *testing.T) {
	t.Parallel()
	r := gate.Rules{Proxy: noProxy}
	p := look(&r, request(t, https, "https://other.org"))
	assert.True(t, p.Foreign())
	assert.False(t, p.First())
	p = look(&r, request(t, https, https))
	assert.False(t, p.Foreign())
	p = look(&r, request(t, https))
	assert.False(t, p.Foreign())
	assert.Equal(t, origin.Origin{Scheme: "https", Host: "data.example.org", Port: "443"}, p.Origin)
}

func TestNoReasonShowsASecretOfTheURL(t *testing.T) {
	t.Parallel()
	const secret = "https://user:geheim@data.example.org/geheim?sig=geheim#geheim"
	r := gate.Rules{Proxy: noProxy, Hosts: [][]origin.Pattern{patterns(t, "other.org")}}
	for _, chain := range [][]string{{secret}, {secret, "https://user:geheim@other.org?sig=geheim"}} {
		p := look(&r, request(t, chain...))
		require.Error(t, p.All)
		assert.NotContains(t, p.All.Error(), "geheim")
	}
}

func TestTheCallersOwnAuthorizationIsNoticed(t *testing.T) {
	t.Parallel()
	const basicOfUser = "Basic dXNlcjo="        // user:
	const basicOfBoth = "Basic dXNlcjpwYXNz"    // user:pass
	const basicOfOther = "Basic b3RoZXI6cGFzcw" // other:pass
	tests := map[string]struct {
		url       string
		header    http.Header
		own, user string
	}{
		"none":                             {https, nil, "", ""},
		"canonical":                        {https, http.Header{"Authorization": {"Bearer x"}}, "bearer", ""},
		"lower case":                       {https, http.Header{"authorization": {"Basic x"}}, "basic", ""},
		"scheme in capitals":               {https, http.Header{"Authorization": {"BEARER x"}}, "bearer", ""},
		"another scheme":                   {https, http.Header{"Authorization": {"Negotiate x"}}, "negotiate", ""},
		"empty value":                      {https, http.Header{"Authorization": {""}}, "unknown", ""},
		"no value":                         {https, http.Header{"Authorization": {}}, "", ""},
		"nil value":                        {https, http.Header{"Authorization": nil, "authorization": {"Bearer x"}}, "bearer", ""},
		"no scheme":                        {https, http.Header{"Authorization": {"Geheimnis"}}, "unknown", ""},
		"begins with a blank":              {https, http.Header{"Authorization": {" Bearer x"}}, "unknown", ""},
		"a tab for a blank":                {https, http.Header{"Authorization": {"Bearer\tgeheim"}}, "unknown", ""},
		"another header":                   {https, http.Header{"Proxy-Authorization": {"Basic x"}}, "", ""},
		"the URL's user":                   {"https://user@data.example.org", nil, "", "user"},
		"as net/http says it":              {"https://user@data.example.org", http.Header{"Authorization": {basicOfUser}}, "", "user"},
		"the URL's user, empty password":   {"https://user:@data.example.org", http.Header{"Authorization": {basicOfUser}}, "", "user"},
		"the URL's user and password":      {"https://user:pass@data.example.org", http.Header{"Authorization": {basicOfBoth}}, "basic", ""},
		"a header beside the URL's user":   {"https://user@data.example.org", http.Header{"Authorization": {basicOfOther}}, "basic", "user"},
		"a token beside the URL's user":    {"https://user@data.example.org", http.Header{"Authorization": {"Bearer x"}}, "bearer", "user"},
		"net/http's header, and another":   {"https://user@data.example.org", http.Header{"Authorization": {basicOfUser}, "authorization": {"Bearer x"}}, "bearer", "user"},
		"that header without a user there": {https, http.Header{"Authorization": {basicOfUser}}, "basic", ""},
		"a user with odd characters":       {"https://a%3Ab%40c@data.example.org", http.Header{"Authorization": {"Basic YTpiQGM6"}}, "", "a:b@c"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := gate.Rules{Proxy: noProxy}
			req := request(t, tt.url)
			req.Header = tt.header
			p := look(&r, req)
			assert.Equal(t, tt.own, p.Own, "own")
			assert.Equal(t, tt.user, p.User, "user")
			assert.NotContains(t, fmt.Sprintf("%+v", p.Own), "geheim")
			require.NoError(t, p.All)
			require.NoError(t, p.Auth, "that is for others to decide")

			elsewhere := request(t, tt.url, "https://other.org")
			elsewhere.Header = tt.header
			if p := look(&r, elsewhere); tt.user == "" {
				assert.Equal(t, tt.own, p.Own, "noticed on foreign hops as well")
			}
		})
	}
}

func TestLookingChangesNothing(t *testing.T) {
	t.Parallel()
	req := request(t, https, "https://user@other.org?sig=x")
	req.Header.Set("Authorization", "Bearer x")
	before := req.URL.String()
	r := gate.Rules{Proxy: noProxy}
	look(&r, req)
	assert.Equal(t, before, req.URL.String())
	assert.Equal(t, http.Header{"Authorization": {"Bearer x"}}, req.Header)
}

func TestAProxyThatIsNotKnownCountsAsOne(t *testing.T) {
	t.Parallel()
	r := gate.Rules{Proxy: func(*http.Request) (*url.URL, bool) { return nil, false }}
	p := look(&r, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:1/", http.NoBody))
	assert.Error(t, p.Auth, "cleartext to this machine may leave it")
	assert.NoError(t, p.Named)
}

func TestAURLWithAnEmptyUserIsNobodysHeader(t *testing.T) {
	t.Parallel()
	r := gate.Rules{Proxy: noProxy}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.org/", http.NoBody)
	req.URL.User = url.User("")
	req.Header.Set("Authorization", "Basic Og==")
	assert.Empty(t, look(&r, req).Own)
}

// look returns what the rules say of a request.
func look(r *gate.Rules, req *http.Request) (p gate.Passage) {
	r.Look(req, &p)
	return p
}
