// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// request makes the request that the flags describe.
func (p *program) request(ctx context.Context, g *getFlags, u *url.URL) (*http.Request, error) {
	method := g.method
	if method == "" {
		method = http.MethodGet
		if g.data != nil {
			method = http.MethodPost
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, usage("-X: this is not a method")
	}
	req.Header.Set("User-Agent", "scicred")
	if err := setHeaders(req, g.headers, &p.hidden); err != nil {
		return nil, err
	}
	if g.data == nil {
		return req, nil
	}
	kind, err := p.setBody(req, *g.data)
	if req.Header["Content-Type"] == nil {
		req.Header.Set("Content-Type", kind)
	}
	return req, err
}

// setHeaders sets the headers of -H, and makes them known as secrets. Errors do not quote them: one may be a
// secret.
func setHeaders(req *http.Request, headers []string, known *secrets) error {
	given := map[string]bool{}
	for i, h := range headers {
		name, value, found := strings.Cut(h, ":")
		value = strings.TrimSpace(value)
		switch {
		case !found || !isToken(name):
			return usage("-H number %d is not of the form 'Name: value'", i+1)
		case strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }):
			return usage("-H number %d holds a control character", i+1)
		case strings.EqualFold(name, "Host"):
			req.Host = value
			continue
		}
		name = http.CanonicalHeaderKey(name)
		known.addHeader(name, value)
		if !given[name] { // replaces what this program says by itself
			req.Header.Del(name)
		}
		given[name] = true
		req.Header.Add(name, value)
	}
	return nil
}

// isToken reports whether the text can be a header's name (RFC 9110 section
// 5.6.2).
func isToken(s string) bool {
	return s != "" && strings.Trim(s, letters+digits+"!#$%&'*+.^_`|~-") == ""
}

// setBody gives the request the body that -d describes: the text itself, @FILE,
// or @- for standard input. It is sent as it is. The kind of content follows
// curl for a text; a file is just bytes.
func (p *program) setBody(req *http.Request, data string) (kind string, err error) {
	const binary, form = "application/octet-stream", "application/x-www-form-urlencoded"
	name, isFile := strings.CutPrefix(data, "@")
	switch {
	case !isFile:
		setBytes(req, []byte(data))
		return form, nil
	case name == "-":
		// All of it at once, so that it can be sent again after a redirect.
		all, err := io.ReadAll(p.stdin)
		if err != nil {
			return "", fmt.Errorf("-d @-: %w", err)
		}
		setBytes(req, all)
		return binary, nil
	}
	if err := setFile(req, name); err != nil {
		return "", fmt.Errorf("-d @%s: %w", name, bareFile(err))
	}
	return binary, nil
}

func setBytes(req *http.Request, data []byte) {
	req.ContentLength = int64(len(data))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	if len(data) == 0 {
		req.GetBody = func() (io.ReadCloser, error) { return http.NoBody, nil }
	}
	req.Body, _ = req.GetBody() // cannot fail
}

// setFile streams a file, which may be larger than memory.
func setFile(req *http.Request, name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		data, err := os.ReadFile(name)
		setBytes(req, data)
		return err
	}
	req.ContentLength = info.Size()
	req.GetBody = func() (io.ReadCloser, error) { return os.Open(name) }
	req.Body, err = req.GetBody()
	return err
}
