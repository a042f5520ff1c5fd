// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSchemesAreThoseOfRFC3986(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"https://x": true, "HTTP://x": true, "root+tls://x": true, "a-b.c1://x": true, "x://": true,
		"": false, "://x": false, "1x://x": false, "+x://x": false, "a_b://x": false, "ä://x": false, "https:/x": false,
		"host:8443/path": false, "host/path?next=https://x": false, "user:password@host/://": false,
	} {
		assert.Equal(t, want, hasScheme(text), text)
	}
}

func TestHeaderNamesAreTokensOfRFC9110(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"Accept": true, "x": true, "X-1": true, "!#$%&'*+-.^_`|~": true,
		"": false, "a b": false, " a": false, "a ": false, "a:b": false, "a\n": false, "ä": false, `"a"`: false, "a/b": false, "(a)": false,
	} {
		assert.Equal(t, want, isToken(text), text)
	}
}
