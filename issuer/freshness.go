// SPDX-License-Identifier: BSD-3-Clause

package issuer

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How long keys serve. WLCG Common JWT Profiles 1.3, sections 4.2 and 4.3.1:
// they are fetched again after 1 to 6 hours, 6 recommended; a client keeps them
// for an hour whatever the server says; while the issuer cannot be reached they
// serve for 1 to 4 days, 2 recommended.
const (
	minFresh       = time.Hour
	maxFresh       = 6 * time.Hour
	defaultOffline = 48 * time.Hour
	maxOffline     = 96 * time.Hour
)

// freshFor returns for how long nobody need ask again after this answer.
func freshFor(h http.Header) time.Duration {
	life, said := maxFresh, false
	for _, line := range h.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(name) {
			case "max-age":
				if s, ok := seconds(strings.Trim(value, `"`)); ok && (!said || s < life) {
					life, said = s, true
				}
			case "no-cache", "no-store":
				life, said = 0, true
			}
		}
	}
	if age, ok := seconds(h.Get("Age")); ok && said {
		life -= age
	}
	return min(max(life, minFresh), maxFresh)
}

// seconds reads a delta-seconds of RFC 9111 section 1.2.2, which may be larger
// than any number.
func seconds(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		n = 1<<31 - 1
	}
	return time.Duration(n) * time.Second, true
}
