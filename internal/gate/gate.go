// SPDX-License-Identifier: BSD-3-Clause

// Package gate decides whether credentials may go where a request goes, and
// says why not. It knows nothing of what they are.
package gate

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/scicred/scicred/internal/origin"
)

// Rules are what the caller allows.
type Rules struct {
	Hosts     [][]origin.Pattern // each list must match
	Trusted   []origin.Pattern   // hosts to which credentials may follow a redirect
	Plaintext bool               // cleartext http is allowed
	// Proxy returns the proxy that a request takes, and whether that is known.
	Proxy func(*http.Request) (*url.URL, bool)
}

// Passage is what holds for one request.
type Passage struct {
	Origin origin.Origin
	Route  origin.Route
	// All, Auth and TLS say why nothing, no Authorization header, and no
	// certificate may go there; nil means that it may.
	All, Auth, TLS error
	// Named says why only what the caller named may go: cleartext to this
	// machine.
	Named error
	// Own is the scheme of the caller's own Authorization header, in lower case;
	// "unknown" if it does not begin with one.
	Own string
	// User is that of a URL that names a user and no password.
	User string
}

// First reports whether the request is the caller's own, not a redirect.
func (p *Passage) First() bool { return p.Route.Hop == origin.First }

// Foreign reports whether the request has been to an origin that nobody named.
func (p *Passage) Foreign() bool { return p.Route.Hop == origin.Foreign }

// Look decides for a request and says it in p, which must be zero.
func (r *Rules) Look(req *http.Request, p *Passage) {
	p.Origin, p.Route = origin.Of(req.URL), origin.Walk(req, r.Trusted)
	p.ownHeader(req)
	switch {
	case p.Foreign():
		p.All = fmt.Errorf("redirected here from another origin (%s)", origin.Of(p.Route.First.URL))
		return
	case !r.hostAllowed(p):
		p.All = fmt.Errorf("%s is not among the hosts that WithHosts names", p.Origin.HostPort())
		return
	case p.Route.Downgrade || p.Origin.Scheme != "https" && p.Origin.Scheme != "http":
		p.All = fmt.Errorf("only https carries credentials, not %s", p.Origin.Scheme)
		return
	}
	if p.Origin.Scheme == "http" {
		p.TLS = errNoTLS
		switch {
		case r.Plaintext:
		case p.Origin.Loopback() && r.direct(req):
			p.Named = errCleartext
		default:
			p.Auth = errCleartext
		}
	}
	if origin.Presigned(req.URL) {
		p.Auth = errPresigned
	}
}

// direct reports whether the request certainly takes no proxy.
func (r *Rules) direct(req *http.Request) bool {
	proxy, known := r.Proxy(req)
	return known && proxy == nil
}

type text string

func (t text) Error() string { return string(t) }

const (
	errNoTLS     text = "there is no TLS on http"
	errCleartext text = "http would show it to everybody on the way"
	errPresigned text = "the URL is presigned, which is a credential by itself"
)

// hostAllowed reports whether every list names the host, or the host where the
// redirects began if they led to one that is trusted: whom nobody named cannot
// send credentials anywhere.
func (r *Rules) hostAllowed(p *Passage) bool {
	trusted := origin.MatchAny(r.Trusted, p.Origin)
	for _, list := range r.Hosts {
		named := origin.MatchAny(list, p.Origin) || trusted && origin.MatchAny(list, origin.Of(p.Route.First.URL))
		if !named {
			return false
		}
	}
	return true
}

// Ordinary reports whether nothing but scheme and host decide what may go with
// the request: it is a first request over https, brings no credential of its
// own, and asks for none in particular. For all others [Rules.Look] has to say.
func Ordinary(req *http.Request) bool {
	u := req.URL
	if u.Scheme != "https" || u.Host == "" || u.User != nil || req.Response != nil || u.RawQuery != "" && origin.Presigned(u) {
		return false
	}
	_, own := req.Header["Authorization"]
	_, lower := req.Header["authorization"] //nolint:staticcheck // the lower-case spelling is in use
	return !own && !lower
}

// Named reports whether each of the lists of hosts names the origin.
func Named(lists [][]origin.Pattern, o origin.Origin) bool {
	for _, list := range lists {
		if !origin.MatchAny(list, o) {
			return false
		}
	}
	return true
}

// ownHeader notes an Authorization header that the caller gave, in the
// spellings that are in use. One that says only the URL's user, without a
// password, is net/http's doing and not the caller's.
func (p *Passage) ownHeader(req *http.Request) {
	made := "" // by net/http
	if u := req.URL.User; u != nil {
		if pw, _ := u.Password(); pw == "" {
			p.User = u.Username()
			made = "Basic " + base64.StdEncoding.EncodeToString([]byte(p.User+":"))
		}
	}
	for _, name := range [...]string{"Authorization", "authorization"} {
		values := req.Header[name]
		if len(values) == 0 || made != "" && values[0] == made {
			continue
		}
		p.Own = "unknown"
		if scheme, _, found := strings.Cut(values[0], " "); found && scheme != "" { // alone it may be a secret
			p.Own = strings.ToLower(scheme)
		}
		return
	}
}
