// SPDX-License-Identifier: BSD-3-Clause

package peers_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/bench/internal/peers"
)

// limitSum is the SHA-256 of limit.go. It was pinned before anything was
// optimised and does not change.
const limitSum = "878db19370c263a7e50cf48e64b507809080cba7afc3d9b16b871dedf63fee32"

func TestTheLimitIsFrozen(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("limit.go")
	require.NoError(t, err)
	sum := sha256.Sum256(source)
	assert.Equal(t, limitSum, hex.EncodeToString(sum[:]), "limit.go has been changed")
}

// base remembers the request that reached it.
type base struct{ got *http.Request }

func (b *base) RoundTrip(req *http.Request) (*http.Response, error) {
	b.got = req
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

// answer is the cheapest base there is.
type answer struct{ resp *http.Response }

func (a answer) RoundTrip(*http.Request) (*http.Response, error) { return a.resp, nil }

func TestTheLimitCostsThreeAllocations(t *testing.T) { //nolint:paralleltest // counts allocations of the process
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://data.example.org/", http.NoBody)
	require.NoError(t, err)
	for _, name := range []string{"Accept", "User-Agent", "X-Test"} {
		req.Header.Set(name, "1")
	}
	limit := peers.NewLimit(answer{&http.Response{Body: http.NoBody}}, "token")
	n := testing.AllocsPerRun(1000, func() { _, _ = limit.RoundTrip(req) }) //nolint:bodyclose // it has none
	assert.InDelta(t, 3, n, 0, "the request with its slot, and the map in two parts")
}
