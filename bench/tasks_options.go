// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/bench/internal/measure"
	"github.com/scicred/scicred/credtest"
)

// Ways to use the library.
const (
	plain    = "no options"
	scoped   = "scope and hosts"
	ownToken = "a token of its own"

	noCert   = "no certificate"
	withCert = "certificate"
	pool     = "http.Transport alone"
)

// withOptions compares requests of a context with options to those without.
func withOptions() measure.Task {
	return measure.Task{
		Name: "options", Title: "warm request, 3 headers, options in a reused context",
		Unit: "request", Base: bare, To: plain, Twin: plain, Show: measure.CPU,
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
			h, err := newHome(s.Dir)
			if err != nil {
				return nil, err
			}
			token, _, err := h.putToken(origin)
			if err != nil {
				return nil, err
			}
			rt, err := scicred.NewTransport(stub{}, scicred.WithSystem(h.system()))
			if err != nil {
				return nil, err
			}
			req, err := newRequest(context.Background(), origin+"/data", 3)
			if err != nil {
				return nil, err
			}
			contenders := []measure.Contender{{Name: bare, Run: func(n int) error { return send(stub{}, req, n) }}}
			for _, c := range []struct {
				name string
				opts []scicred.RequestOption
			}{
				{plain, nil},
				{scoped, []scicred.RequestOption{scicred.WithScope("read:/frames"), scicred.WithHosts("data.example.org")}},
				{ownToken, []scicred.RequestOption{scicred.WithToken(token)}},
			} {
				ctx := context.Background()
				if c.opts != nil {
					ctx = scicred.NewContext(ctx, c.opts...)
				}
				if err := carries(ctx, rt, token); err != nil {
					return nil, fmt.Errorf("%s: %w", c.name, err)
				}
				with := req.WithContext(ctx)
				contenders = append(contenders, measure.Contender{Name: c.name, Run: func(n int) error { return send(rt, with, n) }})
			}
			return contenders, nil
		},
		Goals: []measure.Goal{
			{Of: scoped, To: plain, Quantity: measure.CPU, AtMost: 1.15},
			{Of: ownToken, To: plain, Quantity: measure.CPU, AtMost: 1.15},
		},
	}
}

// carries makes sure that a request with this context gets the token.
func carries(ctx context.Context, rt *scicred.Transport, token string) error {
	req, err := newRequest(ctx, origin, 0)
	if err != nil {
		return err
	}
	c, err := rt.Credentials(ctx, req.URL)
	if err != nil {
		return err
	}
	if c.Token == nil || c.Token.Reveal() != token {
		return errors.New("the token is not attached")
	}
	return nil
}

// withCertificate compares requests that offer a certificate, besides their
// token, to those that do not. Certificates need an http.Transport, whose own
// cost is the base here.
func withCertificate() measure.Task {
	return measure.Task{
		Name: "certificate", Title: "warm request, 3 headers, with a certificate besides",
		Unit: "request", Base: pool, To: noCert, Twin: noCert, Show: measure.CPU,
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
			h, err := newHome(s.Dir)
			if err != nil {
				return nil, err
			}
			if _, _, err := h.putToken(origin); err != nil {
				return nil, err
			}
			ca := credtest.NewCA("Bench CA")
			proxy := ca.User("Albert Einstein", credtest.ExpiresIn(lifetime)).Proxy(credtest.ExpiresIn(lifetime))
			if h.env["X509_USER_PROXY"], err = h.put("proxy", proxy.PEM()); err != nil {
				return nil, err
			}
			short, err := newShortcut(s, ca)
			if err != nil {
				return nil, err
			}
			req, err := newRequest(context.Background(), origin+"/data", 3)
			if err != nil {
				return nil, err
			}
			alone := short.transport()
			contenders := []measure.Contender{{Name: pool, Run: func(n int) error { return send(alone, req, n) }}}
			for _, c := range []struct {
				name    string
				offered int32
				opts    []scicred.Option
			}{
				{noCert, 0, []scicred.Option{scicred.Without(scicred.KindX509)}},
				{withCert, 1, nil},
			} {
				rt, err := scicred.NewTransport(short.transport(), append(c.opts, scicred.WithSystem(h.system()))...)
				if err != nil {
					return nil, err
				}
				if err := send(rt, req, 1); err != nil {
					return nil, err
				}
				if got := short.offered.Swap(0); got != c.offered {
					return nil, fmt.Errorf("%s: %d certificates were offered", c.name, got)
				}
				contenders = append(contenders, measure.Contender{Name: c.name, Run: func(n int) error { return send(rt, req, n) }})
			}
			return contenders, nil
		},
		Goals: []measure.Goal{{Of: withCert, To: noCert, Quantity: measure.CPU, AtMost: 1.15}},
	}
}

// shortcut makes http.Transports that open one real TLS connection, with the
// client's certificate if there is one, and then answer by themselves: client and
// server agree on a protocol of which net/http leaves the requests to a
// RoundTripper of ours. So a request costs what an http.Transport and its pool of
// connections cost, and nothing else.
type shortcut struct {
	stage   *measure.Stage
	ca      *credtest.CA
	addr    string
	offered atomic.Int32 // certificates that the server has seen
}

const protocol = "bench"

func newShortcut(s *measure.Stage, ca *credtest.CA) (*shortcut, error) {
	short := &shortcut{stage: s, ca: ca}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ca.Host("data.example.org").TLS()},
		NextProtos: []string{protocol}, ClientAuth: tls.RequestClientCert,
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) > 0 {
				short.offered.Add(1)
			}
			return nil
		},
	}
	config.MaxVersion = tls.VersionTLS12 // Here the server has seen the certificate before the client goes on.
	ln, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return nil, err
	}
	s.Cleanup(func() { _ = ln.Close() })
	short.addr = ln.Addr().String()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn) }() // It makes the handshake, and ends with the connection.
		}
	}()
	return short, nil
}

func (s *shortcut) transport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.addr)
		},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.ca.Pool(), NextProtos: []string{protocol}},
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{
			protocol: func(_ string, conn *tls.Conn) http.RoundTripper {
				s.stage.Cleanup(func() { _ = conn.Close() })
				return stub{}
			},
		},
		IdleConnTimeout: time.Hour,
	}
}

// optionTasks are requests that want more than a token from a file.
func optionTasks() []measure.Task { return []measure.Task{withOptions(), withCertificate()} }
