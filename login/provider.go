// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Endpoints are the addresses of a provider. All but Token may be "".
type Endpoints struct {
	Issuer        string // as the provider names itself
	Token         string // RFC 6749 section 3.2
	Device        string // RFC 8628 section 3.1
	Revocation    string // RFC 7009
	Introspection string // RFC 7662
	EndSession    string // OpenID Connect RP-Initiated Logout
}

// Provider is an OAuth 2.0 or OpenID provider. [OpenID], [Keycloak] and [Given]
// make one. It is safe for concurrent use.
type Provider struct {
	name       string
	documents  []string            // addresses of the metadata, in the order to try them
	issuerFits func(string) string // says what is wrong with an issuer; "" if nothing

	mu    sync.Mutex
	known *Endpoints
}

// OpenID returns the provider with that issuer. Its endpoints are looked up in
// its .well-known/openid-configuration when they are first needed (OpenID
// Connect Discovery 1.0 section 4).
func OpenID(issuer string) (*Provider, error) {
	if err := checkURL(issuer); err != nil {
		return nil, fmt.Errorf("login: the issuer %s %w", shown(issuer), err)
	}
	base := strings.TrimRight(issuer, "/")
	return &Provider{
		name:      base,
		documents: []string{base + wellKnown},
		issuerFits: func(got string) string {
			if strings.TrimRight(got, "/") != base {
				return fmt.Sprintf("it is about the issuer %s", shown(got))
			}
			return ""
		},
	}, nil
}

// Keycloak returns a realm of a Keycloak server. Its endpoints are looked up
// when they are first needed. Servers up to version 16 have them below /auth:
// both places are tried, whether or not the base URL ends with it.
func Keycloak(base, realm string) (*Provider, error) {
	if err := checkURL(base); err != nil {
		return nil, fmt.Errorf("login: the Keycloak address %s %w", shown(base), err)
	}
	if realm == "" || strings.ContainsAny(realm, "/?#") || realm == "." || realm == ".." {
		return nil, errors.New("login: the name of the realm is empty or not a name")
	}
	base = strings.TrimRight(base, "/")
	path := "/realms/" + url.PathEscape(realm)
	other := base + "/auth"
	if cut, ok := strings.CutSuffix(base, "/auth"); ok {
		other = cut
	}
	return &Provider{
		name:      base + path,
		documents: []string{base + path + wellKnown, other + path + wellKnown},
		// The host may be another than the one that was asked: a server can be
		// told by which name its users know it.
		issuerFits: func(got string) string {
			if !strings.HasSuffix(got, path) {
				return fmt.Sprintf("it is about the issuer %s, which is another realm", shown(got))
			}
			return ""
		},
	}, nil
}

// Given returns a provider whose endpoints are known.
func Given(e Endpoints) (*Provider, error) {
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	name := e.Issuer
	if name == "" {
		name = e.Token
	}
	return &Provider{name: strings.TrimRight(name, "/"), known: &e}, nil
}

const wellKnown = "/.well-known/openid-configuration"

// Name tells providers apart: the issuer, as the caller named it.
func (p *Provider) Name() string { return p.name }

// String implements [fmt.Stringer].
func (p *Provider) String() string { return shown(p.name) }

// Endpoints returns the addresses of the provider, which it asks with client
// (nil: one of its own) if they are not known yet. Errors are [*AuthError].
func (p *Provider) Endpoints(ctx context.Context, client *http.Client) (Endpoints, error) {
	p.mu.Lock()
	known := p.known
	p.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	// Asking twice at once does no harm; holding the lock would let one caller
	// wait on another's context.
	e, err := patiently(ctx, opDiscovery, func() (*Endpoints, error) { return p.discover(ctx, httpClient(client)) })
	if err != nil {
		return Endpoints{}, err
	}
	p.mu.Lock()
	p.known = e
	p.mu.Unlock()
	return *e, nil
}

const opDiscovery = "discovery"

// discover reads the first document that there is.
func (p *Provider) discover(ctx context.Context, client *http.Client) (*Endpoints, error) {
	var first error
	for _, address := range p.documents {
		e, err := p.read(ctx, client, address)
		if err == nil {
			return e, nil
		}
		if first == nil {
			first = err
		}
		if ae := (*AuthError)(nil); !errors.As(err, &ae) || ae.StatusCode != http.StatusNotFound {
			return nil, err
		}
	}
	return nil, first
}

func (p *Provider) read(ctx context.Context, client *http.Client, address string) (*Endpoints, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &AuthError{Op: opDiscovery, Problem: "the address is not a URL"}
	}
	m, err := exchange(client, req, opDiscovery, func(s string) string { return s })
	if err != nil {
		return nil, err
	}
	e, err := parseMetadata(m)
	if err == nil {
		if wrong := p.issuerFits(e.Issuer); wrong != "" {
			err = errors.New(wrong)
		}
	}
	if err != nil {
		return nil, &AuthError{Op: opDiscovery, URL: shown(address), StatusCode: http.StatusOK, Problem: "the document cannot be used: " + err.Error()}
	}
	return e, nil
}

// parseMetadata reads a provider's description of itself (OpenID Connect
// Discovery 1.0 section 3, RFC 8414 section 2, RFC 8628 section 4).
func parseMetadata(m members) (*Endpoints, error) {
	var e Endpoints
	var errs []error
	for name, to := range map[string]*string{
		"issuer": &e.Issuer, "token_endpoint": &e.Token, "device_authorization_endpoint": &e.Device,
		"revocation_endpoint": &e.Revocation, "introspection_endpoint": &e.Introspection, "end_session_endpoint": &e.EndSession,
	} {
		s, err := m.text(name)
		*to = s
		errs = append(errs, err)
	}
	if e.Issuer == "" {
		errs = append(errs, errors.New("issuer is missing"))
	}
	if err := errors.Join(append(errs, e.check())...); err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return &e, nil
}

// check returns what is wrong with an address.
func (e *Endpoints) check() error {
	if e.Token == "" {
		return errors.New("the token endpoint is missing")
	}
	for _, a := range []struct{ name, address string }{
		{"issuer", e.Issuer},
		{"token endpoint", e.Token},
		{"device authorization endpoint", e.Device},
		{"revocation endpoint", e.Revocation},
		{"introspection endpoint", e.Introspection},
		{"end session endpoint", e.EndSession},
	} {
		if a.address == "" {
			continue
		}
		if err := checkURL(a.address); err != nil {
			return fmt.Errorf("the %s %s %w", a.name, shown(a.address), err)
		}
	}
	return nil
}
