// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/bench/internal/floor"
	"github.com/scicred/scicred/bench/internal/measure"
	"github.com/scicred/scicred/bench/internal/peers"
)

// Ways to find or to read a token.
const (
	loop       = "hand-written loop"
	scan       = "base64 + scan"
	stdJSON    = "encoding/json"
	jwtLibrary = "golang-jwt"
)

// first is the first request of a new Transport, with one token in the last of
// all places.
func first() measure.Task {
	return measure.Task{
		Name: "first", Title: "first request of a new Transport, one token file, in the last place",
		Unit: "request", To: loop, Twin: ours, Show: measure.CPU,
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
			h, err := newHome(s.Dir)
			if err != nil {
				return nil, err
			}
			name := fmt.Sprintf("tmp/bt_u%d", os.Geteuid())
			token := newToken(origin)
			if _, err := h.put(name, []byte(token+"\n")); err != nil {
				return nil, err
			}
			system := h.system()
			if err := attaches(func(b http.RoundTripper) (http.RoundTripper, error) {
				return scicred.NewTransport(b, scicred.WithSystem(system))
			}, token); err != nil {
				return nil, err
			}
			req, err := newRequest(context.Background(), origin+"/data", 3)
			if err != nil {
				return nil, err
			}
			places := floor.Places{LookupEnv: system.LookupEnv, TempDir: system.TempDir(), UID: os.Geteuid()}
			return []measure.Contender{
				{Name: loop, Run: func(n int) error {
					for range n {
						p := places
						found, err := p.Find(origin)
						if err != nil {
							return err
						}
						if err := send(peers.NewLimit(stub{}, found), req, 1); err != nil {
							return err
						}
					}
					return nil
				}},
				{Name: ours, Run: func(n int) error {
					for range n {
						rt, err := scicred.NewTransport(stub{}, scicred.WithSystem(system))
						if err != nil {
							return err
						}
						if err := send(rt, req, 1); err != nil {
							return err
						}
					}
					return nil
				}},
			}, nil
		},
		Goals: []measure.Goal{{Of: ours, To: loop, Quantity: measure.CPU, AtMost: 1.5}},
	}
}

// parse reads what a token says, without verifying it.
func parse() measure.Task {
	return measure.Task{
		Name: "parse", Title: "read a token, unverified",
		Unit: "token", To: scan, Twin: ours, Show: measure.CPU,
		Prepare: func(*measure.Stage) ([]measure.Contender, error) {
			raw := newToken(origin)
			reader := &floor.Token{}
			bytes := []byte(raw)
			return []measure.Contender{
				{Name: scan, Run: times(func() error { _, err := reader.Claims(bytes); return err })},
				{Name: ours, Run: times(func() error { _, err := scicred.ParseToken(raw); return err })},
				{Name: stdJSON, Run: times(func() error { return unmarshal(raw) })},
				{Name: jwtLibrary, Run: times(func() error {
					_, _, err := jwt.NewParser().ParseUnverified(raw, jwt.MapClaims{})
					return err
				})},
			}, nil
		},
		Goals: []measure.Goal{{Of: ours, To: scan, Quantity: measure.CPU, AtMost: 1.8}},
	}
}

// times does something that can be done without further ado.
func times(do func() error) func(int) error {
	return func(n int) error {
		for range n {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	}
}

// unmarshal reads a token as most programs do that need no library for it.
func unmarshal(raw string) error {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return errors.New("no token")
	}
	var head struct {
		Algorithm string `json:"alg"`
	}
	var claims struct {
		Version   string `json:"ver"`
		Issuer    string `json:"iss"`
		Subject   string `json:"sub"`
		ID        string `json:"jti"`
		Audience  any    `json:"aud"`
		Scope     string `json:"scope"`
		Expiry    int64  `json:"exp"`
		NotBefore int64  `json:"nbf"`
	}
	for i, into := range []any{&head, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, into); err != nil {
			return err
		}
	}
	return nil
}

// Ways to find one token among many.
const (
	readAll = "os.ReadFile of all"
	find    = "FindToken"
	fresh   = "new Transport, first request"
	again   = "the next look"
)

// among finds the one token of many that fits, which is the last.
func among(files int) measure.Task {
	t := measure.Task{
		Name: fmt.Sprintf("discovery/%d", files), Title: fmt.Sprintf("discovery among %s, the last one fits; then nothing changes", plural(files, "token file")),
		Unit: "time", To: readAll, Twin: find, Show: measure.CPU,
		Slice: 150 * time.Millisecond, Turns: 1, Rounds: 7, // Not every look costs the same.
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) { return searches(s, files) },
	}
	switch files {
	case 1:
		t.Goals = []measure.Goal{{Of: find, To: readAll, Quantity: measure.CPU, AtMost: 1.4}}
	default:
		t.Goals = []measure.Goal{
			{Of: find, To: readAll, Quantity: measure.CPU, AtMost: 1.0},
			{Of: find, To: readAll, Quantity: measure.Wall, AtMost: 0.8},
			{Of: again, To: fresh, Quantity: measure.CPU, AtMost: 0.01},
		}
	}
	return t
}

// searches are the ways to find the last of many tokens.
func searches(s *measure.Stage, files int) ([]measure.Contender, error) {
	h, err := newHome(s.Dir)
	if err != nil {
		return nil, err
	}
	clock := newClock()
	h.now = clock.now
	folder := filepath.Join(s.Dir, "creds")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	h.env["_CONDOR_CREDS"] = folder
	mint, err := newMint()
	if err != nil {
		return nil, err
	}
	for i := range files {
		audience := fmt.Sprintf("https://other-%d.example.org", i)
		if i == files-1 {
			audience = origin
		}
		if _, err := h.put(fmt.Sprintf("creds/%05d.use", i), []byte(mint.token(audience)+"\n")); err != nil {
			return nil, err
		}
	}
	want := filepath.Join(folder, fmt.Sprintf("%05d.use", files-1))
	system := h.system()
	var looks atomic.Int64 // Each begins with the variables.
	watched := h.system()
	watched.LookupEnv = func(key string) (string, bool) {
		if key == "_CONDOR_CREDS" {
			looks.Add(1)
		}
		return system.LookupEnv(key)
	}
	req, err := newRequest(context.Background(), origin+"/data", 3)
	if err != nil {
		return nil, err
	}
	idle := runtime.NumGoroutine()
	known, err := scicred.NewTransport(stub{}, scicred.WithSystem(watched))
	if err != nil {
		return nil, err
	}
	if err := send(known, req, 1); err != nil {
		return nil, err
	}
	return []measure.Contender{
		{Name: readAll, Run: times(func() error { return readFolder(folder) })},
		{Name: find, Run: times(func() error {
			token, err := system.FindToken(context.Background(), scicred.Target{URL: req.URL})
			if err == nil && token.Path() != want {
				err = fmt.Errorf("found %s", filepath.Base(token.Path()))
			}
			return err
		})},
		{Name: fresh, Run: times(func() error {
			rt, err := scicred.NewTransport(stub{}, scicred.WithSystem(system))
			if err != nil {
				return err
			}
			return send(rt, req, 1)
		})},
		{Name: again, Run: func(n int) error {
			before := looks.Load()
			for range n {
				clock.advance(nextLook)
				if err := send(known, req, 1); err != nil {
					return err
				}
				if err := settle(idle); err != nil {
					return err
				}
			}
			if got := looks.Load() - before; got < int64(n) {
				return fmt.Errorf("%d looks in %d seconds", got, n)
			}
			return nil
		}},
	}, nil
}

// settle waits until there are no more goroutines than there were: a request does
// not wait for ever for the look that it has started.
func settle(goroutines int) error {
	for range 100000 {
		if runtime.NumGoroutine() <= goroutines {
			return nil
		}
		time.Sleep(50 * time.Microsecond)
	}
	return errors.New("a look does not end")
}

// readFolder reads all files of a folder.
func readFolder(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// tokenTasks find and read tokens.
func tokenTasks() []measure.Task {
	return []measure.Task{first(), parse(), among(1), among(100), among(1000), among(10000)}
}
