// SPDX-License-Identifier: BSD-3-Clause

package issuer_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/issuer"
)

// What package scicred asks for.
var _ scicred.Verifier = (*issuer.Keys)(nil)

func TestKeysAreFetchedOnceAndKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keys(t)
	assert.Empty(t, w.fetched(), "New asks nobody")
	w.want(t, k, w.issuer, credtest.KeyES256)
	assert.Equal(t, []string{openID, jwks}, w.fetched())
	w.want(t, k, w.issuer, credtest.KeyRS256)
	w.pass(issuer.MaxFresh - time.Second)
	w.want(t, k, w.issuer, credtest.KeyES256)
	assert.Empty(t, w.fetched())
}

// OpenID Connect Discovery 1.0 section 4.1, RFC 8414 sections 3.1 and 5.
func TestMetadataIsLookedForWhereTheStandardsSay(t *testing.T) {
	t.Parallel()
	h := "https://i.example:8443"
	for name, want := range map[string][]string{
		h:                    {h + openID, h + oauth},
		h + "/":              {h + openID, h + oauth},
		h + "/vo":            {h + "/vo" + openID, h + oauth + "/vo", h + "/vo" + oauth, h + openID + "/vo"},
		h + "/a/b/":          {h + "/a/b" + openID, h + oauth + "/a/b", h + "/a/b" + oauth, h + openID + "/a/b"},
		"https://[::1]:1/vo": {"https://[::1]:1/vo" + openID, "https://[::1]:1" + oauth + "/vo", "https://[::1]:1/vo" + oauth, "https://[::1]:1" + openID + "/vo"},
	} {
		assert.Equal(t, want, issuer.Locations(name), name)
	}
}

func TestMetadataIsFoundInEachPlace(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/", "/vo"} {
		for i := range issuer.Locations("https://i.example" + path) {
			t.Run(fmt.Sprintf("%q place %d", path, i), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.issuer = credtest.NewIssuer(w.Origin + path)
				places := issuer.Locations(w.issuer.URL())
				for _, place := range places {
					w.HandleFunc(place, http.NotFound)
				}
				w.Handle(places[i], credtest.Answer(http.StatusOK, metadata(w.issuer.URL(), w.Origin+jwks)))
				w.Handle(jwks, credtest.Answer(http.StatusOK, string(w.issuer.JWKS())))
				w.want(t, w.keys(t), w.issuer, credtest.KeyES256)
				assert.Len(t, w.fetched(), i+2)
			})
		}
	}
}

// A document of somebody else in the first place does not end the search, and is
// never used.
func TestAnotherIssuersDocumentIsPassedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Handle(openID, credtest.Answer(http.StatusOK, metadata(w.Origin+"/", w.Origin+"/evil")))
	w.Handle(oauth, credtest.Answer(http.StatusOK, string(w.issuer.OpenIDConfiguration())))
	w.want(t, w.keys(t), w.issuer, credtest.KeyES256)
	assert.Equal(t, []string{openID, oauth, jwks}, w.fetched())
}

func TestNothingIsFetchedForAnIssuerThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keys(t)
	for _, name := range []string{w.Origin + "/", w.Origin + "/vo", strings.ToUpper(w.Origin), w.OtherHost, w.Plain, "", "x", "https://i.example/" + strings.Repeat("x", 5000)} {
		e := failAs(t, k, name, "es256", issuer.ErrNotAllowed)
		assert.Less(t, len(e.Error()), 400)
	}
	assert.Empty(t, w.fetched())
}

func TestNothingIsFetchedForAnAlgorithmThatIsNotAccepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keys(t)
	for _, alg := range []string{"", "none", "HS256", "HS512", "PS256", "ES512", "ES256K", "es256", "Ed25519", "RS1"} {
		got, err := k.Key(t.Context(), w.issuer.URL(), alg, "es256")
		assert.Nil(t, got)
		require.ErrorIs(t, err, issuer.ErrAlgorithm, alg)
	}
	assert.Empty(t, w.fetched())
}

func TestAFloodOfUnknownKeysCausesOneFetch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keys(t)
	w.want(t, k, w.issuer, credtest.KeyES256)
	flood := func() {
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				_, err := k.Key(t.Context(), w.issuer.URL(), "ES256", fmt.Sprint("no-", i))
				assert.ErrorIs(t, err, issuer.ErrNoKey)
			})
		}
		wg.Wait()
	}
	w.fetched()
	flood()
	assert.Empty(t, w.fetched(), "the keys were fetched a moment ago")
	for range 3 {
		w.pass(issuer.Interval)
		flood()
		assert.Equal(t, []string{openID, jwks}, w.fetched())
	}
	e := failAs(t, k, w.issuer.URL(), "no", issuer.ErrNoKey)
	assert.Equal(t, `issuer "`+w.Origin+`": `+w.Origin+`/jwks publishes no key "no" for ES256; its keys are "es256" (ES256), "rs256" (RS256) (asked less than 1s ago)`, e.Error())
}

func TestTheFirstFetchIsSharedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keys(t)
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			_, err := k.Key(t.Context(), w.issuer.URL(), "ES256", "es256")
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Equal(t, []string{openID, jwks}, w.fetched())
}

func TestARotatedKeyIsFoundAndTheOldOneIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keys(t)
	w.want(t, k, w.issuer, credtest.KeyES256)
	w.pass(time.Hour)
	old := string(w.issuer.JWKS())
	w.Handle(jwks, credtest.Answer(http.StatusOK, strings.ReplaceAll(old, `"es256"`, `"next"`)))
	_, err := k.Key(t.Context(), w.issuer.URL(), "ES256", "next")
	require.NoError(t, err)
	e := w.fail(t, k, issuer.ErrNoKey)
	assert.Contains(t, e.Error(), `no key "es256" for ES256; its keys are "next" (ES256)`)
}

func TestAWithdrawnKeyIsGoneWhenTheKeysAreNoLongerFresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keys(t)
	w.want(t, k, w.issuer, credtest.KeyES256)
	w.Handle(jwks, credtest.Answer(http.StatusOK, `{"keys":[]}`))
	w.pass(issuer.MaxFresh)
	w.fail(t, k, issuer.ErrNoKey)
}

func TestUnchangedKeysAreNotSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked []string
	w.HandleFunc(jwks, func(rw http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("If-None-Match"))
		rw.Header().Set("ETag", `W/"7"`)
		if r.Header.Get("If-None-Match") != "" {
			rw.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = rw.Write(w.issuer.JWKS())
	})
	k := w.keys(t)
	for range 3 {
		w.want(t, k, w.issuer, credtest.KeyES256)
		w.pass(issuer.MaxFresh - time.Second)
		w.want(t, k, w.issuer, credtest.KeyES256)
		w.pass(time.Second)
	}
	assert.Equal(t, []string{"", `W/"7"`, `W/"7"`}, asked)
}

// An entity tag belongs to one address.
func TestTheEntityTagIsNotSentElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.HandleFunc(jwks, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("ETag", `"7"`)
		_, _ = rw.Write(w.issuer.JWKS())
	})
	k := w.keys(t)
	w.want(t, k, w.issuer, credtest.KeyES256)
	w.pass(issuer.MaxFresh)
	w.Handle(openID, credtest.Answer(http.StatusOK, metadata(w.issuer.URL(), w.Origin+"/moved")))
	w.HandleFunc("/moved", func(rw http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.Header.Get("If-None-Match"))
		_, _ = rw.Write(w.issuer.JWKS())
	})
	w.want(t, k, w.issuer, credtest.KeyES256)
	assert.Contains(t, w.fetched(), "/moved")
}

// WLCG Common JWT Profiles 1.3 section 4.2: what the server says counts, between
// one hour and six.
func TestFreshness(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		control, age string
		want         time.Duration
	}{
		{"", "", 6 * time.Hour},
		{"public", "", 6 * time.Hour},
		{"max-age=7200", "", 2 * time.Hour},
		{"public, Max-Age=7200", "", 2 * time.Hour},
		{`max-age="7200"`, "", 2 * time.Hour},
		{"max-age=10800, max-age=7200", "", 2 * time.Hour},
		{"max-age=7200", "1800", 90 * time.Minute},
		{"max-age=7200", "7200", time.Hour},
		{"max-age=86400", "72000", 4 * time.Hour},
		{"", "1800", 6 * time.Hour},
		{"max-age=0", "", time.Hour},
		{"max-age=60", "", time.Hour},
		{"no-cache", "", time.Hour},
		{"no-store, max-age=7200", "", time.Hour},
		{"max-age=86400", "", 6 * time.Hour},
		{"max-age=99999999999999999999999", "", 6 * time.Hour},
		{"max-age=-1", "", 6 * time.Hour},
		{"max-age=x", "", 6 * time.Hour},
		{"max-age=1e9", "", 6 * time.Hour},
		{"max-age=7200", "x", 2 * time.Hour},
	} {
		h := http.Header{}
		h.Set("Cache-Control", tt.control)
		h.Set("Age", tt.age)
		assert.Equal(t, tt.want, issuer.FreshFor(h), "%+v", tt)
	}
}

func TestTheServersLifetimeIsKeptTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.HandleFunc(jwks, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Cache-Control", "max-age=7200")
		_, _ = rw.Write(w.issuer.JWKS())
	})
	k := w.keys(t)
	w.want(t, k, w.issuer, credtest.KeyES256)
	w.pass(2*time.Hour - time.Second)
	w.want(t, k, w.issuer, credtest.KeyES256)
	assert.Len(t, w.fetched(), 2)
	w.pass(time.Second)
	w.want(t, k, w.issuer, credtest.KeyES256)
	assert.Len(t, w.fetched(), 2)
}

func TestAClockThatIsSetBackDoesNotProlongAnything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keys(t)
	w.want(t, k, w.issuer, credtest.KeyES256)
	w.fetched()
	w.pass(-24 * time.Hour)
	w.want(t, k, w.issuer, credtest.KeyES256)
	assert.Equal(t, []string{openID, jwks}, w.fetched())
}

func TestKeysServeWhileTheIssuerIsAway(t *testing.T) {
	t.Parallel()
	for _, offline := range []time.Duration{0, 12 * time.Hour} {
		t.Run(offline.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			k := w.keys(t, func(c *issuer.Config) { c.Offline = offline })
			w.want(t, k, w.issuer, credtest.KeyES256)
			w.Close()
			if offline == 0 {
				offline = 48 * time.Hour
			}
			w.pass(offline - time.Second)
			w.want(t, k, w.issuer, credtest.KeyES256)
			w.want(t, k, w.issuer, credtest.KeyES256)
			e := failAs(t, k, w.issuer.URL(), "new", issuer.ErrNoKey)
			require.ErrorIs(t, e, issuer.ErrUnreachable, "and why it may be out of date")
			assert.Contains(t, e.Error(), "and asking again failed: "+w.Origin+openID+" cannot be fetched: ")
			w.pass(time.Second)
			e = w.fail(t, k, issuer.ErrUnreachable)
			assert.Contains(t, e.Error(), "old, count no longer, and "+w.Origin+openID+" cannot be fetched: ")
		})
	}
}

// As away as if it did not answer.
func TestKeysServeWhileTheIssuerPublishesNonsense(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*world){
		"web page for metadata": func(w *world) { w.Handle(openID, credtest.Answer(200, "<html>login</html>")) },
		"web page for keys":     func(w *world) { w.Handle(jwks, credtest.Answer(200, "<html>login</html>")) },
		"metadata gone":         func(w *world) { w.HandleFunc(openID, http.NotFound) },
		"keys gone":             func(w *world) { w.HandleFunc(jwks, http.NotFound) },
		"trouble":               func(w *world) { w.Handle(jwks, credtest.Answer(503, "")) },
		"metadata of another":   func(w *world) { w.Handle(openID, credtest.Answer(200, metadata("https://o.example", w.Origin+jwks))) },
		"not modified, unasked": func(w *world) { w.Handle(jwks, credtest.Answer(304, "")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			k := w.keys(t)
			w.want(t, k, w.issuer, credtest.KeyES256)
			spoil(w)
			w.pass(47 * time.Hour)
			w.want(t, k, w.issuer, credtest.KeyES256)
			w.publish(w.issuer)
			w.pass(issuer.Interval)
			w.want(t, k, w.issuer, credtest.KeyES256)
			w.pass(issuer.MaxFresh - time.Second)
			w.fetched()
			w.want(t, k, w.issuer, credtest.KeyES256)
			assert.Empty(t, w.fetched(), "it has recovered")
		})
	}
}

func TestAFailureIsRememberedForAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Handle(openID, credtest.Answer(http.StatusServiceUnavailable, ""))
	k := w.keys(t)
	e := w.fail(t, k, issuer.ErrUnreachable)
	assert.Equal(t, `issuer "`+w.Origin+`": `+w.Origin+openID+` answers 503 Service Unavailable`, e.Error())
	assert.Equal(t, []string{openID, oauth}, w.fetched())
	w.publish(w.issuer)
	w.pass(20 * time.Second)
	e = w.fail(t, k, issuer.ErrUnreachable)
	assert.Equal(t, `issuer "`+w.Origin+`": `+w.Origin+openID+` answers 503 Service Unavailable (tried 20s ago, to be tried again in 40s)`, e.Error())
	assert.Empty(t, w.fetched())
	w.pass(40 * time.Second)
	w.want(t, k, w.issuer, credtest.KeyES256)
}

// All the places of the metadata are on one server.
func TestAServerThatIsNotThereIsTriedOnce(t *testing.T) {
	t.Parallel()
	var dials atomic.Int32
	k, err := issuer.New(issuer.Config{
		Issuers: []string{"https://i.example/vo"},
		Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			dials.Add(1)
			return nil, syscall.ECONNREFUSED
		}},
	})
	require.NoError(t, err)
	for range 3 {
		e := failAs(t, k, "https://i.example/vo", "es256", issuer.ErrUnreachable)
		require.ErrorIs(t, e, syscall.ECONNREFUSED)
	}
	assert.EqualValues(t, 1, dials.Load())
}

// What an issuer, or somebody who sits in its place, can do wrong.
func TestWhatIsPublishedIsNotBelievedBlindly(t *testing.T) {
	t.Parallel()
	ok := func(body string) http.Handler { return credtest.Answer(http.StatusOK, body) }
	tests := map[string]struct {
		handle  func(w *world)
		kind    issuer.Error
		want    string // ORIGIN and PLAIN stand for the site's
		fetched []string
	}{
		"metadata: issuer of another": {
			func(w *world) { w.Handle(openID, ok(metadata("https://evil.example", w.Origin+jwks))) },
			issuer.ErrUnusable, `ORIGIN/.well-known/openid-configuration is that of the issuer "https://evil.example"`,
			[]string{openID, oauth},
		},
		"metadata: issuer with a slash more": {
			func(w *world) { w.Handle(openID, ok(metadata(w.Origin+"/", w.Origin+jwks))) },
			issuer.ErrUnusable, `ORIGIN/.well-known/openid-configuration is that of the issuer "ORIGIN/"`,
			[]string{openID, oauth},
		},
		"metadata: keys over http": {
			func(w *world) { w.Handle(openID, ok(metadata(w.Origin, w.Plain+jwks))) },
			issuer.ErrUnusable, "ORIGIN/.well-known/openid-configuration has a jwks_uri that cannot be followed: it is not https",
			[]string{openID, oauth},
		},
		"metadata: keys at an address with a login": {
			func(w *world) {
				w.Handle(openID, ok(metadata(w.Origin, strings.Replace(w.Origin, "//", "//u:p@", 1)+jwks)))
			},
			issuer.ErrUnusable, "ORIGIN/.well-known/openid-configuration has a jwks_uri that cannot be followed: it names a user",
			[]string{openID, oauth},
		},
		"metadata: web page": {
			func(w *world) { w.Handle(openID, ok("<!DOCTYPE html><p>Sign in")) },
			issuer.ErrUnusable, "ORIGIN/.well-known/openid-configuration is a web page where JSON should be",
			[]string{openID, oauth},
		},
		"metadata: a byte too long": {
			func(w *world) {
				w.Handle(openID, ok(string(w.issuer.OpenIDConfiguration())+strings.Repeat(" ", issuer.MaxDocument)))
			},
			issuer.ErrUnusable, "ORIGIN/.well-known/openid-configuration is longer than 65536 bytes",
			[]string{openID, oauth},
		},
		"metadata: nowhere": {
			func(w *world) { w.HandleFunc(openID, http.NotFound) },
			issuer.ErrUnusable, "ORIGIN/.well-known/openid-configuration answers 404 Not Found, and no metadata is in the other places that the standards name either",
			[]string{openID, oauth},
		},
		"metadata: trouble": {
			func(w *world) { w.HandleFunc(openID, http.NotFound); w.Handle(oauth, credtest.Answer(502, "")) },
			issuer.ErrUnreachable, "ORIGIN/.well-known/oauth-authorization-server answers 502 Bad Gateway",
			[]string{openID, oauth},
		},
		"metadata: too many askers": {
			func(w *world) { w.Handle(openID, credtest.Answer(429, "")) },
			issuer.ErrUnreachable, "ORIGIN/.well-known/openid-configuration answers 429 Too Many Requests",
			[]string{openID, oauth},
		},
		"metadata: redirect to http": {
			func(w *world) { w.Handle(openID, credtest.Redirect(302, w.Plain+openID)) },
			issuer.ErrUnusable, "ORIGIN/.well-known/openid-configuration redirects to PLAIN/.well-known/openid-configuration, which is not followed: it is not https",
			[]string{openID, oauth},
		},
		"metadata: redirect with a login": {
			func(w *world) {
				w.Handle(openID, credtest.Redirect(302, strings.Replace(w.OtherPort, "//", "//u:secret@", 1)))
			},
			issuer.ErrUnusable, "which is not followed: it names a user",
			[]string{openID, oauth},
		},
		"metadata: redirect in a circle": {
			func(w *world) { w.Handle(openID, credtest.Redirect(302, w.Origin+openID)) },
			issuer.ErrUnusable, "ORIGIN/.well-known/openid-configuration redirects more than 3 times",
			[]string{openID, openID, openID, openID, oauth},
		},
		"metadata: vast header": {
			func(w *world) {
				w.HandleFunc(openID, func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("X", strings.Repeat("x", 1<<20)) })
			},
			issuer.ErrUnreachable, "ORIGIN/.well-known/openid-configuration cannot be fetched: ", nil,
		},
		"keys: redirect to http": {
			func(w *world) { w.Handle(jwks, credtest.Redirect(307, w.Plain+jwks)) },
			issuer.ErrUnusable, "ORIGIN/jwks redirects to PLAIN/jwks, which is not followed: it is not https",
			[]string{openID, jwks},
		},
		"keys: web page": {
			func(w *world) { w.Handle(jwks, ok("<html>")) },
			issuer.ErrUnusable, "ORIGIN/jwks is a web page where JSON should be",
			[]string{openID, jwks},
		},
		"keys: a byte too long": {
			func(w *world) { w.Handle(jwks, ok(string(w.issuer.JWKS())+strings.Repeat(" ", issuer.MaxKeySet))) },
			issuer.ErrUnusable, "ORIGIN/jwks is longer than 1048576 bytes",
			[]string{openID, jwks},
		},
		"keys: without end": {
			func(w *world) {
				w.HandleFunc(jwks, func(rw http.ResponseWriter, r *http.Request) {
					for r.Context().Err() == nil {
						if _, err := io.WriteString(rw, strings.Repeat(" ", 1<<16)); err != nil {
							return
						}
					}
				})
			},
			issuer.ErrUnusable, "ORIGIN/jwks is longer than 1048576 bytes",
			[]string{openID, jwks},
		},
		"keys: nothing": {
			func(w *world) { w.Handle(jwks, credtest.Answer(http.StatusNoContent, "")) },
			issuer.ErrUnusable, "ORIGIN/jwks answers 204 No Content",
			[]string{openID, jwks},
		},
		"keys: for members only": {
			func(w *world) { w.Handle(jwks, credtest.Answer(401, "")) },
			issuer.ErrUnusable, "ORIGIN/jwks answers 401 Unauthorized",
			[]string{openID, jwks},
		},
		"keys: cut short": {
			func(w *world) {
				w.HandleFunc(jwks, func(rw http.ResponseWriter, _ *http.Request) {
					rw.Header().Set("Content-Length", "100")
					_, _ = io.WriteString(rw, `{"keys":[`)
				})
			},
			issuer.ErrUnreachable, "ORIGIN/jwks broke off: ",
			[]string{openID, jwks},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tt.handle(w)
			e := w.fail(t, w.keys(t), tt.kind)
			assert.Contains(t, e.Error(), strings.NewReplacer("ORIGIN", w.Origin, "PLAIN", w.Plain).Replace(tt.want))
			assert.NotContains(t, e.Error(), "secret")
			assert.Empty(t, w.ArrivalsAt(w.Plain), "never in the clear")
			assert.Empty(t, w.Leaks(w.OtherPort))
			if tt.fetched != nil {
				assert.Equal(t, tt.fetched, w.fetched())
			}
		})
	}
}

func TestMetadataThatSaysTooLittle(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"jwks_uri":"https://i/k"}`:                        "does not say whose it is (issuer)",
		`{"issuer":7,"jwks_uri":"https://i/k"}`:             "has an issuer that is not a string",
		`{"issuer":"https://i"}`:                            "does not say where the keys are (jwks_uri)",
		`{"issuer":"https://i","jwks_uri":["https://i/k"]}`: "has a jwks_uri that is not a string",
		`{"issuer":"https://i","jwks_uri":"https://i/%"}`:   "has a jwks_uri that is not a URL",
		`{"issuer":"https://i","jwks_uri":"/k"}`:            "has a jwks_uri that cannot be followed: it is not https",
		`{"issuer":"https://i","jwks_uri":"https:///k"}`:    "has a jwks_uri that cannot be followed: it names no host",
		`{"issuer":"https://i","jwks_uri":"file:///k"}`:     "has a jwks_uri that cannot be followed: it is not https",
		`{"issuer":"https://i","issuer":"https://i"}`:       "names a member twice",
		`{"issuer":"https://i","jwks_uri":"https://u@i/k"}`: "has a jwks_uri that cannot be followed: it names a user",
		`{"issuer":"HTTPS://i","jwks_uri":"https://i/k"}`:   `is that of the issuer "HTTPS://i"`,
		`{"Issuer":"https://i","jwks_uri":"https://i/k"}`:   "does not say whose it is (issuer)",
		"": "is empty",
	} {
		_, err := issuer.ParseDocument([]byte(in), "https://i")
		assert.EqualError(t, err, want, in)
	}
	uri, err := issuer.ParseDocument([]byte(`{"issuer":"https://i","jwks_uri":"HTTPS://cdn.example/k?v=1","x":{}}`), "https://i")
	require.NoError(t, err)
	assert.Equal(t, "HTTPS://cdn.example/k?v=1", uri)
}

func TestRedirectsOverHTTPSAreFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Handle(openID, credtest.Redirect(301, w.OtherPort+"/one"))
	w.Handle("/one", credtest.Redirect(302, w.OtherHost+"/two"))
	w.Handle("/two", credtest.Redirect(308, w.OtherPort+"/three"))
	w.Handle("/three", credtest.Answer(http.StatusOK, string(w.issuer.OpenIDConfiguration())))
	w.want(t, w.keys(t), w.issuer, credtest.KeyES256)
}

func TestAServerWithAStrangeCertificateIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.keys(t, func(c *issuer.Config) { c.RootCAs = credtest.NewCA("Another CA").Pool() })
	e := w.fail(t, k, issuer.ErrUnreachable)
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, e, &unknown)
	assert.Empty(t, w.fetched())
	// And the other way round: RootCAs go before those of the Transport.
	w.want(t, w.keys(t, func(c *issuer.Config) {
		c.Transport.TLSClientConfig.RootCAs = nil
		c.RootCAs = w.CA.Pool()
	}), w.issuer, credtest.KeyES256)
}

func TestNoCredentialIsEverSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := w.CA.User("Ada Lovelace").TLS()
	base := w.Transport()
	base.TLSClientConfig.Certificates = []tls.Certificate{user}
	base.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &user, nil }
	base.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	// The base has connections, and sessions to resume, that show who it is.
	resp, err := (&http.Client{Transport: base}).Get(w.Origin + "/")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.NotEmpty(t, w.Leaks(w.Origin))
	w.Forget()

	w.HandleFunc(openID, func(rw http.ResponseWriter, _ *http.Request) {
		http.SetCookie(rw, &http.Cookie{Name: "session", Value: "secret", Path: "/"})
		_, _ = rw.Write(w.issuer.OpenIDConfiguration())
	})
	k := w.keys(t, func(c *issuer.Config) { c.Transport = base })
	w.want(t, k, w.issuer, credtest.KeyES256)
	w.pass(issuer.MaxFresh)
	w.want(t, k, w.issuer, credtest.KeyES256)
	assert.Len(t, w.Arrivals(), 4)
	for _, a := range w.Arrivals() {
		assert.Empty(t, a.Secrets())
		assert.Empty(t, a.Header.Get("Cookie"))
		assert.Empty(t, a.Header.Get("Authorization"))
	}
	assert.NotNil(t, base.TLSClientConfig.GetClientCertificate, "the caller's Transport is his")
}

// A base that golang.org/x/net/http2 has prepared leads into connections of its
// own, whose certificate is another.
func TestConnectionsOfTheBaseAreNotUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	base := w.Transport()
	base.TLSClientConfig.NextProtos = []string{"h2", "http/1.1"}
	base.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{
		"h2": func(string, *tls.Conn) http.RoundTripper { t.Error("the base's HTTP/2 was used"); return base },
	}
	w.want(t, w.keys(t, func(c *issuer.Config) { c.Transport = base }), w.issuer, credtest.KeyES256)
	for _, a := range w.Arrivals() {
		assert.Equal(t, "HTTP/2.0", a.Proto)
	}
}

func TestNewRefusesWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	good := []string{"https://i.example"}
	for want, c := range map[string]issuer.Config{
		"Config.Issuers is empty": {},
		`Config.Issuers: "http://i.example": it must begin with https:// and name a host`:     {Issuers: []string{"http://i.example"}},
		`Config.Issuers: "https://": it must begin with https:// and name a host`:             {Issuers: []string{"https://"}},
		`Config.Issuers: "https://:443": it must begin with https:// and name a host`:         {Issuers: []string{"https://:443"}},
		`Config.Issuers: "i.example": it must begin with https:// and name a host`:            {Issuers: []string{"i.example"}},
		`Config.Issuers: "HTTPS://i.example": it must begin with https:// and name a host`:    {Issuers: []string{"HTTPS://i.example"}},
		`Config.Issuers: "": it must begin with https:// and name a host`:                     {Issuers: []string{""}},
		`Config.Issuers: "https://u@i.example": it must not name a user`:                      {Issuers: []string{"https://u@i.example"}},
		`Config.Issuers: "https://i.example?": it must have neither a query nor a fragment`:   {Issuers: []string{"https://i.example?"}},
		`Config.Issuers: "https://i.example/#x": it must have neither a query nor a fragment`: {Issuers: []string{"https://i.example/#x"}},
		`Config.Issuers: "https://i .example": it is not a URL`:                               {Issuers: []string{"https://i .example"}},
		"Config.Offline must be between 0 and 96h0m0s":                                        {Issuers: good, Offline: 97 * time.Hour},
		"issuer: Config.Offline must be between 0 and 96h0m0s":                                {Issuers: good, Offline: -1},
		`Config.CacheDir: "keys" is not an absolute path`:                                     {Issuers: good, CacheDir: "keys"},
		"InsecureSkipVerify": {Issuers: good, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}},
		"has a DialTLS hook": {Issuers: good, Transport: &http.Transport{DialTLSContext: (&tls.Dialer{}).DialContext}},
	} {
		k, err := issuer.New(c)
		assert.Nil(t, k)
		assert.ErrorContains(t, err, want)
	}
	k, err := issuer.New(issuer.Config{Issuers: good})
	require.NoError(t, err, "the issuers alone will do")
	assert.NotNil(t, k)
}

func TestErrorsHoldNoControlCharacters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.keys(t).Key(t.Context(), "https://\x1b[31m", "ES256", "k")
	assert.NotContains(t, err.Error(), "\x1b")
	e := &issuer.KeyError{Kind: issuer.ErrNoKey, Problem: "a\x1bb", Err: errors.New("c\u202ed")}
	assert.Equal(t, "a\uFFFDb: c\uFFFDd", e.Error())
}
