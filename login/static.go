// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/bearer/strictjson"
	"github.com/scicred/scicred/internal/osfile"
)

const (
	grantStatic   = "static token"
	grantWallaroo = "token file"
)

// Static is one token that never changes. [NewStatic] makes one.
type Static struct{ token *TokenData }

// NewStatic returns the [Fetcher] of one token.
func NewStatic(token string) (*Static, error) {
	t, err := newTokenData(bearer.Trim(token), wallClock())
	if err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	t.identify(t.access.Reveal())
	return &Static{t}, nil
}

// About implements [Fetcher].
func (s *Static) About() About { return About{User: s.token.user, Grant: grantStatic} }

// Fetch implements [Fetcher].
func (s *Static) Fetch(context.Context) (*TokenData, error) { return s.token, nil }

// Refresh implements [Fetcher]: nobody can renew such a token.
func (s *Static) Refresh(context.Context, *TokenData) (*TokenData, error) {
	return nil, refreshError(ErrNoRefresh)
}

// WallarooFile is a file with a token in the form of Wallaroo's AuthType
// "token": a JSON object with token, user_email and user_id.
type WallarooFile struct{ path string }

// wallarooLife is for how long such a token counts if it does not say itself.
// Wallaroo's SDK assumes it, and then reads the file again.
const wallarooLife = 5 * time.Minute

// NewWallarooFile returns the [Fetcher] of such a file. It is read anew each
// time, since somebody else keeps it fresh.
func NewWallarooFile(path string) *WallarooFile { return &WallarooFile{path} }

// About implements [Fetcher].
func (w *WallarooFile) About() About { return About{Issuer: w.path, Grant: grantWallaroo} }

// Fetch implements [Fetcher].
func (w *WallarooFile) Fetch(context.Context) (*TokenData, error) {
	data, _, err := files().NewReader().Read(w.path, osfile.Rule{Max: maxAnswer})
	if err == nil {
		var t *TokenData
		if t, err = parseWallaroo(data, wallClock()); err == nil {
			return t, nil
		}
	}
	return nil, fetchError(grantWallaroo, fmt.Errorf("the file %s %w", w.path, err))
}

// Refresh implements [Fetcher]: the file may have been replaced.
func (w *WallarooFile) Refresh(ctx context.Context, _ *TokenData) (*TokenData, error) {
	t, err := w.Fetch(ctx)
	return t, refreshError(err)
}

// parseWallaroo reads such a file. The error reads on after its name, and holds
// nothing of it.
func parseWallaroo(data []byte, now time.Time) (*TokenData, error) {
	object, err := strictjson.Object(data)
	if err != nil {
		return nil, err
	}
	m := members(object)
	access, err := m.text("token")
	if err != nil {
		return nil, fmt.Errorf("cannot be used: %w", err)
	}
	if access == "" {
		return nil, fmt.Errorf("has no member %q", "token")
	}
	t, err := newTokenData(access, now)
	if err != nil {
		return nil, fmt.Errorf("cannot be used: %w", err)
	}
	if t.expiry.IsZero() {
		t.expiry = now.Add(wallarooLife)
	}
	for name, to := range map[string]*string{"user_email": &t.email, "user_id": &t.user} {
		if *to, err = m.text(name); err != nil {
			return nil, fmt.Errorf("cannot be used: %w", err)
		}
	}
	t.identify(access)
	return t, nil
}

// files is the file system of this machine.
func files() osfile.FS {
	return osfile.FS{Open: osfile.Open, Stat: os.Stat, Lstat: os.Lstat, ReadDir: os.ReadDir, Identify: osfile.Identify, EUID: os.Geteuid()}
}
