// SPDX-License-Identifier: BSD-3-Clause

package issuer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/scicred/scicred/internal/redact"
)

// Bounds of what is fetched. A metadata document has a few kilobytes, a set of
// keys one or two.
const (
	maxDocument  = 64 << 10
	maxKeySet    = 1 << 20
	maxHeader    = 64 << 10
	maxETag      = 256
	maxRedirects = 3
)

// newClient returns a client that has nothing to give away: no cookies, no
// login, no certificate. The base may be nil.
func newClient(base *http.Transport, roots *x509.CertPool) (*http.Client, error) {
	if base == nil {
		base = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	if base.DialTLSContext != nil || base.DialTLS != nil { //nolint:staticcheck // deprecated, and still in use
		return nil, errors.New("the Transport has a DialTLS hook: what that shows to a server cannot be known")
	}
	t := base.Clone()
	if _, h2 := t.TLSNextProto["h2"]; h2 {
		// It would lead into the connections of the base, which may show a
		// certificate.
		t.TLSNextProto, t.ForceAttemptHTTP2 = nil, true
	}
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c := t.TLSClientConfig
	if c.InsecureSkipVerify {
		return nil, errors.New("the Transport does not check certificates (InsecureSkipVerify), so anybody could hand out keys")
	}
	// Resuming somebody's session would show who that was.
	c.Certificates, c.GetClientCertificate, c.ClientSessionCache = nil, nil, nil
	if roots != nil {
		c.RootCAs = roots
	}
	if t.MaxResponseHeaderBytes == 0 {
		t.MaxResponseHeaderBytes = maxHeader
	}
	return &http.Client{Transport: t, CheckRedirect: checkRedirect}, nil
}

// redirectError is a redirect that is not followed.
type redirectError struct{ text string }

func (e *redirectError) Error() string { return e.text }

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return &redirectError{fmt.Sprintf("redirects more than %d times", maxRedirects)}
	}
	if err := checkURL(req.URL); err != nil {
		return &redirectError{fmt.Sprintf("redirects to %s, which is not followed: %v", redact.URL(req.URL), err)}
	}
	return nil
}

// answer is what came back.
type answer struct {
	body        []byte
	header      http.Header
	notModified bool
}

// get fetches a document of at most that many bytes. What it calls itself
// (Content-Type) does not count: what it is does. With an etag it may be not
// modified.
func get(ctx context.Context, client *http.Client, rawURL string, most int64, etag string) (*answer, *KeyError) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return nil, &KeyError{Kind: ErrUnusable, Problem: "an address of it is not a URL"}
	}
	shown := redact.URL(req.URL)
	req.Header.Set("Accept", "application/json, application/jwk-set+json;q=0.9, */*;q=0.1")
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	resp, err := client.Do(req)
	if err != nil {
		if redirect := (*redirectError)(nil); errors.As(err, &redirect) {
			return nil, &KeyError{Kind: ErrUnusable, URL: shown, Problem: redirect.text}
		}
		if ctx.Err() != nil {
			return nil, &KeyError{Kind: ErrUnreachable, URL: shown, Problem: fmt.Sprintf("did not answer within %v", limit), Err: ctx.Err()}
		}
		return nil, &KeyError{Kind: ErrUnreachable, URL: shown, Problem: "cannot be fetched", Err: bare(err)}
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code == http.StatusNotModified && etag != "":
		return &answer{header: resp.Header, notModified: true}, nil
	case code == http.StatusTooManyRequests || code >= http.StatusInternalServerError:
		return nil, &KeyError{Kind: ErrUnreachable, URL: shown, Problem: "answers " + status(code)}
	case code != http.StatusOK:
		return nil, &KeyError{Kind: ErrUnusable, URL: shown, Problem: "answers " + status(code)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return nil, &KeyError{Kind: ErrUnreachable, URL: shown, Problem: "broke off", Err: bare(err)}
	}
	if int64(len(body)) > most {
		return nil, &KeyError{Kind: ErrUnusable, URL: shown, Problem: fmt.Sprintf("is longer than %d bytes", most)}
	}
	return &answer{body: body, header: resp.Header}, nil
}

// status names a status without the server's own words.
func status(code int) string {
	if text := http.StatusText(code); text != "" {
		return fmt.Sprintf("%d %s", code, text)
	}
	return fmt.Sprint(code)
}

// shownURL returns a URL fit to be shown.
func shownURL(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "its address"
	}
	return redact.URL(u)
}
