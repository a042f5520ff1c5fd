// SPDX-License-Identifier: BSD-3-Clause

// Package origin decides where a request goes: which origin, whether a host
// pattern covers it, and how it came there through redirects.
//
// An origin is scheme, host and port (RFC 6454). net/http compares host names
// alone when it copies a header along a redirect, so that another port, a
// subdomain and even cleartext http count as the same place; here they do not.
package origin

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Origin is a scheme, a host and a port. Scheme and host are in lower case,
// an IPv6 host is without brackets, the port is never empty for http(s).
// Origins compare with ==.
type Origin struct {
	Scheme, Host, Port string
}

// Of returns the origin of u. The dial target counts, never a Host header.
func Of(u *url.URL) Origin {
	o := Origin{Scheme: lower(u.Scheme), Host: lower(u.Hostname()), Port: u.Port()}
	if o.Port == "" {
		o.Port = defaultPort(o.Scheme)
	}
	return o
}

// lower is strings.ToLower for ASCII alone: host names compare without case,
// but no two different Unicode names may become one.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					return r + 'a' - 'A'
				}
				return r
			}, s)
		}
	}
	return s
}

func defaultPort(scheme string) string {
	switch scheme {
	case "https":
		return "443"
	case "http":
		return "80"
	}
	return ""
}

// HostPort is the authority as it stands in a URL: IPv6 hosts in brackets, the
// port only where it is not the scheme's own.
func (o Origin) HostPort() string {
	host := o.bracketed()
	if o.Port == "" || o.Port == defaultPort(o.Scheme) {
		return host
	}
	return host + ":" + o.Port
}

func (o Origin) bracketed() string {
	if strings.Contains(o.Host, ":") {
		return "[" + o.Host + "]"
	}
	return o.Host
}

// String returns the origin as a URL without a path.
func (o Origin) String() string { return o.Scheme + "://" + o.HostPort() }

// Audiences returns the audience values that a token for this origin may name:
// scheme://host, and for a port of its own also scheme://host:port. The WLCG
// profile wants the port, igwn-auth-utils leaves it out; both are in use.
func (o Origin) Audiences() []string {
	host := o.Scheme + "://" + o.bracketed()
	if full := o.String(); full != host {
		return []string{host, full}
	}
	return []string{host}
}

// AppendAudience appends the first of [Origin.Audiences], and whether there is a
// second, which is the first with ":" and the port behind it. It makes no string
// but for an IPv6 host.
func (o Origin) AppendAudience(b []byte) (audience []byte, withPort bool) {
	b = append(append(append(b, o.Scheme...), "://"...), o.bracketed()...)
	return b, o.Port != "" && o.Port != defaultPort(o.Scheme)
}

// Names reports whether an audience is one of [Origin.Audiences]: the texts are
// compared as they are, as the WLCG profile demands.
func (o Origin) Names(audience string) bool {
	rest, ok := strings.CutPrefix(audience, o.Scheme)
	if !ok {
		return false
	}
	if rest, ok = strings.CutPrefix(rest, "://"); !ok {
		return false
	}
	if rest, ok = strings.CutPrefix(rest, o.bracketed()); !ok {
		return false
	}
	if rest == "" {
		return true
	}
	return rest[0] == ':' && rest[1:] == o.Port && o.Port != "" && o.Port != defaultPort(o.Scheme)
}

// Loopback reports whether the host is this machine by name or by address:
// localhost, 127.0.0.0/8 or ::1. No name is looked up.
func (o Origin) Loopback() bool {
	if o.Host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(o.Host)
	return err == nil && a.Unmap().IsLoopback()
}

// Presigned reports whether the query of u already carries a signature that
// grants access by itself. Object stores refuse a second kind of credential
// beside it, and whoever made the link never meant the token to travel there.
func Presigned(u *url.URL) bool {
	for rest := u.RawQuery; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		key, _, _ := strings.Cut(pair, "=")
		if strings.ContainsAny(key, "%+") {
			if k, err := url.QueryUnescape(key); err == nil {
				key = k
			}
		}
		for _, name := range [...]string{"X-Amz-Signature", "X-Goog-Signature", "Signature", "sig"} {
			if strings.EqualFold(key, name) {
				return true
			}
		}
	}
	return false
}

// splitHostPort takes "host", "host:port", "[v6]", "[v6]:port" and a bare IPv6
// address apart.
func splitHostPort(s string) (host, port string, ok bool) {
	if strings.Count(s, ":") > 1 && !strings.HasPrefix(s, "[") {
		return s, "", true
	}
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		return s[1 : len(s)-1], "", true
	}
	if !strings.Contains(s, ":") {
		return s, "", true
	}
	host, port, err := net.SplitHostPort(s)
	return host, port, err == nil && port != ""
}
