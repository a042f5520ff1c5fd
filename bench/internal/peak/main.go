// SPDX-License-Identifier: BSD-3-Clause

//go:build unix

// Command peak runs a command and writes the most memory that it had, in bytes,
// on standard output. The command's own output goes nowhere.
//
// A child starts with the memory of its parent, and the system counts that: only
// a small parent can tell what a small child needs.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

func main() {
	cmd := exec.CommandContext(context.Background(), os.Args[1], os.Args[2:]...) //nolint:gosec // That is what it is for.
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "peak:", err)
		os.Exit(1)
	}
	most := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" { // where it is in bytes already
		most *= 1024
	}
	fmt.Println(most)
}
