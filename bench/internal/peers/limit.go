// SPDX-License-Identifier: BSD-3-Clause

// FROZEN. This file was written before anything was optimised, and a test pins
// its SHA-256. It must never be changed to flatter anybody: a slower limit makes
// everyone look faster. If a newer Go allows less work than this, write a second
// limit beside it and show both.

package peers

import (
	"maps"
	"net/http"
)

// Limit is the least that an honest RoundTripper can do to attach a header that
// it knows beforehand: it copies the request into one struct that has room for
// the header's only value, copies the map of headers, and sends the copy, so
// that the caller's request stays as it is. It decides nothing: it asks neither
// where the request goes nor whether the token has expired, and does not heed a
// header of the caller's own. The values of the other headers are shared with
// the caller, which is right as long as the base keeps the contract of
// [http.RoundTripper] too.
type Limit struct {
	base   http.RoundTripper
	header string
}

// NewLimit returns a Limit that sends token through base.
func NewLimit(base http.RoundTripper, token string) *Limit {
	return &Limit{base: base, header: "Bearer " + token}
}

// limited is all that a request costs, but for the map.
type limited struct {
	req    http.Request
	values [1]string
}

// RoundTrip implements [http.RoundTripper].
func (l *Limit) RoundTrip(req *http.Request) (*http.Response, error) {
	c := &limited{req: *req, values: [1]string{l.header}}
	header := maps.Clone(req.Header)
	header["Authorization"] = c.values[:]
	c.req.Header = header
	return l.base.RoundTrip(&c.req)
}
