// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		os.Exit(serve(os.Stdin, os.Stdout))
	}
	code := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "integration: stopping the servers:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// shared is the one test bed of this process. It starts when the first test
// asks for it: starting takes seconds, and no test changes it.
var shared sharedBed

type sharedBed struct {
	once sync.Once
	bed  *bed
	err  error
}

// servers returns the running servers. Without them it skips the test, or fails
// it if CI=true.
func servers(t *testing.T) *bed {
	t.Helper()
	shared.once.Do(func() { shared.bed, shared.err = start() })
	if missing := (*missingError)(nil); errors.As(shared.err, &missing) && os.Getenv("CI") != "true" {
		t.Skip(missing)
	}
	require.NoError(t, shared.err)
	return shared.bed
}

// stop is called after all tests.
func (s *sharedBed) stop() error {
	if s.bed == nil {
		return nil
	}
	return s.bed.stop()
}

// missingError says what this machine lacks.
type missingError struct{ what []string }

func (e *missingError) Error() string {
	return "not on this machine: " + strings.Join(e.what, ", ") + " (make integration installs what it can)"
}

// checkMachine returns a *missingError unless everything is there that the
// servers need.
func checkMachine() error {
	var missing []string
	for _, tool := range []string{"xrootd", "nginx", "grid-proxy-init", "unshare", "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if _, err := os.Stat(systemCABundle); err != nil {
		missing = append(missing, systemCABundle)
	}
	switch {
	case os.Geteuid() != 0:
		missing = append(missing, "root (the tests do not run as root)")
	case len(missing) == 0:
		if out, err := exec.Command("unshare", "--mount", "--pid", "--fork", "true").CombinedOutput(); err != nil {
			missing = append(missing, fmt.Sprintf("the right to make namespaces (unshare: %v: %s)", err, out))
		}
	}
	if missing != nil {
		return &missingError{missing}
	}
	return nil
}
