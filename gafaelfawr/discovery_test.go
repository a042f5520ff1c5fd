// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/gafaelfawr"
)

// aSite is a document in which everything is there.
const aSite = `{
  "applications": ["argocd", "gafaelfawr"],
  "environment_name": "idfdev",
  "datasets": {
    "dp1": {
      "butler_config": "https://data.example.com/api/butler/repo/dp1/butler.yaml",
      "description": "Data Preview 1", "docs_url": "https://dp1.example.com/",
      "services": {"cutout": {
        "url": "https://data.example.com/api/cutout", "openapi": "https://data.example.com/api/cutout/openapi.json",
        "versions": {"soda-sync-1.0": {"url": "https://data.example.com/api/cutout/sync", "ivoa_standard_id": "ivo://ivoa.net/std/SODA#sync-1.0"},
                     "soda-async-1.0": {"url": "https://data.example.com/api/cutout/jobs"}}}}
    },
    "dp02": {"butler_config": null}
  },
  "influxdb_databases": {
    "efd": {"url": "https://data.example.com/influxdb/", "database": "efd", "local": true,
            "schema_registry": "http://registry.sasquatch:8081/", "credentials_url": "https://data.example.com/repertoire/discovery/influxdb/efd"},
    "base_efd": {"url": "https://base.example.com/influxdb/", "database": "efd",
            "schema_registry": "http://registry.sasquatch:8081/", "credentials_url": "http://base.example.com/efd"}
  },
  "services": {
    "internal": {
      "gafaelfawr": {"url": "https://data.example.com/auth/api", "versions": {"v1": {"url": "https://data.example.com/auth/api/v1"}, "v0": {"url": "https://data.example.com/auth/api/v0"}}},
      "wobbly": {"url": "https://data.example.com/wobbly"}
    },
    "ui": {"argocd": {"url": "https://data.example.com/argo-cd"}}
  },
  "a_later_field": [1, 2, 3]
}`

func TestADocumentAnswersEveryQuestion(t *testing.T) {
	t.Parallel()
	var d gafaelfawr.Document
	require.NoError(t, json.Unmarshal([]byte(aSite), &d))
	pair := func(s string, ok bool) []any { return []any{s, ok} }
	absent := []any{"", false}

	assert.Equal(t, pair("https://data.example.com/auth/api/v1", true), pair(d.InternalURL("gafaelfawr", "v1")))
	assert.Equal(t, pair("https://data.example.com/auth/api", true), pair(d.InternalURL("gafaelfawr", "")))
	assert.Equal(t, absent, pair(d.InternalURL("gafaelfawr", "v2")), "there is no way back to the service itself")
	assert.Equal(t, absent, pair(d.InternalURL("wobbly", "v1")))
	assert.Equal(t, absent, pair(d.InternalURL("other", "")))
	assert.Equal(t, pair("https://data.example.com/argo-cd", true), pair(d.UIURL("argocd")))
	assert.Equal(t, absent, pair(d.UIURL("gafaelfawr")))
	assert.Equal(t, pair("https://data.example.com/api/cutout", true), pair(d.DataURL("cutout", "dp1", "")))
	assert.Equal(t, pair("https://data.example.com/api/cutout/sync", true), pair(d.DataURL("cutout", "dp1", "soda-sync-1.0")))
	assert.Equal(t, absent, pair(d.DataURL("cutout", "dp02", "")))
	assert.Equal(t, absent, pair(d.DataURL("cutout", "dp9", "")))
	assert.Equal(t, []string{"v0", "v1"}, d.InternalVersions("gafaelfawr"))
	assert.Empty(t, d.InternalVersions("other"))
	assert.Equal(t, []string{"soda-async-1.0", "soda-sync-1.0"}, d.DataVersions("cutout", "dp1"))
	assert.Empty(t, d.DataVersions("cutout", "dp9"))
	assert.Equal(t, []string{"dp02", "dp1"}, d.DatasetNames())
	assert.Equal(t, []string{"argocd", "gafaelfawr"}, d.Applications)
	assert.Equal(t, new("idfdev"), d.EnvironmentName)
	assert.Equal(t, pair("https://data.example.com/api/butler/repo/dp1/butler.yaml", true), pair(d.ButlerConfig("dp1")))
	assert.Equal(t, absent, pair(d.ButlerConfig("dp02")))
	assert.Equal(t, map[string]string{"dp1": "https://data.example.com/api/butler/repo/dp1/butler.yaml"}, d.ButlerRepositories())
	assert.Equal(t, []string{"base_efd", "efd"}, d.InfluxDBNames())
	assert.Equal(t, []string{"efd"}, d.LocalInfluxDBNames(true))
	assert.Equal(t, []string{"base_efd"}, d.LocalInfluxDBNames(false))
	assert.Equal(t, gafaelfawr.InfluxDB{
		URL: "https://data.example.com/influxdb/", Database: "efd", Local: true,
		SchemaRegistry: "http://registry.sasquatch:8081/", CredentialsURL: "https://data.example.com/repertoire/discovery/influxdb/efd",
	}, d.InfluxDBs["efd"])
	assert.Equal(t, new("ivo://ivoa.net/std/SODA#sync-1.0"), d.Datasets["dp1"].Services["cutout"].Versions["soda-sync-1.0"].IVOAStandardID)
	assert.Equal(t, new("Data Preview 1"), d.Datasets["dp1"].Description)
	assert.Equal(t, new("https://dp1.example.com/"), d.Datasets["dp1"].DocsURL)
	assert.Equal(t, new("https://data.example.com/api/cutout/openapi.json"), d.Datasets["dp1"].Services["cutout"].OpenAPI)
}

func TestTheEmptyDocumentIsOne(t *testing.T) {
	t.Parallel()
	var d gafaelfawr.Document
	require.NoError(t, json.Unmarshal([]byte(`{}`), &d))
	assert.Equal(t, gafaelfawr.Document{}, d)
	_, ok := d.InternalURL("gafaelfawr", "v1")
	assert.False(t, ok)
	assert.Empty(t, d.DatasetNames())
	assert.Empty(t, d.ButlerRepositories())
}

func TestADocumentSaysWhereItIsWrong(t *testing.T) {
	t.Parallel()
	for body, says := range map[string]string{
		`[]`:                                                "the document has the wrong type or size (array)",
		`null`:                                              "the document is null",
		`"text"`:                                            "the document has the wrong type or size (string)",
		`{"applications":"gafaelfawr"}`:                     "applications has the wrong type or size (string)",
		`{"applications":["a",1]}`:                          "applications[1] has the wrong type or size (number)",
		`{"applications":[null]}`:                           "applications[0] is null",
		`{"services":null}`:                                 "services is null",
		`{"services":{"internal":[]}}`:                      "services.internal has the wrong type or size (array)",
		`{"services":{"internal":{"g":null}}}`:              "services.internal.g is null",
		`{"services":{"internal":{"g":{}}}}`:                "services.internal.g.url is missing",
		`{"services":{"ui":{"g":{"url":null}}}}`:            "services.ui.g.url is null",
		`{"services":{"ui":{"g":{"url":"ftp://h/"}}}}`:      "services.ui.g.url is no http or https URL",
		`{"services":{"ui":{"g":{"url":"/path"}}}}`:         "services.ui.g.url is no http or https URL",
		`{"services":{"ui":{"g":{"url":"https://%zz"}}}}`:   "services.ui.g.url is no http or https URL",
		`{"datasets":{"d":{"services":{"s":{"url":"x"}}}}}`: "datasets.d.services.s.url is no http or https URL",
		`{"services":{"internal":{"g":{"url":"https://h","versions":{"v1":{"url":5}}}}}}`: "services.internal.g.versions.v1.url has the wrong type or size (number)",
		`{"influxdb_databases":{"i":{"url":"https://h","database":"d"}}}`:                 "influxdb_databases.i.schema_registry is missing",
		`{"influxdb_databases":{"i":{"url":"https://h","database":"d","local":"true"}}}`:  "influxdb_databases.i.local has the wrong type or size (string)",
		`{"influxdb_databases":{"i":{"url":"https://h","database":"","local":true}}}`:     "influxdb_databases.i.database is empty",
		`{"datasets":{"d":{"butler_config":"butler.yaml"}}}`:                              "datasets.d.butler_config is no http or https URL",
		`{"environment_name":["idfdev"]}`:                                                 "environment_name has the wrong type or size (array)",
		`{"datasets":{"d":{"services":{"s":{"url":"https://h","versions":{"v":null}}}}}}`: "datasets.d.services.s.versions.v is null",
	} {
		var d gafaelfawr.Document
		err := json.Unmarshal([]byte(body), &d)
		var wrong *gafaelfawr.FieldError
		if assert.ErrorAs(t, err, &wrong, body) {
			assert.Equal(t, says, wrong.Error(), body)
		}
		assert.Equal(t, gafaelfawr.Document{}, d, "half a document is none: %s", body)
	}
}

// repertoire is a service discovery whose answer tests change.
type repertoire struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	body   string
	calls  int
}

func newRepertoire(t *testing.T, body string) *repertoire {
	t.Helper()
	r := &repertoire{status: 200, body: body}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls++
		w.WriteHeader(r.status)
		_, _ = w.Write([]byte(r.body))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *repertoire) set(status int, body string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.body = status, body
}

func TestADocumentIsFetchedOnceInFiveMinutes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts     []gafaelfawr.Option
		lifetime time.Duration
	}{
		"by default": {nil, 5 * time.Minute},
		"tuned":      {[]gafaelfawr.Option{gafaelfawr.WithCacheLifetime(time.Second)}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, now := newRepertoire(t, aSite), newClock()
			d, err := gafaelfawr.NewDiscovery(r.URL, append(c.opts, gafaelfawr.WithClock(now.Now))...)
			require.NoError(t, err)
			defer d.Close()
			fetch := func() *gafaelfawr.Document {
				doc, err := d.Document(t.Context())
				require.NoError(t, err)
				return doc
			}
			first := fetch()
			now.advance(c.lifetime)
			assert.Same(t, first, fetch(), "it still holds at the end of its lifetime")
			assert.Equal(t, 1, r.calls)
			now.advance(1)
			r.set(200, `{"environment_name":"new"}`)
			assert.Equal(t, "new", *fetch().EnvironmentName)
			assert.Equal(t, 2, r.calls)
		})
	}
}

func TestTheLastDocumentIsUsedWhenItCannotBeFetchedAnew(t *testing.T) {
	t.Parallel()
	r, now := newRepertoire(t, aSite), newClock()
	var logged bytes.Buffer
	d, err := gafaelfawr.NewDiscovery(r.URL, gafaelfawr.WithClock(now.Now), gafaelfawr.WithLogger(slog.New(slog.NewTextHandler(&logged, nil))))
	require.NoError(t, err)
	first, err := d.Document(t.Context())
	require.NoError(t, err)
	for name, set := range map[string]func(){
		"a status":      func() { r.set(500, "") },
		"a redirect":    func() { r.set(302, "") },
		"not JSON":      func() { r.set(200, "<html>") },
		"another shape": func() { r.set(200, `{"services":[]}`) },
	} {
		now.advance(gafaelfawr.DefaultCacheLifetime + 1)
		logged.Reset()
		set()
		calls := r.calls
		again := func() {
			doc, err := d.Document(t.Context())
			require.NoError(t, err, name)
			assert.Same(t, first, doc, name)
		}
		for range 2 {
			again()
		}
		now.advance(10*time.Second - 1)
		again()
		assert.Equal(t, calls+1, r.calls, "%s: it is not tried again for ten seconds", name)
		now.advance(1)
		again()
		assert.Equal(t, calls+2, r.calls, "%s: but then", name)
		assert.Equal(t, 2, strings.Count(logged.String(), "level=WARN"), name)
		assert.Contains(t, logged.String(), "level=WARN", name)
		assert.Contains(t, logged.String(), "Failed to refresh service discovery information, returning cached data", name)
		assert.Contains(t, logged.String(), "age=", name)
	}
	r.set(200, `{}`)
	now.advance(10 * time.Second)
	again, err := d.Document(t.Context())
	require.NoError(t, err)
	assert.NotSame(t, first, again)
	r.Close()
	now.advance(gafaelfawr.DefaultCacheLifetime + 1)
	last, err := d.Document(t.Context())
	require.NoError(t, err, "no connection")
	assert.Same(t, again, last)
}

// Else every user whom a cache does not know would wait for the timeout.
func TestAServiceDiscoveryThatHangsIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := false
		discovery, err := gafaelfawr.NewDiscovery("https://data.example.com/repertoire", gafaelfawr.WithHTTPClient(&http.Client{Transport: responder(func(req *http.Request) (*http.Response, error) {
			if hangs {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return answer(req, 200, aSite)
		})}))
		require.NoError(t, err)
		client, err := gafaelfawr.New(gafaelfawr.WithDiscovery(discovery), gafaelfawr.WithHTTPClient(&http.Client{Transport: responder(func(req *http.Request) (*http.Response, error) {
			return answer(req, 200, `{"username":"u"}`)
		})}))
		require.NoError(t, err)
		ask := func() time.Duration {
			started := time.Now()
			_, err := client.UserInfo(t.Context(), gafaelfawr.NewToken())
			require.NoError(t, err)
			return time.Since(started)
		}
		require.Zero(t, ask())
		hangs = true
		time.Sleep(time.Hour)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err = discovery.Document(ctx)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		assert.Equal(t, gafaelfawr.DefaultTimeout, ask(), "who had no time to wait says nothing about the service")
		for range 3 {
			assert.Zero(t, ask())
		}
		time.Sleep(10 * time.Second)
		assert.Equal(t, gafaelfawr.DefaultTimeout, ask())
	})
}

// A logger may be slow, and may ask for the document itself.
func TestNoLockIsHeldWhileLogging(t *testing.T) {
	t.Parallel()
	r, now := newRepertoire(t, aSite), newClock()
	var d *gafaelfawr.Discovery
	calls := 0
	logger := slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		calls++
		_, err := d.Document(t.Context())
		return len(p), err
	}), nil))
	d, err := gafaelfawr.NewDiscovery(r.URL, gafaelfawr.WithClock(now.Now), gafaelfawr.WithLogger(logger))
	require.NoError(t, err)
	_, err = d.Document(t.Context())
	require.NoError(t, err)
	r.set(500, "")
	now.advance(time.Hour)
	_, err = d.Document(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, calls)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWithoutALastDocumentTheFailureIsTheCallers(t *testing.T) {
	t.Parallel()
	r := newRepertoire(t, aSite)
	d, err := gafaelfawr.NewDiscovery(r.URL + "/")
	require.NoError(t, err)
	var discovery *gafaelfawr.DiscoveryError
	var web *gafaelfawr.WebError
	var invalid *gafaelfawr.ValidationError

	r.set(503, "down")
	_, err = d.Document(t.Context())
	require.ErrorAs(t, err, &discovery)
	require.ErrorAs(t, err, &web)
	assert.Equal(t, "service discovery failed: status 503 from GET "+r.URL+"/discovery: down", err.Error())
	r.set(200, "<html></html>")
	_, err = d.Document(t.Context())
	require.ErrorAs(t, err, &discovery)
	require.ErrorAs(t, err, &invalid)
	assert.Equal(t, "service discovery failed: unable to parse reply from GET "+r.URL+"/discovery: it is not JSON but text/html; charset=utf-8", err.Error())
	r.set(200, `null`)
	_, err = d.Document(t.Context())
	require.ErrorAs(t, err, &invalid)
	r.Close()
	_, err = d.Document(t.Context())
	require.ErrorAs(t, err, &web)
	assert.Zero(t, web.Status)
	assert.Contains(t, err.Error(), "no answer to GET "+r.URL+"/discovery: dial tcp")
}

func TestManyWhoAskForTheDocumentShareARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		r := responder(func(req *http.Request) (*http.Response, error) {
			calls.Add(1)
			time.Sleep(time.Second)
			return answer(req, 200, aSite)
		})
		d, err := gafaelfawr.NewDiscovery("https://data.example.com/repertoire", gafaelfawr.WithHTTPClient(&http.Client{Transport: r}))
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				_, err := d.Document(t.Context())
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		assert.EqualValues(t, 1, calls.Load())
	})
}

func TestADocumentWithoutGafaelfawrIsADiscoveryError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, says string }{
		"nothing":             {`{}`, "gafaelfawr (v1) service not found in service discovery"},
		"another service":     {`{"services":{"internal":{"wobbly":{"url":"https://h/"}}}}`, "gafaelfawr (v1) service not found in service discovery"},
		"another version":     {`{"services":{"internal":{"gafaelfawr":{"url":"https://h/","versions":{"v2":{"url":"https://h/v2"}}}}}}`, "gafaelfawr (v1) service not found in service discovery"},
		"one for browsers":    {`{"services":{"ui":{"gafaelfawr":{"url":"https://h/"}}}}`, "gafaelfawr (v1) service not found in service discovery"},
		"a URL with a query":  {`{"services":{"internal":{"gafaelfawr":{"url":"https://h/","versions":{"v1":{"url":"https://h/v1?a=b"}}}}}}`, "has a query or a fragment"},
		"a URL with a login":  {`{"services":{"internal":{"gafaelfawr":{"url":"https://h/","versions":{"v1":{"url":"https://u:hunter2@h/v1"}}}}}}`, "has a login in it"},
		"a URL in cleartext":  {`{"services":{"internal":{"gafaelfawr":{"url":"https://h/","versions":{"v1":{"url":"http://h/v1"}}}}}}`, "no token is sent over http, unless WithPlaintextHTTP allows it"},
		"one that looks like": {`{"services":{"internal":{"gafaelfawr":{"url":"https://h/","versions":{"v1":{"url":"http://localhost.example.com/v1"}}}}}}`, "no token is sent over http"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepertoire(t, c.body)
			d, err := gafaelfawr.NewDiscovery(r.URL)
			require.NoError(t, err)
			client, err := gafaelfawr.New(gafaelfawr.WithDiscovery(d))
			require.NoError(t, err)
			_, err = client.UserInfo(t.Context(), gafaelfawr.NewToken())
			var discovery *gafaelfawr.DiscoveryError
			require.ErrorAs(t, err, &discovery)
			assert.Contains(t, err.Error(), c.says)
			assert.NotContains(t, err.Error(), "hunter2")
			assert.Equal(t, 1, r.calls)
		})
	}
}

func TestWithoutAURLThereIsNoDiscovery(t *testing.T) {
	t.Setenv(gafaelfawr.BaseURLVariable, "")
	for _, construct := range []func() error{
		func() error { _, err := gafaelfawr.New(); return err },
		func() error { _, err := gafaelfawr.NewDiscovery(""); return err },
	} {
		err := construct()
		var discovery *gafaelfawr.DiscoveryError
		require.ErrorAs(t, err, &discovery)
		assert.Equal(t, "REPERTOIRE_BASE_URL not set in environment", err.Error())
	}
	t.Setenv(gafaelfawr.BaseURLVariable, "data.example.com")
	_, err := gafaelfawr.New()
	require.ErrorIs(t, err, gafaelfawr.ErrInvalidArgument)
	assert.Equal(t, "the URL of service discovery cannot be used: data.example.com is no http or https URL", err.Error())
}

func TestCredentialsOfADatabaseAreForThoseWithAToken(t *testing.T) {
	t.Parallel()
	token := gafaelfawr.NewToken()
	status, body := 200, `{"url":"https://data.example.com/influxdb/","database":"efd","schema_registry":"http://registry:8081/","local":true,"username":"efdreader","password":"hunter2"}`
	var seen []string
	r := responder(func(req *http.Request) (*http.Response, error) {
		seen = append(seen, req.URL.String()+" "+req.Header.Get("Authorization"))
		if strings.HasSuffix(req.URL.Path, "/discovery") {
			return answer(req, 200, aSite)
		}
		return answer(req, status, body)
	})
	d, err := gafaelfawr.NewDiscovery("https://data.example.com/repertoire", gafaelfawr.WithHTTPClient(&http.Client{Transport: r}))
	require.NoError(t, err)

	got, err := d.InfluxDBCredentials(t.Context(), token, "efd")
	require.NoError(t, err)
	assert.Equal(t, []string{"https://data.example.com/repertoire/discovery ", "https://data.example.com/repertoire/discovery/influxdb/efd Bearer " + token.Reveal()}, seen)
	assert.Equal(t, "efd", got.Database)
	assert.Equal(t, "https://data.example.com/influxdb/", got.URL)
	assert.Equal(t, "http://registry:8081/", got.SchemaRegistry)
	assert.True(t, got.Local)
	assert.Equal(t, new("efdreader"), got.Username)
	password, ok := got.Password()
	assert.True(t, ok)
	assert.Equal(t, "hunter2", password)

	body = `{"url":"https://data.example.com/influxdb/","database":"efd","schema_registry":"http://registry:8081/","username":null,"password":null}`
	got, err = d.InfluxDBCredentials(t.Context(), token, "efd")
	require.NoError(t, err)
	_, ok = got.Password()
	assert.False(t, ok)
	assert.Nil(t, got.Username)

	status, body = 403, `{"detail":[{"msg":"no","type":"permission_denied"}]}`
	_, err = d.InfluxDBCredentials(t.Context(), token, "efd")
	var web *gafaelfawr.WebError
	require.ErrorAs(t, err, &web)
	_, err = d.InfluxDBCredentials(t.Context(), token, "nosuch")
	var discovery *gafaelfawr.DiscoveryError
	require.ErrorAs(t, err, &discovery)
	assert.Contains(t, err.Error(), "InfluxDB database nosuch not found in service discovery")
	_, err = d.InfluxDBCredentials(t.Context(), token, "base_efd")
	require.ErrorAs(t, err, &discovery)
	assert.Contains(t, err.Error(), "no token is sent over http")
	_, err = d.InfluxDBCredentials(t.Context(), gafaelfawr.Token{}, "efd")
	require.ErrorIs(t, err, gafaelfawr.ErrInvalidToken)
}

func TestADiscoveryMayBeShared(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	d, err := gafaelfawr.NewDiscovery(server.DiscoveryURL)
	require.NoError(t, err)
	token := gafaelfawr.NewToken()
	for range 3 {
		client, err := gafaelfawr.New(gafaelfawr.WithDiscovery(d))
		require.NoError(t, err)
		_, err = client.UserInfo(t.Context(), token)
		require.Error(t, err)
		client.Close()
	}
	assert.Equal(t, 1, server.Count("/discovery"))
	assert.Equal(t, 3, server.Count("/user-info"))
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	d, err := gafaelfawr.NewDiscovery("https://data.example.com/repertoire")
	require.NoError(t, err)
	const api = "https://data.example.com/auth/api/v1"
	for name, opts := range map[string][]gafaelfawr.Option{
		"no http.Client":      {gafaelfawr.WithHTTPClient(nil)},
		"no discovery":        {gafaelfawr.WithDiscovery(nil)},
		"no clock":            {gafaelfawr.WithClock(nil)},
		"no time":             {gafaelfawr.WithTimeout(0)},
		"negative time":       {gafaelfawr.WithTimeout(-1)},
		"negative lifetime":   {gafaelfawr.WithCacheLifetime(-1)},
		"negative size":       {gafaelfawr.WithCacheSize(-1)},
		"two ways":            {gafaelfawr.WithDiscovery(d), gafaelfawr.WithAPIURL(api)},
		"no URL":              {gafaelfawr.WithAPIURL("")},
		"another scheme":      {gafaelfawr.WithAPIURL("ftp://data.example.com")},
		"no host":             {gafaelfawr.WithAPIURL("https:///auth")},
		"a malformed URL":     {gafaelfawr.WithAPIURL("https://[")},
		"a URL with a login":  {gafaelfawr.WithAPIURL("https://u:hunter2@data.example.com")},
		"a URL with a query":  {gafaelfawr.WithAPIURL(api + "?token=hunter2")},
		"an empty query":      {gafaelfawr.WithAPIURL(api + "?")},
		"a URL with a target": {gafaelfawr.WithAPIURL(api + "#hunter2")},
	} {
		_, err := gafaelfawr.New(append([]gafaelfawr.Option{gafaelfawr.WithAPIURL(api)}, opts...)...)
		require.ErrorIs(t, err, gafaelfawr.ErrInvalidArgument, name)
		assert.NotContains(t, err.Error(), "hunter2", name)
	}
	for name, opt := range map[string]gafaelfawr.Option{
		"a discovery": gafaelfawr.WithDiscovery(d), "a URL": gafaelfawr.WithAPIURL(api), "a size": gafaelfawr.WithCacheSize(1), "a mistake": gafaelfawr.WithTimeout(0),
	} {
		_, err := gafaelfawr.NewDiscovery("https://data.example.com", opt)
		require.ErrorIs(t, err, gafaelfawr.ErrInvalidArgument, name)
	}
	_, err = gafaelfawr.New(nil, gafaelfawr.WithAPIURL(api), gafaelfawr.WithLogger(nil))
	require.NoError(t, err, "nil is no option, and no logger")
	_, err = gafaelfawr.NewDiscovery("nowhere")
	require.ErrorIs(t, err, gafaelfawr.ErrInvalidArgument)
}

// It is alone, since httptest closes the connections of http.DefaultTransport.
func TestCloseClosesOnlyWhatIsOurOwn(t *testing.T) {
	base := &closing{RoundTripper: http.DefaultTransport}
	client, err := gafaelfawr.New(gafaelfawr.WithHTTPClient(&http.Client{Transport: base}), gafaelfawr.WithAPIURL("https://data.example.com"))
	require.NoError(t, err)
	client.Close()
	assert.Zero(t, base.closed.Load())

	closed := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(closed)
		}
	}
	server.Start()
	defer server.Close()
	own, err := gafaelfawr.New(gafaelfawr.WithAPIURL(server.URL))
	require.NoError(t, err)
	_, err = own.TokenInfo(t.Context(), gafaelfawr.NewToken())
	require.Error(t, err)
	own.Close()
	<-closed // Else the connection would stay until the server ends it.
}

type closing struct {
	http.RoundTripper
	closed atomic.Int32
}

func (c *closing) CloseIdleConnections() { c.closed.Add(1) }
