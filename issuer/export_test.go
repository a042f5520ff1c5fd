// SPDX-License-Identifier: BSD-3-Clause

package issuer

import (
	"io/fs"
	"net/http"
	"time"

	"github.com/scicred/scicred/internal/osfile"
)

// What tests outside of the package look at.
const (
	Interval     = interval
	DiskPatience = diskPatience
	Limit        = limit
	Patience     = patience
	MaxDocument  = maxDocument
	MaxKeySet    = maxKeySet
	MaxKeys      = maxKeys
	MinFresh     = minFresh
	MaxFresh     = maxFresh
)

// Locations returns where metadata is looked for.
func Locations(issuer string) []string { return locations(issuer) }

// FreshFor returns for how long an answer with these headers is not asked for again.
func FreshFor(h http.Header) time.Duration { return freshFor(h) }

// ParseDocument reads a metadata document.
func ParseDocument(data []byte, issuer string) (string, error) { return parseDocument(data, issuer) }

// CachePath names the file of an issuer.
func CachePath(dir, issuer string) string { return (&cache{dir: dir}).path(issuer) }

// AsUser makes the cache be read as by another user.
func (k *Keys) AsUser(uid int) {
	for _, e := range k.issuers {
		e.disk.files.EUID = uid
	}
}

// FolderOf makes the cache's folder seem to belong to another user.
func (k *Keys) FolderOf(uid int) {
	for _, e := range k.issuers {
		e.disk.files.Identify = func(fi fs.FileInfo) (osfile.ID, bool) {
			id, ok := osfile.Identify(fi)
			if fi.IsDir() {
				id.UID = uid
			}
			return id, ok
		}
	}
}

// HangDisk makes the cache's file system hang until the channel is closed.
func (k *Keys) HangDisk(until <-chan struct{}) {
	for _, e := range k.issuers {
		e.disk.files.Stat = func(string) (fs.FileInfo, error) {
			<-until
			return nil, fs.ErrNotExist
		}
	}
}

// KeySet is a parsed set of keys.
type KeySet struct{ *keySet }

// ParseKeySet reads a JWK Set.
func ParseKeySet(data []byte) (KeySet, error) {
	set, err := parseKeySet(data)
	return KeySet{set}, err
}

// Find looks a key up.
func (s KeySet) Find(algorithm, keyID string) (key any, problem string) {
	return s.find(algorithm, keyID)
}

// Usable returns how many keys may be used, and why others may not.
func (s KeySet) Usable() (n int, refused []string) {
	for _, r := range s.refused {
		refused = append(refused, r.ID+": "+r.Problem)
	}
	return len(s.keys), refused
}

// CheckCacheFile reads a file of the cache.
func CheckCacheFile(data []byte, issuer string, now time.Time) (keys int, fresh time.Time, err error) {
	p, err := parseCacheFile(data, issuer, now)
	if err != nil {
		return 0, time.Time{}, err
	}
	return len(p.set.keys), p.fresh, nil
}
