// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// proxyInfoFlags is what proxy-info can be told.
type proxyInfoFlags struct {
	exists, timeleft, json bool
	valid                  hoursAndMinutes
}

// hoursAndMinutes is the value of --valid, in the form of voms-proxy-info: H:M.
type hoursAndMinutes struct {
	on bool
	d  time.Duration
}

func (h *hoursAndMinutes) String() string { return "" }

// Set reads the value.
func (h *hoursAndMinutes) Set(s string) error {
	const most = 1_000_000 // hours; a time.Duration holds twice as much
	hours, minutes, found := strings.Cut(s, ":")
	n, err := strconv.ParseUint(hours, 10, 32)
	m, minuteErr := strconv.ParseUint(minutes, 10, 32)
	switch {
	case !found || err != nil || minuteErr != nil:
		return errors.New("it is hours and minutes, such as 12:00")
	case m > 59:
		return errors.New("an hour has 60 minutes")
	case n > most:
		return fmt.Errorf("it is more than %d hours", most)
	}
	h.on, h.d = true, time.Duration(n)*time.Hour+time.Duration(m)*time.Minute
	return nil
}

func (i *proxyInfoFlags) register(f flags) {
	f.BoolVar(&i.exists, "exists", false, "")
	f.Var(&i.valid, "valid", "")
	f.BoolVar(&i.timeleft, "timeleft", false, "")
	f.BoolVar(&i.json, "json", false, "")
}

// proxyInfo shows a proxy as voms-proxy-info does, and exits as that does: 0, or
// 1 without one, or without one that is good for as long as is asked.
func (p *program) proxyInfo(ctx context.Context, args []string) error {
	var i proxyInfoFlags
	f := newFlags("proxy-info")
	i.register(f)
	rest, err := f.parse(args)
	switch {
	case err != nil:
		return p.orHelp(err, "proxy-info")
	case len(rest) > 1:
		return usage("one file at a time, please: there are %d arguments that are no flags", len(rest))
	case len(rest) == 1 && rest[0] == "":
		return usage("the name of the file is empty")
	case i.timeleft && i.json:
		return usage("--timeleft and --json contradict each other")
	}
	h, err := p.findProxy(ctx, rest)
	if err != nil {
		return err
	}
	e := newProxyEntry(h)
	for _, warning := range h.warnings {
		p.note("warning: %s", printable(warning))
	}
	if err := p.printProxy(&i, e); err != nil {
		return err
	}
	return judgeProxy(&i, h, e)
}

func (p *program) printProxy(i *proxyInfoFlags, e *proxyEntry) error {
	switch {
	case i.timeleft:
		return p.print(strconv.FormatInt(e.Timeleft, 10) + "\n")
	case i.json:
		text, err := formatJSON(e)
		if err != nil {
			return err
		}
		return p.print(text)
	case i.exists: // Scripts ask, and want no answer but the exit code.
		return nil
	}
	return p.print(describeProxy(e))
}

// judgeProxy returns nil if the proxy is as good as was asked for. What is only
// shown may have expired. One without its key can be shown, and does not exist:
// grid-proxy-info says so too, while voms-proxy-info would send its user away with
// a file that no server takes.
func judgeProxy(i *proxyInfoFlags, h *held, e *proxyEntry) error {
	f := &failure{code: exitFailure}
	switch left := time.Duration(e.Timeleft) * time.Second; {
	case !i.exists && !i.valid.on:
		return nil
	case h.keyErr != nil:
		f.err = fmt.Errorf("%s: %w", e.Path, h.keyErr)
	case e.Expired:
		f.err = fmt.Errorf("%s: expired %s ago", e.Path, since(h.expires(), h.now))
	case h.now.Before(h.begins()):
		f.err = fmt.Errorf("%s: not valid before %s", e.Path, date(h.begins()))
	case left < i.valid.d:
		f.err = fmt.Errorf("%s: %s left, less than %s", e.Path, clock(left), clock(i.valid.d))
	default:
		return nil
	}
	return f.hint(howToGetAProxy)
}

const howToGetAProxy = "make a proxy with voms-proxy-init or grid-proxy-init, or set X509_USER_PROXY to the file that holds one"
