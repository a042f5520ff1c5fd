// SPDX-License-Identifier: BSD-3-Clause

package netrcfile_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/netrcfile"
)

// TestNoDefectOfGoNetrcShowsThrough has a case for each defect of go-netrc
// v1.0.0 that its users meet. Those of opening a file are below.
func TestNoDefectOfGoNetrcShowsThrough(t *testing.T) {
	t.Parallel()
	const none = "(none)"
	cases := []struct {
		defect  string
		text    string
		problem string // Or the answers, "login password".
		host    map[string]string
	}{
		{
			defect: "panics when machine is the last word",
			text:   "machine h.example login u password p\nmachine", problem: "netrc line 2: missing value after machine",
		},
		{
			defect: "takes the value default for the default entry",
			text:   "machine h.example login default password secret\n",
			host:   map[string]string{"h.example": "default secret", "x.example": none, "default": none},
		},
		{
			defect: "takes the value machine for an entry",
			text:   `machine h.example login u password "my machine other.example password secret"`,
			host:   map[string]string{"h.example": "u my machine other.example password secret", "other.example": none, "other": none},
		},
		{
			defect: "reads the lines of a macro as entries",
			text:   "macdef x\ndefault login a password b\nmachine o.example login a password b\n\nmachine h.example login u password p\n",
			host:   map[string]string{"h.example": "u p", "x.example": none, "o.example": none},
		},
		{
			defect: "loses an entry with a comment line in it",
			text:   "machine h.example\n# login cu password cp\nlogin u\n  # more\npassword p\n",
			host:   map[string]string{"h.example": "u p"},
		},
		{
			defect: "knows no quotes and no escapes",
			text:   `machine h.example login "u v" password "p \"q\" \\ r"`,
			host:   map[string]string{"h.example": `u v p "q" \ r`},
		},
		{
			defect: "cuts UTF-8 at the bytes 85 and A0",
			text:   "machine h.example login \u00e0 password p\u00e0\u2005q\n",
			host:   map[string]string{"h.example": "\u00e0 p\u00e0\u2005q"},
		},
		{
			defect: "takes a value that starts with # for a comment",
			text:   "machine h.example login #u password #secret\nmachine o.example login ou password op\n",
			host:   map[string]string{"h.example": "#u #secret", "o.example": "ou op"},
		},
		{
			defect: "ends the file at 64 KiB without white space",
			text:   "#" + strings.Repeat("x", 70_000) + "\nmachine h.example login u password p\n",
			host:   map[string]string{"h.example": "u p"},
		},
		{
			defect: "loses the first entry to a byte order mark",
			text:   "\ufeffmachine h.example login u password p\n",
			host:   map[string]string{"h.example": "u p"},
		},
		{
			defect: "shifts every field after an unknown word",
			text:   "machine h.example bogus login u password p\n", problem: "netrc line 1: unknown keyword",
		},
		{
			defect: "shifts every field after a missing value",
			text:   "machine h.example\nlogin\npassword p\n", problem: "netrc line 2: missing value after login",
		},
		{
			defect: "takes the host default for the default entry",
			text:   "machine h.example login u password p\ndefault login du password dp\n",
			host:   map[string]string{"h.example": "u p", "default": none, "x.example": none},
		},
		{
			defect: "takes a machine called default for the default entry",
			text:   "machine default login mu password mp\n",
			host:   map[string]string{"default": "mu mp", "x.example": none},
		},
		{
			defect: "compares host names with case",
			text:   "machine H.Example login u password p\n",
			host:   map[string]string{"h.eXample": "u p"},
		},
	}
	for _, c := range cases {
		t.Run(c.defect, func(t *testing.T) {
			t.Parallel()
			f, err := netrcfile.Parse([]byte(c.text))
			if c.problem != "" {
				require.EqualError(t, err, c.problem)
				return
			}
			require.NoError(t, err)
			for host, want := range c.host {
				e, found, err := f.Lookup(netrcfile.Query{Host: host})
				require.NoError(t, err)
				got := none
				if found {
					got = e.Login + " " + e.Password.Reveal()
				}
				assert.Equal(t, want, got, host)
				assert.False(t, e.Default)
			}
		})
	}
}

// The rest of go-netrc's defects come with its function Parse: it never closes
// the file, runs gpg from $PATH for a name that ends in .gpg, and takes a
// directory for an empty file and a file that all may read for a private one.
func TestGoNetrcNeverOpensAFile(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(dirFS(t), "*.go")
	require.NoError(t, err)
	used := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			assert.NotContains(t, []string{`"os"`, `"os/exec"`, `"io"`, `"syscall"`}, spec.Path.Value, name)
			assert.Nil(t, spec.Name, "%s: an import under another name hides from this test", name)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "netrc" {
					used[s.Sel.Name] = true
				}
			}
			return true
		})
	}
	var names []string
	for name := range used {
		names = append(names, name)
	}
	slices.Sort(names)
	assert.Equal(t, []string{"Machine", "Netrc", "ParseString"}, names)
}
