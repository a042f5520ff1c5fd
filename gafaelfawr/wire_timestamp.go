// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Timestamp is a time as Gafaelfawr writes it: whole seconds since the epoch, in
// UTC. All methods of [time.Time] are there.
type Timestamp struct{ time.Time }

// NewTimestamp returns t in UTC, without its fraction of a second.
func NewTimestamp(t time.Time) Timestamp { return Timestamp{t.UTC().Truncate(time.Second)} }

// MarshalJSON writes the seconds since the epoch.
func (t Timestamp) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, t.Unix(), 10), nil }

// The largest number that the server reads as seconds; those beyond it are
// milliseconds (pydantic's rule, which it follows).
const maxSeconds = 2e10

// UnmarshalJSON reads all that a Gafaelfawr server reads: seconds or
// milliseconds since the epoch, as a number or a string, and ISO 8601 with or
// without an offset (UTC if there is none) or as a date alone.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	s := string(data)
	if strings.HasPrefix(s, `"`) {
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
	}
	parsed, ok := parseTime(s)
	if !ok {
		return &FieldError{Problem: "is not a time"}
	}
	*t = NewTimestamp(parsed)
	return nil
}

func parseTime(s string) (time.Time, bool) {
	if ok, _ := regexp.MatchString(`^-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$`, s); ok {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return time.Time{}, false
		}
		if n > maxSeconds || n < -maxSeconds {
			n /= 1000
		}
		if n > 253402300799 || n < -62135596800 { // The years 1 to 9999.
			return time.Time{}, false
		}
		return time.Unix(int64(n), 0), true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if parsed, err := time.Parse(layout, s); err == nil {
			return parsed, true
		}
	}
	return time.Time{}, false
}
