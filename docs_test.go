// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const gap = "…" // what differs from case to case, in texts and headings alike

// sourceTexts returns the texts that the module's sources can print: each string
// literal or sum of strings, in which everything else, formatting verbs among
// them, is a gap.
func sourceTexts(t *testing.T) []string {
	t.Helper()
	var texts []string
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		nested := d.IsDir() && path != "." && isFile(filepath.Join(path, "go.mod"))
		if nested || d.IsDir() && path != "." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		texts = append(texts, textsOf(file)...)
		return nil
	}))
	return texts
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

func textsOf(file *ast.File) []string {
	var texts []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch e := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BinaryExpr:
			if s, ok := textOf(e); ok {
				texts = append(texts, s)
				return false
			}
		case *ast.BasicLit:
			if s, ok := textOf(e); ok {
				texts = append(texts, s)
			}
		}
		return true
	})
	return texts
}

var verb = regexp.MustCompile(`%[-+# 0]*[0-9]*(\.[0-9]+)?[a-zA-Z]`)

// textOf returns an expression as text; false if no literal is in it.
func textOf(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return verb.ReplaceAllString(s, gap), true
		}
	case *ast.BinaryExpr:
		left, isLeft := textOf(e.X)
		right, isRight := textOf(e.Y)
		if e.Op == token.ADD && (isLeft || isRight) {
			return strings.ReplaceAll(left+right, gap+gap, gap), true
		}
	}
	return gap, false
}

// headings returns the texts that are headings of the third level, in backticks.
func headings(markdown string) []string {
	var found []string
	for _, m := range regexp.MustCompile("(?m)^### `(.+)`$").FindAllStringSubmatch(markdown, -1) {
		found = append(found, m[1])
	}
	return found
}

// printed reports whether some source can print the heading. A gap at its ends
// stands for other texts that come before or after.
func printed(heading string, texts []string) bool {
	want := strings.TrimSpace(strings.Trim(heading, gap))
	for _, s := range texts {
		if want != "" && strings.Contains(s, want) {
			return true
		}
	}
	return false
}

func troubleshooting(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("docs/troubleshooting.md")
	require.NoError(t, err)
	return string(page)
}

func TestTroubleshootingIsKeyedByTextsThatAreReallyPrinted(t *testing.T) {
	t.Parallel()
	texts, seen := sourceTexts(t), map[string]bool{}
	for _, h := range headings(troubleshooting(t)) {
		assert.True(t, printed(h, texts), "no source prints %q any more", h)
		assert.False(t, seen[h], "%q is there twice", h)
		seen[h] = true
	}
	assert.Greater(t, len(seen), 80, "headings must have the form ### `text`")
	assert.False(t, printed("the dog ate the certificate", texts), "a text that nobody prints must be noticed")
	assert.False(t, printed(gap, texts), "a gap alone says nothing")
}

// Every third-level heading is a text, so that none is left out of the check.
func TestTroubleshootingHasNoOtherHeadings(t *testing.T) {
	t.Parallel()
	page := troubleshooting(t)
	assert.Len(t, headings(page), strings.Count(page, "\n### "))
}

// What the rooms that look at credentials can find wrong with them must be
// explained: who adds a reason adds a paragraph.
func TestTroubleshootingExplainsEveryReason(t *testing.T) {
	t.Parallel()
	page := troubleshooting(t)
	// These are for errors.Is alone; what is printed says more.
	silent := map[string]bool{
		"expired": true, "expires too soon": true, "not yet valid": true, "set, but its other half is not": true, "the token source was not asked": true, "not asked": true,
	}
	for _, room := range []string{"cadir", "fresh", "netrcfile", "osfile", "p12file", "pemfile", "pemkey", "places", "pool", "proof", "proxycert", "source", "voms"} {
		found := sentinels(t, filepath.Join("internal", room))
		assert.NotEmpty(t, found, room)
		for _, s := range found {
			assert.True(t, silent[s] || strings.Contains(page, "`"+s) || strings.Contains(page, " "+s+"`"),
				"docs/troubleshooting.md does not explain %q of internal/%s", s, room)
		}
	}
}

// sentinels returns the texts of the exported errors of a package.
func sentinels(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	var texts []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "Err") {
				return true
			}
			for _, v := range spec.Values {
				if call, ok := v.(*ast.CallExpr); ok && len(call.Args) == 1 {
					if s, ok := textOf(call.Args[0]); ok {
						texts = append(texts, s)
					}
				}
			}
			return true
		})
	}
	return texts
}

// The page on architecture says which test holds which rule; and each of them
// must be there.
func TestArchitectureNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/architecture.md")
	require.NoError(t, err)
	var sources strings.Builder
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go", "*/*/*/*_test.go"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			sources.Write(text)
		}
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(page), -1)
	assert.Greater(t, len(named), 30)
	for _, m := range named {
		if !strings.Contains(sources.String(), "\nfunc "+m[1]+"(") {
			t.Errorf("there is no %s", m[1])
		}
	}
}

// The table that the README shows is the one that an example prints.
func TestTheReadmeShowsARealReport(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	examples, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(readme), "```\nKIND")
	require.True(t, found)
	table, _, _ := strings.Cut("KIND"+after, "\n```")
	printed := strings.ReplaceAll(string(examples), "\n\t// ", "\n")
	if !strings.Contains(printed, table) {
		t.Error("ExampleTransport_Explain prints another table")
	}
}

// The Go code of the README and of the page on igwn-auth-utils must compile.
func TestTheGoCodeOfThePagesCompiles(t *testing.T) {
	t.Parallel()
	block := regexp.MustCompile("(?s)```go\n(.*?)```")
	checked := 0
	for _, page := range []string{"README.md", "docs/igwn-auth-utils.md"} {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			checked++
			body := m[1]
			if !strings.Contains(body, "return ") {
				body += "return err\n"
			}
			logging := ""
			if strings.Contains(body, "log.") {
				logging = "\t\"log\"\n"
			}
			program := "package main\n\nimport (\n" + logging + "\t\"net/http\"\n\n\t\"github.com/scicred/scicred\"\n)\n\nfunc run() error {\n" + body + "}\n\nfunc main() { _ = run() }\n"
			name := filepath.Join(t.TempDir(), "main.go")
			require.NoError(t, os.WriteFile(name, []byte(program), 0o600))
			out, err := exec.Command("go", "vet", name).CombinedOutput()
			require.NoError(t, err, "%s:\n%s\n%s", page, program, out)
		}
	}
	assert.Equal(t, 2, checked)
}

// Links between the pages must lead somewhere.
func TestLinksOfThePagesLeadSomewhere(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	top, err := filepath.Glob("*.md")
	require.NoError(t, err)
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	checked := 0
	for _, page := range append(pages, top...) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			target, fragment, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			checked++
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			_, err := os.Stat(file)
			if !assert.NoError(t, err, "%s links to %s", page, m[1]) || fragment == "" {
				continue
			}
			there, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Contains(t, anchors(string(there)), fragment, "%s links to %s", page, m[1])
		}
	}
	assert.Positive(t, checked)
}

// anchors returns the fragments that a page's headings give, as GitHub makes
// them.
func anchors(markdown string) []string {
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(markdown, -1) {
		kept := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		found = append(found, strings.ReplaceAll(kept, " ", "-"))
	}
	return found
}
