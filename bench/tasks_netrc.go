// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"

	"github.com/jdx/go-netrc"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/bench/internal/floor"
	"github.com/scicred/scicred/bench/internal/measure"
	"github.com/scicred/scicred/internal/netrcfile"
	"github.com/scicred/scicred/internal/osfile"
)

// Ways to look a host up.
const (
	onePass   = "one pass over the bytes"
	lookedUp  = "scicred: read, parse, look up"
	findNetrc = "FindNetrc, as a whole"
	goNetrc   = "go-netrc"
)

// lookUp finds the login for the last host of a netrc file. What is judged is the
// reading of that file, the parsing and one lookup with go-netrc's word on it, by
// the library's own parts. FindNetrc does the same in a world made for one call,
// in a goroutine of its own, and is shown.
func lookUp(machines int, atMost float64) measure.Task {
	return measure.Task{
		Name: fmt.Sprintf("netrc/%d", machines), Title: fmt.Sprintf("one lookup in a netrc file of %s machines", thousands(machines)),
		Unit: "lookup", To: onePass, Twin: lookedUp, Show: measure.CPU,
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
			h, err := newHome(s.Dir)
			if err != nil {
				return nil, err
			}
			var content bytes.Buffer
			for i := range machines {
				fmt.Fprintf(&content, "machine host-%d.example.org\n\tlogin user-%d\n\tpassword secret-%d\n", i, i, i)
			}
			file, err := h.put("netrc", content.Bytes())
			if err != nil {
				return nil, err
			}
			h.env["NETRC"] = file
			system := h.system()
			host, user := fmt.Sprintf("host-%d.example.org", machines-1), fmt.Sprintf("user-%d", machines-1)
			target := scicred.Target{URL: &url.URL{Scheme: "https", Host: host, Path: "/"}}
			check := func(got string) error {
				if got != user {
					return fmt.Errorf("found the login of %q", got)
				}
				return nil
			}
			return []measure.Contender{
				{Name: onePass, Run: times(func() error {
					content, err := os.ReadFile(file)
					if err != nil {
						return err
					}
					login, _, _ := floor.Login(content, host)
					return check(login)
				})},
				{Name: lookedUp, Run: times(func() error {
					content, _, err := files().NewReader().Read(file, osfile.Rule{Max: 1 << 20, Private: true})
					if err != nil {
						return err
					}
					parsed, err := netrcfile.Parse(content)
					if err != nil {
						return err
					}
					entry, _, err := parsed.Lookup(netrcfile.Query{Host: host, Port: "443"})
					if err != nil {
						return err
					}
					return check(entry.Login)
				})},
				{Name: findNetrc, Run: times(func() error {
					login, err := system.FindNetrc(context.Background(), target)
					if err != nil {
						return err
					}
					return check(login.User())
				})},
				{Name: goNetrc, Run: times(func() error {
					rc, err := netrc.Parse(file)
					if err != nil {
						return err
					}
					return check(rc.Machine(host).Get("login"))
				})},
			}, nil
		},
		Goals: []measure.Goal{{Of: lookedUp, To: onePass, Quantity: measure.CPU, AtMost: atMost}},
	}
}

// netrcTasks look hosts up.
func netrcTasks() []measure.Task {
	return []measure.Task{lookUp(10, 3.5), lookUp(1000, 1.6), lookUp(10000, 1.6)}
}
