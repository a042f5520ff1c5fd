// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/internal/origin"
)

// connectTimeout is how long a connection may take to come about. The answer
// may take as long as it likes: files come from tape.
const connectTimeout = 30 * time.Second

// base returns the transport that requests go through.
func (p *program) base(c *common) (*http.Transport, error) {
	roots, err := p.roots(c)
	if err != nil {
		return nil, err
	}
	tlsConfig := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	protocols := new(http.Protocols)
	if c.http2 {
		protocols.SetHTTP2(true)
	} else {
		protocols.SetHTTP1(true)
		tlsConfig.NextProtos = []string{"http/1.1"} // see wantsAnotherProtocol
	}
	return &http.Transport{
		Proxy:                 p.knowing(http.ProxyFromEnvironment),
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:   connectTimeout,
		ExpectContinueTimeout: time.Second,
		TLSClientConfig:       tlsConfig,
		Protocols:             protocols,
		DisableCompression:    true, // what is stored is what is written, and its length is that of the file
	}, nil
}

// knowing makes the password of a proxy known, which may quote it.
func (p *program) knowing(choose func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(req *http.Request) (*url.URL, error) {
		proxy, err := choose(req)
		p.hidden.addURL(proxy)
		return proxy, err
	}
}

// transport returns what attaches credentials. What the command line names goes
// to the host of the URL alone. What it names and cannot be used is left out,
// for the caller to judge.
func (p *program) transport(c *common, u *url.URL, list []named, more ...scicred.Option) (*scicred.Transport, error) {
	base, err := p.base(c)
	if err != nil {
		return nil, err
	}
	opts := append([]scicred.Option{scicred.WithSystem(p.system)}, c.options()...)
	if _, err := scicred.NewTransport(base, opts...); err != nil {
		return nil, usage("%w", reworded{bare(err)})
	}
	opts = append(opts, more...)
	if c.forceNoAuth {
		list = nil // Nothing is sent, wherever it could be.
	}
	if len(list) > 0 {
		pattern := hostPattern(u)
		if err := bindable(u, pattern); err != nil {
			return nil, (&failure{code: exitNoCredential, err: fmt.Errorf("%s is bound to the URL's host, and %w", list[0].flag, err)}).
				hint("use the host's name, or an address without a zone")
		}
		opts = append(opts, scicred.WithHosts(pattern))
	}
	for _, n := range list {
		if n.err == nil {
			opts = append(opts, n.option)
		}
	}
	for _, k := range kinds() {
		if c.off(k) { // last, for a named credential switches its kind on
			opts = append(opts, scicred.Without(k))
		}
	}
	t, err := scicred.NewTransport(base, opts...)
	if err != nil {
		return nil, classify(err)
	}
	return t, nil
}

// hostPattern is the pattern for the host and port of the URL alone. Without a
// URL nothing is sent, and all may be shown.
func hostPattern(u *url.URL) string {
	if u == nil {
		return "*"
	}
	o := origin.Of(u)
	if o.Port == "" {
		return o.Host
	}
	return net.JoinHostPort(o.Host, o.Port)
}

// bindable returns why a credential cannot be bound to the host of the URL; nil
// if it can.
func bindable(u *url.URL, pattern string) error {
	p, err := origin.ParsePattern(pattern)
	switch {
	case u == nil || err == nil && p.Match(origin.Of(u)):
		return nil
	case strings.Contains(u.Hostname(), "%"):
		return errors.New("that cannot be done for an address with a zone (the part after %)") // RFC 6874
	case err != nil:
		return errors.New("that cannot be done for this host")
	}
	return nil
}
