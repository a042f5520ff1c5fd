// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/scicred/scicred/bench/internal/measure"
	"github.com/scicred/scicred/credtest"
)

// preset is a transport alone, whose requests have their header already.
const preset = "preset header"

// endToEnd is requests over TLS on loopback, on connections that are open, of as
// many goroutines. The server listens on a port for each, so that there are as
// many connections whatever the protocol.
func endToEnd(http2 bool, connections int) measure.Task {
	name, protocols := "HTTP/1.1", []string{"http/1.1"}
	if http2 {
		name, protocols = "HTTP/2", []string{"h2"}
	}
	return measure.Task{
		Name:  fmt.Sprintf("e2e/h%s/%d", name[len("HTTP/"):][:1], connections),
		Title: fmt.Sprintf("request over TLS on loopback, %s, %s", name, plural(connections, "connection")),
		Unit:  "request", To: limit, Twin: limit, Show: measure.CPU, Slice: 150 * time.Millisecond, Turns: 6,
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
			srv, err := startServer(s, setting{Protocols: protocols, Ports: connections})
			if err != nil {
				return nil, err
			}
			all, err := wrappers(s, credtest.SciTokensAny)
			if err != nil {
				return nil, err
			}
			requests := make([]*http.Request, connections)
			for i := range requests {
				if requests[i], err = newRequest(context.Background(), srv.origins[i]+tokenPath, 3); err != nil {
					return nil, err
				}
			}
			contender := func(name string, wrap func(http.RoundTripper) (http.RoundTripper, error), requests []*http.Request) (measure.Contender, error) {
				base := srv.transport(http2)
				s.Cleanup(base.CloseIdleConnections)
				rt, err := wrap(base)
				if err != nil {
					return measure.Contender{}, err
				}
				return measure.Contender{Name: name, Run: func(n int) error { return exchangeAll(rt, requests, n) }}, nil
			}
			ready := make([]*http.Request, connections)
			for i := range ready {
				ready[i] = requests[i].Clone(context.Background())
				ready[i].Header.Set("Authorization", "Bearer "+newToken(credtest.SciTokensAny))
			}
			first, err := contender(preset, func(rt http.RoundTripper) (http.RoundTripper, error) { return rt, nil }, ready)
			if err != nil {
				return nil, err
			}
			contenders := []measure.Contender{first}
			for _, w := range all {
				if w.name == kube || w.name == azure { // One peer will do: wrappers can hardly be told apart here.
					continue
				}
				c, err := contender(w.name, w.wrap, requests)
				if err != nil {
					return nil, err
				}
				contenders = append(contenders, c)
			}
			return contenders, nil
		},
		Goals: []measure.Goal{{Of: ours, To: limit, Quantity: measure.CPU, AtMost: 1.05}},
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", thousands(n), what)
}

// exchangeAll is sendAll with a real server, whose answers are read.
func exchangeAll(rt http.RoundTripper, requests []*http.Request, n int) error {
	errs := make([]error, len(requests))
	var wg sync.WaitGroup
	for i, req := range requests {
		share := n / len(requests)
		if i < n%len(requests) {
			share++
		}
		wg.Go(func() { errs[i] = exchange(rt, req, share) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// exchange sends a request n times and reads the answers.
func exchange(rt http.RoundTripper, req *http.Request, n int) error {
	for range n {
		resp, err := rt.RoundTrip(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close() // all of it was read, or the error says why not
		switch {
		case err != nil:
			return err
		case resp.StatusCode != http.StatusOK:
			return errors.New(resp.Status)
		}
	}
	return nil
}

// endToEndTasks are requests as they really are.
func endToEndTasks() []measure.Task {
	return []measure.Task{endToEnd(false, 1), endToEnd(false, 16), endToEnd(true, 1), endToEnd(true, 16)}
}
