// SPDX-License-Identifier: BSD-3-Clause

// Command scicred finds the credentials that scientists already have on a
// machine (bearer tokens, X.509 certificates and proxies, netrc logins), shows
// them, fetches with them, and hands the token to other tools.
//
// "scicred help" is its manual.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/term"

	"github.com/scicred/scicred"
)

func main() {
	p := &program{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	os.Exit(p.main(os.Args[1:]))
}

// main runs the program as a process, and returns the exit code.
func (p *program) main(args []string) int {
	// net/http logs what a server sends unasked, which may be what it was sent.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	ctx, stop := interruptible()
	defer stop()
	return p.run(ctx, args)
}

// program is the command with all that it touches of the outside world.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       bool            // standard error is a terminal
	system         *scicred.System // where credentials are looked for; nil is this machine
	hidden         secrets         // what standard error must not show
	trust          *trust          // whom to believe; nil if it was not asked yet
}

// run runs one command and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	if err := p.dispatch(ctx, args); err != nil {
		return p.explain(err)
	}
	return exitOK
}

func (p *program) dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return usage("which command? discover, get, token, proxy-info, inspect or whoami").hint("scicred help")
	}
	command, args := args[0], args[1:]
	switch command {
	case "discover":
		return p.discover(ctx, args)
	case "get":
		return p.get(ctx, args)
	case "token":
		return p.token(ctx, args)
	case "whoami":
		return p.whoami(ctx, args)
	case "proxy-info":
		return p.proxyInfo(ctx, args)
	case "inspect":
		return p.inspect(ctx, args)
	case "help", "--help", "-help", "-h":
		return p.help(args)
	case "version", "--version", "-version":
		return p.print("scicred " + version() + "\n")
	}
	if strings.HasPrefix(command, "-") {
		return usage("the command comes first, its flags after it").hint("scicred help")
	}
	return usage("there is no command %q", command).hint("scicred help")
}

// print writes to standard output, where only results go.
func (p *program) print(s string) error {
	_, err := io.WriteString(p.stdout, s)
	return err
}

// note writes a line to standard error, without secrets.
func (p *program) note(format string, args ...any) {
	_, _ = io.WriteString(p.stderr, p.hidden.hide(fmt.Sprintf(format, args...))+"\n") // where else could it be said?
}

// version says what this program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown version)"
	}
	return describeBuild(info)
}

func describeBuild(info *debug.BuildInfo) string {
	s := info.Main.Version
	if s == "" || s == "(devel)" {
		s = "(development version)"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && strings.HasPrefix(s, "(") {
			s += " " + setting.Value[:min(12, len(setting.Value))]
		}
	}
	return s + " " + info.GoVersion
}
