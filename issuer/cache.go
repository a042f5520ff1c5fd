// SPDX-License-Identifier: BSD-3-Clause

package issuer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/scicred/scicred/internal/osfile"
)

const (
	cacheVersion = 1
	maxCacheFile = maxKeySet + maxDocument
	diskPatience = 2 * time.Second // with a file system that may hang
)

// DefaultCacheDir returns $XDG_CACHE_HOME/scicred/keys, by default
// ~/.cache/scicred/keys, or what takes its place on other systems (see
// [os.UserCacheDir]). It fails where the user has no home.
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "scicred", "keys"), nil
}

// cache is a folder with one file for each issuer. Processes share it without a
// lock: a file is written under another name and then renamed, so that a reader
// sees a whole file, the old one or the new one. Of two processes that ask the
// issuer at the same time the later wins, and what either writes is true. Nil is
// no cache.
type cache struct {
	dir   string
	files osfile.FS
	hangs atomic.Bool // the file system hung once: it is left alone
}

func newCache(dir string) (*cache, error) {
	if dir == "" {
		return nil, nil
	}
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("%q is not an absolute path", dir)
	}
	return &cache{dir: dir, files: osfile.FS{
		Open: osfile.Open, Stat: os.Stat, Lstat: os.Lstat, ReadDir: os.ReadDir, Identify: osfile.Identify, EUID: os.Geteuid(),
	}}, nil
}

// cacheFile is what is in a file. The keys in it are parsed anew, with all the
// checks, when it is read.
type cacheFile struct {
	Version int          `json:"version"`
	Issuer  string       `json:"issuer"`
	JWKSURI string       `json:"jwks_uri"`
	ETag    string       `json:"etag,omitempty"`
	Checked time.Time    `json:"checked"`
	Fresh   time.Time    `json:"fresh"`
	Keys    []jwk        `json:"keys"`
	Refused []refusedKey `json:"refused,omitempty"`
}

// path names the file of an issuer. The version is part of the name, so that
// programs of different age do not overwrite each other's.
func (c *cache) path(issuer string) string {
	sum := sha256.Sum256([]byte(issuer))
	return filepath.Join(c.dir, fmt.Sprintf("%s.v%d.json", hex.EncodeToString(sum[:]), cacheVersion))
}

// trusted returns why nothing in the folder can be believed: whoever may write
// there can hand out keys of his own.
func (c *cache) trusted() error {
	fi, err := c.files.Stat(c.dir)
	if err != nil {
		return err
	}
	id, ok := c.files.Identify(fi)
	switch {
	case !ok: // this system has no numeric owners
		return nil
	case id.UID != c.files.EUID:
		return fmt.Errorf("the cache folder %w (uid %d, not %d)", osfile.ErrOwner, id.UID, c.files.EUID)
	case fi.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("the cache folder may be written by others (mode %04o, want 0700)", fi.Mode().Perm())
	}
	return nil
}

// read returns what the file of an issuer says; an error that wraps
// [fs.ErrNotExist] if there is none.
func (c *cache) read(issuer string, now time.Time) (*published, error) {
	if err := c.trusted(); err != nil {
		return nil, err
	}
	data, _, err := c.files.NewReader().Read(c.path(issuer), osfile.Rule{Max: maxCacheFile, Private: true})
	if err != nil {
		return nil, err
	}
	return parseCacheFile(data, issuer, now)
}

// parseCacheFile reads a file that this package wrote, or that something has
// damaged since.
func parseCacheFile(data []byte, issuer string, now time.Time) (*published, error) {
	var f cacheFile
	if json.Unmarshal(data, &f) != nil {
		return nil, errors.New("is not what was written")
	}
	u, err := url.Parse(f.JWKSURI)
	switch {
	case f.Version != cacheVersion:
		return nil, errors.New("is of another version")
	case f.Issuer != issuer:
		return nil, errors.New("is about another issuer")
	case err != nil || checkURL(u) != nil:
		return nil, errors.New("says that the keys are where they cannot be")
	case f.Checked.IsZero() || f.Checked.After(now.Add(skew)):
		return nil, errors.New("is from the future")
	case len(f.Keys) > maxKeys || len(f.Refused) > maxKeys:
		return nil, errors.New("holds too many keys")
	}
	set := &keySet{refused: f.Refused}
	for i := range f.Keys {
		raw, err := json.Marshal(f.Keys[i])
		if err != nil {
			return nil, err
		}
		k, _ := parseKey(raw)
		if k == nil {
			return nil, errors.New("holds a key that must not be used")
		}
		set.keys = append(set.keys, *k)
	}
	p := &published{set: set, jwksURI: f.JWKSURI, etag: cleanETag(f.ETag), checked: f.Checked, fresh: f.Fresh}
	if last := f.Checked.Add(maxFresh); p.fresh.After(last) {
		p.fresh = last
	}
	return p, nil
}

// write replaces the file of an issuer. What the issuer published by mistake,
// such as private keys, is not in it.
func (c *cache) write(issuer string, p *published) (err error) {
	f := cacheFile{
		Version: cacheVersion, Issuer: issuer, JWKSURI: p.jwksURI, ETag: p.etag,
		Checked: p.checked, Fresh: p.fresh, Keys: []jwk{}, Refused: p.set.refused,
	}
	for i := range p.set.keys {
		f.Keys = append(f.Keys, p.set.keys[i].jwk)
	}
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	if err := c.trusted(); err != nil {
		return err
	}
	path := c.path(issuer)
	tmp, err := os.CreateTemp(c.dir, filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name()) // nothing more can be done
		}
	}()
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync() // else a crash may leave an empty file under the new name
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// readCache returns what the cache has, nil if nothing can be used. That is
// never an error: the issuer is asked instead.
func (e *entry) readCache(ctx context.Context, now time.Time) *published {
	type result struct {
		p   *published
		err error
	}
	got, ok := inTime(ctx, e.disk, func() result {
		p, err := e.disk.read(e.issuer, now)
		return result{p, err}
	})
	switch {
	case !ok:
	case errors.Is(got.err, fs.ErrNotExist):
	case got.err != nil:
		e.log.Debug("issuer: cached keys not used", "file", e.disk.path(e.issuer), "error", got.err)
	}
	return got.p
}

// writeCache leaves the keys for others, if it can.
func (e *entry) writeCache(ctx context.Context, p *published) {
	if err, ok := inTime(ctx, e.disk, func() error { return e.disk.write(e.issuer, p) }); ok && err != nil {
		e.log.Debug("issuer: keys not cached", "file", e.disk.path(e.issuer), "error", err)
	}
}

// inTime does something with the cache, false if there is none or if it takes
// too long: home folders lie on file systems that hang, and an optional cache
// must not hang the program. It is then not used any more.
func inTime[T any](ctx context.Context, c *cache, do func() T) (result T, ok bool) {
	if c == nil || c.hangs.Load() {
		return result, false
	}
	done := make(chan T, 1)
	go func() { done <- do() }()
	timer := time.NewTimer(diskPatience)
	defer timer.Stop()
	select {
	case result = <-done:
		return result, true
	case <-timer.C:
		c.hangs.Store(true)
	case <-ctx.Done():
	}
	return result, false
}
