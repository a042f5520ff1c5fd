// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Site is a set of servers on this machine that record what reaches them: the
// origin that a test speaks of, and origins that differ from it in one way
// each. All serve the same handlers and answer 200 where there is none. Those
// with TLS ask for a client certificate and take any or none, so that proxies
// get through; all speak HTTP/2 to clients that want it, and HTTP/1.1.
//
// A Site is safe for concurrent use.
type Site struct {
	CA *CA // signs the certificates of the servers

	// Base URLs without a slash at the end. They can be reached from any
	// program on this machine that trusts CA.
	Origin    string // https://localhost:port
	OtherPort string // https://localhost and another port
	OtherHost string // https://127.0.0.1 and the same port as Origin
	Plain     string // http://localhost and a port of its own

	servers []*http.Server
	ports   map[string]bool
	serving sync.WaitGroup

	mu       sync.Mutex
	certs    map[string]*tls.Certificate
	handlers map[string]http.Handler
	arrivals []*Arrival
}

// NewSite starts the servers. It panics if it cannot listen on the loopback
// interface.
func NewSite() *Site {
	s := &Site{
		CA:       NewCA("Site CA"),
		ports:    map[string]bool{},
		certs:    map[string]*tls.Certificate{},
		handlers: map[string]http.Handler{},
	}
	first, second, plain := s.start("https"), s.start("https"), s.start("http")
	s.Origin, s.OtherHost = "https://localhost:"+first, "https://127.0.0.1:"+first
	s.OtherPort, s.Plain = "https://localhost:"+second, "http://localhost:"+plain
	return s
}

// start starts one server and returns its port.
func (s *Site) start(scheme string) string {
	listener := must((&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0"))
	_, port, err := net.SplitHostPort(listener.Addr().String())
	must(port, err)
	s.ports[port] = true
	server := &http.Server{
		Handler:           s.recorder(scheme, port),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // handshakes fail on purpose here
		TLSConfig: &tls.Config{
			MinVersion:     tls.VersionTLS12,
			ClientAuth:     tls.RequestClientCert,
			GetCertificate: s.certificate,
		},
	}
	s.servers = append(s.servers, server)
	s.serving.Go(func() {
		if scheme == "https" {
			_ = server.ServeTLS(listener, "", "") // always an error: the server was closed
		} else {
			_ = server.Serve(listener)
		}
	})
	return port
}

// certificate makes the certificate of the host that the client asks for.
func (s *Site) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.ToLower(hello.ServerName)
	if s.certs[name] == nil {
		names := []string{"localhost", "127.0.0.1", "::1"} // of clients that send no name
		if name != "" {
			names = []string{name}
		}
		cert := s.CA.Host(names...).TLS()
		s.certs[name] = &cert
	}
	return s.certs[name], nil
}

// Close closes the servers and their connections at once.
func (s *Site) Close() {
	for _, server := range s.servers {
		_ = server.Close() // all it could say is that a listener is closed already
	}
	s.serving.Wait()
}

// As returns the URL of Origin under another host name, with the same port:
// As("sub.localhost"), As("data.example.org"). Only a [Site.Transport] finds
// it; the server shows a certificate for any name.
func (s *Site) As(host string) string {
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.Origin, "https://"))
	return "https://" + net.JoinHostPort(host, port)
}

// Transport returns a new transport that trusts CA, uses no proxy, and finds
// every host name on this machine, so that nothing leaves it: a port that is
// none of the site's is an error. It speaks HTTP/2 with the servers that have
// TLS; set ForceAttemptHTTP2 to false for HTTP/1.1.
func (s *Site) Transport() *http.Transport {
	return &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: s.CA.Pool(), MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     time.Minute,
		ForceAttemptHTTP2:   true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(addr)
			if err != nil || !s.ports[port] {
				return nil, fmt.Errorf("credtest: %s is no server of this site", addr)
			}
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}
}

// Handle sets the handler for a path, "/data", on all servers, or for a URL,
// site.Plain+"/data", on one; the URL wins. The query does not count. A nil
// handler removes one. It can be called while requests are under way. What a
// handler leaves of the request's body is read before the answer is complete;
// one that wants to answer earlier flushes.
func (s *Site) Handle(where string, h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h == nil {
		delete(s.handlers, where)
		return
	}
	s.handlers[where] = h
}

// HandleFunc is [Site.Handle] with a function.
func (s *Site) HandleFunc(where string, h http.HandlerFunc) { s.Handle(where, h) }

// handler returns who answers a request.
func (s *Site) handler(origin, path string) http.Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, where := range []string{origin + path, path} {
		if h := s.handlers[where]; h != nil {
			return h
		}
	}
	return Answer(http.StatusOK, "")
}

// recorder notes what arrives before it is answered.
func (s *Site) recorder(scheme, port string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		if r.TLS != nil && r.TLS.ServerName != "" {
			host = r.TLS.ServerName // what was asked for, whatever the Host header says
		}
		a := newArrival(r, scheme+"://"+net.JoinHostPort(strings.ToLower(host), port))
		s.mu.Lock()
		s.arrivals = append(s.arrivals, a)
		s.mu.Unlock()
		body := newCountedBody(r.Body)
		r.Body = body
		defer func() {
			body.drain()
			s.mu.Lock()
			a.BodySize, a.BodySHA256 = body.size, body.sum()
			s.mu.Unlock()
		}()
		s.handler(a.Origin, r.URL.Path).ServeHTTP(w, r)
	})
}

// Arrivals returns the requests that have arrived, in the order in which they
// did, with their state of now.
func (s *Site) Arrivals() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Arrival, len(s.arrivals))
	for i, a := range s.arrivals {
		list[i] = *a
	}
	return list
}

// ArrivalsAt returns the requests that have arrived at one origin, which may be
// given as any URL there.
func (s *Site) ArrivalsAt(origin string) []Arrival {
	origin = originOf(origin)
	var list []Arrival
	for _, a := range s.Arrivals() {
		if a.Origin == origin {
			list = append(list, a)
		}
	}
	return list
}

// Forget empties the record.
func (s *Site) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals = nil
}

// Leaks says which secrets have reached an origin, a sentence for each, such as
// "a bearer token ending in …abcd reached https://127.0.0.1:4711 through GET
// /x". The origin may be given as any URL there. Nothing means that none has.
func (s *Site) Leaks(origin string) []string {
	var sentences []string
	for _, a := range s.ArrivalsAt(origin) {
		for _, secret := range a.Secrets() {
			sentences = append(sentences, fmt.Sprintf("%v reached %s through %s %s", secret, a.Origin, a.Method, a.Path))
		}
	}
	return sentences
}

func originOf(rawURL string) string {
	u := must(url.Parse(rawURL))
	return strings.ToLower(u.Scheme + "://" + u.Host)
}
