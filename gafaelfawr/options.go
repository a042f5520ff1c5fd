// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// What holds if no option says otherwise. Upstream asks that what is known of a
// user is not kept for more than five minutes, so that changes of groups show.
const (
	DefaultTimeout       = 5 * time.Second
	DefaultCacheLifetime = 5 * time.Minute
	DefaultCacheSize     = 1000
)

// Option is an option of [New] and [NewDiscovery].
type Option func(*config) error

// config is what options set.
type config struct {
	http      *http.Client
	discovery *Discovery
	apiURL    string
	timeout   time.Duration
	lifetime  *time.Duration
	size      *int
	logger    *slog.Logger
	now       func() time.Time
	plaintext bool
}

// WithHTTPClient makes requests with this client's RoundTripper, such as that of
// scicred, and its timeout if it has one. What the RoundTripper adds to a request
// goes to service discovery too, unless that has a client of its own:
// [WithDiscovery]. Its policy for redirects and its cookies
// are not used: no redirect is followed, and a cookie of somebody who logged in
// would go before the token.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) error {
		if client == nil {
			return invalid("WithHTTPClient was given nil")
		}
		c.http = client
		return nil
	}
}

// WithDiscovery finds Gafaelfawr in this service discovery, which several
// clients may share. It is an option of [New] alone.
func WithDiscovery(discovery *Discovery) Option {
	return func(c *config) error {
		if discovery == nil {
			return invalid("WithDiscovery was given nil")
		}
		c.discovery = discovery
		return nil
	}
}

// WithAPIURL does without service discovery: this is the URL of Gafaelfawr's API,
// such as https://data.example.org/auth/api/v1. It is an option of [New] alone.
func WithAPIURL(apiURL string) Option {
	return func(c *config) error {
		base, err := baseURL(apiURL)
		if err != nil {
			return invalid("WithAPIURL: %s", err)
		}
		c.apiURL = base
		return nil
	}
}

// WithTimeout limits the time of each request, with its answer: five seconds, if
// neither this option nor the timeout of the http.Client says otherwise. Contexts
// can shorten it.
func WithTimeout(timeout time.Duration) Option {
	return func(c *config) error {
		if timeout <= 0 {
			return invalid("the timeout is %s, which is not positive", timeout)
		}
		c.timeout = timeout
		return nil
	}
}

// WithCacheLifetime says for how long user information is remembered, or by
// [NewDiscovery] the document. Zero remembers nothing.
func WithCacheLifetime(lifetime time.Duration) Option {
	return func(c *config) error {
		if lifetime < 0 {
			return invalid("the lifetime of the cache is %s, which is negative", lifetime)
		}
		c.lifetime = &lifetime
		return nil
	}
}

// WithCacheSize says of how many users information is remembered, those looked up
// by token and by name counted apart. Zero remembers nothing. It is an option of
// [New] alone.
func WithCacheSize(size int) Option {
	return func(c *config) error {
		if size < 0 {
			return invalid("the size of the cache is %d, which is negative", size)
		}
		c.size = &size
		return nil
	}
}

// WithLogger logs what callers do not notice: that service discovery fails and
// its last document is used. Nothing is logged without it.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		c.logger = logger
		return nil
	}
}

// WithClock tells the time in place of time.Now, by which caches and Retry-After
// go. It is for tests.
func WithClock(now func() time.Time) Option {
	return func(c *config) error {
		if now == nil {
			return invalid("WithClock was given nil")
		}
		c.now = now
		return nil
	}
}

// WithPlaintextHTTP lets tokens travel over http. Without it they do so only to
// this machine (127.0.0.0/8, ::1 and localhost).
func WithPlaintextHTTP() Option {
	return func(c *config) error {
		c.plaintext = true
		return nil
	}
}

func newConfig(opts []Option) (*config, error) {
	c := &config{now: time.Now, logger: slog.New(slog.DiscardHandler)}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(c); err != nil {
			return nil, err
		}
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// sender returns what makes the requests, and what closes its idle connections
// if they are not the caller's.
func (c *config) sender() (sender, func()) {
	s := sender{rt: http.DefaultTransport, timeout: DefaultTimeout, now: c.now}
	closeIdle := func() {}
	if c.http == nil {
		if base, ok := s.rt.(*http.Transport); ok { // Else somebody has replaced it.
			own := base.Clone()
			s.rt, closeIdle = own, own.CloseIdleConnections
		}
	} else {
		if c.http.Transport != nil {
			s.rt = c.http.Transport
		}
		if c.http.Timeout > 0 {
			s.timeout = c.http.Timeout
		}
	}
	if c.timeout > 0 {
		s.timeout = c.timeout
	}
	return s, closeIdle
}

// baseURLError says why nothing can be appended to a URL. It stands in the sentences of
// others, and is an ErrInvalidArgument without saying so.
type baseURLError string

// Error implements error.
func (e baseURLError) Error() string { return string(e) }

// Is lets errors.Is find ErrInvalidArgument.
func (e baseURLError) Is(target error) bool { return target == ErrInvalidArgument }

// baseURL returns a URL to append paths to. The error is a baseURLError.
func baseURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "", baseURLError("it is malformed")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return "", baseURLError(printable(raw) + " is no http or https URL")
	case u.User != nil:
		return "", baseURLError(printable(raw) + " has a login in it, which is not used")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "", baseURLError(printable(raw) + " has a query or a fragment, and nothing can be appended to it")
	}
	return strings.TrimRight(raw, "/"), nil
}

// mayCarryTokens says why no token may go to a URL, or "". RFC 6750 section 5.3
// demands TLS.
func mayCarryTokens(raw string, plaintext bool) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "it is malformed"
	}
	if u.Scheme == "https" || plaintext || isLoopback(u.Hostname()) {
		return ""
	}
	return "no token is sent over " + u.Scheme + ", unless WithPlaintextHTTP allows it"
}

func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
