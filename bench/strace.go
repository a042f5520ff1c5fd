// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/bench/internal/measure"
)

// warmVariable makes this program send as many warm requests as it says, and
// nothing else, so that the kernel's view of them can be seen from outside.
const warmVariable = "SCICRED_BENCH_WARM"

// kernelCalls counts the system calls with a file's name in warm requests, as the
// kernel sees them: those of a program that makes many, less those of one that
// makes none.
func kernelCalls(s *measure.Stage) (float64, error) {
	if _, err := exec.LookPath("strace"); err != nil {
		return 0, fmt.Errorf("strace is not installed: %w", measure.ErrUnavailable)
	}
	none, err := traced(s, 0)
	if err != nil {
		return 0, err
	}
	many, err := traced(s, manyWarm)
	return float64(many - none), err
}

const manyWarm = 100000

// traced returns how many such calls a program makes that sends n requests beside
// the first.
func traced(s *measure.Stage, n int) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	log := filepath.Join(s.Dir, "strace")
	cmd := exec.CommandContext(context.Background(), "strace", "-f", "-qq", "-e", "trace=%file", "-e", "signal=none", "-o", log, self) //nolint:gosec // this very program
	cmd.Env = append(os.Environ(), warmVariable+"="+strconv.Itoa(n))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("strace: %w: %s", err, stderr.Bytes())
	}
	lines, err := os.ReadFile(log)
	return bytes.Count(lines, []byte("\n")) - bytes.Count(lines, []byte(" resumed>")), err // one that another thread interrupts has two lines
}

// sendWarm is the program that is looked at.
func sendWarm(number string) (err error) {
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "warm")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	h, err := newHome(dir)
	if err != nil {
		return err
	}
	if _, _, err := h.putToken(origin); err != nil {
		return err
	}
	now := time.Now()
	h.now = func() time.Time { return now } // one look, however long the tracing takes
	rt, err := scicred.NewTransport(stub{}, scicred.WithSystem(h.system()))
	if err != nil {
		return err
	}
	req, err := newRequest(context.Background(), origin+"/data", 3)
	if err != nil {
		return err
	}
	return send(rt, req, n+1)
}
