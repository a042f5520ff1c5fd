// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

// origin is where the requests of most tasks go.
const origin = "https://data.example.org"

// lifetime is how long credentials live: longer than any clock is moved.
const lifetime = 10 * 365 * 24 * time.Hour

// home is a user with a home, a folder for temporary files and an environment of
// his own, on the file system of this machine.
type home struct {
	dir string
	env map[string]string
	now func() time.Time // nil is the time of this machine
}

// newHome makes the folders in dir.
func newHome(dir string) (*home, error) {
	h := &home{dir: dir, env: map[string]string{"XDG_RUNTIME_DIR": filepath.Join(dir, "run")}}
	for _, name := range []string{"home", "tmp", "run"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// system returns the world as the user sees it: nothing but where things are
// differs from this process.
func (h *home) system() *scicred.System {
	return &scicred.System{
		LookupEnv: func(key string) (string, bool) { v, ok := h.env[key]; return v, ok },
		HomeDir:   func() (string, error) { return filepath.Join(h.dir, "home"), nil },
		TempDir:   func() string { return filepath.Join(h.dir, "tmp") },
		Now:       h.now,
	}
}

// put writes a file for the user alone and returns its name.
func (h *home) put(name string, content []byte) (string, error) {
	name = filepath.Join(h.dir, name)
	return name, os.WriteFile(name, content, 0o600)
}

// putToken writes a token for an audience, and points to it.
func (h *home) putToken(audience string) (token, file string, err error) {
	token = newToken(audience)
	file, err = h.put("token", []byte(token+"\n"))
	h.env["BEARER_TOKEN_FILE"] = file
	return token, file, err
}

// newToken mints a token of the usual size, 0.9 KB: as most issuers make it, with a
// signature by RSA. That is left to chance, since nobody checks it here and such
// keys take long to make.
func newToken(audience string) string {
	token := credtest.NewIssuer("https://issuer.example.org/realm").SciToken(claims(audience),
		credtest.Header(map[string]any{"alg": "RS256"}), credtest.ExpiresIn(lifetime))
	signature := make([]byte, 2048/8)
	_, _ = rand.Read(signature) // It never fails.
	return token[:strings.LastIndexByte(token, '.')+1] + base64.RawURLEncoding.EncodeToString(signature)
}

// claims are those of an ordinary token.
func claims(audience string) credtest.Claims {
	return credtest.Claims{
		"sub": "albert.einstein@example.org", "aud": audience, "jti": "5e0c5b0e-2d0f-4d8c-8b1c-1a4ce2f5b7aa",
		"scope": "dqsegdb.read gracedb.read read:/DQR read:/frames read:/kagra read:/ligo read:/protected read:/staging read:/virgo write:/user/albert.einstein",
	}
}

// stub is the cheapest base: it answers every request, and each with a response
// of its own.
type stub struct{}

// RoundTrip implements [http.RoundTripper].
func (stub) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// newRequest returns a request with that many headers.
func newRequest(ctx context.Context, rawURL string, headers int) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, http.NoBody)
	if err != nil {
		return nil, err
	}
	for i := range headers {
		req.Header.Set(fmt.Sprintf("X-Header-%d", i), "some value")
	}
	return req, nil
}

// attaches makes sure that a wrapper does what it is measured for, which stands
// and falls with the request that reaches its base.
func attaches(wrap func(http.RoundTripper) (http.RoundTripper, error), token string) error {
	seen := &witness{}
	rt, err := wrap(seen)
	if err != nil {
		return err
	}
	req, err := newRequest(context.Background(), origin+"/data", 1)
	if err != nil {
		return err
	}
	if err := send(rt, req, 1); err != nil {
		return err
	}
	if seen.authorization != "Bearer "+token {
		return fmt.Errorf("no token was attached")
	}
	return nil
}

// witness remembers what came.
type witness struct{ authorization string }

// RoundTrip implements [http.RoundTripper].
func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	w.authorization = req.Header.Get("Authorization")
	return stub{}.RoundTrip(req)
}

// send sends a request n times.
func send(rt http.RoundTripper, req *http.Request, n int) error {
	for range n {
		resp, err := rt.RoundTrip(req) //nolint:bodyclose // it has none, as is seen below
		if err != nil {
			return err
		}
		if resp.Body != http.NoBody {
			return fmt.Errorf("the response has a body")
		}
	}
	return nil
}

// mint makes many tokens fast: all have the signature of the first.
type mint struct{ head, claims, signature string }

// mintAudience is replaced in the claims.
const mintAudience = "https://audience.example.org"

func newMint() (*mint, error) {
	parts := strings.Split(newToken(mintAudience), ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	return &mint{parts[0], string(claims), parts[2]}, nil
}

func (m *mint) token(audience string) string {
	claims := strings.Replace(m.claims, mintAudience, audience, 1)
	return m.head + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "." + m.signature
}

// nextLook is the time after which a request looks at the files again.
const nextLook = 1100 * time.Millisecond

// clock is moved by hand.
type clock struct{ at atomic.Pointer[time.Time] }

func newClock() *clock {
	c := &clock{}
	now := time.Now().Round(0) // the wall clock alone: the other one cannot be moved
	c.at.Store(&now)
	return c
}

func (c *clock) now() time.Time { return *c.at.Load() }

func (c *clock) advance(d time.Duration) {
	now := c.now().Add(d)
	c.at.Store(&now)
}

// thousands writes 10000 as 10,000.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
