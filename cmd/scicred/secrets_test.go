// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSecretsAreHiddenInEveryForm(t *testing.T) {
	t.Parallel()
	feed := map[string]func(*secrets){
		"a word":       func(s *secrets) { s.add(`pa/ß"w <&>+=%`) },
		"a login":      func(s *secrets) { s.addLogin("ada", `pa/ß"w <&>+=%`) },
		"a URL's user": func(s *secrets) { s.addURL(&url.URL{User: url.UserPassword("ada", `pa/ß"w <&>+=%`)}) },
		"a URL's query": func(s *secrets) {
			s.addURL(&url.URL{RawQuery: "a=b;authz=" + url.QueryEscape(`Bearer pa/ß"w <&>+=%`)})
		},
		"a header":         func(s *secrets) { s.addHeader("X-Api-Key", `pa/ß"w <&>+=%`) },
		"an Authorization": func(s *secrets) { s.addAuthorization(`Bearer pa/ß"w <&>+=%`) },
		"a Basic of -H":    func(s *secrets) { s.addHeader("authorization", "basic YWRhOnBhL8OfIncgPCY+Kz0l") },
		"what was written": func(s *secrets) { s.trace().WroteHeaderField("authorization", []string{`Bearer pa/ß"w <&>+=%`}) },
		"what was written ": func(s *secrets) {
			s.trace().WroteHeaderField("Authorization", []string{"Basic YWRhOnBhL8OfIncgPCY+Kz0l"})
		},
	}
	for name, add := range feed {
		var s secrets
		add(&s)
		for _, form := range []string{
			`pa/ß"w <&>+=%`, `PA/ß"W <&>+=%`, `pa/ß\"w <&>+=%`, `pa/ß\"w \u003c\u0026\u003e+=%`, `pa/ß&#34;w &lt;&amp;&gt;+=%`,
			"pa%2F%C3%9F%22w+%3C%26%3E%2B%3D%25", "pa%2f%c3%9f%22w+%3c%26%3e%2b%3d%25", "pa%2F%C3%9F%22w%20%3C&%3E+=%25", "pa/%C3%9F%22w%20%3C&%3E+=%25",
		} {
			assert.Equal(t, "a REDACTED,REDACTED.", s.hide("a "+form+","+form+"."), "%s: %s", name, form)
		}
	}
}

func TestSecretsOfAllKinds(t *testing.T) {
	t.Parallel()
	var s secrets
	assert.Equal(t, "abcd\xff", s.hide("abcd\xff"), "nothing is known")
	s.add("abc")
	assert.Equal(t, "abcd", s.hide("abcd"), "what is short would make holes in every word")
	s.add("secret")
	s.add("secret-and-more")
	s.addLogin("ada", "")
	s.addLogin("ada", "open-sesame")
	s.addHeader("Cookie", "a=cookie-1; b=cookie-2")
	s.addHeader("Accept", "text/plain")
	s.addURL(nil)
	s.addURL(&url.URL{User: url.User("grace")})
	for text, want := range map[string]string{
		"secret-and-more":         "REDACTED", // the longest first
		"secret-and-less":         "REDACTED-and-less",
		"\xffsecret\xff":          "\xffREDACTED\xff",
		"YWRhOm9wZW4tc2VzYW1l":    "REDACTED",
		"Basic YWRhOg==":          "Basic YWRhOg==",
		"cookie-2":                "REDACTED",
		"text/plain":              "text/plain",
		"grace":                   "grace",
		"a eyJhbGciOi.eyJpc.s-_.": "a REDACTED.",
	} {
		assert.Equal(t, want, s.hide(text))
	}
}

func TestProxysPasswordIsHidden(t *testing.T) {
	t.Parallel()
	p, stderr := inProcess(false)
	proxy := &url.URL{Scheme: "http", User: url.UserPassword("ada", password), Host: "127.0.0.1:1"}
	got, err := p.knowing(http.ProxyURL(proxy))(nil)
	require.NoError(t, err)
	assert.Equal(t, proxy, got)
	p.note("the proxy says %s", password)
	assert.Equal(t, "the proxy says REDACTED\n", stderr.String())
}
