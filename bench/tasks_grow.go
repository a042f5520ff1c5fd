// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/bench/internal/measure"
	"github.com/scicred/scicred/credtest"
)

// parallel is warm requests of that many goroutines at once.
func parallel(goroutines int) measure.Task {
	t := measure.Task{
		Name:  fmt.Sprintf("parallel/%d", goroutines),
		Title: "warm request, 3 headers, " + plural(goroutines, "goroutine"),
		Unit:  "request", Base: bare, To: oauth2, Twin: ours, Show: measure.Wall,
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
			all, err := wrappers(s, origin)
			if err != nil {
				return nil, err
			}
			requests := make([]*http.Request, goroutines)
			for i := range requests {
				if requests[i], err = newRequest(context.Background(), origin+"/data", 3); err != nil {
					return nil, err
				}
			}
			contenders := []measure.Contender{{Name: bare, Run: func(n int) error { return sendAll(stub{}, requests, n) }}}
			for _, w := range all {
				if w.name == azure {
					continue
				}
				rt, err := w.wrap(stub{})
				if err != nil {
					return nil, err
				}
				contenders = append(contenders, measure.Contender{Name: w.name, Run: func(n int) error { return sendAll(rt, requests, n) }})
			}
			return contenders, nil
		},
	}
	if goroutines == 16 {
		t.Goals = []measure.Goal{{Of: ours, To: oauth2, Quantity: measure.Wall, AtMost: 0.42}}
	}
	return t
}

// sendAll sends n requests together, each of the given ones by a goroutine of its
// own.
func sendAll(rt http.RoundTripper, requests []*http.Request, n int) error {
	errs := make([]error, len(requests))
	var wg sync.WaitGroup
	for i, req := range requests {
		share := n / len(requests)
		if i < n%len(requests) {
			share++
		}
		wg.Go(func() { errs[i] = send(rt, req, share) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// origins is warm requests to that many origins, one after the other.
func origins(number int) measure.Task {
	t := measure.Task{
		Name:  fmt.Sprintf("origins/%d", number),
		Title: fmt.Sprintf("warm request, 3 headers, %s in turn", plural(number, "origin")),
		Unit:  "request", Base: bare, To: oauth2, Twin: ours, Show: measure.CPU,
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
			all, err := wrappers(s, credtest.SciTokensAny)
			if err != nil {
				return nil, err
			}
			requests := make([]*http.Request, number)
			for i := range requests {
				if requests[i], err = newRequest(context.Background(), nthOrigin(i), 3); err != nil {
					return nil, err
				}
			}
			contenders := []measure.Contender{{Name: bare, Run: inTurn(stub{}, requests)}}
			for _, w := range all {
				if w.name == azure {
					continue
				}
				rt, err := w.wrap(stub{})
				if err != nil {
					return nil, err
				}
				contenders = append(contenders, measure.Contender{Name: w.name, Run: inTurn(rt, requests)})
				if w.name == ours {
					rt, err := besideBound(s)
					if err != nil {
						return nil, err
					}
					contenders = append(contenders, measure.Contender{Name: besideOthers, Run: inTurn(rt, requests)})
				}
			}
			return contenders, nil
		},
	}
	if number == 10000 {
		t.Goals = []measure.Goal{
			{Of: ours, To: oauth2, Quantity: measure.CPU, AtMost: 0.6},
			{Of: besideOthers, To: oauth2, Quantity: measure.CPU, AtMost: 0.6},
		}
	}
	return t
}

// besideOthers is a machine on which another token is for one server alone, so that
// it makes a difference which server is asked.
const besideOthers = "scicred, another token for one server besides"

func besideBound(s *measure.Stage) (http.RoundTripper, error) {
	dir := filepath.Join(s.Dir, "beside")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	h, err := newHome(dir)
	if err != nil {
		return nil, err
	}
	if _, _, err := h.putToken(credtest.SciTokensAny); err != nil {
		return nil, err
	}
	h.env["SCITOKEN"] = newToken("https://elsewhere.example.org")
	return scicred.NewTransport(stub{}, scicred.WithSystem(h.system()))
}

func nthOrigin(i int) string { return fmt.Sprintf("https://host-%d.example.org/data", i) }

// inTurn goes on with the next request where the last run has stopped.
func inTurn(rt http.RoundTripper, requests []*http.Request) func(int) error {
	next := 0
	return func(n int) error {
		for range n {
			if err := send(rt, requests[next], 1); err != nil {
				return err
			}
			if next++; next == len(requests) {
				next = 0
			}
		}
		return nil
	}
}

// growTasks show how the cost of a warm request grows.
func growTasks() []measure.Task {
	return []measure.Task{
		brief(parallel(1)), brief(parallel(4)), parallel(16), brief(parallel(64)),
		brief(origins(1)), brief(origins(100)), origins(10000),
	}
}

// growFacts are what must not grow.
func growFacts() []measure.Fact {
	return []measure.Fact{
		{Name: "origins/kept", Title: "heap kept for each of 100,000 origins", Unit: "bytes", AtMost: 1, Count: keptPerOrigin},
		{Name: "parallel/locks", Title: "places in our code where 16 goroutines waited for a lock in 1,000,000 warm requests between two looks", Unit: "places", AtMost: 0, Count: contendedLocks},
	}
}

// frozen is a Transport that has a token and for which time stands still, so that
// nothing happens but what every request needs.
func frozen(s *measure.Stage, audience string) (*scicred.Transport, error) {
	h, err := newHome(s.Dir)
	if err != nil {
		return nil, err
	}
	if _, _, err := h.putToken(audience); err != nil {
		return nil, err
	}
	now := time.Now()
	h.now = func() time.Time { return now }
	return scicred.NewTransport(stub{}, scicred.WithSystem(h.system()))
}

func keptPerOrigin(s *measure.Stage) (float64, error) {
	const number = 100000
	rt, err := frozen(s, credtest.SciTokensAny)
	if err != nil {
		return 0, err
	}
	visit := func(from, to int) error {
		for i := from; i < to; i++ {
			req, err := newRequest(context.Background(), nthOrigin(i), 3)
			if err != nil {
				return err
			}
			if err := send(rt, req, 1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := visit(0, 100); err != nil { // what is kept for any number of them
		return 0, err
	}
	before := heap()
	if err := visit(100, 100+number); err != nil {
		return 0, err
	}
	after := heap()
	runtime.KeepAlive(rt)
	return max(0, float64(after)-float64(before)) / number, nil
}

// heap returns how much is in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // The first leaves what had finalizers.
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func contendedLocks(s *measure.Stage) (float64, error) {
	rt, err := frozen(s, origin)
	if err != nil {
		return 0, err
	}
	requests := make([]*http.Request, 16)
	for i := range requests {
		if requests[i], err = newRequest(context.Background(), origin+"/data", 3); err != nil {
			return 0, err
		}
	}
	if err := send(rt, requests[0], 1); err != nil {
		return 0, err
	}
	defer runtime.SetMutexProfileFraction(runtime.SetMutexProfileFraction(1))
	if err := sendAll(rt, requests, 1000000); err != nil {
		return 0, err
	}
	records := make([]runtime.BlockProfileRecord, 1000)
	n, _ := runtime.MutexProfile(records)
	places := 0
	for _, r := range records[:n] {
		if holds(r.Stack(), isOurs) {
			places++
		}
	}
	return float64(places), nil
}

// holds reports whether it was a lock of package sync that was waited for, held
// by a function of the owner. The allocator and the scheduler have
// locks too, and whoever allocates meets them.
func holds(stack []uintptr, owned func(function string) bool) bool {
	frames := runtime.CallersFrames(stack)
	for ofSync := false; ; {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "sync.") || strings.HasPrefix(f.Function, "internal/sync."):
			ofSync = true
		case owned(f.Function):
			return ofSync
		}
		if !more {
			return false
		}
	}
}

// isOurs reports whether a function is the library's.
func isOurs(function string) bool {
	return strings.HasPrefix(function, "github.com/scicred/scicred.") || strings.HasPrefix(function, "github.com/scicred/scicred/internal/")
}
