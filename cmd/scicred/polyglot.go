// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"errors"
	"net"
	"net/http"
)

// polyglot speaks HTTP/1.1, and HTTP/2 with a server that knows nothing else.
// One request at a time has nothing of HTTP/2 but its cost: a large file takes up
// to twice the processor time with it, and twice the memory.
type polyglot struct {
	http1 http.RoundTripper
	http2 func() (http.RoundTripper, error) // made when it is needed, which is hardly ever
}

// RoundTrip implements http.RoundTripper.
func (g *polyglot) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := g.http1.RoundTrip(req)
	if !wantsAnotherProtocol(err) {
		return resp, err
	}
	again := *req
	if req.GetBody != nil { // The handshake has failed: nothing of the body was sent, but it is closed.
		if again.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	other, err := g.http2()
	if err != nil {
		return nil, err
	}
	return other.RoundTrip(&again)
}

// wantsAnotherProtocol reports whether the server speaks none of the protocols
// that it was offered (the alert of RFC 7301 section 3.2). It says so only to
// whoever offers some.
func wantsAnotherProtocol(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" && op.Err.Error() == "tls: no application protocol"
}
