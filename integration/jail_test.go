// SPDX-License-Identifier: BSD-3-Clause

//go:build integration && linux

package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// systemCABundle is where Debian's libcurl looks for authorities. The SciTokens
// library of Debian 12 (scitokens-cpp 0.7) has no other way of being told whom
// to trust when it fetches an issuer's keys.
const systemCABundle = "/etc/ssl/certs/ca-certificates.crt"

// jail runs a server as a child of process 1 of a namespace of its own. Process 1
// reads a pipe whose other end only this test process holds. When that end
// closes, on purpose or because this process died of whatever cause, process 1
// ends the server, and with process 1 the kernel ends all that is left in the
// namespace. Arguments: a file to lay over the system's CA bundle, then the
// server's command line.
const jail = `
mount --bind "$1" ` + systemCABundle + ` || exit 1
shift
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ cat <&3 >/dev/null; kill -KILL "$server"; } &
exec 3<&-
wait "$server"
`

// janitor removes a folder once the pipe on its standard input closes.
const janitor = `cat >/dev/null; exec rm -rf -- "$1"`

// leashed is a process that lives no longer than this one.
type leashed struct {
	name  string
	log   string // the file that has its output
	leash *os.File
	done  chan struct{} // closed when the process has ended
}

// leash starts a command that ends by itself when its standard input does. Its
// output goes to a file of that name, or nowhere if logFile is empty. It gets a
// session of its own, so that an interrupt from the keyboard reaches this
// process alone.
func leash(name, logFile string, env []string, command ...string) (*leashed, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if logFile != "" {
		log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, err
		}
		defer log.Close()
		cmd.Stdout, cmd.Stderr = log, log
	}
	childEnd, ourEnd, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer childEnd.Close()
	cmd.Stdin = childEnd
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), ourEnd.Close())
	}
	p := &leashed{name: name, log: logFile, leash: ourEnd, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // How it ended is in its log; that it ended is all that counts.
	}()
	return p, nil
}

// imprison starts a server that trusts the authorities in caFile.
func imprison(name, dir, caFile string, env []string, command ...string) (*leashed, error) {
	full := append([]string{
		"unshare", "--mount", "--propagation", "private", "--pid", "--fork",
		"sh", "-c", jail, name, caFile,
	}, command...)
	return leash(name, filepath.Join(dir, name+".log"), env, full...)
}

// stop ends the process and waits until it is gone.
func (p *leashed) stop() error {
	err := p.leash.Close()
	select {
	case <-p.done:
		return err
	case <-time.After(10 * time.Second):
		return errors.Join(err, fmt.Errorf("%s does not end", p.name))
	}
}
