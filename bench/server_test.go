// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"os"
	"testing"
)

// TestMain lets the test binary be a server, as main does.
func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" {
		os.Exit(serve(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}
