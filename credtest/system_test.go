// SPDX-License-Identifier: BSD-3-Clause

package credtest_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

func read(s *scicred.System, name string) (string, error) {
	file, err := s.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	return string(data), err
}

// id returns what the system says of a file, following links.
func id(t *testing.T, s *scicred.System, name string) scicred.FileID {
	t.Helper()
	fi, err := s.Stat(name)
	require.NoError(t, err)
	i, ok := s.Identify(fi)
	require.True(t, ok)
	return i
}

func TestANewWorldIsAMachineSomebodyHasLoggedInTo(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	s := w.System()
	assert.Equal(t, 1000, s.EUID())
	assert.Equal(t, "/tmp", s.TempDir())
	home, err := s.HomeDir()
	require.NoError(t, err)
	assert.Equal(t, "/home/user", home)
	assert.Equal(t, 1000, id(t, s, home).UID)
	_, set := s.LookupEnv("PATH")
	assert.False(t, set)
	fi, err := s.Stat("/tmp")
	require.NoError(t, err)
	assert.Equal(t, fs.ModeDir|fs.ModeSticky|0o777, fi.Mode())
	assert.Equal(t, 0, id(t, s, "/tmp").UID)
	assert.WithinDuration(t, time.Now(), s.Now(), time.Minute)
	w.Advance(time.Hour)
	assert.Equal(t, w.Now(), s.Now())
}

func TestAFileIsWhatItWasWrittenAs(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	s := w.System()
	w.Advance(time.Hour)
	w.WriteFile("/run/user/1000/file", "content", 0o644, 7)
	got, err := read(s, "/run/user/../user/1000/file")
	require.NoError(t, err)
	assert.Equal(t, "content", got)
	fi, err := s.Stat("/run/user/1000/file")
	require.NoError(t, err)
	assert.Equal(t, "file", fi.Name())
	assert.EqualValues(t, len("content"), fi.Size())
	assert.Equal(t, fs.FileMode(0o644), fi.Mode())
	assert.Equal(t, w.Now(), fi.ModTime())
	assert.Equal(t, 7, id(t, s, "/run/user/1000/file").UID)
	assert.Equal(t, 7, id(t, s, "/run/user").UID, "folders are made by the owner of the file")
}

func TestTheRightsOfTheUserCount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		mode      fs.FileMode
		uid, euid int
		dir       fs.FileMode
		want      error
	}{
		{"the owner may read", 0o400, 1000, 1000, 0o755, nil},
		{"the owner may not without his bit", 0o044, 1000, 1000, 0o755, fs.ErrPermission},
		{"others may with theirs", 0o004, 7, 1000, 0o755, nil},
		{"nobody is in a group", 0o040, 7, 1000, 0o755, fs.ErrPermission},
		{"root may", 0o000, 7, 0, 0o700, nil},
		{"a closed folder hides its files", 0o644, 7, 1000, 0o700, fs.ErrPermission},
		{"where users have no numbers, all may", 0o000, 7, -1, 0o700, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := credtest.NewWorld()
			w.SetUser(c.euid, "/home/user")
			w.Mkdir("/d", c.dir, 7)
			w.WriteFile("/d/file", "content", c.mode, c.uid)
			got, err := read(w.System(), "/d/file")
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "content", got)
		})
	}
}

func TestErrorsAreThoseOfTheOperatingSystem(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	w.Put("/d/file", "content")
	w.Symlink("/d/loop", "/d/loop", 1000)
	w.Symlink("nowhere", "/d/dangling", 1000)
	w.WriteFile("/d/closed/file", "content", 0o600, 0)
	w.Mkdir("/d/closed", 0o711, 0)
	s := w.System()
	readDir := func(name string) error { _, err := s.ReadDir(name); return err }
	open := func(name string) error { _, err := read(s, name); return err }
	stat := func(name string) error { _, err := s.Stat(name); return err }
	for _, c := range []struct {
		name string
		call func(string) error
		file string
		want error
	}{
		{"no file", open, "/d/none", fs.ErrNotExist},
		{"no folder", stat, "/none/none", fs.ErrNotExist},
		{"a file is no folder", open, "/d/file/x", syscall.ENOTDIR},
		{"a file cannot be listed", readDir, "/d/file", syscall.ENOTDIR},
		{"a folder cannot be read", open, "/d", syscall.EISDIR},
		{"a link that goes nowhere", open, "/d/dangling", fs.ErrNotExist},
		{"a link to itself", stat, "/d/loop", syscall.ELOOP},
		{"a folder that cannot be listed", readDir, "/d/closed", fs.ErrPermission},
		{"and its files can be seen", stat, "/d/closed/file", nil},
		{"but not read", open, "/d/closed/file", fs.ErrPermission},
	} {
		assert.ErrorIs(t, c.call(c.file), c.want, c.name)
	}
}

func TestSymbolicLinksAreFollowedInEveryPart(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	w.Put("/data/real/file", "content")
	w.Symlink("/data/real", "/absolute", 7)
	w.Symlink("../data", "/home/relative", 7)
	s := w.System()
	for _, name := range []string{"/absolute/file", "/home/relative/real/file"} {
		got, err := read(s, name)
		require.NoError(t, err)
		assert.Equal(t, "content", got)
	}
	fi, err := s.Lstat("/absolute")
	require.NoError(t, err)
	assert.Equal(t, fs.ModeSymlink, fi.Mode().Type())
	link, _ := s.Identify(fi)
	assert.Equal(t, 7, link.UID)
	assert.Equal(t, 1000, id(t, s, "/absolute").UID)
	entries, err := s.ReadDir("/absolute")
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.Equal(t, "file", entries[0].Name())
}

func TestAReplacedFileLooksReplacedAndAnOverwrittenOneChanged(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	s := w.System()
	w.Put("/d/file", "one")
	first := id(t, s, "/d/file")
	open, err := s.Open("/d/file")
	require.NoError(t, err)

	w.Advance(time.Minute)
	w.Put("/d/file", "two")
	second := id(t, s, "/d/file")
	assert.NotEqual(t, first.Inode, second.Inode)
	data, err := io.ReadAll(open)
	require.NoError(t, err)
	assert.Equal(t, "one", string(data), "who has it open goes on reading the old one")

	w.Advance(time.Minute)
	w.Overwrite("/d/file", "three")
	third := id(t, s, "/d/file")
	assert.Equal(t, second.Inode, third.Inode)
	assert.Equal(t, second.Changed.Add(time.Minute), third.Changed)

	w.Advance(time.Minute)
	w.Chmod("/d/file", 0o644)
	w.Chown("/d/file", 7)
	fi, err := s.Stat("/d/file")
	require.NoError(t, err)
	assert.Equal(t, third.Changed, fi.ModTime(), "the content has not changed")
	assert.Equal(t, third.Changed.Add(time.Minute), id(t, s, "/d/file").Changed, "the inode has")
	assert.Equal(t, 7, id(t, s, "/d/file").UID)
	assert.Equal(t, fs.FileMode(0o644), fi.Mode())
	assert.EqualValues(t, 5, fi.Size())
}

func TestAFolderChangesWithItsNames(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	s := w.System()
	w.Put("/d/sub/b", "")
	w.Put("/d/sub/a", "")
	entries, err := s.ReadDir("/d/sub")
	require.NoError(t, err)
	require.Len(t, entries, 2)
	assert.Equal(t, "a", entries[0].Name(), "in name order")
	for _, change := range []func(){
		func() { w.Put("/d/sub/c", "") },
		func() { w.Remove("/d/sub/c") },
	} {
		before := id(t, s, "/d/sub").Changed
		w.Advance(time.Second)
		change()
		assert.Equal(t, before.Add(time.Second), id(t, s, "/d/sub").Changed)
	}
	w.Remove("/d")
	w.Remove("/d")
	_, err = s.Stat("/d/sub/a")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestWhatIsNoFileReadsWithoutEnd(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	w.Mknod("/tmp/pipe", fs.ModeNamedPipe|0o600, 1000)
	file, err := w.System().Open("/tmp/pipe")
	require.NoError(t, err, "opening does not wait for a writer")
	fi, err := file.Stat()
	require.NoError(t, err)
	assert.Equal(t, fs.ModeNamedPipe, fi.Mode().Type())
	n, err := io.ReadFull(file, make([]byte, 1<<20))
	require.NoError(t, err)
	assert.Equal(t, 1<<20, n)
	require.NoError(t, file.Close())
	_, err = file.Read(make([]byte, 1))
	require.ErrorIs(t, err, fs.ErrClosed)
}

func TestABrokenFolderFailsUntilItIsRepaired(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	w.Put("/nfs/home/file", "content")
	w.Symlink("/nfs/home", "/home/user/link", 1000)
	s := w.System()
	w.Break("/nfs", syscall.EIO)
	for _, name := range []string{"/nfs", "/nfs/home/file", "/home/user/link/file", "/nfs/none"} {
		_, err := s.Stat(name)
		require.ErrorIs(t, err, syscall.EIO, name)
	}
	w.Break("/nfs", nil)
	got, err := read(s, "/home/user/link/file")
	require.NoError(t, err)
	assert.Equal(t, "content", got)
}

func TestAStalledFolderAnswersWhenItIsReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := credtest.NewWorld()
		w.Put("/nfs/file", "content")
		release := w.Stall("/nfs")
		done := false
		go func() {
			_, err := read(w.System(), "/nfs/file")
			done = assert.NoError(t, err)
		}()
		synctest.Wait()
		assert.False(t, done)
		w.Advance(time.Second) // the rest of the world goes on
		release()
		release()
		synctest.Wait()
		assert.True(t, done)
	})
}

func TestImpossibleThingsPanic(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	w.Put("/d/file", "")
	w.Stall("/s")
	assert.Panics(t, func() { w.Chmod("/none", 0o600) })
	assert.Panics(t, func() { w.Put("/d", "") })
	assert.Panics(t, func() { w.Put("/d/file/x", "") })
	assert.Panics(t, func() { w.Stall("/s") })
}

func TestDiscoveryLooksAtTheWorld(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	issuer := credtest.NewIssuer("https://issuer.example.org")
	good := issuer.SciToken(nil, credtest.At(w.Now()))

	w.WriteFile("/tmp/bt_u1000", good, 0o644, 7)
	_, err := w.System().FindToken(t.Context(), scicred.Target{})
	require.ErrorIs(t, err, scicred.ErrInsecure, "planted by another user")

	w.Remove("/tmp/bt_u1000")
	w.Put("/tmp/bt_u1000", good)
	token, err := w.System().FindToken(t.Context(), scicred.Target{})
	require.NoError(t, err)
	assert.Equal(t, good, token.Reveal())

	w.Advance(2 * time.Hour)
	_, err = w.System().FindToken(t.Context(), scicred.Target{})
	require.ErrorIs(t, err, scicred.ErrExpired)

	w.SetEnv("BEARER_TOKEN", issuer.WLCG(nil, credtest.At(w.Now())))
	token, err = w.System().FindToken(t.Context(), scicred.Target{})
	require.NoError(t, err)
	assert.Equal(t, "BEARER_TOKEN", token.Candidate())
	w.UnsetEnv("BEARER_TOKEN")

	w.SetUser(-1, "")
	_, err = w.System().FindToken(t.Context(), scicred.Target{})
	require.ErrorIs(t, err, scicred.ErrNoCredentials, "without numbers there is no /tmp/bt_u1000")
	assert.NotErrorIs(t, err, scicred.ErrExpired)
	_, err = w.System().HomeDir()
	require.Error(t, err)
}

// baseFunc is an http.RoundTripper.
type baseFunc func(*http.Request) (*http.Response, error)

func (f baseFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestCallsShowThatAWarmRequestLeavesTheFilesAlone(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	w.Put("/tmp/bt_u1000", credtest.NewIssuer("https://issuer.example.org").SciToken(nil, credtest.At(w.Now())))
	carried := 0
	tr, err := scicred.NewTransport(baseFunc(func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("Authorization") != "" {
			carried++
		}
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
	}), scicred.WithSystem(w.System()))
	require.NoError(t, err)
	get := func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://data.example.org/x", nil)
		require.NoError(t, err)
		resp, err := tr.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	get()
	assert.Contains(t, w.Calls(), "open /tmp/bt_u1000")
	assert.Contains(t, w.Calls(), "stat /tmp")
	w.Forget()
	get()
	assert.Empty(t, w.Calls())
	w.Advance(time.Second)
	get()
	assert.NotEmpty(t, w.Calls())
	assert.Equal(t, 3, carried)
}

func TestAWorldIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	w := credtest.NewWorld()
	s := w.System()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			w.Put("/d/file", "content")
			w.SetEnv("X", "1")
			w.Advance(time.Second)
			w.Chmod("/d/file", 0o600)
			w.Break("/d/other", errors.New("broken"))
			_, err := read(s, "/d/file")
			assert.NoError(t, err)
			_, err = s.ReadDir("/d")
			assert.NoError(t, err)
			_, _ = s.LookupEnv("X")
			_ = w.Calls()
		})
	}
	wg.Wait()
}
