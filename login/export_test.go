// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"context"
	"time"

	"github.com/scicred/scicred/internal/bearer/strictjson"
)

// ParseToken reads the text of an answer of a token endpoint.
func ParseToken(text string, now time.Time) (*TokenData, error) {
	m, err := strictjson.Object([]byte(text))
	if err != nil {
		return nil, err
	}
	return parseToken(m, now)
}

// ParseMetadata reads the text of a provider's description.
func ParseMetadata(text string) (*Endpoints, error) {
	m, err := strictjson.Object([]byte(text))
	if err != nil {
		return nil, err
	}
	return parseMetadata(m)
}

// ParseDeviceCode reads the text of an answer of a device authorization
// endpoint.
func ParseDeviceCode(text string, now time.Time) (p Prompt, interval time.Duration, err error) {
	m, err := strictjson.Object([]byte(text))
	if err != nil {
		return Prompt{}, 0, err
	}
	c, err := parseDeviceCode(m, now)
	if err != nil {
		return Prompt{}, 0, err
	}
	return c.prompt, c.interval, nil
}

// ParseWallaroo reads the text of a file of Wallaroo.
func ParseWallaroo(text string, now time.Time) (*TokenData, error) {
	return parseWallaroo([]byte(text), now)
}

// ParseOutput reads what a command printed.
func ParseOutput(text string, now time.Time) (*TokenData, error) {
	return parseOutput([]byte(text), now)
}

// ParseStored reads the text of a file of this login.
func (c *Cached) ParseStored(text string) (*TokenData, error) { return c.store.parse([]byte(text)) }

// WithoutJitter makes the margin what it is on paper.
func (c *Cached) WithoutJitter() *Cached {
	c.jitter = 1
	return c
}

// LockPath is the file of the lock.
func (c *Cached) LockPath() string { return c.store.lock }

// Acquire takes the lock.
func (c *Cached) Acquire(ctx context.Context) (func(), error) { return c.store.acquire(ctx) }
