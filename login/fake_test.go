// SPDX-License-Identifier: BSD-3-Clause

package login_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/login"
)

// fake is a provider that answers as RFC 6749, RFC 8628 and Keycloak say, or as
// the test says. It is no real one: it shows what the package does with an
// answer, not that providers give it.
type fake struct {
	base string

	mu      sync.Mutex
	answers map[string]answerer // by path
	asked   []asked
}

// asked is a request that came.
type asked struct {
	path, user, pass string
	form             url.Values
}

// answerer answers the nth request (from 1) for its path.
type answerer func(n int, form url.Values) answer

type answer struct {
	status int // 0: the connection breaks
	kind   string
	body   string
	header map[string]string
}

const (
	metadataPath = "/.well-known/openid-configuration"
	devicePath   = "/device/auth"
	tokenPath    = "/token"
	clientSecret = "client+secret/needs=encoding"
)

func newFake() *fake {
	f := &fake{base: "https://op.example.org", answers: map[string]answerer{}}
	f.on(metadataPath, func(int, url.Values) answer { return object(f.metadata()) })
	return f
}

func (f *fake) metadata() map[string]any {
	return map[string]any{
		"issuer": f.base, "token_endpoint": f.base + tokenPath, "device_authorization_endpoint": f.base + devicePath,
		"revocation_endpoint": f.base + "/revoke", "introspection_endpoint": f.base + "/introspect", "end_session_endpoint": f.base + "/end",
	}
}

func (f *fake) on(path string, a answerer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[path] = a
}

// always answers a path with the same.
func (f *fake) always(path string, a answer) { f.on(path, func(int, url.Values) answer { return a }) }

// inTurn answers a path with one answer after the other, and with the last for
// ever.
func (f *fake) inTurn(path string, all ...answer) {
	f.on(path, func(n int, _ url.Values) answer { return all[min(n, len(all))-1] })
}

// requests returns what came for a path.
func (f *fake) requests(path string) []asked {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []asked
	for _, a := range f.asked {
		if a.path == path {
			out = append(out, a)
		}
	}
	return out
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	user, pass, _ := r.BasicAuth()
	f.mu.Lock()
	f.asked = append(f.asked, asked{r.URL.Path, user, pass, maps.Clone(r.PostForm)})
	n := 0
	for _, a := range f.asked {
		if a.path == r.URL.Path {
			n++
		}
	}
	do := f.answers[r.URL.Path]
	f.mu.Unlock()
	if do == nil {
		http.NotFound(w, r)
		return
	}
	a := do(n, r.PostForm)
	if a.status == 0 {
		panic(http.ErrAbortHandler)
	}
	if a.kind == "" {
		a.kind = "application/json"
	}
	w.Header().Set("Content-Type", a.kind)
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
}

// RoundTrip asks the provider without a network, so that it works in the bubble
// of a synctest.
func (f *fake) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.URL.Scheme+"://"+r.URL.Host != f.base {
		return nil, fmt.Errorf("no such host: %s", r.URL.Host)
	}
	defer func() {
		if recover() != nil {
			resp, err = nil, errors.New("connection reset by peer")
		}
	}()
	rec := httptest.NewRecorder()
	f.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func (f *fake) http() *http.Client { return &http.Client{Transport: f} }

// provider returns the fake as one whose endpoints are looked up.
func (f *fake) provider(t *testing.T) *login.Provider {
	t.Helper()
	p, err := login.OpenID(f.base)
	require.NoError(t, err)
	return p
}

// public returns a public client.
func (f *fake) public(t *testing.T) *login.Client {
	t.Helper()
	return &login.Client{Provider: f.provider(t), ID: "cli", HTTP: f.http()}
}

// confidential returns a client with a secret.
func (f *fake) confidential(t *testing.T) *login.Client {
	t.Helper()
	c := f.public(t)
	c.Secret = login.NewSecret(clientSecret)
	return c
}

// object is a successful answer.
func object(v map[string]any) answer {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return answer{status: http.StatusOK, body: string(b)}
}

// refused is an error of RFC 6749 section 5.2.
func refused(code, description string) answer {
	a := object(map[string]any{"error": code, "error_description": description})
	a.status = http.StatusBadRequest
	return a
}

func html(status int) answer {
	return answer{status: status, kind: "text/html; charset=utf-8", body: "<html>the page of some proxy, with secret words</html>"}
}

// jwt returns a token that says this of itself; nobody checks its signature.
func jwt(claims map[string]any) string {
	if claims["iss"] == nil {
		claims["iss"] = "https://op.example.org"
	}
	b, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	return strings.Join([]string{enc([]byte(`{"alg":"RS256"}`)), enc(b), enc([]byte("signature"))}, ".")
}
