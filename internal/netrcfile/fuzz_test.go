// SPDX-License-Identifier: BSD-3-Clause

package netrcfile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/netrcfile"
)

// FuzzParse looks up every word of a file as a host. A password must be one that
// the file has after the word password, in an entry that begins on the line that
// Lookup says, with machine and the host's own name, or with default. Where a
// file has no quotes, comments and macros, a reader of ten lines must agree.
func FuzzParse(f *testing.F) {
	for _, v := range vectors(f) {
		if len(v.text) < 1000 {
			f.Add([]byte(v.text))
		}
	}
	f.Add([]byte("machine [::1]:8443 login u password p machine ::1 password \"q\\\"\"\nmacdef x\n\ndefault user d password p"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := netrcfile.Parse(data)
		if err != nil {
			var syntax *netrcfile.SyntaxError
			require.ErrorAs(t, err, &syntax)
			require.GreaterOrEqual(t, syntax.Line, 1)
			require.LessOrEqual(t, syntax.Line, 1+strings.Count(string(data), "\n"))
			return
		}
		text := strings.TrimPrefix(string(data), "\ufeff")
		words := splitWords(text)
		if len(words) > 300 {
			return // Each is looked up, and that each takes time in proportion to all.
		}
		plain := !strings.ContainsAny(text, "\"#") && !strings.Contains(text, "macdef")
		for _, host := range append(words, "h.example", "default", "::1") {
			host = strings.Trim(host, "\"[]")
			for _, q := range []netrcfile.Query{
				{Host: host},
				{Host: host, Port: "8443"},
				{Host: host, Port: "8443", AllowDefault: true, User: "u"},
				{Host: host, AllowDefault: true},
			} {
				e, found, err := file.Lookup(q)
				require.NotErrorIs(t, err, netrcfile.ErrCrossCheck)
				require.False(t, found && err != nil)
				if plain && !strings.Contains(host, ":") {
					login, password, ok := naive(words, q)
					usable := !strings.Contains(login, ":")
					assert.Equal(t, ok && usable, found)
					if found {
						assert.Equal(t, login, e.Login)
						assert.Equal(t, password, e.Password.Reveal())
					}
				}
				if found {
					checkEntry(t, text, q, e)
				}
			}
			file.OtherPorts(host)
		}
	})
}

// checkEntry finds in the text what Lookup says is there.
func checkEntry(t *testing.T, text string, q netrcfile.Query, e netrcfile.Entry) {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	require.LessOrEqual(t, e.Line, len(lines))
	rest := strings.Join(lines[e.Line-1:], "")
	onLine, words := splitWords(lines[e.Line-1]), splitWords(rest)
	if q.User != "" {
		require.Equal(t, q.User, e.Login)
	}
	if e.Default {
		require.True(t, q.AllowDefault)
		require.Equal(t, "default", onLine[0])
	} else {
		bracketed := q.Host
		if strings.Contains(q.Host, ":") {
			bracketed = "[" + q.Host + "]"
		}
		allowed := []string{lowerASCII(q.Host), lowerASCII(bracketed)}
		if q.Port != "" {
			allowed = append(allowed, lowerASCII(bracketed)+":"+q.Port)
		}
		require.Contains(t, allowed, lowerASCII(e.Machine))
		named := false
		for i, w := range onLine {
			if w == "machine" && i+1 < len(words) {
				named = named || words[i+1] == e.Machine || words[i+1] == `"`+e.Machine+`"`
			}
		}
		require.True(t, named, "no such machine on the line")
	}
	password := e.Password.Reveal()
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(password)
	require.True(t, containsAfterPassword(rest, password) || containsAfterPassword(rest, `"`+escaped+`"`), "no such password in the file")
}

// containsAfterPassword reports whether the value follows the word password.
func containsAfterPassword(text, value string) bool {
	for {
		_, after, found := strings.Cut(text, "password")
		if !found {
			return false
		}
		if strings.HasPrefix(strings.TrimLeft(after, " \t\r\n"), value) {
			return true
		}
		text = after
	}
}

// naive looks a host up in a file without quotes, comments and macros that is
// known to be right.
func naive(words []string, q netrcfile.Query) (login, password string, found bool) {
	type account struct {
		name   string
		isDef  bool
		values map[string]string
	}
	var all []account
	for i := 0; i < len(words); i++ {
		switch w := words[i]; w {
		case "machine":
			i++
			all = append(all, account{name: lowerASCII(words[i]), values: map[string]string{}})
		case "default":
			all = append(all, account{isDef: true, values: map[string]string{}})
		default:
			i++
			if w == "user" {
				w = "login"
			}
			all[len(all)-1].values[w] = words[i]
		}
	}
	exists := false
	try := func(fits func(account) bool) bool {
		for _, a := range all {
			if !fits(a) {
				continue
			}
			exists = true
			l, hasLogin := a.values["login"]
			p, hasPassword := a.values["password"]
			if q.User == "" && (hasLogin || hasPassword) || q.User != "" && hasLogin && l == q.User {
				login, password, found = l, p, hasPassword
				return true
			}
		}
		return false
	}
	host := lowerASCII(q.Host)
	_ = host != "" &&
		(q.Port != "" && try(func(a account) bool { return !a.isDef && a.name == host+":"+q.Port }) ||
			try(func(a account) bool { return !a.isDef && a.name == host }) ||
			!exists && q.AllowDefault && try(func(a account) bool { return a.isDef }))
	return login, password, found
}

func splitWords(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' })
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
