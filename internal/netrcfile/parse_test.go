// SPDX-License-Identifier: BSD-3-Clause

package netrcfile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/netrcfile"
)

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	cases := []struct{ rule, text, want string }{
		{"an unknown keyword", "machine h.example\nlogin u\npasswort p\n", "netrc line 3: unknown keyword"},
		{"a quoted keyword", "\"machine\" h.example\n", "netrc line 1: unknown keyword"},
		{"a keyword in upper case", "machine h.example\nLOGIN u\n", "netrc line 2: unknown keyword"},
		{"a second byte order mark", "\ufeff\ufeffmachine h.example\n", "netrc line 1: unknown keyword"},

		{"machine without a name", "\nmachine", "netrc line 2: missing value after machine"},
		{"login without a value", "machine h.example login", "netrc line 1: missing value after login"},
		{"user without a value", "machine h.example user\n\n", "netrc line 1: missing value after user"},
		{"password without a value", "machine h.example\npassword \n \n", "netrc line 2: missing value after password"},
		{"account without a value", "machine h.example account", "netrc line 1: missing value after account"},
		{"macdef without a name", "macdef", "netrc line 1: missing value after macdef"},
		{"a macro's name on the next line", "macdef\ninit\n\n", "netrc line 1: missing value after macdef"},
		{"machine on the next line as a value", "machine h.example login u password\nmachine o.example\n", "netrc line 1: missing value after password"},
		{"default on the next line as a value", "machine h.example login u password\ndefault login du password dp\n", "netrc line 1: missing value after password"},
		{"login on the next line as a value", "machine h.example password\nlogin u\n", "netrc line 1: missing value after password"},
		{"user on the next line as a value", "machine h.example password\nuser u\n", "netrc line 1: missing value after password"},
		{"password on the next line as a value", "machine h.example login\npassword p\n", "netrc line 1: missing value after login"},
		{"account on the next line as a value", "machine h.example login\naccount a\n", "netrc line 1: missing value after login"},
		{"macdef on the next line as a value", "machine h.example login\nmacdef x\n", "netrc line 1: missing value after login"},
		{"a comment on the next line as a value", "machine h.example password\n#p\n", "netrc line 1: missing value after password"},

		{"login before an entry", "login u\n", "netrc line 1: login outside an entry"},
		{"password before an entry", "password p\n", "netrc line 1: password outside an entry"},
		{"password after a macro", "machine h.example login u\nmacdef x\n\npassword p\n", "netrc line 4: password outside an entry"},
		{"password after a macro after default", "default login u\nmacdef x\n\npassword p\n", "netrc line 4: password outside an entry"},
		{"a second login", "machine h.example login u login v\n", "netrc line 1: second login in one entry"},
		{"user after login", "machine h.example login u\nuser v\n", "netrc line 2: second login in one entry"},
		{"login after user", "machine h.example user u\nlogin v\n", "netrc line 2: second login in one entry"},
		{"a second password", "machine h.example password \"\"\npassword p\n", "netrc line 2: second password in one entry"},

		{"a quote without an end", "machine h.example password \"p", "netrc line 1: unterminated quoted value"},
		{"a quote over two lines", "machine h.example password \"p\nq\"\n", "netrc line 1: unterminated quoted value"},
		{"a quote over two lines of DOS", "machine h.example password \"p\r\nq\"\n", "netrc line 1: unterminated quoted value"},
		{"a carriage return in quotes", "machine h.example password \"p\rq\"\n", "netrc line 1: unterminated quoted value"},
		{"text after a quote", "machine h.example password \"p\"q\n", "netrc line 1: text directly after a quoted value"},
		{"two quotes in one value", "machine h.example password \"p\"\"q\"\n", "netrc line 1: text directly after a quoted value"},
		{"another escape", `machine h.example password "p\nq"`, `netrc line 1: a backslash in a quoted value that is not \" or \\`},
		{"an escape at the end", `machine h.example password "p\`, `netrc line 1: a backslash in a quoted value that is not \" or \\`},
		{"a quoted macro name", "macdef \"x\"\n\n", "netrc line 1: quoted macro name"},
		{"a quoted empty macro name", "macdef \"\"\n\n", "netrc line 1: quoted macro name"},
		{"a quoted macro name with escapes", `macdef "\\"`, "netrc line 1: quoted macro name"},

		{"a control character between words", "\x01", "netrc line 1: control character"},
		{"a control character after a keyword", "machine \x01", "netrc line 1: control character"},
		{"a control character in a word", "machine h.example\nlogin u\x1bv\n", "netrc line 2: control character"},
		{"a control character in quotes", "machine h.example password \"p\x00q\"\n", "netrc line 1: control character"},
		{"a control character in a comment", "machine h.example\n\n# \x07\n", "netrc line 3: control character"},
		{"a control character in a macro", "macdef x\ny\n\x08\n\n", "netrc line 3: control character"},
		{"a control character after a macro's name", "macdef x\x08\n\n", "netrc line 1: control character"},
		{"DEL", "machine h.example password p\x7f\n", "netrc line 1: control character"},
		{"vertical tab as a blank", "machine h.example\vlogin u\n", "netrc line 1: control character"},
		{"UTF-16 without a mark", "m\x00a\x00c\x00h\x00", "netrc line 1: control character"},
		{"UTF-16", "\xff\xfem\x00a\x00", "netrc line 1: text in UTF-16, where UTF-8 is needed"},
		{"UTF-16, big endian", "\xfe\xff\x00m\x00a", "netrc line 1: text in UTF-16, where UTF-8 is needed"},

		{"default in the middle of a line", "machine h.example login u password p default login du password dp\n", "netrc line 1: default must start a line"},
		{"default after a value on a later line", "machine h.example password\np default login du\n", "netrc line 2: default must start a line"},
		{"default after a quoted value on a later line", "machine h.example password\n\"p\" default login du\n", "netrc line 2: default must start a line"},
		{"an entry after default", "default login u password p\nmachine h.example\n", "netrc line 2: default must be the last entry"},
		{"an entry after default and a macro", "default login u password p\nmacdef x\n\nmachine h.example\n", "netrc line 4: default must be the last entry"},
		{"a second default", "default login u password p\ndefault\n", "netrc line 2: default must be the last entry"},
		{"machine after an entry without a password", "machine h.example login u machine o.example password p\n", "netrc line 1: machine must start a line, as the entry before it has no password"},
		{"machine after a bare entry", "machine h.example machine o.example password p\n", "netrc line 1: machine must start a line, as the entry before it has no password"},
		{"macdef after an entry without a password", "machine h.example login u macdef x\n\n", "netrc line 1: macdef must start a line, as the entry before it has no password"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			f, err := netrcfile.Parse([]byte(c.text))
			assert.Nil(t, f)
			var syntax *netrcfile.SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.EqualError(t, err, c.want)
			assert.Positive(t, syntax.Line)
		})
	}
}

func TestWhatIsAccepted(t *testing.T) {
	t.Parallel()
	const h, o = "h.example", "o.example"
	cases := []struct {
		rule, text string
		want       map[string]string // Host to "login password"; others have none.
	}{
		{"values on later lines", "machine\nh.example\nlogin\n\nu\npassword\np\n", map[string]string{h: "u p"}},
		{"a quoted keyword on a later line as a value", "machine h.example login u password\n\"default\"\n", map[string]string{h: "u default"}},
		{"keywords as values on their lines", "machine h.example login macdef account machine password default\n", map[string]string{h: "macdef default"}},
		{"two entries on a line", "machine h.example login u password p machine o.example login v password q", map[string]string{h: "u p", o: "v q"}},
		{"password before login", "machine h.example password p login u\n", map[string]string{h: "u p"}},
		{"a macro on the line of a complete entry", "machine h.example login u password p macdef x\nmachine o.example login v password q\n", map[string]string{h: "u p"}},
		{"a macro ends at an empty line", "macdef x\n\nmachine h.example login u password p\n", map[string]string{h: "u p"}},
		{"a macro ends at an empty line of DOS", "macdef x\r\nput y\r\n\r\nmachine h.example login u password p\r\n", map[string]string{h: "u p"}},
		{"a macro does not end at a line of blanks", "macdef x\n \nmachine h.example login u password p\n", nil},
		{"nothing of a macro's first line counts", "macdef x machine h.example login u password p\n\nmachine o.example login v password q\n", map[string]string{o: "v q"}},
		{"blanks after a macro's name", "macdef x \n\nmachine o.example login v password q\n", map[string]string{o: "v q"}},
		{"a macro after default", "default\nmacdef x\nput y\n", nil},
		{"white space in quotes", "machine h.example login \" u \" password \" p \"\n", map[string]string{h: " u   p "}},
		{"a # in quotes", "machine h.example login u password \"#p #q\"\n", map[string]string{h: "u #p #q"}},
		{"a quote inside a value", "machine h.example login u password p\"q\"\n", map[string]string{h: "u p\"q\""}},
		{"backslashes outside quotes as they are", `machine h.example login d\u password p\\q\"\`, map[string]string{h: `d\u p\\q\"\`}},
		{"a comment at the end of a file", "machine h.example login u password p#q\n#", map[string]string{h: "u p#q"}},
		{"bytes that are no UTF-8", "machine h.example login \xff password \x80\xa0\n", map[string]string{h: "\xff \x80\xa0"}},
		{"carriage returns are blanks", "machine h.example\rlogin u\rpassword p\r", map[string]string{h: "u p"}},
		{"two accounts", "machine h.example account a login u account b password p\n", map[string]string{h: "u p"}},
		{"a byte order mark alone", "\ufeff", nil},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			f := parsed(t, c.text)
			got := map[string]string{}
			for _, host := range []string{h, o, "x.example"} {
				e, found, err := f.Lookup(netrcfile.Query{Host: host})
				require.NoError(t, err)
				if found {
					got[host] = e.Login + " " + e.Password.Reveal()
				}
			}
			if c.want == nil {
				c.want = map[string]string{}
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// The worst a megabyte can do. go-netrc needs hours for some of these.
func TestTimeIsInProportionToLength(t *testing.T) {
	const n = 1 << 20
	fill := func(s string) string { return strings.Repeat(s, n/len(s)) }
	cases := map[string]string{
		"comment":               fill("#"),
		"word of #":             "a" + fill("#"),
		"comments":              fill("#\n"),
		"comments in words":     fill("a#\n"),
		"comments after words":  "machine h.example " + fill(" #\n"),
		"value of #":            "machine h.example password " + fill("#"),
		"blanks":                fill(" "),
		"lines":                 fill("\n"),
		"quotes":                fill(`"`),
		"escapes":               `machine h.example password "` + fill(`\"`) + `"`,
		"quoted value":          `machine h.example password "` + fill("# "),
		"a long macro":          "macdef x\n" + fill("y\n"),
		"a macro of blanks":     "macdef x\n" + fill(" "),
		"many macros":           fill("macdef x\n\n"),
		"entries of one host":   fill("machine h.example login u password p\n"),
		"entries of one port":   fill("machine h.example:443 password p\n"),
		"empty entries":         fill("machine h.example\n"),
		"ports":                 fill("machine h.example:1\nmachine h.example:2\n"),
		"accounts":              "machine h.example" + fill(" account a"),
		"machine upon machine":  fill("machine "),
		"login upon login":      "machine h.example " + fill("login "),
		"escaped names":         fill("machine \"h\\\\example\" password p\n"),
		"escaped logins":        fill("machine h.example login \"\\\"\" password p\n"),
		"values on later lines": fill("machine\nh.example\npassword\np\n"),
	}
	for name, text := range cases {
		// Not parallel: one of them alone is measured.
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if f, err := netrcfile.Parse([]byte(text)); err == nil {
				_, _, err = f.Lookup(netrcfile.Query{Host: "h.example", Port: "443", User: "x", AllowDefault: true})
				require.NoError(t, err)
				_, _, err = f.Lookup(netrcfile.Query{Host: "h.example", Port: "443"})
				require.NotErrorIs(t, err, netrcfile.ErrCrossCheck)
				f.OtherPorts("h.example")
			}
			took := time.Since(start)
			t.Log(took)
			// Generous: it takes milliseconds, and the machine may be busy.
			assert.Less(t, took, 2*time.Second)
		})
	}
}
