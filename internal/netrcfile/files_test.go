// SPDX-License-Identifier: BSD-3-Clause

package netrcfile_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/scicred/scicred/internal/netrcfile"
)

// hosts are the names behind the letters of the vectors.
var hosts = map[string]string{"h": "h.example", "o": "o.example", "x": "x.example"}

// vector is a section of files.txtar.
type vector struct {
	name    string
	text    string
	problem string            // As SyntaxError prints it, or "".
	answers map[string]answer // By host name.
}

type answer struct {
	login, password string
	noPassword      bool
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	archive, err := txtar.ParseFile("../../testdata/netrc/files.txtar")
	require.NoError(tb, err)
	var all []vector
	for _, file := range archive.Files {
		v := vector{name: file.Name, answers: map[string]answer{}}
		for line := range strings.Lines(string(file.Data)) {
			verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			switch {
			case verb == "text":
				v.text += unquote(tb, &rest)
			case verb == "repeat":
				v.text += repeated(tb, &rest)
			case verb == "error":
				number, problem, _ := strings.Cut(rest, " ")
				v.problem = "netrc line " + number + ": " + problem
			case hosts[verb] != "":
				a := answer{login: unquote(tb, &rest)}
				switch rest = strings.TrimPrefix(rest, " "); {
				case rest == "none":
					a.noPassword, rest = true, ""
				case strings.HasPrefix(rest, "repeat "):
					rest = strings.TrimPrefix(rest, "repeat ")
					a.password = repeated(tb, &rest)
				default:
					a.password = unquote(tb, &rest)
				}
				require.Empty(tb, rest, file.Name)
				v.answers[hosts[verb]] = a
			default:
				tb.Fatalf("%s: unknown line %q", file.Name, line)
			}
		}
		all = append(all, v)
	}
	return all
}

// unquote takes a quoted string off the beginning of rest.
func unquote(tb testing.TB, rest *string) string {
	tb.Helper()
	quoted, err := strconv.QuotedPrefix(*rest)
	require.NoError(tb, err, *rest)
	*rest = (*rest)[len(quoted):]
	s, err := strconv.Unquote(quoted)
	require.NoError(tb, err)
	return s
}

// repeated takes a number and a quoted string off rest.
func repeated(tb testing.TB, rest *string) string {
	tb.Helper()
	number, after, _ := strings.Cut(*rest, " ")
	n, err := strconv.Atoi(number)
	require.NoError(tb, err)
	*rest = after
	return strings.Repeat(unquote(tb, rest), n)
}

func TestEveryFileSaysWhatTheVectorsSay(t *testing.T) {
	t.Parallel()
	all := vectors(t)
	require.Len(t, all, 68)
	for _, v := range all {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			f, err := netrcfile.Parse([]byte(v.text))
			if v.problem != "" {
				var syntax *netrcfile.SyntaxError
				require.ErrorAs(t, err, &syntax)
				assert.EqualError(t, err, v.problem)
				return
			}
			require.NoError(t, err)
			for _, host := range hosts {
				e, found, err := f.Lookup(netrcfile.Query{Host: host, Port: "443", AllowDefault: true})
				want, exists := v.answers[host]
				assert.Equal(t, exists && !want.noPassword, found, host)
				if exists && want.noPassword {
					assert.ErrorIs(t, err, netrcfile.ErrNoPassword, host)
				} else {
					assert.NoError(t, err, host)
				}
				assert.Equal(t, want.login, e.Login, host)
				// Not assert.Equal: 70,000 characters are no message.
				assert.True(t, want.password == e.Password.Reveal(), "password of %s", host) //nolint:testifylint // See above.
			}
		})
	}
}

// Any one file of the vectors, cut off anywhere, gives a host only what the
// whole file gives it, or a beginning of that.
func TestATruncatedFileGivesNoHostAnotherPassword(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		if len(v.text) > 1000 {
			continue
		}
		for n := range len(v.text) {
			f, err := netrcfile.Parse([]byte(v.text[:n]))
			if err != nil {
				continue
			}
			for _, host := range hosts {
				e, _, err := f.Lookup(netrcfile.Query{Host: host})
				assert.NotErrorIs(t, err, netrcfile.ErrCrossCheck)
				// What comes after the cut may be why the whole file is refused.
				if v.problem == "" {
					assert.True(t, strings.HasPrefix(v.answers[host].password, e.Password.Reveal()),
						"%s cut at %d, %s", v.name, n, host)
				}
			}
		}
	}
}
