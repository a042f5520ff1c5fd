// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"net/http"
	"testing"

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

// The budget of a warm request, base included; the performance work lowers it.
func TestAWarmRequestKeepsItsAllocationBudget(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	tr, req := warm(t)
	n := testing.AllocsPerRun(1000, func() { _, _ = tr.RoundTrip(req) })
	if n > 5 {
		t.Errorf("%.1f allocations, at most 5", n)
	}
}
