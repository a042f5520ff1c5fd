// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	grantDevice     = "device"
	defaultInterval = 5 * time.Second // RFC 8628 section 3.2
	slowDown        = 5 * time.Second // RFC 8628 section 3.5
	defaultCodeLife = 10 * time.Minute
	opDevice        = "device code"
)

// Device logs in with a code that the user types into a browser, on this or
// another device (RFC 8628). [NewDevice] makes one.
type Device struct {
	client   Client
	prompter Prompter
}

// NewDevice returns the [Fetcher] of a client that shows its codes with the
// Prompter; nil is a [TextPrompter] on standard error.
func NewDevice(c *Client, p Prompter) (*Device, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if p == nil {
		p = TextPrompter{}
	}
	return &Device{client: *c, prompter: p}, nil
}

// About implements [Fetcher].
func (d *Device) About() About {
	a := d.client.about(grantDevice)
	a.Interactive = true
	return a
}

// Refresh implements [Fetcher].
func (d *Device) Refresh(ctx context.Context, old *TokenData) (*TokenData, error) {
	t, err := d.client.refresh(ctx, old)
	return t, refreshError(err)
}

// Fetch implements [Fetcher]: it shows a code and waits until the user has
// entered it. The error wraps [ErrCodeExpired] if nobody did in time,
// [ErrDenied] if the answer was no, and that of the context if the caller did
// not want to wait that long. A provider that is away for a while is asked again
// until the code expires.
func (d *Device) Fetch(ctx context.Context) (*TokenData, error) {
	t, err := d.fetch(ctx)
	return t, fetchError(grantDevice, err)
}

func (d *Device) fetch(ctx context.Context) (*TokenData, error) {
	c := &d.client
	e, err := c.Provider.Endpoints(ctx, c.HTTP)
	if err != nil {
		return nil, err
	}
	if e.Device == "" {
		return nil, fmt.Errorf("login with a code (RFC 8628) at %s: %w", c.Provider, ErrNotOffered)
	}
	verifier := newVerifier()
	code, err := d.start(ctx, e.Device, verifier)
	if err != nil {
		return nil, err
	}
	if err := d.prompter.Prompt(ctx, code.prompt); err != nil {
		return nil, err
	}
	return d.poll(ctx, e.Token, code, verifier)
}

// newVerifier returns the secret of RFC 7636 section 4.1. The code is of no use
// to those who do not have it.
func newVerifier() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// deviceCode is the answer of the device authorization endpoint.
type deviceCode struct {
	secret   Secret
	prompt   Prompt
	interval time.Duration
}

// start asks for a code. To ask twice does no harm: a code that nobody enters
// expires.
func (d *Device) start(ctx context.Context, address, verifier string) (*deviceCode, error) {
	sum := sha256.Sum256([]byte(verifier))
	form := d.client.wishes(url.Values{
		// RFC 7636 is not in RFC 8628, but Keycloak can be told to demand it
		// here too, and others do not mind.
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(sum[:])},
		"code_challenge_method": {"S256"},
	})
	m, err := patiently(ctx, opDevice, func() (members, error) { return d.client.post(ctx, opDevice, address, form) })
	if err != nil {
		return nil, err
	}
	code, err := parseDeviceCode(m, wallClock())
	if err != nil {
		return nil, &AuthError{Op: opDevice, URL: shown(address), StatusCode: http.StatusOK, Problem: "the answer cannot be used: " + err.Error()}
	}
	return code, nil
}

// parseDeviceCode reads the answer of RFC 8628 section 3.2.
func parseDeviceCode(m members, now time.Time) (*deviceCode, error) {
	secret, err := m.text("device_code")
	user, userErr := m.text("user_code")
	uri, uriErr := m.text("verification_uri")
	if _, has := m["verification_uri"]; !has {
		uri, uriErr = m.text("verification_url") // a draft's name, still in use
	}
	complete, completeErr := m.text("verification_uri_complete")
	life, lifeErr := m.seconds("expires_in")
	interval, intervalErr := m.seconds("interval")
	for name, value := range map[string]string{"device_code": secret, "user_code": user, "verification_uri": uri} {
		if value == "" && err == nil {
			err = fmt.Errorf("%s is missing", name)
		}
	}
	if err := errors.Join(err, userErr, uriErr, completeErr, lifeErr, intervalErr); err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	for _, address := range []string{uri, complete} { // the user is sent there with a password
		if address == "" {
			continue
		}
		if err := checkURL(strings.SplitN(address, "#", 2)[0]); err != nil {
			return nil, fmt.Errorf("the verification address %s %w", shown(address), err)
		}
	}
	if life == 0 {
		life = defaultCodeLife // required, and forgotten by some
	}
	if interval == 0 {
		interval = defaultInterval
	}
	return &deviceCode{NewSecret(secret), Prompt{user, uri, complete, now.Add(life)}, interval}, nil
}

// poll asks until the user has decided.
func (d *Device) poll(ctx context.Context, address string, code *deviceCode, verifier string) (*TokenData, error) {
	form := url.Values{
		"grant_type":    {"urn:ietf:params:oauth:grant-type:device_code"},
		"device_code":   {code.secret.Reveal()},
		"code_verifier": {verifier},
	}
	for name, values := range d.client.wishes(url.Values{}) {
		if name != "scope" { // fixed by the code
			form[name] = values
		}
	}
	interval, failures, asked := code.interval, 0, false
	var last error // of the failures that may pass
	for {
		// After failures to reach it, the provider is asked less and less often
		// (RFC 8628 section 3.5), until it answers again.
		wait := interval
		for range failures {
			wait = min(2*wait, max(interval, maxWait))
		}
		wait = max(wait, retryAfter(last))
		left := time.Until(code.prompt.Expires)
		over := wait >= left
		if over && !asked {
			// Some servers want ten minutes between requests and give the code
			// ten minutes to live: ask once before the end.
			wait, over = max(left-time.Second, left/2), false
		}
		if !pause(ctx, min(wait, left)) {
			return nil, stopped(ctx, "waiting for the user to enter the code")
		}
		if over {
			return nil, tooLate(last)
		}
		asked = true
		t, err := d.client.tokenFrom(ctx, address, form, code.secret, NewSecret(verifier))
		e := (*AuthError)(nil)
		switch {
		case err == nil:
			return t, nil
		case !errors.As(err, &e):
			return nil, err
		case e.Code == codePending:
			failures, last = 0, nil
		case e.Code == codeSlowDown:
			interval += slowDown // for this and all later requests
			failures, last = 0, nil
		case e.Temporary:
			failures++
			last = err
		default:
			return nil, err
		}
	}
}

// tooLate says that the time is over; if the provider could not be asked at
// the end, that may be why.
func tooLate(last error) error {
	if last != nil {
		return fmt.Errorf("login: %w; at the end the provider was not well: %w", ErrCodeExpired, last)
	}
	return fmt.Errorf("login: %w: start again", ErrCodeExpired)
}
