// SPDX-License-Identifier: BSD-3-Clause

package peers

import (
	"net/http"
	"time"

	"golang.org/x/oauth2"
)

// NewOAuth2 returns the Transport of golang.org/x/oauth2 with a source that
// hands out the same token until it expires, as all of that module's own
// configurations do.
func NewOAuth2(base http.RoundTripper, token string, expiry time.Time) http.RoundTripper {
	t := &oauth2.Token{AccessToken: token, Expiry: expiry}
	return &oauth2.Transport{Base: base, Source: oauth2.ReuseTokenSource(t, oauth2.StaticTokenSource(t))}
}
