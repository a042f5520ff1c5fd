// SPDX-License-Identifier: BSD-3-Clause

// Package human writes times and foreign text for people.
package human

import (
	"fmt"
	"strings"
	"time"
)

// Duration writes d with its two largest units: "2h13m", "3d4h", "45s".
func Duration(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return "less than 1s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return pair(d, time.Minute, "m", time.Second, "s")
	case d < day:
		return pair(d, time.Hour, "h", time.Minute, "m")
	}
	return pair(d, day, "d", time.Hour, "h")
}

func pair(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	s := fmt.Sprintf("%d%s", d/big, bigName)
	if rest := d % big / small; rest > 0 {
		s += fmt.Sprintf("%d%s", rest, smallName)
	}
	return s
}

// Expiry says when t is or was, seen from now.
func Expiry(t, now time.Time) string {
	if t.After(now) {
		return "expires in " + Duration(t.Sub(now))
	}
	return "expired " + Duration(now.Sub(t)) + " ago"
}

// Printable keeps control characters, and those that turn the direction of
// writing, from reaching a terminal: file names and certificate subjects are
// anybody's text.
func Printable(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	return strings.Map(func(c rune) rune {
		if unprintable(c) {
			return '\uFFFD'
		}
		return c
	}, s)
}

func unprintable(c rune) bool {
	return c < 0x20 || c >= 0x7f && c < 0xa0 || c >= 0x2028 && c <= 0x202e || c >= 0x2066 && c <= 0x2069 || c == 0x200e || c == 0x200f
}

// List joins values with blanks; none at all is "empty".
func List(s []string) string {
	if len(s) == 0 {
		return "empty"
	}
	return strings.Join(s, " ")
}
