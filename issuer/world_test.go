// SPDX-License-Identifier: BSD-3-Clause

package issuer_test

import (
	"crypto"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/issuer"
)

// Where the issuer of a world publishes.
const (
	openID = "/.well-known/openid-configuration"
	oauth  = "/.well-known/oauth-authorization-server"
	jwks   = "/jwks"
)

// world is an issuer on a server of this machine, with a clock that stands still
// until it is moved.
type world struct {
	*credtest.Site
	issuer *credtest.Issuer

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Site: credtest.NewSite(), now: time.Now()}
	t.Cleanup(w.Close)
	w.issuer = credtest.NewIssuer(w.Origin)
	w.publish(w.issuer)
	w.HandleFunc(oauth, http.NotFound)
	return w
}

// publish makes the server answer with the documents of an issuer.
func (w *world) publish(is *credtest.Issuer) {
	w.Handle(openID, credtest.Answer(http.StatusOK, string(is.OpenIDConfiguration())))
	w.Handle(jwks, credtest.Answer(http.StatusOK, string(is.JWKS())))
}

// metadata is a document that says where the keys are.
func metadata(name, jwksURI string) string {
	return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, name, jwksURI)
}

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// keys returns Keys that know the issuer of this world, changed as the test
// wants.
func (w *world) keys(t *testing.T, change ...func(*issuer.Config)) *issuer.Keys {
	t.Helper()
	c := issuer.Config{Issuers: []string{w.issuer.URL()}, Transport: w.Transport(), Now: w.Now}
	for _, f := range change {
		f(&c)
	}
	k, err := issuer.New(c)
	require.NoError(t, err)
	return k
}

// fetched returns the paths that were asked for since it was called last.
func (w *world) fetched() []string {
	var list []string
	for _, a := range w.Arrivals() {
		list = append(list, a.Path)
	}
	w.Forget()
	return list
}

// want asks for a key that must be there.
func (w *world) want(t *testing.T, k *issuer.Keys, is *credtest.Issuer, kid string) {
	t.Helper()
	got, err := k.Key(t.Context(), w.issuer.URL(), strings.ToUpper(kid), kid)
	require.NoError(t, err)
	assert.Truef(t, is.PublicKey(kid).(interface{ Equal(crypto.PublicKey) bool }).Equal(got), "%s is another key", kid)
}

// fail asks for a key that must not be there, and returns why.
func (w *world) fail(t *testing.T, k *issuer.Keys, kind issuer.Error) *issuer.KeyError {
	t.Helper()
	return failAs(t, k, w.issuer.URL(), "es256", kind)
}

func failAs(t *testing.T, k *issuer.Keys, name, kid string, kind issuer.Error) *issuer.KeyError {
	t.Helper()
	got, err := k.Key(t.Context(), name, "ES256", kid)
	require.Nil(t, got)
	require.ErrorIs(t, err, kind)
	var e *issuer.KeyError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, kind, e.Kind)
	assert.Equal(t, name, e.Issuer)
	assert.Equal(t, "ES256", e.Algorithm)
	assert.Equal(t, kid, e.KeyID)
	return e
}
