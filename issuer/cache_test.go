// SPDX-License-Identifier: BSD-3-Clause

package issuer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/issuer"
)

// cached makes Keys that share a folder.
func cached(dir string) func(*issuer.Config) { return func(c *issuer.Config) { c.CacheDir = dir } }

// cacheOf returns a folder for a cache, which is not there yet, and the file in
// it.
func cacheOf(t *testing.T, w *world) (dir, file string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "scicred", "keys")
	return dir, issuer.CachePath(dir, w.issuer.URL())
}

// filled returns a cache that has the keys of the world's issuer.
func filled(t *testing.T, w *world) (dir, file string) {
	t.Helper()
	dir, file = cacheOf(t, w)
	w.want(t, w.keys(t, cached(dir)), w.issuer, credtest.KeyES256)
	w.fetched()
	return dir, file
}

func TestKeysAreKeptForOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, _ := filled(t, w)
	w.want(t, w.keys(t, cached(dir)), w.issuer, credtest.KeyRS256)
	assert.Empty(t, w.fetched())
	w.pass(issuer.MaxFresh - time.Second)
	w.want(t, w.keys(t, cached(dir)), w.issuer, credtest.KeyES256)
	assert.Empty(t, w.fetched())
	w.pass(time.Second)
	w.want(t, w.keys(t, cached(dir)), w.issuer, credtest.KeyES256)
	assert.Equal(t, []string{openID, jwks}, w.fetched())
	w.want(t, w.keys(t, cached(dir)), w.issuer, credtest.KeyES256)
	assert.Empty(t, w.fetched())
}

func TestTheCacheIsPrivateAndTidy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, file := filled(t, w)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file is left")
	assert.Equal(t, filepath.Base(file), entries[0].Name())
	if runtime.GOOS == "windows" {
		return // it has other modes
	}
	for path, want := range map[string]os.FileMode{file: 0o600, dir: 0o700, filepath.Dir(dir): 0o700} {
		fi, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, want, fi.Mode().Perm(), path)
	}
}

// An issuer that publishes its private key by mistake does not make us keep it.
func TestNothingPrivateGoesIntoTheCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Handle(jwks, credtest.Answer(http.StatusOK, string(set(
		with(material().p256, "kid", `"es256"`, "use", `"sig"`, "x5c", `["certificate"]`, "note", `"a note"`),
		with(material().other, "kid", `"leaked"`, "d", `"priv4te"`),
	))))
	dir, file := cacheOf(t, w)
	k := w.keys(t, cached(dir))
	_, err := k.Key(t.Context(), w.issuer.URL(), "ES256", "es256")
	require.NoError(t, err)
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, not := range []string{"priv4te", "certificate", "a note"} {
		assert.NotContains(t, string(content), not)
	}
	// What is known of the refused key survives.
	for _, k := range []*issuer.Keys{k, w.keys(t, cached(dir))} {
		e := failAs(t, k, w.issuer.URL(), "leaked", issuer.ErrNoKey)
		assert.Contains(t, e.Error(), `the key "leaked", which must not be used: it was published with its private part`)
	}
}

func TestACacheWorksOfflineForAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, _ := filled(t, w)
	w.Close()
	for _, d := range []time.Duration{time.Hour, 10 * time.Hour, 37*time.Hour - time.Second} {
		w.pass(d)
		w.want(t, w.keys(t, cached(dir)), w.issuer, credtest.KeyES256)
	}
	w.pass(time.Second)
	e := w.fail(t, w.keys(t, cached(dir)), issuer.ErrUnreachable)
	assert.Contains(t, e.Error(), "its keys, 2d old, count no longer, and ")
}

// What another process learnt a moment ago need not be asked again.
func TestAnUnknownKeyIsNotAskedForByEachProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, _ := filled(t, w)
	for range 3 {
		failAs(t, w.keys(t, cached(dir)), w.issuer.URL(), "no", issuer.ErrNoKey)
	}
	assert.Empty(t, w.fetched())
	w.pass(issuer.Interval)
	for range 3 {
		failAs(t, w.keys(t, cached(dir)), w.issuer.URL(), "no", issuer.ErrNoKey)
	}
	assert.Equal(t, []string{openID, jwks}, w.fetched())
}

// A process that runs for long takes over what others have fetched.
func TestWhatOthersFetchedIsTakenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, _ := cacheOf(t, w)
	old := w.keys(t, cached(dir))
	w.want(t, old, w.issuer, credtest.KeyES256)
	w.fetched()
	w.pass(5 * time.Hour)
	w.Handle(jwks, credtest.Answer(http.StatusOK, strings.ReplaceAll(string(w.issuer.JWKS()), `"es256"`, `"next"`)))
	_, err := w.keys(t, cached(dir)).Key(t.Context(), w.issuer.URL(), "ES256", "next")
	require.NoError(t, err)
	assert.Len(t, w.fetched(), 2)
	_, err = old.Key(t.Context(), w.issuer.URL(), "ES256", "next")
	require.NoError(t, err)
	assert.Empty(t, w.fetched())
}

func TestACacheThatCannotBeTrustedIsNotUsed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // the owner rules do not exist there
	}
	for name, spoil := range map[string]func(dir, file string, k *issuer.Keys) error{
		"folder and file of another user": func(_, _ string, k *issuer.Keys) error { k.AsUser(os.Geteuid() + 1); return nil },
		"folder of another user":          func(_, _ string, k *issuer.Keys) error { k.FolderOf(os.Geteuid() + 1); return nil },
		"folder open to the group":        func(dir, _ string, _ *issuer.Keys) error { return os.Chmod(dir, 0o770) },
		"folder open to all":              func(dir, _ string, _ *issuer.Keys) error { return os.Chmod(dir, 0o1777) },
		"file open to others":             func(_, file string, _ *issuer.Keys) error { return os.Chmod(file, 0o602) },
		"file is a folder": func(_, file string, _ *issuer.Keys) error {
			return errors.Join(os.Remove(file), os.Mkdir(file, 0o700))
		},
		"folder is a file": func(dir, _ string, _ *issuer.Keys) error {
			return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			dir, file := filled(t, w)
			k := w.keys(t, cached(dir))
			require.NoError(t, spoil(dir, file, k))
			w.want(t, k, w.issuer, credtest.KeyES256)
			assert.Equal(t, []string{openID, jwks}, w.fetched(), "the issuer is asked instead")
		})
	}
}

func TestNothingIsWrittenWhereOthersMayWrite(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // the owner rules do not exist there
	}
	w := newWorld(t)
	dir, _ := cacheOf(t, w)
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.Chmod(dir, 0o777))
	w.want(t, w.keys(t, cached(dir)), w.issuer, credtest.KeyES256)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

// The owner of the file counts, not only that of the folder.
func TestAForeignFileInOnesOwnFolderIsNotUsed(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // only root can give files away; TestACacheThatCannotBeTrustedIsNotUsed covers the rest
	}
	w := newWorld(t)
	dir, file := filled(t, w)
	require.NoError(t, os.Chown(file, 65534, 65534))
	w.want(t, w.keys(t, cached(dir)), w.issuer, credtest.KeyES256)
	assert.Len(t, w.fetched(), 2)
	w.want(t, w.keys(t, cached(dir)), w.issuer, credtest.KeyES256)
	assert.Empty(t, w.fetched(), "and it was replaced")
}

// edit changes a cache file as somebody might, who thinks of everything but the
// member in question.
func edit(t *testing.T, content []byte, member, value string) []byte {
	t.Helper()
	return []byte(with(string(content), member, value))
}

func TestADamagedCacheIsIgnoredAndRewritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, file := filled(t, w)
	good, err := os.ReadFile(file)
	require.NoError(t, err)
	future, err := json.Marshal(w.Now().Add(time.Hour))
	require.NoError(t, err)
	for name, bad := range map[string][]byte{
		"empty":                {},
		"cut short":            good[:len(good)/2],
		"zeros":                make([]byte, len(good)),
		"no JSON":              []byte("keys"),
		"a list":               []byte("[]"),
		"two objects":          append(bytes.Clone(good), good...),
		"another version":      edit(t, good, "version", "2"),
		"no version":           edit(t, good, "version", ""),
		"another issuer":       edit(t, good, "issuer", `"https://o.example"`),
		"keys elsewhere":       edit(t, good, "jwks_uri", `"http://o.example"`),
		"from the future":      edit(t, good, "checked", string(future)),
		"without a time":       edit(t, good, "checked", ""),
		"a weak key":           edit(t, good, "keys", "["+rsaJWK(modulus(1024), 65537)+"]"),
		"a broken key":         edit(t, good, "keys", `[{"kty":"EC","crv":"P-256","x":"","y":""}]`),
		"too many keys":        edit(t, good, "keys", "["+strings.Repeat(material().p256+",", issuer.MaxKeys)+material().p256+"]"),
		"keys of another type": edit(t, good, "keys", "7"),
		"too large":            append(bytes.Clone(good), make([]byte, 2<<20)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w2 := &world{Site: w.Site, issuer: w.issuer, now: w.Now()}
			dir, file := cacheOf(t, w2)
			require.NoError(t, os.MkdirAll(dir, 0o700))
			require.NoError(t, os.WriteFile(file, bad, 0o600))
			var log bytes.Buffer
			k := w2.keys(t, cached(dir), func(c *issuer.Config) {
				c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			w2.want(t, k, w2.issuer, credtest.KeyES256)
			assert.Contains(t, log.String(), "cached keys not used", "the issuer was asked")
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			n, _, err := issuer.CheckCacheFile(content, w2.issuer.URL(), w2.Now())
			require.NoError(t, err)
			assert.Equal(t, 2, n)
		})
	}
}

// Whatever the file says of itself.
func TestACacheFileIsFreshForSixHoursAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, file := filled(t, w)
	good, err := os.ReadFile(file)
	require.NoError(t, err)
	_, fresh, err := issuer.CheckCacheFile(edit(t, good, "fresh", `"9999-01-01T00:00:00Z"`), w.issuer.URL(), w.Now())
	require.NoError(t, err)
	assert.WithinDuration(t, w.Now().Add(issuer.MaxFresh), fresh, 0)
}

func TestAnEntityTagFromTheCacheIsSent(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ tag, want string }{
		"sound": {`"\"7\""`, `"7"`}, "with a line break": {`"\"7\r\nX: y\""`, ""}, "long": {`"\"` + strings.Repeat("7", 300) + `\""`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			dir, file := filled(t, w)
			good, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(file, edit(t, good, "etag", tt.tag), 0o600))
			tag := "not asked"
			w.HandleFunc(jwks, func(rw http.ResponseWriter, r *http.Request) {
				tag = r.Header.Get("If-None-Match")
				_, _ = rw.Write(w.issuer.JWKS())
			})
			w.pass(issuer.MaxFresh)
			w.want(t, w.keys(t, cached(dir)), w.issuer, credtest.KeyES256)
			assert.Equal(t, tt.want, tag)
		})
	}
}

func TestTheDefaultFolder(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // os.UserCacheDir knows other systems' places
	}
	t.Setenv("XDG_CACHE_HOME", "/somewhere")
	dir, err := issuer.DefaultCacheDir()
	require.NoError(t, err)
	assert.Equal(t, "/somewhere/scicred/keys", dir)
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "/home/ada")
	dir, err = issuer.DefaultCacheDir()
	require.NoError(t, err)
	assert.Equal(t, "/home/ada/.cache/scicred/keys", dir)
	t.Setenv("XDG_CACHE_HOME", "here")
	_, err = issuer.DefaultCacheDir()
	require.Error(t, err, "a relative one is invalid (XDG Base Directory Specification)")
}

// The other process of the tests below: it looks for a key as its environment
// says, and prints what became of it.
func TestMain(m *testing.M) {
	name := os.Getenv("ISSUER_TEST_PROCESS")
	if name == "" {
		os.Exit(m.Run())
	}
	ca, err := os.ReadFile(os.Getenv("ISSUER_TEST_CA"))
	if err == nil {
		err = findKey(name, ca, os.Getenv("ISSUER_TEST_CACHE"))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("found")
}

func TestProcessesShareACache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, file := cacheOf(t, w)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(caFile, w.CA.CertPEM(), 0o600))
	run := func() (string, error) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "ISSUER_TEST_PROCESS="+w.issuer.URL(), "ISSUER_TEST_CA="+caFile, "ISSUER_TEST_CACHE="+dir, "HTTPS_PROXY=", "https_proxy=")
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	out, err := run()
	require.NoError(t, err, out)
	assert.Equal(t, []string{openID, jwks}, w.fetched())
	out, err = run()
	require.NoError(t, err, out)
	assert.Empty(t, w.fetched(), "the second process asks nobody")

	// Many at a time, without a lock, while the file comes and goes.
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2 {
				_ = os.Remove(file) // it may be gone already
				out, err := run()
				assert.NoError(t, err, out)
			}
		})
	}
	wg.Wait()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
	w.Close()
	out, err = run()
	require.NoError(t, err, "and now without a network: %s", out)
}
