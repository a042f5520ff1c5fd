// SPDX-License-Identifier: BSD-3-Clause

//go:build unix

package osfile_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/osfile"
)

// nobody is a user who owns nothing here.
const nobody = 65534

func TestANamedPipeIsRefusedWithoutWaitingForAWriter(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	refused := make(chan error, 1)
	go func() {
		_, _, err := read(machine(), pipe, osfile.Rule{Max: limit})
		refused <- err
	}()
	select {
	case err := <-refused:
		require.ErrorIs(t, err, osfile.ErrNotRegular)
		assert.EqualError(t, err, "is not a regular file but a named pipe")
	case <-time.After(20 * time.Second): // only ever waited for in a test that fails
		t.Fatal("reading a named pipe that nobody writes to hangs")
	}
}

func TestADeviceIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"/dev/zero", "/dev/null"} {
		_, _, err := read(machine(), name, osfile.Rule{Max: limit})
		require.ErrorIs(t, err, osfile.ErrNotRegular, name)
		assert.EqualError(t, err, "is not a regular file but a device", name)
	}
}

func TestASocketIsCalledSo(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })

	_, _, err = read(machine(), socket, osfile.Rule{Max: limit})
	require.ErrorIs(t, err, osfile.ErrNotRegular)
	assert.EqualError(t, err, "is not a regular file but a socket")
}

func TestALoopOfLinksIsRefused(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink("link", link))
	_, info, err := read(machine(), link, osfile.Rule{Max: limit})
	require.ErrorIs(t, err, syscall.ELOOP)
	assert.False(t, info.Stamp.Exists())
}

func TestAFileWhereAFolderShouldBeIsNotAMissingFile(t *testing.T) {
	t.Parallel()
	file := write(t, filepath.Join(t.TempDir(), "file"), "text", 0o600)
	_, info, err := read(machine(), filepath.Join(file, "token"), osfile.Rule{Max: limit})
	require.ErrorIs(t, err, syscall.ENOTDIR)
	assert.NotErrorIs(t, err, fs.ErrNotExist)
	assert.NotEqual(t, osfile.Stamp{}, info.Stamp)
}

func TestTheOwnerOfThisProcessesFilesIsKnown(t *testing.T) {
	t.Parallel()
	file := write(t, filepath.Join(t.TempDir(), "file"), "text", 0o600)
	fi, err := os.Stat(file)
	require.NoError(t, err)
	id, ok := osfile.Identify(fi)
	require.True(t, ok)
	assert.Equal(t, os.Geteuid(), id.UID)
	assert.NotZero(t, id.Inode)
	assert.WithinDuration(t, time.Now(), id.Changed, time.Hour)

	link := filepath.Join(filepath.Dir(file), "link")
	require.NoError(t, os.Link(file, link))
	fi, err = os.Stat(link)
	require.NoError(t, err)
	same, _ := osfile.Identify(fi)
	assert.Equal(t, id.Inode, same.Inode, "the inode, not the name, tells files apart")

	_, ok = osfile.Identify(fakeInfo{})
	assert.False(t, ok, "of a file that is not of this system nothing is known")
}

// Stamps of a look and of a read are compared.
func TestAnOpenFileSaysOfItselfWhatTheSystemSaysOfItsName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o640))
	for name, mode := range map[string]fs.FileMode{
		"private": 0o600, "open": 0o644, "none": 0, "odd": 0o751, "setuid": fs.ModeSetuid | 0o755, "setgid": fs.ModeSetgid | 0o755, "sticky": fs.ModeSticky | 0o600,
	} {
		write(t, filepath.Join(dir, name), name, mode)
	}
	sticky := folder(t, fs.ModeSticky|0o777)
	names := []string{pipe, dir, sticky, "/dev/null", "/dev/zero"}
	for _, name := range []string{"private", "open", "none", "odd", "setuid", "setgid", "sticky"} {
		names = append(names, filepath.Join(dir, name))
	}
	for _, name := range names {
		f, err := osfile.Open(name)
		if errors.Is(err, fs.ErrPermission) {
			continue // not root
		}
		require.NoError(t, err, name)
		got, err := f.Stat()
		require.NoError(t, err, name)
		want, err := os.Stat(name)
		require.NoError(t, err, name)
		assert.Equal(t, want.Mode(), got.Mode(), name)
		assert.Equal(t, want.Size(), got.Size(), name)
		assert.Equal(t, want.ModTime(), got.ModTime(), name)
		assert.Equal(t, want.IsDir(), got.IsDir(), name)
		assert.Equal(t, want.Name(), got.Name())
		wantID, _ := osfile.Identify(want)
		gotID, ok := osfile.Identify(got)
		assert.True(t, ok)
		assert.Equal(t, wantID, gotID, name)
		require.NoError(t, f.Close(), name)
	}
}

func TestAnOpenFileIsReadToItsEndHoweverItsSizeChanges(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, after string
	}{
		"the same":              {"twelve bytes", "twelve bytes"},
		"it grows":              {"twelve bytes", "twelve bytes and then some more of them"},
		"it grows from nothing": {"", "something"},
		"it shrinks":            {"twelve bytes", "four"},
		"it is emptied":         {"twelve bytes", ""},
		"empty":                 {"", ""},
	} {
		for _, step := range []int{1, 5, 12, 13, 100} {
			path := write(t, filepath.Join(t.TempDir(), "file"), tt.before, 0o600)
			f, err := osfile.Open(path)
			require.NoError(t, err)
			_, err = f.Stat()
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, []byte(tt.after), 0o600))
			var all []byte
			for {
				buf := make([]byte, step)
				n, err := f.Read(buf)
				all = append(all, buf[:n]...)
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err)
				require.NotZero(t, n)
			}
			assert.Equal(t, tt.after, string(all), "%s, %d at a time", name, step)
			require.NoError(t, f.Close())
		}
	}
}

func TestTheEndOfAFileIsSeenWithItsLastByte(t *testing.T) {
	t.Parallel()
	f, err := osfile.Open(write(t, filepath.Join(t.TempDir(), "file"), "text", 0o600))
	require.NoError(t, err)
	_, err = f.Stat()
	require.NoError(t, err)
	buf := make([]byte, 5)
	n, err := f.Read(buf[:0])
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = f.Read(buf)
	assert.Equal(t, 4, n)
	assert.Equal(t, io.EOF, err, "so that it is not asked for")
	n, err = f.Read(buf)
	assert.Zero(t, n)
	require.ErrorIs(t, err, io.EOF)

	require.NoError(t, f.Close())
	require.ErrorIs(t, f.Close(), fs.ErrClosed)
	_, err = f.Read(buf)
	require.ErrorIs(t, err, syscall.EBADF)
	_, err = f.Stat()
	require.ErrorIs(t, err, syscall.EBADF)
}

func TestAFileOfTheSystemThatSaysItIsEmptyIsReadWhole(t *testing.T) {
	t.Parallel()
	const name = "/proc/self/status"
	if _, err := os.Stat(name); err != nil {
		t.Skip("this system has no such files") // not a matter of CI: they are Linux's
	}
	data, _, err := read(machine(), name, osfile.Rule{Max: 1 << 20})
	require.NoError(t, err)
	assert.Contains(t, string(data), "Pid:")
	assert.Equal(t, byte('\n'), data[len(data)-1])
}

// Some file systems give less than they are asked for though there is more.
func TestLessThanWasAskedForIsNotTheEnd(t *testing.T) {
	t.Parallel()
	f, err := osfile.Open("/proc/self/smaps") // of many kilobytes, a page at a time
	if err != nil {
		t.Skip("this system has no such files") // not a matter of CI: they are Linux's
	}
	t.Cleanup(func() { _ = f.Close() })
	_, err = f.Stat()
	require.NoError(t, err)
	buf := make([]byte, 1<<20)
	n, err := f.Read(buf)
	require.NoError(t, err)
	assert.Positive(t, n)
	assert.Less(t, n, len(buf))
	more, err := f.Read(buf)
	require.NoError(t, err)
	assert.Positive(t, more)
}

func TestAnErrorOfOpeningNamesTheFileAndTheReason(t *testing.T) {
	t.Parallel()
	f, err := osfile.Open(filepath.Join(t.TempDir(), "none"))
	assert.Nil(t, f)
	var pe *fs.PathError
	require.ErrorAs(t, err, &pe)
	assert.Equal(t, "open", pe.Op)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = osfile.Open("a\x00b")
	require.ErrorIs(t, err, syscall.EINVAL)
	_, err = osfile.Open("")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestNoOpenFileIsLeftBehind(t *testing.T) { //nolint:paralleltest // counts the open files of the process
	const open = "/proc/self/fd"
	if _, err := os.Stat(open); err != nil {
		t.Skip("this system does not tell which files are open") // not a matter of CI: it is Linux's
	}
	dir := t.TempDir()
	good, big := write(t, filepath.Join(dir, "good"), "text", 0o600), write(t, filepath.Join(dir, "big"), strings.Repeat("x", limit+1), 0o600)
	count := func() int {
		entries, err := os.ReadDir(open)
		require.NoError(t, err)
		return len(entries)
	}
	before := count()
	for range 100 {
		for _, name := range []string{good, big, dir, filepath.Join(dir, "none"), "/dev/null"} {
			_, _, _ = read(machine(), name, osfile.Rule{Max: limit})
		}
	}
	assert.Less(t, count(), before+50)
}

// Where link is a symbolic link, link/.. is not the folder that link stands in.
func TestTheFolderOfAFileIsTheRealOne(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		// Not a matter of CI, which is root.
		t.Skip("only root can give files to another user")
	}
	private, open := folder(t, 0o755), folder(t, 0o777)
	require.NoError(t, os.Mkdir(filepath.Join(open, "sub"), 0o755))
	theirs := write(t, filepath.Join(open, "file"), "text", 0o644)
	require.NoError(t, os.Lchown(theirs, nobody, nobody))
	require.NoError(t, os.Symlink(filepath.Join(open, "sub"), filepath.Join(private, "link")))
	_, _, err := read(machine(), private+"/link/../file", osfile.Rule{Max: limit})
	assert.ErrorIs(t, err, osfile.ErrOwner)
	_, _, err = read(machine(), private+"/link/../none", osfile.Rule{Max: limit})
	assert.NotErrorIs(t, err, osfile.ErrNoFolder)
}

// Planted files as they really are, which takes root to make.
func TestPlantedFilesAndLinksAreRefusedInARealSharedFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		// Not a matter of CI, which is root: the rule is tested with made-up owners too.
		t.Skip("only root can give files to another user")
	}
	dir := folder(t, fs.ModeSticky|0o777)
	file := func(name string) string { return write(t, filepath.Join(dir, name), name, 0o644) }
	link := func(name, to string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.Symlink(to, path))
		return path
	}
	give := func(path string) string {
		require.NoError(t, os.Lchown(path, nobody, nobody))
		return path
	}
	mine, theirs := file("mine"), give(file("theirs"))
	safe := give(write(t, filepath.Join(folder(t, 0o755), "file"), "elsewhere", 0o644))
	home := folder(t, 0o755)
	elsewhere, rooted := filepath.Join(home, "link"), filepath.Join(home, "rooted")
	require.NoError(t, os.Symlink(theirs, elsewhere))
	require.NoError(t, os.Symlink(mine, rooted)) // root's, since this is root
	tests := map[string]struct {
		path string
		want error
	}{
		"my file":                    {mine, nil},
		"my link to my file":         {link("a", "mine"), nil},
		"their file":                 {theirs, osfile.ErrOwner},
		"their link to my file":      {give(link("b", "mine")), osfile.ErrOwner},
		"my link to their file":      {link("c", "theirs"), osfile.ErrOwner},
		"their file in a safe place": {safe, nil},
		"my link to their file, wherever the link is": {elsewhere, osfile.ErrOwner},
		"my link to root's file":                      {rooted, nil},
	}
	for name, tt := range tests {
		data, info, err := read(machine(), tt.path, osfile.Rule{Max: limit})
		if tt.want == nil {
			assert.NoError(t, err, name)
			assert.NotEmpty(t, data, name)
			continue
		}
		assert.ErrorIs(t, err, tt.want, name)
		assert.Empty(t, data, name)
		assert.True(t, info.Stamp.Exists(), name)
	}
	_, _, err := read(machine(), safe, osfile.Rule{Max: limit, Private: true})
	assert.ErrorIs(t, err, osfile.ErrOwner)
}

func TestAFileThatIsSwappedBetweenTwoCallsIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t, 0o777)
	name := write(t, filepath.Join(dir, "file"), "the first", 0o600)
	swapped := write(t, filepath.Join(dir, "new"), "the second", 0o600)
	f := machine()
	f.Open = func(name string) (fs.File, error) {
		file, err := osfile.Open(name)
		require.NoError(t, os.Rename(swapped, name))
		return file, err
	}
	data, _, err := read(f, name, osfile.Rule{Max: limit})
	require.ErrorIs(t, err, osfile.ErrMoved)
	assert.Empty(t, data)
}

// What the user may not read. Root may read everything, so for root this test
// runs in a child under another user.
func TestWhatTheUserMayNotReadIsRefusedWithTheReason(t *testing.T) {
	if os.Geteuid() == 0 {
		runAsNobody(t)
		return
	}
	dir := t.TempDir()
	closed := write(t, filepath.Join(dir, "closed"), "text", 0)
	cellar := filepath.Join(dir, "cellar")
	require.NoError(t, os.Mkdir(cellar, 0o700))
	inside := write(t, filepath.Join(cellar, "file"), "text", 0o600)
	require.NoError(t, os.Chmod(cellar, 0))
	t.Cleanup(func() { _ = os.Chmod(cellar, 0o700) })

	for name, path := range map[string]string{"a file without permission": closed, "a file in a folder without permission": inside} {
		data, info, err := read(machine(), path, osfile.Rule{Max: limit})
		require.ErrorIs(t, err, fs.ErrPermission, name)
		require.NotErrorIs(t, err, fs.ErrNotExist, name)
		assert.EqualError(t, err, "permission denied", name)
		assert.Empty(t, data, name)
		assert.False(t, info.Stamp.Exists(), name)
		assert.NotEqual(t, osfile.Stamp{}, info.Stamp, name)
	}
	assert.NotEqual(t, osfile.Stamp{}, machine().Stamp(inside), "that a file cannot be seen does not mean that it is not there")
}

// runAsNobody runs the test that calls it once more, under another user.
func runAsNobody(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Chmod(dir, 0o755))
	program := filepath.Join(dir, "test") // the go command keeps its own from others
	copyFile(t, program)

	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = "/", []string{"TMPDIR=" + os.TempDir()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("root cannot start a process under another user: %v", err)
		}
		t.Skipf("root may read everything, and this system lets nobody start a process under another user: %v", err)
	}
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "--- PASS: "+t.Name())
}

func copyFile(t *testing.T, to string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	in, err := os.Open(self)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
	require.NoError(t, os.Chmod(to, 0o755))
}
