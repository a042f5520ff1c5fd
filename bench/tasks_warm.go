// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/bench/internal/measure"
	"github.com/scicred/scicred/bench/internal/peers"
	"github.com/scicred/scicred/credtest"
)

// Names of contenders, as tables show them.
const (
	bare   = "stub alone"
	limit  = "limit"
	ours   = "scicred"
	oauth2 = "x/oauth2"
	kube   = "client-go"
	azure  = "azcore"
)

// wrapper is a RoundTripper that attaches a token.
type wrapper struct {
	name string
	wrap func(base http.RoundTripper) (http.RoundTripper, error)
}

// wrappers returns the limit, us and the peers, each with the same token. Each
// has been seen to attach it.
func wrappers(s *measure.Stage, audience string) ([]wrapper, error) {
	h, err := newHome(s.Dir)
	if err != nil {
		return nil, err
	}
	token, file, err := h.putToken(audience)
	if err != nil {
		return nil, err
	}
	expiry := time.Now().Add(lifetime)
	all := []wrapper{
		{limit, func(b http.RoundTripper) (http.RoundTripper, error) { return peers.NewLimit(b, token), nil }},
		{ours, func(b http.RoundTripper) (http.RoundTripper, error) {
			return scicred.NewTransport(b, scicred.WithSystem(h.system()))
		}},
		{oauth2, func(b http.RoundTripper) (http.RoundTripper, error) { return peers.NewOAuth2(b, token, expiry), nil }},
		{kube, func(b http.RoundTripper) (http.RoundTripper, error) { return peers.NewClientGo(b, file) }},
		{azure, func(b http.RoundTripper) (http.RoundTripper, error) { return peers.NewAzcore(b, token, expiry), nil }},
	}
	for _, w := range all {
		if err := attaches(w.wrap, token); err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return all, nil
}

// warm is one request after the other on one thread, with that many headers.
func warm(headers int) measure.Task {
	t := measure.Task{
		Name:  fmt.Sprintf("warm/%d", headers),
		Title: fmt.Sprintf("warm request, %d headers", headers),
		Unit:  "request", Base: bare, To: limit, Twin: ours, Show: measure.CPU,
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
			all, err := wrappers(s, origin)
			if err != nil {
				return nil, err
			}
			req, err := newRequest(context.Background(), origin+"/data", headers)
			if err != nil {
				return nil, err
			}
			contenders := []measure.Contender{{Name: bare, Run: func(n int) error { return send(stub{}, req, n) }}}
			for _, w := range all {
				rt, err := w.wrap(stub{})
				if err != nil {
					return nil, err
				}
				contenders = append(contenders, measure.Contender{Name: w.name, Run: func(n int) error { return send(rt, req, n) }})
			}
			return contenders, nil
		},
	}
	if headers <= 7 {
		t.Goals = append(t.Goals,
			measure.Goal{Of: ours, Quantity: measure.Allocs, AtMost: 3},
			measure.Goal{Of: ours, Quantity: measure.Bytes, AtMost: 720})
	}
	return t
}

// warmTasks are requests for which everything is known already.
func warmTasks() []measure.Task {
	three := warm(3)
	three.Goals = append([]measure.Goal{
		{Of: ours, To: limit, Quantity: measure.CPU, AtMost: 1.25},
		{Of: ours, To: oauth2, Quantity: measure.CPU, AtMost: 0.40},
	}, three.Goals...)
	three.Trust = []measure.Goal{{Of: limit, To: oauth2, Quantity: measure.CPU, AtMost: 0.40}} // a slow limit flatters
	return []measure.Task{brief(warm(0)), three, brief(warm(7)), brief(warm(12))}
}

// brief takes the least number of rounds: for what is shown but has no goal in
// time.
func brief(t measure.Task) measure.Task {
	t.Rounds = 5
	return t
}

// warmFacts are counted, not timed.
func warmFacts() []measure.Fact {
	return []measure.Fact{{
		Name: "warm/calls", Title: "calls to the file system in 10,000 warm requests within a second", Unit: "calls", AtMost: 0,
		Count: func(*measure.Stage) (float64, error) {
			world := credtest.NewWorld() // It counts calls, and its clock stands still.
			world.Put("/home/user/token", newToken(origin))
			world.SetEnv("BEARER_TOKEN_FILE", "/home/user/token")
			rt, err := scicred.NewTransport(stub{}, scicred.WithSystem(world.System()))
			if err != nil {
				return 0, err
			}
			req, err := newRequest(context.Background(), origin+"/data", 3)
			if err != nil {
				return 0, err
			}
			if err := send(rt, req, 1); err != nil {
				return 0, err
			}
			world.Forget()
			if err := send(rt, req, 10000); err != nil {
				return 0, err
			}
			return float64(len(world.Calls())), nil
		},
	}, {
		Name: "warm/kernel", Title: "system calls with a file's name in 100,000 warm requests, seen by strace", Unit: "calls", AtMost: 0, Count: kernelCalls,
	}}
}
