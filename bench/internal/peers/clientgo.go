// SPDX-License-Identifier: BSD-3-Clause

package peers

import (
	"net/http"

	"k8s.io/client-go/transport"
)

// NewClientGo returns the RoundTripper of k8s.io/client-go that takes its token
// from a file, which it reads again once a minute.
func NewClientGo(base http.RoundTripper, tokenFile string) (http.RoundTripper, error) {
	return transport.NewBearerAuthWithRefreshRoundTripper("", tokenFile, base)
}
