// SPDX-License-Identifier: BSD-3-Clause

package origin

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Pattern names hosts: "host", "host:port", "*.example.org" (one or more
// labels, not example.org itself), "*.example.org:8443" or "*" (every host).
// Without a port every port is meant.
type Pattern struct {
	host string // lower case; for a wildcard the suffix with its dot; "" for "*"
	port string
	kind patternKind
}

type patternKind uint8

const (
	exact patternKind = iota
	suffix
	every
)

// ParsePattern reads one pattern.
func ParsePattern(s string) (Pattern, error) {
	bad := func(why string) (Pattern, error) {
		return Pattern{}, fmt.Errorf("host pattern %q: %s", s, why)
	}
	switch {
	case s == "":
		return bad("is empty")
	case s == "*":
		return Pattern{kind: every}, nil
	case strings.Contains(s, "://"):
		return bad("give the host without the scheme")
	case strings.ContainsAny(s, "/?#@ \t\r\n\\%"):
		return bad("give a host, or host:port, and nothing else")
	}
	host, port, ok := splitHostPort(s)
	if !ok || host == "" {
		return bad("is not host or host:port")
	}
	if port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return bad("the port is not a number from 1 to 65535")
		}
	}
	p := Pattern{host: lower(host), port: port}
	if strings.HasPrefix(host, "*.") {
		p.kind, p.host = suffix, p.host[1:]
	}
	if strings.Contains(p.host, "*") {
		return bad("an asterisk may only stand alone or as the first label (*.example.org)")
	}
	if p.kind == suffix && len(p.host) < 2 {
		return bad("nothing follows the asterisk")
	}
	if strings.Contains(host, ":") {
		if _, err := netip.ParseAddr(host); err != nil {
			return bad("is not an IPv6 address")
		}
	}
	return p, nil
}

// ParsePatterns reads patterns; none at all is an error, since an empty list
// could be taken for "nowhere" or for "everywhere".
func ParsePatterns(patterns []string) ([]Pattern, error) {
	if len(patterns) == 0 {
		return nil, fmt.Errorf("no host pattern given (\"*\" is every host)")
	}
	out := make([]Pattern, 0, len(patterns))
	for _, s := range patterns {
		p, err := ParsePattern(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Match reports whether the pattern covers the host and port of o. The scheme
// is the caller's business.
func (p Pattern) Match(o Origin) bool {
	if p.port != "" && p.port != o.Port {
		return false
	}
	switch p.kind {
	case every:
		return true
	case suffix:
		return len(o.Host) > len(p.host) && strings.HasSuffix(o.Host, p.host) && o.Host[0] != '.'
	default:
		return p.host == o.Host
	}
}

// MatchAny reports whether one of the patterns covers o.
func MatchAny(patterns []Pattern, o Origin) bool {
	for _, p := range patterns {
		if p.Match(o) {
			return true
		}
	}
	return false
}
