// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/scicred/scicred/bench/internal/measure"
)

// module is the path of the module that is measured.
const module = "github.com/scicred/scicred"

// xrootd is a real XRootD with a small file, and a token that opens it. The tests
// of the integration folder start it; see serve_test.go there.
type xrootd struct {
	Missing string
	URL     string // of the file
	Content string // of the file
	Token   string // a file
	CA      string // a file
}

// startXRootD starts one for the stage. Where there is none the error is
// measure.ErrUnavailable, but not with CI=true: there it must be.
func startXRootD(s *measure.Stage) (*xrootd, error) {
	beds := filepath.Join(s.Dir, "testbed")
	if err := run("go", "test", "-c", "-tags", "integration", "-o", beds, module+"/integration"); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.Background(), beds) //nolint:gosec // it was built above
	// Daemons are in folders that some users' PATH does not have.
	cmd.Env = append(os.Environ(), "SCICRED_INTEGRATION_SERVE=1", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	cmd.Stderr = os.Stderr
	_, out, err := leash(s, cmd)
	if err != nil {
		return nil, err
	}
	var x xrootd
	if err := json.NewDecoder(out).Decode(&x); err != nil {
		return nil, fmt.Errorf("the test bed does not start: %w", err)
	}
	if x.Missing != "" {
		return nil, unavailable(x.Missing)
	}
	return &x, nil
}

// unavailable says that something is not on this machine. With CI=true nothing may
// be missing.
func unavailable(what string) error {
	if os.Getenv("CI") == "true" {
		return fmt.Errorf("%s, and CI=true allows no gaps", what)
	}
	return fmt.Errorf("%w: %s", measure.ErrUnavailable, what)
}

// run runs a command to its end.
func run(name string, args ...string) error {
	out, err := exec.CommandContext(context.Background(), name, args...).CombinedOutput() //nolint:gosec // our own commands
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
