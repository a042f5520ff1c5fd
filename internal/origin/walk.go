// SPDX-License-Identifier: BSD-3-Clause

package origin

import "net/http"

// Hop says how a request came to its origin.
type Hop uint8

// The hops.
const (
	First   Hop = iota // not a redirect
	Same               // redirected, and never off the first request's origin
	Trusted            // off the first origin, but only ever to hosts the caller trusts
	Foreign            // has been to an origin the caller does not trust, or nobody can tell
)

// MaxHops is how long a chain of redirects may be before it counts as foreign.
const MaxHops = 64

// Route is how a request came to where it goes.
type Route struct {
	Hop   Hop
	First *http.Request // the request that the caller made
	// Downgrade is set on a cleartext hop after an https one: it never carries
	// a credential, whatever is trusted.
	Downgrade bool
}

// Walk follows req back to the request that the caller made. net/http links
// each redirected request to the response that caused it, and a response to
// its request. The rule is sticky: one hop to an untrusted origin makes all
// that follow foreign, back on the first origin too, since the foreign server
// chose where to go. A broken link or more than MaxHops hops is foreign.
func Walk(req *http.Request, trusted []Pattern) Route {
	if req.Response == nil {
		return Route{Hop: First, First: req}
	}
	var chain [MaxHops]Origin
	r, n, sawTLS := req, 0, false
	for {
		if n == len(chain) || r.URL == nil {
			return Route{Hop: Foreign, First: req} // so that nothing of it is kept
		}
		chain[n] = Of(r.URL)
		if n > 0 && chain[n].Scheme == "https" {
			sawTLS = true
		}
		n++
		if r.Response == nil {
			break
		}
		if r.Response.Request == nil {
			return Route{Hop: Foreign, First: req}
		}
		r = r.Response.Request
	}
	route := Route{Hop: Same, First: r, Downgrade: sawTLS && chain[0].Scheme != "https"}
	first := chain[n-1]
	for _, o := range chain[:n-1] {
		switch {
		case o == first:
		case (o.Scheme == "https" || first.Scheme == "http") && MatchAny(trusted, o):
			route.Hop = Trusted
		default:
			route.Hop = Foreign
			return route
		}
	}
	if route.Hop == Trusted && chain[0] == first {
		route.Hop = Same // there and back, through trusted hosts only
	}
	return route
}

// TurnedIntoGet returns the method of the first request if a 301 or 302 on the
// way changed it to GET. For POST that is what browsers do and servers expect.
func TurnedIntoGet(req *http.Request) string {
	for hops := 0; req != nil && req.Response != nil && req.Response.Request != nil && hops < MaxHops; hops++ {
		prev := req.Response.Request
		code := req.Response.StatusCode
		if (code == http.StatusMovedPermanently || code == http.StatusFound) && req.Method == http.MethodGet {
			switch prev.Method {
			case "", http.MethodGet, http.MethodHead, http.MethodPost:
			default:
				return prev.Method
			}
		}
		req = prev
	}
	return ""
}
