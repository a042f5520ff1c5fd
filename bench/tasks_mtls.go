// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/bench/internal/measure"
	"github.com/scicred/scicred/credtest"
)

// fixed is a client that was given its certificate once and for all.
const fixed = "tls.Config.Certificates"

// mutual is requests with a client certificate, on one open connection or each on
// a new one.
func mutual(handshakes bool) measure.Task {
	t := measure.Task{
		Name: "mtls/keepalive", Title: "request with a client certificate, on an open connection",
		Unit: "request", To: fixed, Twin: fixed, Show: measure.Wall, Slice: 300 * time.Millisecond, Turns: 15,
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
			m, err := newMutual(s)
			if err != nil {
				return nil, err
			}
			m.base.DisableKeepAlives, m.fixed.DisableKeepAlives = handshakes, handshakes
			rt, err := m.scicred()
			if err != nil {
				return nil, err
			}
			req, err := newRequest(context.Background(), m.origins[0]+certificatePath, 3)
			if err != nil {
				return nil, err
			}
			return []measure.Contender{
				{Name: fixed, Run: func(n int) error { return exchange(m.fixed, req, n) }},
				{Name: ours, Run: func(n int) error { return exchange(rt, req, n) }},
			}, nil
		},
		Goals: []measure.Goal{
			{Of: ours, To: fixed, Quantity: measure.Wall, AtMost: 1.03},
			{Of: ours, To: fixed, Quantity: measure.CPU, AtMost: 1.03},
		},
	}
	if handshakes {
		t.Slice, t.Turns = t.Slice/2, 0
		t.Name, t.Title = "mtls/handshake", "request with a client certificate, each on a new connection"
	}
	return t
}

// mutualTLS is a server that asks for certificates, and a user who has one.
type mutualTLS struct {
	*server
	home        *home
	base, fixed *http.Transport // without and with the certificate
}

func newMutual(s *measure.Stage) (*mutualTLS, error) {
	srv, err := startServer(s, setting{Protocols: []string{"http/1.1"}, Ports: 1, Certificate: true})
	if err != nil {
		return nil, err
	}
	h, err := newHome(s.Dir)
	if err != nil {
		return nil, err
	}
	proxy := srv.ca.User("Albert Einstein", credtest.ExpiresIn(lifetime)).Proxy(credtest.ExpiresIn(lifetime))
	if h.env["X509_USER_PROXY"], err = h.put("proxy", proxy.PEM()); err != nil {
		return nil, err
	}
	m := &mutualTLS{server: srv, home: h, base: srv.transport(false), fixed: srv.transport(false)}
	m.fixed.TLSClientConfig.Certificates = []tls.Certificate{proxy.TLS()}
	s.Cleanup(m.fixed.CloseIdleConnections)
	return m, nil
}

// scicred is a Transport that finds the certificate by itself.
func (m *mutualTLS) scicred() (*scicred.Transport, error) {
	return scicred.NewTransport(m.base, scicred.WithSystem(m.home.system()))
}

// connections returns how many new connections the server sees in 10,000 requests
// after the first.
func connections(s *measure.Stage) (float64, error) {
	m, err := newMutual(s)
	if err != nil {
		return 0, err
	}
	rt, err := m.scicred()
	if err != nil {
		return 0, err
	}
	defer rt.CloseIdleConnections()
	defer m.base.CloseIdleConnections()
	count := func() (int, error) { // over a connection of its own, that stays open too
		text, err := get(m.base, m.origins[0]+connectionsPath)
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(text)
	}
	req, err := newRequest(context.Background(), m.origins[0]+certificatePath, 3)
	if err != nil {
		return 0, err
	}
	if err := exchange(rt, req, 1); err != nil {
		return 0, err
	}
	before, err := count()
	if err != nil {
		return 0, err
	}
	if before != 2 {
		return 0, fmt.Errorf("one request has opened %d connections", before-1)
	}
	if err := exchange(rt, req, 10000); err != nil {
		return 0, err
	}
	after, err := count()
	return float64(after - before), err
}

// mutualTasks are requests with a client certificate.
func mutualTasks() []measure.Task { return []measure.Task{mutual(true), mutual(false)} }

// mutualFacts are counted at the server.
func mutualFacts() []measure.Fact {
	return []measure.Fact{{
		Name: "mtls/connections", Title: "new connections in 10,000 requests with a client certificate, after the first",
		Unit: "connections", AtMost: 0, Count: connections,
	}}
}
