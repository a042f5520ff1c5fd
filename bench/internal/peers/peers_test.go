// SPDX-License-Identifier: BSD-3-Clause

package peers_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/bench/internal/peers"
)

// A peer that did not attach the token would be fast for the wrong reason, and
// one that changed the caller's request would be so too.
func TestEveryPeerAttachesTheTokenAndLeavesTheRequestAlone(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("token\n"), 0o600))
	expiry := time.Now().Add(time.Hour)
	for name, wrap := range map[string]func(http.RoundTripper) (http.RoundTripper, error){
		"limit":     func(b http.RoundTripper) (http.RoundTripper, error) { return peers.NewLimit(b, "token"), nil },
		"x/oauth2":  func(b http.RoundTripper) (http.RoundTripper, error) { return peers.NewOAuth2(b, "token", expiry), nil },
		"client-go": func(b http.RoundTripper) (http.RoundTripper, error) { return peers.NewClientGo(b, file) },
		"azcore":    func(b http.RoundTripper) (http.RoundTripper, error) { return peers.NewAzcore(b, "token", expiry), nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &base{}
			rt, err := wrap(b)
			require.NoError(t, err)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://data.example.org/", http.NoBody)
			require.NoError(t, err)
			req.Header.Set("Accept", "*/*")
			for range 2 {
				resp, err := rt.RoundTrip(req)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				assert.Equal(t, []string{"Bearer token"}, b.got.Header["Authorization"])
				assert.Equal(t, http.Header{"Accept": {"*/*"}}, req.Header)
			}
		})
	}
}
