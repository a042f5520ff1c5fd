// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The root package consists of these files and no others.
var rootFiles = []string{"discover_netrc.go", "discover_token.go", "discover_x509.go", "errors.go", "options.go", "transport.go"}

func TestTheRootPackageIsSixFilesOfAtMost400Lines(t *testing.T) {
	t.Parallel()
	all, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var sources []string
	for _, name := range all {
		if !strings.HasSuffix(name, "_test.go") {
			sources = append(sources, name)
		}
	}
	assert.Equal(t, rootFiles, sources)
	for _, name := range sources {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		lines := 0
		for line := range strings.Lines(string(text)) {
			if s := strings.TrimSpace(line); s != "" && !strings.HasPrefix(s, "//") {
				lines++
			}
		}
		assert.LessOrEqual(t, lines, 400, "%s: a room in internal is missing", name)
	}
}

func TestTheRootPackageStandsOnTheStandardLibraryAndThreeModules(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Module", ".").Output()
	require.NoError(t, err)
	allowed := map[string]bool{
		"github.com/scicred/scicred":         true,
		"github.com/jdx/go-netrc":            true,
		"github.com/golang-jwt/jwt/v5":       true,
		"software.sslmate.com/src/go-pkcs12": true,
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for dec.More() {
		var p struct {
			ImportPath string
			Standard   bool
			Module     struct{ Path string }
		}
		require.NoError(t, dec.Decode(&p))
		// One package besides, which go-pkcs12 stands on.
		assert.True(t, p.Standard || allowed[p.Module.Path] || p.ImportPath == "golang.org/x/crypto/pbkdf2", "%s is of module %s", p.ImportPath, p.Module.Path)
	}
}

func TestEveryExportedIdentifierHasADocComment(t *testing.T) {
	t.Parallel()
	for _, name := range rootFiles {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && receiverExported(d) {
					assert.NotEmpty(t, d.Doc.Text(), "%s: %s", name, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						if s.Name.IsExported() {
							assert.NotEmpty(t, s.Doc.Text()+d.Doc.Text(), "%s: %s", name, s.Name.Name)
						}
					case *ast.ValueSpec:
						for _, id := range s.Names {
							if id.IsExported() {
								assert.NotEmpty(t, s.Doc.Text()+s.Comment.Text()+d.Doc.Text(), "%s: %s", name, id.Name)
							}
						}
					}
				}
			}
		}
	}
}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	recv := d.Recv.List[0].Type
	if star, ok := recv.(*ast.StarExpr); ok {
		recv = star.X
	}
	id, ok := recv.(*ast.Ident)
	return ok && id.IsExported()
}

// exportedTypes lists the types that users of the root package can name.
func exportedTypes(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, file := range rootFiles {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, decl := range f.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range d.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() {
					names = append(names, s.Name.Name)
				}
			}
		}
	}
	return names
}
