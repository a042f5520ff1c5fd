// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/scicred/scicred"
)

// TestMain lets the test binary be the program, for the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"scicred": func() {
			p := &program{
				stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
				// This machine's own /tmp plays no part.
				system: &scicred.System{TempDir: os.TempDir},
			}
			os.Exit(p.main(os.Args[1:]))
		},
	})
}
