// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/internal/bearer"
)

// named is a credential that the command line names.
type named struct {
	flag   string
	kind   scicred.Kind
	path   string
	key    string // the file of the private key, if it is another one
	option scicred.Option
	err    error // why it cannot be used; nil if it can
}

// named returns what the command line names and does not switch off, and says
// of each whether it can be used.
func (p *program) named(c *common) []named {
	var list []named
	add := func(flag string, kind scicred.Kind, path, key string, option scicred.Option, err error) {
		if c.off(kind) {
			return
		}
		n := named{flag, kind, path, key, option, err}
		if n.err == nil {
			// Any host: whether the file is sound is all that is asked.
			_, err := scicred.NewTransport(nil, scicred.WithSystem(p.system), scicred.WithHosts("*"), option)
			n.err = bare(err)
		}
		list = append(list, n)
	}
	switch c.tokenFile {
	case "":
	case "-":
		token, err := p.tokenFromStdin()
		add("--token-file", scicred.KindToken, "", "", scicred.WithToken(token), err)
	default:
		add("--token-file", scicred.KindToken, c.tokenFile, "", scicred.WithTokenFile(c.tokenFile), nil)
	}
	if c.cert != "" {
		add("--cert", scicred.KindX509, c.cert, c.key, scicred.WithX509(c.cert, c.key), nil)
	}
	if c.netrcFile != "" {
		add("--netrc-file", scicred.KindBasic, c.netrcFile, "", scicred.WithNetrc(c.netrcFile), nil)
	}
	return list
}

// tokenFromStdin reads what --token-file - stands for: what a token file holds,
// from standard input.
func (p *program) tokenFromStdin() (string, error) {
	data, err := io.ReadAll(io.LimitReader(p.stdin, bearer.MaxLen+4096)) // white space and JSON may be around it
	if err != nil {
		return "", err
	}
	token, err := bearer.FromFile(data)
	if err != nil {
		return "", errors.Join(scicred.ErrMalformed, err)
	}
	return token, nil
}

// bare removes what the library puts before the reason, for the flag and the
// file are said already.
func bare(err error) error {
	for err != nil {
		text, inner := err.Error(), errors.Unwrap(err)
		if inner == nil || !strings.HasPrefix(text, "scicred: ") && !strings.HasPrefix(text, "With") {
			break
		}
		err = inner
	}
	return err
}

// attempt is the line of a report for a credential that cannot be used.
func (n *named) attempt() scicred.Attempt {
	return scicred.Attempt{
		Kind: n.kind, Candidate: n.flag, Path: n.path, KeyPath: n.key, Outcome: scicred.Rejected, Err: n.err,
	}
}

// unusable returns the failure of a command whose command line names what
// cannot be used; nil if all of it can.
func unusable(list []named) error {
	f := &failure{code: exitNoCredential}
	var bad []scicred.Attempt
	for _, n := range list {
		if n.err == nil {
			continue
		}
		err := fmt.Errorf("%s: %w", strings.TrimSpace(n.flag+" "+n.path), n.err)
		if bad = append(bad, n.attempt()); f.err == nil {
			f.err = err
		} else {
			f.details = append(f.details, err.Error())
		}
	}
	if f.err == nil {
		return nil
	}
	return f.hint(adviceOn(bad)...)
}
