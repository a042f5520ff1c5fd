// SPDX-License-Identifier: BSD-3-Clause

package bearer

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAfter returns how long a server asks to wait (RFC 9110 section 10.2.3):
// seconds or a date. 0 means that it does not say, or says nonsense.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
