// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"errors"
	"flag"
	"io"
	"strings"

	"github.com/scicred/scicred"
)

// flags is a command's flag set. Flags may stand before and after the other
// arguments, and may be written --flag value and --flag=value.
type flags struct {
	*flag.FlagSet
}

func newFlags(command string) flags {
	f := flags{flag.NewFlagSet(command, flag.ContinueOnError)}
	f.SetOutput(io.Discard) // errors are said in one place, and without the values given
	return f
}

// parse returns the arguments that are no flags. After "--" none is.
func (f flags) parse(args []string) (rest []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			return nil, f.usageError(err)
		}
		left := f.Args()
		if len(left) == 0 {
			return rest, nil
		}
		if n := len(args) - len(left); n > 0 && args[n-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

func (f flags) usageError(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	text := err.Error()
	if name, unknown := strings.CutPrefix(text, "flag provided but not defined: "); unknown {
		text = "there is no flag -" + name
	}
	return usage("%s", text).hint("scicred help " + f.Name())
}

// text adds a flag whose value must not be empty: --token-file "$UNSET" is a
// mistake, and must not pass as no flag at all.
func (f flags) text(to *string, names ...string) {
	for _, name := range names {
		f.Func(name, "", func(s string) error {
			*to = s
			return refuseEmpty(s)
		})
	}
}

// list adds a flag that may be given several times.
func (f flags) list(to *[]string, names ...string) {
	for _, name := range names {
		f.Func(name, "", func(s string) error {
			*to = append(*to, s)
			return refuseEmpty(s)
		})
	}
}

func refuseEmpty(s string) error {
	if s == "" {
		return errors.New("it is empty")
	}
	return nil
}

// demand is the value of --fail-if-noauth: true, or kinds separated by commas.
type demand struct {
	on    bool
	kinds []scicred.Kind // none: any will do
}

func (d *demand) String() string { return "" }

// IsBoolFlag lets the flag stand without a value.
func (d *demand) IsBoolFlag() bool { return true }

// Set reads the value.
func (d *demand) Set(s string) error {
	switch *d = (demand{on: true}); s {
	case "true":
		return nil
	case "false":
		d.on = false
		return nil
	}
	for name := range strings.SplitSeq(s, ",") {
		kind, ok := kindOf(name)
		if !ok {
			return errors.New("the kinds are token, x509 and basic")
		}
		d.kinds = append(d.kinds, kind)
	}
	return nil
}

func kindOf(name string) (scicred.Kind, bool) {
	for _, k := range kinds() {
		if name == k.String() {
			return k, true
		}
	}
	return 0, false
}

func kinds() []scicred.Kind {
	return []scicred.Kind{scicred.KindToken, scicred.KindX509, scicred.KindBasic}
}
