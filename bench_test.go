// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"fmt"
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
// was never asked as fast as for any other.
func TestARequestToANewHostKeepsTheAllocationBudget(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	sys := empty(t, map[string]string{"BEARER_TOKEN": issuer().SciToken(credtest.Claims{"aud": "ANY"})})
	frozen := time.Now()
	sys.Now = func() time.Time { return frozen }
	tr, err := scicred.NewTransport(answer{&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}}, scicred.WithSystem(sys))
	require.NoError(t, err)
	var requests []*http.Request
	for i := range 2000 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://host%d.example.org/f", i), http.NoBody)
		require.NoError(t, err)
		requests = append(requests, req)
	}
	for range 2 {
		_, err = tr.RoundTrip(requests[0])
		require.NoError(t, err)
	}
	i := 0
	n, _ := cost(func() {
		i++
		_, _ = tr.RoundTrip(requests[i])
	})
	assert.LessOrEqual(t, n, 4.0, "allocations, one of the base among them")
}
