// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/bearer/strictjson"
)

const (
	grantCommand   = "command"
	commandPatient = 5 * time.Second // with a command that holds on to its output after it was ended
)

// Command is a program that prints a token, such as "oidc-token" or a script of
// one's own. [NewCommand] makes one.
type Command struct{ args []string }

// NewCommand returns the [Fetcher] of a program with its arguments. No shell
// looks at them. The program prints the token and nothing else, or a JSON object
// like the answer of a token endpoint (access_token, and expires_in if it is
// known). Its standard error is not shown, since it may hold secrets; a status
// other than 0 is an error.
func NewCommand(name string, args ...string) (*Command, error) {
	if name == "" {
		return nil, errors.New("login: the command is empty")
	}
	return &Command{append([]string{name}, args...)}, nil
}

// About implements [Fetcher].
func (c *Command) About() About {
	return About{Issuer: c.args[0], ClientID: strings.Join(c.args[1:], "\x00"), Grant: grantCommand}
}

// String names the program, without its arguments, which may be secrets.
func (c *Command) String() string { return "command " + c.args[0] }

// Fetch implements [Fetcher]. It ends the program when the context ends.
func (c *Command) Fetch(ctx context.Context) (*TokenData, error) {
	t, err := c.run(ctx)
	if err != nil {
		return nil, fetchError(grantCommand, fmt.Errorf("%s %w", c.args[0], err))
	}
	return t, nil
}

// Refresh implements [Fetcher]: the program is run again.
func (c *Command) Refresh(ctx context.Context, _ *TokenData) (*TokenData, error) {
	t, err := c.Fetch(ctx)
	return t, refreshError(err)
}

func (c *Command) run(ctx context.Context) (*TokenData, error) {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...) //nolint:gosec // it is the caller's own choice
	cmd.WaitDelay = commandPatient
	out := capped{left: maxAnswer}
	cmd.Stdout = &out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("took too long: %w", context.Cause(ctx))
	case errors.As(err, &exit):
		return nil, fmt.Errorf("failed: %w", exit)
	case err != nil:
		var start *exec.Error
		if errors.As(err, &start) {
			err = start.Err
		}
		return nil, fmt.Errorf("cannot be run: %w", err)
	case out.over:
		return nil, fmt.Errorf("printed more than %d bytes", maxAnswer)
	}
	return parseOutput(out.kept.Bytes(), wallClock())
}

// parseOutput reads what a program printed. The error reads on after the name of
// the program, and holds nothing of what it printed.
func parseOutput(text []byte, now time.Time) (*TokenData, error) {
	text = bearer.Trim(text)
	var t *TokenData
	var err error
	if bytes.HasPrefix(text, []byte("{")) {
		var object members
		if object, err = strictjson.Object(text); err != nil {
			return nil, fmt.Errorf("printed what %w", err)
		}
		t, err = parseToken(object, now)
	} else if t, err = newTokenData(string(text), now); err == nil {
		t.identify(string(text))
	}
	if err != nil {
		return nil, fmt.Errorf("printed no token that can be used: %w", err)
	}
	return t, nil
}

// capped keeps the beginning of what is written.
//
// The buffer is a field of its own: embedded, its ReadFrom would take all.
type capped struct {
	kept bytes.Buffer
	left int
	over bool
}

// Write implements [io.Writer]. It takes everything, so that the program can end.
func (c *capped) Write(p []byte) (int, error) {
	n := min(len(p), c.left)
	c.over = c.over || n < len(p)
	c.left -= n
	_, _ = c.kept.Write(p[:n]) // never fails
	return len(p), nil
}
