// SPDX-License-Identifier: BSD-3-Clause

package netrcfile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/netrcfile"
)

func dirFS(t *testing.T) fs.FS {
	t.Helper()
	return os.DirFS(".")
}

func parsed(t *testing.T, text string) *netrcfile.File {
	t.Helper()
	f, err := netrcfile.Parse([]byte(text))
	require.NoError(t, err)
	return f
}

func TestWhichEntryCounts(t *testing.T) {
	t.Parallel()
	type query = netrcfile.Query
	const ports = "machine h.example login any password pany\n" +
		"machine h.example:8443 login u8443 password p8443\n" +
		"machine other.example:444 login o password p444\n"
	const twice = "machine h.example\n" +
		"machine h.example password lonely\n" +
		"machine h.example login u1 password p1\n" +
		"machine h.example login u2 password p2\n" +
		"machine h.example login u2 password p3\n"
	const withDefault = "machine h.example login u password p\n" +
		"machine e.example\n" +
		"machine p.example:8443 login pu password pp\n" +
		"default login du password dp\n"
	const v6 = "machine ::1 login bare password p1\n" +
		"machine [::1]:8443 login port password p2\n" +
		"machine [::2] login brackets password p3\n" +
		"machine ::3:8443 login address password p4\n"
	cases := []struct {
		rule string
		text string
		q    query
		want string // "line login password", or "" for none.
	}{
		{"an entry for the port comes before one for the host", ports, query{Host: "h.example", Port: "8443"}, "2 u8443 p8443"},
		{"an entry for another port is none", ports, query{Host: "h.example", Port: "443"}, "1 any pany"},
		{"an entry for a port is none for the host", ports, query{Host: "other.example", Port: "443"}, ""},
		{"no port finds no entry for a port", ports, query{Host: "other.example"}, ""},
		{
			"an empty entry for the port does not hide one for the host",
			"machine h.example:8443\nmachine h.example login u password p\n",
			query{Host: "h.example", Port: "8443"},
			"2 u p",
		},
		{"the port is compared whole", ports, query{Host: "h.example", Port: "844"}, "1 any pany"},
		{"the first with a login or a password counts", twice, query{Host: "h.example"}, "2  lonely"},
		{"with a user, the first with that login", twice, query{Host: "h.example", User: "u2"}, "4 u2 p2"},
		{"with a user, one without a login does not fit", "machine h.example password p\n", query{Host: "h.example", User: "u"}, ""},
		{"logins are compared with case", twice, query{Host: "h.example", User: "U2"}, ""},
		{"a login is compared without its quotes", `machine h.example login "a \"b\"" password p`, query{Host: "h.example", User: `a "b"`}, `1 a "b" p`},
		{
			"with a user, one for the host may be the first that fits",
			"machine h.example:8443 login a password pa\nmachine h.example login b password pb\n",
			query{Host: "h.example", Port: "8443", User: "b"},
			"2 b pb",
		},
		{"case of host names does not matter", ports, query{Host: "H.EXAMPLE", Port: "8443"}, "2 u8443 p8443"},
		{"case matters outside ASCII", "machine \u00c4.example login u password p\n", query{Host: "\u00e4.example"}, ""},
		{"the Kelvin sign is not a k", "machine k.example login u password p\n", query{Host: "\u212a.example"}, ""},
		{"a subdomain is another host", ports, query{Host: "a.h.example"}, ""},
		{"a beginning is another host", ports, query{Host: "h.exampl"}, ""},
		{"no default unless allowed", withDefault, query{Host: "x.example"}, ""},
		{"default if allowed", withDefault, query{Host: "x.example", AllowDefault: true}, "4 du dp"},
		{"default for a user it names", withDefault, query{Host: "x.example", User: "du", AllowDefault: true}, "4 du dp"},
		{"no default for another user", withDefault, query{Host: "x.example", User: "u", AllowDefault: true}, ""},
		{"no default for a host with an entry", withDefault, query{Host: "h.example", User: "other", AllowDefault: true}, ""},
		{"default for a host that has only an entry for another port", withDefault, query{Host: "p.example", Port: "443", AllowDefault: true}, "4 du dp"},
		{"default is no machine", withDefault, query{Host: "default"}, ""},
		{"no host, no entry", withDefault, query{AllowDefault: true}, ""},
		{"no host, no entry with an empty name", "machine \"\" login u password p\n", query{}, ""},
		{"no port, no entry with an empty name", "machine \"\" login u password p\n", query{Host: "h.example"}, ""},
		{"an IPv6 address may be bare", v6, query{Host: "::1", Port: "443"}, "1 bare p1"},
		{"its port needs brackets", v6, query{Host: "::1", Port: "8443"}, "2 port p2"},
		{"an IPv6 address may be in brackets", v6, query{Host: "::2", Port: "443"}, "3 brackets p3"},
		{"without brackets the last group is no port", v6, query{Host: "::3", Port: "8443"}, ""},
		{"without brackets the last group is of the address", v6, query{Host: "::3:8443", Port: "443"}, "4 address p4"},
		{"no brackets around a name", "machine [h.example]:443 login u password p\n", query{Host: "h.example", Port: "443"}, ""},
		{"a name with an escape is no host", `machine "h\\x" login u password p`, query{Host: `h\\x`}, ""},
		{"a name may be quoted", `machine "h.example" login u password p`, query{Host: "h.example"}, "1 u p"},
		{"an empty password is one if written as such", `machine h.example login u password ""`, query{Host: "h.example"}, "1 u "},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			e, found, err := parsed(t, c.text).Lookup(c.q)
			require.NoError(t, err)
			got := ""
			if found {
				got = fmt.Sprintf("%d %s %s", e.Line, e.Login, e.Password.Reveal())
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestAnEntrySaysWhatTheFileSays(t *testing.T) {
	t.Parallel()
	f := parsed(t, "\n\nmachine H.example:8443 login u password p\ndefault login du password dp\n")
	e, found, err := f.Lookup(netrcfile.Query{Host: "h.EXAMPLE", Port: "8443"})
	require.NoError(t, err)
	require.True(t, found)
	assert.Equal(t, "H.example:8443", e.Machine)
	assert.Equal(t, 3, e.Line)
	assert.False(t, e.Default)

	e, found, err = f.Lookup(netrcfile.Query{Host: "x.example", AllowDefault: true})
	require.NoError(t, err)
	require.True(t, found)
	assert.Equal(t, "default", e.Machine)
	assert.Equal(t, 4, e.Line)
	assert.True(t, e.Default)
}

func TestAnEntryThatCannotBeUsedSaysWhy(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rule, text, user string
		line             int
		want             error
		message          string
	}{
		{
			"no password", "\nmachine h.example login u\n", "",
			2, netrcfile.ErrNoPassword, "netrc: entry without a password at line 2",
		},
		{
			"the first counts, even if a later one has a password", "machine h.example login u\nmachine h.example login u password p\n", "",
			1, netrcfile.ErrNoPassword, "netrc: entry without a password at line 1",
		},
		{
			"the same for a user", "machine h.example login v password p\nmachine h.example login u\n", "u",
			2, netrcfile.ErrNoPassword, "netrc: entry without a password at line 2",
		},
		{
			"an empty entry", "machine h.example\nmachine h.example\n", "",
			1, netrcfile.ErrNoPassword, "netrc: entry without a password at line 1",
		},
		{
			"an empty default entry", "default\n", "",
			1, netrcfile.ErrNoPassword, "netrc: entry without a password at line 1",
		},
		{
			"a colon in the login", "machine h.example login u:v password p\n", "",
			1, netrcfile.ErrColon, "netrc: colon in the login (RFC 7617 forbids it) at line 1",
		},
		{
			"a tab in the login", "machine h.example login \"u\tv\" password p\n", "",
			1, netrcfile.ErrControl, "netrc: tab in the login or password (RFC 7617 forbids it) at line 1",
		},
		{
			"a tab in the password", "machine h.example login u password \"p\tq\"\n", "",
			1, netrcfile.ErrControl, "netrc: tab in the login or password (RFC 7617 forbids it) at line 1",
		},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			e, found, err := parsed(t, c.text).Lookup(netrcfile.Query{Host: "h.example", User: c.user, AllowDefault: true})
			assert.False(t, found)
			require.ErrorIs(t, err, c.want)
			var because *netrcfile.EntryError
			require.ErrorAs(t, err, &because)
			assert.Equal(t, c.line, because.Line)
			assert.EqualError(t, err, c.message)
			assert.Equal(t, c.line, e.Line)
			assert.True(t, e.Password.IsZero())
		})
	}
}

func TestAnEntryThatCannotBeUsedIsNobodyElsesTrouble(t *testing.T) {
	t.Parallel()
	f := parsed(t, "machine bad.example login u:v password p\nmachine h.example login u password p\n")
	_, found, err := f.Lookup(netrcfile.Query{Host: "h.example"})
	require.NoError(t, err)
	assert.True(t, found)
}

func TestOtherPorts(t *testing.T) {
	t.Parallel()
	f := parsed(t, "machine h.example:8443 login u password p\n"+
		"machine H.Example:443\n"+
		"machine h.example:10000 login v password p\n"+
		"machine h.example:8443 login v password p\n"+
		"machine h.example\nmachine h.example:\nmachine h.example:http\nmachine h.example:123456\n"+
		"machine a.h.example:1\nmachine h.example.org:2\n"+
		"machine \"h.example:\\\"3\"\n"+
		"machine [::1]:8443\nmachine ::1:444\n"+
		"machine :5\n")
	assert.Equal(t, []string{"443", "8443", "10000"}, f.OtherPorts("h.example"))
	assert.Equal(t, []string{"443", "8443", "10000"}, f.OtherPorts("H.EXAMPLE"))
	assert.Equal(t, []string{"8443"}, f.OtherPorts("::1"))
	assert.Empty(t, f.OtherPorts("x.example"))
	assert.Empty(t, f.OtherPorts(""))
}

func TestHasDefault(t *testing.T) {
	t.Parallel()
	assert.True(t, parsed(t, "machine h.example\ndefault login u password p\nmacdef x\n").HasDefault())
	assert.False(t, parsed(t, "machine default login u password p\n").HasDefault())
	assert.False(t, parsed(t, "").HasDefault())
}

func TestTheZeroFileIsEmpty(t *testing.T) {
	t.Parallel()
	var f netrcfile.File
	_, found, err := f.Lookup(netrcfile.Query{Host: "h.example", AllowDefault: true})
	require.NoError(t, err)
	assert.False(t, found)
	assert.False(t, f.HasDefault())
	assert.Empty(t, f.OtherPorts("h.example"))
}

func TestNoFormOfPrintingShowsTheFile(t *testing.T) {
	t.Parallel()
	const hidden = "hunter2hunter2"
	f := parsed(t, "machine h.example login u password "+hidden+"\n")
	e, found, err := f.Lookup(netrcfile.Query{Host: "h.example"})
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, hidden, e.Password.Reveal())
	type holder struct {
		Public  netrcfile.Entry
		private netrcfile.Entry
		file    *netrcfile.File
	}
	for _, v := range []any{f, *f, e, &e, holder{e, e, f}, []netrcfile.Entry{e}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			out := fmt.Sprintf(verb, v)
			assert.NotContains(t, out, hidden, verb)
			assert.NotContains(t, out, fmt.Sprintf("%x", hidden), verb)
			assert.NotContains(t, out, strings.Trim(fmt.Sprintf("%d", []byte(hidden)), "[]"), verb)
		}
		j, err := json.Marshal(v)
		require.NoError(t, err)
		assert.NotContains(t, string(j), hidden)
		var buf bytes.Buffer
		slog.New(slog.NewTextHandler(&buf, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&buf, nil)).Info("m", "v", v)
		assert.NotContains(t, buf.String(), hidden)
	}
	assert.NotContains(t, fmt.Sprintf("%+v", f), "h.example")
}

// Parse keeps the text and copies none of it; what leaves is no part of it, or a
// login would keep a megabyte in memory.
func TestWhatIsReturnedDoesNotHangOnTheText(t *testing.T) {
	t.Parallel()
	data := []byte("machine h.example login u password p\nmachine h.example:8443\n")
	f, err := netrcfile.Parse(data)
	require.NoError(t, err)
	e, found, err := f.Lookup(netrcfile.Query{Host: "h.example"})
	require.NoError(t, err)
	require.True(t, found)
	ports := f.OtherPorts("h.example")
	for i := range data {
		data[i] = 'x'
	}
	assert.Equal(t, "h.example u p", e.Machine+" "+e.Login+" "+e.Password.Reveal())
	assert.Equal(t, []string{"8443"}, ports)
}

func TestNamesAreToldApartByEveryByte(t *testing.T) {
	t.Parallel()
	names := []string{"h", "ho", "host", "host.ex", "host.exa", "host.exam", "data.host.example.org", "xn--bcher-kva.example", "192.0.2.1"}
	for _, name := range names {
		for _, layout := range []string{"machine %s password p\n", "machine\t\t%s password p", "machine\n%s\npassword p", `machine "%s" password p`} {
			f := parsed(t, fmt.Sprintf(layout, name))
			has := func(host string) bool {
				_, found, err := f.Lookup(netrcfile.Query{Host: host})
				require.NoError(t, err)
				return found
			}
			assert.True(t, has(name), name)
			assert.True(t, has(strings.ToUpper(name)), name)
			assert.False(t, has(name+"x"), name)
			assert.False(t, has("x"+name), name)
			for _, more := range []string{" ", "\t", " password", "\tpassword", "\npassword", "\" password", " password p"} {
				assert.False(t, has(name+more), "a host with a blank is not read on in the text")
			}
			assert.False(t, has(name[:len(name)-1]), name)
			for i := range len(name) {
				for _, other := range []byte{'\x00', '!', '"', '#', '@', 'q', '~', name[i] ^ 0x20, name[i] ^ 0x80, name[i] ^ 1} {
					changed := []byte(name)
					changed[i] = other
					assert.Equal(t, strings.ToLower(string(changed)) == name, has(string(changed)), "%q for %q", changed, name)
				}
			}
		}
	}
}

func TestWhereAWordEndsDoesNotDependOnWhereItBegins(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for at := range 20 {
			word := []byte(strings.Repeat("a", 20))
			word[at] = byte(c)
			f, err := netrcfile.Parse([]byte("machine h.example account x" + string(word) + " password p"))
			switch c {
			case ' ', '\t', '\n', '\r':
				if at == len(word)-1 {
					require.NoError(t, err)
					continue
				}
				require.EqualError(t, err, fmt.Sprintf("netrc line %d: unknown keyword", 1+strings.Count(string(word), "\n")))
			default:
				if c < ' ' || c == 0x7f {
					require.EqualError(t, err, "netrc line 1: control character")
					continue
				}
				require.NoError(t, err)
				e, found, err := f.Lookup(netrcfile.Query{Host: "h.example"})
				require.NoError(t, err)
				require.True(t, found)
				require.Equal(t, "p", e.Password.Reveal())
			}
		}
	}
}

func TestAFileServesManyAtOnce(t *testing.T) {
	t.Parallel()
	f := parsed(t, "machine h.example login u password p\nmachine h.example:1\ndefault login d password dp\n")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			e, found, err := f.Lookup(netrcfile.Query{Host: "h.example"})
			assert.NoError(t, err)
			assert.True(t, found)
			assert.Equal(t, "p", e.Password.Reveal())
			e, _, _ = f.Lookup(netrcfile.Query{Host: "x.example", AllowDefault: true})
			assert.Equal(t, "dp", e.Password.Reveal())
			assert.True(t, f.HasDefault())
			assert.Equal(t, []string{"1"}, f.OtherPorts("h.example"))
		})
	}
	wg.Wait()
}
