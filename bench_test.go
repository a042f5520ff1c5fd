// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

// answer is the cheapest base there is.
type answer struct{ resp *http.Response }

func (a answer) RoundTrip(*http.Request) (*http.Response, error) {
	r := *a.resp
	return &r, nil
}

func warm(tb testing.TB) (*scicred.Transport, *http.Request) {
	tb.Helper()
	env := map[string]string{"BEARER_TOKEN": issuer().SciToken(credtest.Claims{"aud": "https://data.example.org"})}
	dir := tb.TempDir()
	tr, err := scicred.NewTransport(answer{&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}}, scicred.WithSystem(&scicred.System{
		LookupEnv: func(k string) (string, bool) { v, ok := env[k]; return v, ok },
		HomeDir:   func() (string, error) { return dir, nil },
		TempDir:   func() string { return dir },
	}))
	if err != nil {
		tb.Fatal(err)
	}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, dataURL, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Accept", "*/*")
	req.Header.Set("User-Agent", "bench")
	req.Header.Set("X-Test", "1")
	if _, err := tr.RoundTrip(req); err != nil {
		tb.Fatal(err)
	}
	return tr, req
}

func BenchmarkWarmRoundTrip(b *testing.B) {
	tr, req := warm(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tr.RoundTrip(req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWarmRoundTripParallel(b *testing.B) {
	tr, req := warm(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := tr.RoundTrip(req); err != nil {
				b.Error(err)
			}
		}
	})
}

// cost returns the allocations and bytes of one call.
func cost(f func()) (allocs, size float64) {
	const runs = 1000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	allocs = testing.AllocsPerRun(runs, f)
	runtime.ReadMemStats(&after)
	return allocs, float64(after.TotalAlloc-before.TotalAlloc) / (runs + 1) // one to warm up
}

// What a warm request may cost, beside what its base does: a copy of the request
// and one of its header, which a RoundTripper that adds a header cannot do
// without.
func TestAWarmRequestKeepsItsAllocationBudget(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	const allocs, size = 3, 720
	tr, req := warm(t)
	within := func(what string, req *http.Request) {
		base := answer{&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}}
		var resp *http.Response // what is kept is not optimised away
		floor, floorSize := cost(func() { resp, _ = base.RoundTrip(req) })
		n, b := cost(func() { resp, _ = tr.RoundTrip(req) })
		require.NotNil(t, resp)
		assert.LessOrEqual(t, n-floor, float64(allocs), "allocations of %s", what)
		assert.LessOrEqual(t, math.Round(b-floorSize), float64(size), "bytes of %s", what)
	}
	within("a request with 3 headers", req)
	for i := range 4 {
		req.Header.Set(fmt.Sprint("X-Test-", i), "1")
	}
	within("a request with 7 headers", req)
	ctx := scicred.NewContext(t.Context(), scicred.WithScope("read:/"))
	_, err := tr.RoundTrip(req.WithContext(ctx))
	require.NoError(t, err)
	within("one with options in a context that is used again", req.WithContext(ctx))
}

// Nothing is kept for an origin: what fits everywhere is found for a host that
// was never asked as fast as for any other, whatever else is on the machine.
func TestARequestToANewHostKeepsTheAllocationBudget(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	everywhere := issuer().SciToken(credtest.Claims{"aud": "ANY"})
	bound := issuer().SciToken(credtest.Claims{"aud": []string{"https://elsewhere.example.org", "https://third.example.org:8443"}})
	for name, tt := range map[string]struct {
		env  map[string]string
		opts []scicred.Option
	}{
		"one token":                         {map[string]string{"BEARER_TOKEN": everywhere}, nil},
		"another that is for one server":    {map[string]string{"SCITOKEN": bound, "BEARER_TOKEN": everywhere}, nil},
		"hosts are named":                   {map[string]string{"BEARER_TOKEN": everywhere}, []scicred.Option{scicred.WithHosts("*.example.org")}},
		"the token is named":                {map[string]string{"SCITOKEN": bound}, []scicred.Option{scicred.WithToken(everywhere)}},
		"the audience is named":             {map[string]string{"SCITOKEN": bound}, []scicred.Option{scicred.WithAudience("https://third.example.org:8443")}},
		"somebody listens, but not closely": {map[string]string{"BEARER_TOKEN": everywhere}, []scicred.Option{scicred.WithLogger(slog.New(slog.DiscardHandler))}},
	} {
		t.Run(name, func(t *testing.T) {
			sys := empty(t, tt.env)
			frozen := time.Now()
			sys.Now = func() time.Time { return frozen }
			base := answer{&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}}
			tr, err := scicred.NewTransport(base, append(tt.opts, scicred.WithSystem(sys))...)
			require.NoError(t, err)
			var requests []*http.Request
			for i := range 2000 {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://host%d.example.org/f", i), http.NoBody)
				require.NoError(t, err)
				requests = append(requests, req)
			}
			_, err = tr.RoundTrip(requests[0])
			require.NoError(t, err)
			i := 0
			n, _ := cost(func() {
				i++
				_, _ = tr.RoundTrip(requests[i])
			})
			assert.LessOrEqual(t, n, 4.0, "allocations, one of the base among them")
		})
	}
}

// Where each server has an answer of its own, one that finds no room for it costs
// no more for that.
func TestARequestThatHasToBeDecidedKeepsItsAllocationBudget(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	tok := mustToken(t, issuer().SciToken(credtest.Claims{"aud": "ANY"}))
	sys := empty(t, nil)
	frozen := time.Now()
	sys.Now = func() time.Time { return frozen }
	src := scicred.TokenSourceFunc(func(context.Context, scicred.Target) (*scicred.Token, error) { return tok, nil })
	tr, err := scicred.NewTransport(answer{&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}}, scicred.WithSystem(sys), scicred.WithTokenSource("s", src))
	require.NoError(t, err)
	var requests []*http.Request
	for i := range 100 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://host%d.example.org/f", i), http.NoBody)
		require.NoError(t, err)
		requests = append(requests, req)
	}
	for range 2 {
		for _, req := range requests {
			_, err = tr.RoundTrip(req)
			require.NoError(t, err)
		}
	}
	n, _ := cost(func() { _, _ = tr.RoundTrip(requests[99]) })
	assert.LessOrEqual(t, n, 12.0)
}
