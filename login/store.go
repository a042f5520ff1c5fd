// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/scicred/scicred/internal/osfile"
)

const (
	storeVersion = 1
	maxStore     = 1 << 20
	lockRetry    = 10 * time.Millisecond
)

// errDamaged means that a file is the user's own and holds nothing of use.
const errDamaged Error = "is damaged"

// CacheError says why a login cannot be read, kept or locked. What is in the
// file is not in the error.
type CacheError struct {
	Op     string // "read", "lock", "write", "remove"
	Path   string
	Advice string // what to do; often ""
	Err    error
}

// Error says what is wrong with which file, and what to do.
func (e *CacheError) Error() string {
	s := fmt.Sprintf("login: cannot %s %s: %v", e.Op, e.Path, e.Err)
	if e.Advice != "" {
		s += ": " + e.Advice
	}
	return s
}

// Unwrap returns the reason.
func (e *CacheError) Unwrap() error { return e.Err }

// DefaultDir returns the folder for logins: $XDG_STATE_HOME/scicred/logins, by
// default ~/.local/state/scicred/logins. It fails where the user has no home.
func DefaultDir() (string, error) {
	// An empty or relative value counts as unset (XDG Base Directory
	// Specification).
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("login: there is no folder to keep logins in: %w", err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "scicred", "logins"), nil
}

// owner says whose tokens are in a file; the file has its name from it.
type owner struct {
	Version  int      `json:"version"`
	Issuer   string   `json:"issuer"`
	ClientID string   `json:"client_id"`
	User     string   `json:"user,omitempty"`
	Grant    string   `json:"grant"`
	Name     string   `json:"name,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`
	Audience []string `json:"audience,omitempty"`
	Resource []string `json:"resource,omitempty"`
}

// record is what is in a file. It says whose it is, so that a file under a wrong
// name is not used.
type record struct {
	owner

	AccessToken   string    `json:"access_token,omitempty"`
	RefreshToken  string    `json:"refresh_token,omitempty"`
	Issued        time.Time `json:"issued,omitzero"`
	Expiry        time.Time `json:"expiry,omitzero"`
	RefreshExpiry time.Time `json:"refresh_expiry,omitzero"`
	Granted       []string  `json:"granted,omitempty"`
	UserID        string    `json:"user_id,omitempty"`
	UserEmail     string    `json:"user_email,omitempty"`
}

// store is the file of one login, and the lock beside it.
type store struct {
	owner owner
	path  string
	lock  string
}

func newStore(about About, name, dir, lockDir string) *store {
	sorted := func(list []string) []string {
		list = slices.Clone(list)
		slices.Sort(list)
		return slices.Compact(list)
	}
	o := owner{
		Version: storeVersion, Issuer: about.Issuer, ClientID: about.ClientID, User: about.User, Grant: about.Grant, Name: name,
		Scopes: sorted(about.Scopes), Audience: sorted(about.Audience), Resource: sorted(about.Resource),
	}
	sum := sha256.Sum256(o.text())
	base := hex.EncodeToString(sum[:])
	return &store{owner: o, path: filepath.Join(dir, base+".json"), lock: filepath.Join(lockDir, base+".lock")}
}

func (o owner) text() []byte {
	text, _ := json.Marshal(o) //nolint:errchkjson // strings and lists of them
	return text
}

// prepare makes the folder of a file, and returns why it must not be used:
// whoever may write there can give us another's login.
func prepare(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return bareFile(err)
	}
	return private(dir)
}

func private(dir string) error {
	fi, err := os.Stat(dir)
	if err != nil {
		return bareFile(err)
	}
	id, owned := osfile.Identify(fi)
	switch {
	case !owned: // this system has no numeric owners
		return nil
	case id.UID != os.Geteuid():
		return fmt.Errorf("the folder %w (uid %d, not %d)", osfile.ErrOwner, id.UID, os.Geteuid())
	case fi.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("the folder %w (mode %04o, want 0700)", osfile.ErrMode, fi.Mode().Perm())
	}
	return nil
}

func bareFile(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	if le := (*os.LinkError)(nil); errors.As(err, &le) {
		return le.Err
	}
	return err
}

// stamp tells versions of the file apart.
func (s *store) stamp() osfile.Stamp { return files().Stamp(s.path) }

// load returns what is kept; nil if nothing is.
func (s *store) load() (*TokenData, error) {
	if err := private(filepath.Dir(s.path)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, &CacheError{Op: "read", Path: s.path, Err: err}
	}
	data, _, err := files().NewReader().Read(s.path, osfile.Rule{Max: maxStore, Private: true})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var t *TokenData
	if err == nil {
		t, err = s.parse(data)
	}
	if err != nil {
		return nil, &CacheError{Op: "read", Path: s.path, Err: err}
	}
	return t, nil
}

// parse reads a file that this package wrote, or that something has damaged
// since.
func (s *store) parse(data []byte) (*TokenData, error) {
	var r record
	if json.Unmarshal(data, &r) != nil {
		return nil, errDamaged
	}
	if !bytes.Equal(r.text(), s.owner.text()) {
		return nil, fmt.Errorf("%w: it is of another login or version", errDamaged)
	}
	t, err := newTokenData(r.AccessToken, r.Issued)
	if err != nil {
		return nil, errDamaged
	}
	t.expiry, t.refreshExpiry, t.refresh = r.Expiry, r.RefreshExpiry, NewSecret(r.RefreshToken)
	t.scopes, t.user, t.email = r.Granted, r.UserID, r.UserEmail
	return t, nil
}

// slot is a file that is not yet under its name. It has room, so that a full
// disk is noticed before the only copy of a new refresh token must be written.
type slot struct {
	store *store
	file  *os.File
}

const room = 64 << 10

// reserve makes a file to be written later.
func (s *store) reserve() (_ *slot, err error) {
	defer func() {
		if err != nil {
			advice := ""
			if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
				advice = "give a folder that can be written"
			}
			err = &CacheError{Op: "write", Path: s.path, Advice: advice, Err: bareFile(err)}
		}
	}()
	if err := prepare(s.path); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".*.tmp") // mode 0600
	if err != nil {
		return nil, err
	}
	p := &slot{s, file}
	if _, err = file.Write(make([]byte, room)); err == nil {
		err = file.Sync() // NFS says only now that there is no room
	}
	if err != nil {
		p.drop()
		return nil, err
	}
	return p, nil
}

// drop removes a file that is not needed.
func (p *slot) drop() {
	if p == nil {
		return
	}
	_ = p.file.Close()
	_ = os.Remove(p.file.Name()) // nothing more can be done
}

// keep writes the tokens and gives the file its name. A reader sees the old file
// or the new one, whole.
func (p *slot) keep(t *TokenData) (err error) {
	s := p.store
	r := record{owner: s.owner}
	r.AccessToken, r.RefreshToken = t.access.Reveal(), t.refresh.Reveal()
	r.Issued, r.Expiry, r.RefreshExpiry = t.issued, t.expiry, t.refreshExpiry
	r.Granted, r.UserID, r.UserEmail = t.scopes, t.user, t.email
	data, err := json.Marshal(r) //nolint:gosec // to keep the tokens is what the file is for
	if err == nil {
		_, err = p.file.WriteAt(data, 0)
	}
	if err == nil {
		err = p.file.Truncate(int64(len(data)))
	}
	if err == nil {
		err = p.file.Sync() // else a crash may leave an empty file under the new name
	}
	if closeErr := p.file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(p.file.Name(), s.path)
	}
	if err != nil {
		p.drop()
		return &CacheError{Op: "write", Path: s.path, Err: bareFile(err)}
	}
	return nil
}

// save is reserve and keep.
func (s *store) save(t *TokenData) error {
	p, err := s.reserve()
	if err != nil {
		return err
	}
	return p.keep(t)
}

// remove forgets the login.
func (s *store) remove() error {
	if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &CacheError{Op: "remove", Path: s.path, Err: bareFile(err)}
	}
	return nil
}

// acquire locks the login against all other processes. The lock is on a file of
// its own that is never removed: a lock on the data file would be on its old
// inode after a rename. It ends with the process that holds it.
func (s *store) acquire(ctx context.Context) (release func(), err error) {
	if err := prepare(s.lock); err != nil {
		return nil, &CacheError{Op: "lock", Path: s.lock, Err: err, Advice: lockAdvice}
	}
	// NFS locks only files that are open for writing.
	l := flock.New(s.lock, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	if _, err := l.TryLockContext(ctx, lockRetry); err != nil {
		if ctx.Err() != nil {
			return nil, &CacheError{Op: "lock", Path: s.lock, Err: stopped(ctx, "another process holds it")}
		}
		return nil, &CacheError{Op: "lock", Path: s.lock, Err: bareFile(err), Advice: lockAdvice}
	}
	return func() { _ = l.Unlock() }, nil
}

const lockAdvice = "if this file system has no locks or cannot be written, give a lock folder on one of this machine, such as $XDG_RUNTIME_DIR/scicred"
