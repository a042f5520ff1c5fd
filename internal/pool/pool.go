// SPDX-License-Identifier: BSD-3-Clause

// Package pool gives each client identity its own http.Transport.
//
// A pooled connection keeps the certificate with which it was opened, and a
// busy HTTP/2 connection never becomes idle. So a request that must not show a
// certificate can never share a transport with one that does, and a renewed
// certificate needs a transport of its own.
package pool

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// MaxIdentities bounds the transports that are kept at one time.
const MaxIdentities = 8

// idleTimeout closes idle connections of a base that would keep them for ever:
// nothing of ours may stay behind when an identity is rotated away.
const idleTimeout = 90 * time.Second

// The reasons why a base cannot offer a certificate of ours.
var (
	ErrForeign    = errors.New("the base RoundTripper is not an *http.Transport, so it cannot be given a certificate")
	ErrDialTLS    = errors.New("the base Transport has a DialTLS hook, which makes its own TLS connections")
	ErrOwnCert    = errors.New("the base Transport has a client certificate of its own")
	ErrHTTPSProxy = errors.New("an https proxy is in the way, and it would be offered the certificate too")
)

// Pool holds the transports that are made from one base. It is safe for
// concurrent use.
type Pool struct {
	base    http.RoundTripper
	tr      *http.Transport // base, if it is one
	bare    http.RoundTripper
	foreign error // why there can be no identities

	mu  sync.Mutex
	ids []*Identity // oldest first
}

// Identity is a client certificate with its connections.
type Identity struct {
	key  string
	rt   *http.Transport
	cert atomic.Pointer[tls.Certificate] // the newest with this chain: a smart card's signer may be replaced
}

// RoundTripper returns the transport that offers this identity.
func (id *Identity) RoundTripper() http.RoundTripper { return id.rt }

// New returns a Pool over base; nil is a clone of http.DefaultTransport.
func New(base http.RoundTripper) *Pool {
	if tr, ok := base.(*http.Transport); base == nil || ok && tr == nil {
		base = http.DefaultTransport // may have been replaced by another type
		if tr, ok := base.(*http.Transport); ok {
			base = tr.Clone()
		}
	}
	p := &Pool{base: base, bare: base}
	tr, ok := base.(*http.Transport)
	if !ok {
		p.foreign = ErrForeign
		return p
	}
	p.tr = tr
	if cfg := tr.TLSClientConfig; cfg != nil && (len(cfg.Certificates) > 0 || cfg.GetClientCertificate != nil) {
		p.foreign = ErrOwnCert
		p.bare = p.clone(nil)
	}
	if tr.DialTLSContext != nil || tr.DialTLS != nil { //nolint:staticcheck // deprecated, and still in use
		p.foreign = ErrDialTLS
	}
	return p
}

// Base carries requests that are none of our business: other schemes, and the
// base's own certificate where it has one.
func (p *Pool) Base() http.RoundTripper { return p.base }

// Bare carries requests that show no client certificate at all. Behind a DialTLS
// hook or a RoundTripper of another type nobody can tell what is shown.
func (p *Pool) Bare() http.RoundTripper { return p.bare }

// Foreign says why this base cannot be given certificates, or nil.
func (p *Pool) Foreign() error { return p.foreign }

// Proxy returns the proxy that the request would take, nil for none, and
// whether that is known: a base of another type does not say.
func (p *Pool) Proxy(req *http.Request) (proxy *url.URL, known bool) {
	if p.tr == nil {
		return nil, false
	}
	if p.tr.Proxy == nil {
		return nil, true
	}
	proxy, err := p.tr.Proxy(req)
	if err != nil {
		return nil, false // the transport will say it
	}
	return proxy, true
}

// Identity returns the transport for the certificate with this key, making it
// if need be; the oldest goes when there are too many.
func (p *Pool) Identity(key string, cert *tls.Certificate) (*Identity, error) {
	if p.foreign != nil {
		return nil, p.foreign
	}
	p.mu.Lock()
	for _, id := range p.ids {
		if id.key == key {
			id.cert.Store(cert)
			p.mu.Unlock()
			return id, nil
		}
	}
	id := &Identity{key: key}
	id.cert.Store(cert)
	id.rt = p.clone(id)
	p.ids = append(p.ids, id)
	var gone *Identity
	if len(p.ids) > MaxIdentities {
		gone, p.ids = p.ids[0], p.ids[1:]
	}
	p.mu.Unlock()
	if gone != nil {
		gone.rt.CloseIdleConnections()
	}
	return id, nil
}

// Retire forgets an identity that was rotated away. Requests under way finish
// on its connections; no new one gets there.
func (p *Pool) Retire(key string) {
	p.mu.Lock()
	var gone *Identity
	for i, id := range p.ids {
		if id.key == key {
			gone = id
			p.ids = append(p.ids[:i:i], p.ids[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	if gone != nil {
		gone.rt.CloseIdleConnections()
	}
}

// CloseIdleConnections closes the idle connections of all transports.
func (p *Pool) CloseIdleConnections() {
	type closer interface{ CloseIdleConnections() }
	for _, rt := range []http.RoundTripper{p.base, p.bare} {
		if c, ok := rt.(closer); ok {
			c.CloseIdleConnections()
		}
	}
	p.mu.Lock()
	ids := append([]*Identity(nil), p.ids...)
	p.mu.Unlock()
	for _, id := range ids {
		id.rt.CloseIdleConnections()
	}
}

// clone copies the base and gives the copy an identity, or none.
func (p *Pool) clone(id *Identity) *http.Transport {
	tr := p.tr.Clone()
	if _, h2 := p.tr.TLSNextProto["h2"]; h2 { // Clone has let the base configure itself
		// A function put there by http2.ConfigureTransport would carry the
		// request to the base's own connections; a Transport without one makes
		// its own, if it is told to in spite of the TLS configuration below.
		tr.TLSNextProto = nil
		tr.ForceAttemptHTTP2 = true
	}
	if tr.IdleConnTimeout == 0 {
		tr.IdleConnTimeout = idleTimeout
	}
	if tr.TLSClientConfig == nil {
		tr.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	cfg := tr.TLSClientConfig // Clone has copied it
	cfg.Certificates = nil
	cfg.GetClientCertificate = nil
	if cfg.ClientSessionCache != nil {
		// A resumed session keeps the identity of the one that was opened.
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	if id != nil {
		// Not Certificates: those are silently left out if no issuer is among
		// the authorities that the server names, and never nil, which ends the
		// process.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return id.cert.Load(), nil }
		if proxy := tr.Proxy; proxy != nil {
			// The configuration serves the proxy's handshake too. Who decides
			// asked before, but a proxy function may answer otherwise now.
			tr.Proxy = func(req *http.Request) (*url.URL, error) {
				u, err := proxy(req)
				if err == nil && u != nil && u.Scheme == "https" {
					return nil, ErrHTTPSProxy
				}
				return u, err
			}
		}
	}
	return tr
}
