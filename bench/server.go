// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scicred/scicred/bench/internal/measure"
	"github.com/scicred/scicred/credtest"
)

// serverVariable makes this program a server, in a process of its own, so that
// what the server costs is not counted. It ends when its standard input does.
const serverVariable = "SCICRED_BENCH_SERVER"

// setting is what a server is told, in one line of JSON on its standard input.
type setting struct {
	Cert, Key   string   // PEM
	Protocols   []string // for ALPN
	Ports       int      // on how many it listens
	Certificate bool     // ask for one of the client's
}

// server is a running server.
type server struct {
	ca      *credtest.CA
	origins []string // one for each port
}

// startServer starts a server for the stage.
func startServer(s *measure.Stage, set setting) (*server, error) {
	srv := &server{ca: credtest.NewCA("Bench CA")}
	host := srv.ca.Host("localhost", "127.0.0.1")
	set.Cert, set.Key = string(host.CertPEM()), string(host.KeyPEM())
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.Background(), self) //nolint:gosec // this very program
	cmd.Env = append(os.Environ(), serverVariable+"=1")
	cmd.Stderr = os.Stderr
	in, out, err := leash(s, cmd)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(in).Encode(set); err != nil {
		return nil, err
	}
	var addrs []string
	if err := json.NewDecoder(out).Decode(&addrs); err != nil {
		return nil, fmt.Errorf("the server does not start: %w", err)
	}
	for _, a := range addrs {
		srv.origins = append(srv.origins, "https://"+a)
	}
	return srv, nil
}

// leash starts a command that ends with its standard input, which is closed at
// the end of the stage.
func leash(s *measure.Stage, cmd *exec.Cmd) (in io.Writer, out io.Reader, err error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	s.Cleanup(func() {
		_ = stdin.Close() // How it ends is of no interest, but it must have ended.
		_ = cmd.Wait()
	})
	return stdin, stdout, nil
}

// transport is a base that trusts the server and offers these protocols.
func (s *server) transport(http2 bool) *http.Transport {
	p := new(http.Protocols)
	p.SetHTTP1(!http2)
	p.SetHTTP2(http2)
	return &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.ca.Pool(), MinVersion: tls.VersionTLS13},
		Protocols:       p, MaxIdleConnsPerHost: 1, MaxConnsPerHost: 1,
		IdleConnTimeout: 90 * time.Second, // that of http.DefaultTransport: its timer is part of what a request costs
	}
}

// serve is the server's side. It returns the exit code.
func serve(in io.Reader, out io.Writer) int {
	if err := serveUntilEOF(in, out); err != nil {
		fmt.Fprintln(os.Stderr, "bench server:", err)
		return 1
	}
	return 0
}

func serveUntilEOF(in io.Reader, out io.Writer) error {
	told := bufio.NewReader(in)
	line, err := told.ReadBytes('\n')
	if err != nil {
		return err
	}
	var set setting
	if err := json.Unmarshal(line, &set); err != nil {
		return err
	}
	cert, err := tls.X509KeyPair([]byte(set.Cert), []byte(set.Key))
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: set.Protocols, MinVersion: tls.VersionTLS13}
	if set.Certificate {
		config.ClientAuth = tls.RequestClientCert
	}
	a := &answers{block: make([]byte, 1<<20)}
	web := &http.Server{ //nolint:gosec // No time limits: it ends with its client.
		Handler: a, TLSConfig: config, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				a.connections.Add(1)
			}
		},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2, unless:
	}
	for _, p := range set.Protocols {
		if p == "h2" {
			web.TLSNextProto = nil
		}
	}
	var addrs []string
	for range set.Ports {
		ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		addrs = append(addrs, ln.Addr().String())
		go web.ServeTLS(ln, "", "") //nolint:errcheck // Its clients would notice.
	}
	if err := json.NewEncoder(out).Encode(addrs); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, told)
	return errors.Join(err, web.Close())
}

// answers is what the server does.
type answers struct {
	block       []byte
	connections atomic.Int64
}

// The paths of the server.
const (
	openPath        = "/open"        // a short answer, for anyone
	tokenPath       = "/token"       // the same, for whoever shows a token
	certificatePath = "/certificate" // the same, for whoever shows a certificate
	connectionsPath = "/connections" // how many there have been
	largePath       = "/large?mb="   // as many megabytes
)

// ServeHTTP implements [http.Handler].
func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := "hello\n"
	switch r.URL.Path {
	case openPath:
	case tokenPath:
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			http.Error(w, "a token, please", http.StatusUnauthorized)
			return
		}
	case certificatePath:
		if len(r.TLS.PeerCertificates) == 0 {
			http.Error(w, "a certificate, please", http.StatusForbidden)
			return
		}
	case connectionsPath:
		answer = strconv.FormatInt(a.connections.Load(), 10)
	default:
		a.large(w, r)
		return
	}
	_, _ = io.WriteString(w, answer) // the client would notice
}

// large sends as much as is wanted, to whoever agrees on the cipher that all
// contenders shall use.
func (a *answers) large(w http.ResponseWriter, r *http.Request) {
	mb, err := strconv.Atoi(r.URL.Query().Get("mb"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	if r.TLS.CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		http.Error(w, "another cipher, please, than "+tls.CipherSuiteName(r.TLS.CipherSuite), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(mb*len(a.block)))
	for range mb {
		if _, err := w.Write(a.block); err != nil {
			return
		}
	}
}

// get asks once and returns the body of a success.
func get(rt http.RoundTripper, url string) (string, error) {
	req, err := newRequest(context.Background(), url, 0)
	if err != nil {
		return "", err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, resp.Status, body)
	}
	return string(body), err
}
