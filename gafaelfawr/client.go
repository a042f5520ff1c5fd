// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Client asks a Gafaelfawr server. It may be used by several goroutines.
//
// Its methods return [WebError], [NotFoundError] and [ValidationError] for what
// goes wrong with a request, [DiscoveryError] if the server cannot be found,
// [ErrInvalidArgument] and [ErrInvalidToken] for what makes no sense, and the
// error of the context if that ends while they wait for somebody else's request.
type Client struct {
	sender
	discovery *Discovery // nil: there is an apiURL
	apiURL    string
	plaintext bool
	closeIdle func()

	byToken cache[tokenHash, UserInfo]
	byName  cache[string, UserInfo]
	flights flights[flightKey, UserInfo]
}

// tokenHash stands for a token where it would be kept in the clear.
type tokenHash [sha256.Size]byte

func hashOf(token Token) tokenHash {
	var raw [tokenLength]byte // Of that length to the byte, and not on the heap.
	return sha256.Sum256(raw[:copy(raw[:], token.Reveal())])
}

// flightKey says who waits together. The token is part of it also for look-ups
// by name, since another token may be refused; and so is the number of times
// that the caches were cleared, since what was asked for before is old.
type flightKey struct {
	token tokenHash
	name  string
	age   uint64
}

// New returns a Client. Without options it finds the server by the service
// discovery that the environment variable REPERTOIRE_BASE_URL names. It asks for
// nothing yet.
func New(opts ...Option) (*Client, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	if c.discovery != nil && c.apiURL != "" {
		return nil, invalid("of WithDiscovery and WithAPIURL only one can hold")
	}
	client := &Client{discovery: c.discovery, apiURL: c.apiURL, plaintext: c.plaintext}
	client.sender, client.closeIdle = c.sender()
	if c.discovery == nil && c.apiURL == "" {
		own := *c
		own.http = &http.Client{Transport: client.rt} // One pool of connections is enough.
		own.timeout = client.timeout
		own.lifetime = nil // That of user information is another matter.
		if client.discovery, err = own.newDiscovery(""); err != nil {
			return nil, err
		}
	}
	size, lifetime := DefaultCacheSize, DefaultCacheLifetime
	if c.size != nil {
		size = *c.size
	}
	if c.lifetime != nil {
		lifetime = *c.lifetime
	}
	client.byToken = cache[tokenHash, UserInfo]{size: size, lifetime: lifetime, now: c.now}
	client.byName = cache[string, UserInfo]{size: size, lifetime: lifetime, now: c.now}
	return client, nil
}

// Format prints where the server is looked for, whatever the verb: what else is in
// a Client are caches and connections, in whose buffers there are tokens.
func (c *Client) Format(s fmt.State, _ rune) {
	where := c.apiURL
	if where == "" {
		where = "by " + c.discovery.base
	}
	_, _ = io.WriteString(s, "gafaelfawr.Client("+where+")")
}

// Close closes idle connections, if no [http.Client] was given: another's are not
// ours to close. Do not use c afterwards.
func (c *Client) Close() { c.closeIdle() }

// ClearCache forgets all user information. What is being asked for at this time
// is not remembered either.
func (c *Client) ClearCache() {
	c.byToken.clear()
	c.byName.clear()
}

const (
	serviceName    = "gafaelfawr"
	serviceVersion = "v1"
)

// APIURL returns the URL of the API that c asks, without a slash at its end, such
// as https://data.example.org/auth/api/v1. It is what [WithAPIURL] says, else what
// service discovery says now. The error is a [DiscoveryError], or that of ctx.
func (c *Client) APIURL(ctx context.Context) (string, error) {
	base := c.apiURL
	if base == "" {
		doc, err := c.discovery.Document(ctx)
		if err != nil {
			return "", err
		}
		found, ok := doc.InternalURL(serviceName, serviceVersion)
		where := printable(c.discovery.base + "/discovery")
		if !ok {
			return "", &DiscoveryError{URL: where, Problem: fmt.Sprintf("%s (%s) service not found in service discovery", serviceName, serviceVersion)}
		}
		if base, err = baseURL(found); err != nil {
			return "", &DiscoveryError{URL: where, Problem: fmt.Sprintf("the URL of %s (%s) cannot be used", serviceName, serviceVersion), Err: err}
		}
	}
	if why := mayCarryTokens(base, c.plaintext); why != "" {
		return "", &DiscoveryError{URL: printable(base), Problem: "Gafaelfawr cannot be asked: " + why}
	}
	return base, nil
}

// route returns the URL of a route, each part of which is escaped.
func (c *Client) route(ctx context.Context, parts ...string) (string, error) {
	base, err := c.APIURL(ctx)
	if err != nil {
		return "", err
	}
	for _, p := range parts {
		// Dots would lead elsewhere, and servers disagree on how to escape them.
		if p == "" || p == "." || p == ".." {
			return "", invalid("%q cannot be a user or a token", p)
		}
		base += "/" + url.PathEscape(p)
	}
	return base, nil
}

// checkSecrets refuses what must not stand in a URL, which servers and proxies
// log: a token, and the secret half of the one that goes along.
func checkSecrets(token Token, texts ...string) error {
	for _, s := range texts {
		if hideSecret(s, token) != s {
			return invalid("a user name, key or filter is a whole token, or the secret half of one, which must not stand in a URL: use Token.Key")
		}
	}
	return nil
}

// checkKey refuses what is no key of a token.
func checkKey(key string) error {
	if len(key) != partLength {
		return invalid("a key has %d characters, not %d: use Token.Key", partLength, len(key))
	}
	return nil
}

func errNoToken() error {
	return fmt.Errorf("gafaelfawr: %w: there is none, since the Token is zero", ErrInvalidToken)
}
