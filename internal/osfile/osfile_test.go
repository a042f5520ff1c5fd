// SPDX-License-Identifier: BSD-3-Clause

package osfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/osfile"
)

const limit = 100

// machine is the file system of this machine.
func machine() osfile.FS {
	return osfile.FS{Open: osfile.Open, Stat: os.Stat, Lstat: os.Lstat, ReadDir: os.ReadDir, Identify: osfile.Identify, EUID: os.Geteuid()}
}

// read reads a file as one look around does.
func read(f osfile.FS, name string, rule osfile.Rule) ([]byte, osfile.Info, error) {
	return f.NewReader().Read(name, rule)
}

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	require.NoError(t, os.Chmod(name, mode), "whatever the umask is")
	return name
}

// folder makes a folder with that mode, whatever the umask is.
func folder(t *testing.T, mode os.FileMode) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "folder")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, os.Chmod(dir, mode))
	return dir
}

func TestARegularFileIsReadWhole(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "short": "abc", "with NUL and line breaks": "a\x00b\r\nc\n", "as long as may be": strings.Repeat("x", limit),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := write(t, filepath.Join(t.TempDir(), "file"), text, 0o600)
			data, info, err := read(machine(), file, osfile.Rule{Max: limit})
			require.NoError(t, err)
			assert.Equal(t, text, string(data))
			assert.True(t, info.Stamp.Exists())
			assert.False(t, info.OpenToOthers)
		})
	}
}

func TestAFileOverItsLimitIsRefusedWithoutBeingRead(t *testing.T) {
	t.Parallel()
	file := write(t, filepath.Join(t.TempDir(), "file"), strings.Repeat("x", limit+1), 0o600)
	f := machine()
	var opened *countingFile
	f.Open = func(name string) (fs.File, error) {
		inner, err := osfile.Open(name)
		opened = &countingFile{File: inner}
		return opened, err
	}
	data, info, err := read(f, file, osfile.Rule{Max: limit})
	require.ErrorIs(t, err, osfile.ErrTooLarge)
	assert.EqualError(t, err, "is too large: 101 bytes, at most 100 are read")
	assert.Nil(t, data)
	assert.Zero(t, opened.bytes, "bytes read")
	assert.True(t, opened.closed, "the file was closed")
	assert.True(t, info.Stamp.Exists(), "what was seen is noted, so that a change of it is")
}

// countingFile notes how much is read.
type countingFile struct {
	fs.File
	bytes  int
	closed bool
}

func (f *countingFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.bytes += n
	return n, err
}

func (f *countingFile) Close() error {
	f.closed = true
	return f.File.Close()
}

// fakeInfo is what a fake file system says of a file.
type fakeInfo struct {
	name  string
	size  int64
	mode  fs.FileMode
	mtime time.Time
	id    osfile.ID
}

func (i fakeInfo) Name() string       { return i.name }
func (i fakeInfo) Size() int64        { return i.size }
func (i fakeInfo) Mode() fs.FileMode  { return i.mode }
func (i fakeInfo) ModTime() time.Time { return i.mtime }
func (i fakeInfo) IsDir() bool        { return i.mode.IsDir() }
func (i fakeInfo) Sys() any           { return i.id }

func identifyFake(fi fs.FileInfo) (osfile.ID, bool) {
	id, ok := fi.Sys().(osfile.ID)
	return id, ok
}

// fakeFile is an open file whose content is a reader.
type fakeFile struct {
	io.Reader
	info    fs.FileInfo
	statErr error
}

func (f fakeFile) Stat() (fs.FileInfo, error) { return f.info, f.statErr }
func (fakeFile) Close() error                 { return nil }

// fake is a file system with one private file in one private folder.
func fake(info fs.FileInfo, content io.Reader) osfile.FS {
	dir := fakeInfo{mode: fs.ModeDir | 0o700}
	stat := func(name string) (fs.FileInfo, error) {
		if name == "/private" {
			return dir, nil
		}
		return info, nil
	}
	return osfile.FS{
		Open: func(string) (fs.File, error) { return fakeFile{Reader: content, info: info}, nil },
		Stat: stat, Lstat: stat, Identify: identifyFake,
	}
}

// endless counts what it gives. It ends after all, long after anybody should
// have stopped.
type endless struct{ given int }

func (e *endless) Read(p []byte) (int, error) {
	if e.given > 1<<20 {
		return 0, io.EOF
	}
	n := min(len(p), 7)
	for i := range n {
		p[i] = 'x'
	}
	e.given += n
	return n, nil
}

func TestAFileThatGrowsWhileItIsReadEndsAtTheLimit(t *testing.T) {
	t.Parallel()
	source := &endless{}
	data, _, err := read(fake(fakeInfo{size: 3}, source), "/private/file", osfile.Rule{Max: limit})
	require.ErrorIs(t, err, osfile.ErrTooLarge)
	assert.EqualError(t, err, "is too large: it grew over 100 bytes while it was read")
	assert.Nil(t, data)
	assert.LessOrEqual(t, source.given, 4*limit, "no more than a little beyond the limit is taken in")
}

func TestAFileThatGrewWithinTheLimitIsReadWhole(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", limit/10)
	for _, size := range []int64{0, 3, 99, 100} { // 0: files of /proc say so
		data, _, err := read(fake(fakeInfo{size: size}, strings.NewReader(text)), "/private/file", osfile.Rule{Max: limit})
		require.NoError(t, err, size)
		assert.Equal(t, text, string(data), size)
	}
}

func TestAnErrorWhileReadingIsReturnedWithoutTheName(t *testing.T) {
	t.Parallel()
	broken := &fs.PathError{Op: "read", Path: "/private/file", Err: errors.New("input/output error")}
	data, _, err := read(fake(fakeInfo{size: 3}, io.MultiReader(strings.NewReader("ab"), failing{broken})), "/private/file", osfile.Rule{Max: limit})
	assert.EqualError(t, err, "input/output error")
	assert.Nil(t, data, "half a file is no file")
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestAnErrorOfStatIsReturnedWithoutTheName(t *testing.T) {
	t.Parallel()
	f := fake(fakeInfo{}, strings.NewReader(""))
	f.Open = func(string) (fs.File, error) {
		return fakeFile{statErr: &fs.PathError{Op: "stat", Path: "/private/file", Err: errors.New("stale file handle")}}, nil
	}
	_, info, err := read(f, "/private/file", osfile.Rule{Max: limit})
	require.EqualError(t, err, "stale file handle")
	assert.False(t, info.Stamp.Exists())
	assert.NotEqual(t, osfile.Stamp{}, info.Stamp, "that is not the same as no file")
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	t.Parallel()
	for kind, mode := range map[string]fs.FileMode{
		"a directory": fs.ModeDir, "a named pipe": fs.ModeNamedPipe, "a socket": fs.ModeSocket,
		"a device": fs.ModeDevice | fs.ModeCharDevice, "something else": fs.ModeIrregular,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			source := &endless{}
			_, _, err := read(fake(fakeInfo{mode: mode | 0o600}, source), "/private/file", osfile.Rule{Max: limit})
			require.ErrorIs(t, err, osfile.ErrNotRegular)
			assert.EqualError(t, err, "is not a regular file but "+kind)
			assert.Zero(t, source.given, "bytes read")
		})
	}
}

func TestADirectoryIsNoFile(t *testing.T) {
	t.Parallel()
	_, _, err := read(machine(), t.TempDir(), osfile.Rule{Max: limit})
	require.ErrorIs(t, err, osfile.ErrNotRegular)
	assert.EqualError(t, err, "is not a regular file but a directory")
}

func TestAMissingFileIsToldFromAMissingFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()

	_, info, err := read(machine(), filepath.Join(dir, "file"), osfile.Rule{Max: limit})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NotErrorIs(t, err, osfile.ErrNoFolder)
	assert.Equal(t, osfile.Stamp{}, info.Stamp)
	assert.NotContains(t, err.Error(), dir, "the caller says the name")

	_, info, err = read(machine(), filepath.Join(dir, "none", "file"), osfile.Rule{Max: limit})
	require.ErrorIs(t, err, osfile.ErrNoFolder)
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.Equal(t, osfile.Stamp{}, info.Stamp)
	assert.EqualError(t, err, "no such file, and its folder does not exist either")
}

func TestALinkToNothingIsAMissingFile(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink("nothing", link))
	_, _, err := read(machine(), link, osfile.Rule{Max: limit})
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.NotErrorIs(t, err, osfile.ErrNoFolder)
}

// The owner rules, with owners that are made up: they work for any user.

const (
	me    = 1000
	other = 1001
)

// shared is a file system in whose folder /tmp everybody may write.
type shared struct {
	folder fs.FileMode
	file   fakeInfo // what is opened and what Stat says
	entry  fakeInfo // what Lstat says
}

func (s shared) fs() osfile.FS {
	return osfile.FS{
		Open: func(string) (fs.File, error) {
			return fakeFile{Reader: strings.NewReader("text"), info: s.file}, nil
		},
		Stat: func(name string) (fs.FileInfo, error) {
			if name == "/tmp" {
				return fakeInfo{mode: fs.ModeDir | s.folder}, nil
			}
			return s.file, nil
		},
		Lstat:    func(string) (fs.FileInfo, error) { return s.entry, nil },
		Identify: identifyFake,
		EUID:     me,
	}
}

func node(uid int, inode uint64, mode fs.FileMode) fakeInfo {
	return fakeInfo{size: 4, mode: mode, id: osfile.ID{UID: uid, Dev: 1, Inode: inode}}
}

func TestAFileInASharedFolderMustBelongToTheUserAndSoMustALink(t *testing.T) {
	t.Parallel()
	mine, link := node(me, 1, 0o600), node(me, 2, fs.ModeSymlink|0o777)
	theirs, theirLink := node(other, 3, 0o644), node(other, 4, fs.ModeSymlink|0o777)
	tests := map[string]struct {
		folder      fs.FileMode
		file, entry fakeInfo
		want        error
		text        string
	}{
		"mine":                                   {0o1777 | fs.ModeSticky, mine, mine, nil, ""},
		"my link to my file":                     {0o777, mine, link, nil, ""},
		"somebody's file":                        {0o777, theirs, theirs, osfile.ErrOwner, "belongs to another user (uid 1001, not 1000), in a folder that others may write"},
		"somebody's file, sticky folder":         {0o777 | fs.ModeSticky, theirs, theirs, osfile.ErrOwner, ""},
		"somebody's file, group's folder":        {0o770, theirs, theirs, osfile.ErrOwner, ""},
		"somebody's file, folder of others only": {0o702, theirs, theirs, osfile.ErrOwner, ""},
		"somebody's link to my file":             {0o777, mine, theirLink, osfile.ErrOwner, "is a symbolic link that belongs to another user (uid 1001, not 1000), in a folder that others may write"},
		"my link to somebody's file":             {0o777, theirs, link, osfile.ErrOwner, ""},
		"swapped for another of my files":        {0o777, mine, node(me, 5, 0o600), osfile.ErrMoved, "was replaced while it was being opened"},
		"swapped for one on another disk":        {0o777, mine, fakeInfo{size: 4, mode: 0o600, id: osfile.ID{UID: me, Dev: 2, Inode: 1}}, osfile.ErrMoved, ""},
		"somebody's file, folder of one owner":   {0o755, theirs, theirs, nil, ""},
		"somebody's link, folder of one owner":   {0o700, mine, theirLink, nil, ""},
		"my link out of my folder to my file":    {0o700, mine, link, nil, ""},
		"my link out of my folder to root's":     {0o700, node(0, 6, 0o644), link, nil, ""},
		"my link out of my folder to theirs":     {0o700, theirs, link, osfile.ErrOwner, "is a symbolic link to a file that belongs to another user (uid 1001, not 1000)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, _, err := read(shared{tt.folder, tt.file, tt.entry}.fs(), "/tmp/file", osfile.Rule{Max: limit})
			if tt.want == nil {
				require.NoError(t, err)
				assert.Equal(t, "text", string(data))
				return
			}
			require.ErrorIs(t, err, tt.want)
			assert.Nil(t, data)
			if tt.text != "" {
				assert.EqualError(t, err, tt.text)
			}
		})
	}
}

func TestAFolderThatCannotBeLookedAtCountsAsShared(t *testing.T) {
	t.Parallel()
	f := shared{0o700, node(other, 1, 0o600), node(other, 1, 0o600)}.fs()
	f.Stat = func(string) (fs.FileInfo, error) { return nil, fs.ErrPermission }
	_, _, err := read(f, "/tmp/file", osfile.Rule{Max: limit})
	assert.ErrorIs(t, err, osfile.ErrOwner)
}

func TestANameThatVanishesWhileItIsOpenedIsRefusedInASharedFolder(t *testing.T) {
	t.Parallel()
	f := shared{0o777, node(me, 1, 0o600), node(me, 1, 0o600)}.fs()
	f.Lstat = func(string) (fs.FileInfo, error) {
		return nil, &fs.PathError{Op: "lstat", Path: "/tmp/file", Err: fs.ErrNotExist}
	}
	_, _, err := read(f, "/tmp/file", osfile.Rule{Max: limit})
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.NotContains(t, err.Error(), "/tmp")
}

func TestWhereThereAreNoOwnersTheOwnerRulesDoNotApply(t *testing.T) {
	t.Parallel()
	f := shared{0o777, node(other, 1, 0o666), node(other, 9, 0o666)}.fs()
	f.Identify = func(fs.FileInfo) (osfile.ID, bool) { return osfile.ID{}, false }
	data, info, err := read(f, "/tmp/file", osfile.Rule{Max: limit, Private: true})
	require.NoError(t, err)
	assert.Equal(t, "text", string(data))
	assert.False(t, info.OpenToOthers, "modes say nothing there")
	assert.True(t, info.Ownerless)
	_, info, err = read(shared{0o700, node(me, 1, 0o600), node(me, 1, 0o600)}.fs(), "/tmp/file", osfile.Rule{Max: limit})
	require.NoError(t, err)
	assert.False(t, info.Ownerless, "elsewhere there are")
}

func TestAFolderIsLookedAtOncePerReader(t *testing.T) {
	t.Parallel()
	f := shared{0o777, node(me, 1, 0o600), node(me, 1, 0o600)}.fs()
	looks, stat := 0, f.Stat
	f.Stat = func(name string) (fs.FileInfo, error) {
		if name == "/tmp" {
			looks++
		}
		return stat(name)
	}
	r := f.NewReader()
	for range 5 {
		_, _, err := r.Read("/tmp/file", osfile.Rule{Max: limit})
		require.NoError(t, err)
	}
	assert.Equal(t, 1, looks)
	_, _, err := read(f, "/tmp/file", osfile.Rule{Max: limit})
	require.NoError(t, err)
	assert.Equal(t, 2, looks, "the next look around looks again")
}

func TestAPrivateFileIsTheUsersAlone(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mode fs.FileMode
		uid  int
		want error
		text string
	}{
		"0600":         {0o600, me, nil, ""},
		"0400":         {0o400, me, nil, ""},
		"0700":         {0o700, me, nil, ""},
		"0640":         {0o640, me, osfile.ErrMode, "may be read or written by others (mode 0640, want 0600)"},
		"0604":         {0o604, me, osfile.ErrMode, ""},
		"0644":         {0o644, me, osfile.ErrMode, ""},
		"0620":         {0o620, me, osfile.ErrMode, ""},
		"0602":         {0o602, me, osfile.ErrMode, ""},
		"0610":         {0o610, me, osfile.ErrMode, ""},
		"0601":         {0o601, me, osfile.ErrMode, ""},
		"another user": {0o600, other, osfile.ErrOwner, "belongs to another user (uid 1001, not 1000)"},
		"root":         {0o600, 0, osfile.ErrOwner, "belongs to another user (uid 0, not 1000)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := node(tt.uid, 1, tt.mode)
			f := shared{0o700, file, file}.fs()
			data, _, err := read(f, "/tmp/file", osfile.Rule{Max: limit, Private: true})
			if tt.want == nil {
				require.NoError(t, err)
				assert.Equal(t, "text", string(data))
				return
			}
			require.ErrorIs(t, err, tt.want)
			assert.Nil(t, data)
			if tt.text != "" {
				assert.EqualError(t, err, tt.text)
			}
			_, _, err = read(f, "/tmp/file", osfile.Rule{Max: limit})
			assert.NoError(t, err, "other files are not bound to it")
		})
	}
}

// Of thousands of files the name would be asked for again for nothing.
func TestAFileWhoseOwnerIsRightWhereverALinkLeadsIsNotAskedForByName(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		folder fs.FileMode
		uid    int
		asked  bool
	}{
		"mine":                     {0o700, me, false},
		"root's":                   {0o755, 0, false},
		"theirs":                   {0o755, other, true},
		"mine, in a shared folder": {0o777, me, true},
	} {
		asked := false
		s := shared{tt.folder, node(tt.uid, 1, 0o600), node(tt.uid, 1, 0o600)}
		f := s.fs()
		f.Lstat = func(string) (fs.FileInfo, error) { asked = true; return s.entry, nil }
		_, _, err := read(f, "/tmp/file", osfile.Rule{Max: limit})
		require.NoError(t, err, name)
		assert.Equal(t, tt.asked, asked, name)
	}
}

func TestAFolderThatWasListedIsNotLookedAtAgainForItsFiles(t *testing.T) {
	t.Parallel()
	f := shared{0o777, node(other, 1, 0o600), node(other, 1, 0o600)}.fs()
	looks, stat := 0, f.Stat
	f.Stat = func(name string) (fs.FileInfo, error) {
		looks++
		return stat(name)
	}
	f.ReadDir = func(string) ([]fs.DirEntry, error) { return nil, nil }
	r := f.NewReader()
	_, stamp, err := r.List("/tmp")
	require.NoError(t, err)
	assert.True(t, stamp.Exists())
	_, _, err = r.Read("/tmp/file", osfile.Rule{Max: limit})
	require.ErrorIs(t, err, osfile.ErrOwner, "it is shared all the same")
	assert.Equal(t, 1, looks)
}

func TestWhatIsBorrowedIsReadIntoTheSameMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := write(t, filepath.Join(dir, "long"), strings.Repeat("x", limit), 0o600)
	short := write(t, filepath.Join(dir, "short"), "abc", 0o600)
	r := machine().NewReader()
	get := func(name string, borrow bool) []byte {
		data, _, err := r.Read(name, osfile.Rule{Max: limit, Borrow: borrow})
		require.NoError(t, err)
		return data
	}
	first := get(long, true)
	second := get(short, true)
	assert.Equal(t, "abc", string(second), "nothing is left of the other")
	assert.Same(t, &first[0], &second[0])
	own := get(short, false)
	assert.NotSame(t, &first[0], &own[0])
	get(long, true)
	assert.Equal(t, "abc", string(own))
}

func TestTheGuardOfAFolderIsItselfItsOwnerAndItsMode(t *testing.T) {
	t.Parallel()
	then := time.Unix(1_700_000_000, 5)
	base := fakeInfo{size: 10, mode: fs.ModeDir | 0o700, mtime: then, id: osfile.ID{UID: me, Dev: 1, Inode: 2, Changed: then}}
	stamp := func(fi fakeInfo) osfile.Stamp { return fake(fi, nil).Stamp("/private/file") }
	for name, tt := range map[string]struct {
		change func(*fakeInfo)
		same   bool
	}{
		"size":   {func(fi *fakeInfo) { fi.size++ }, true},
		"mtime":  {func(fi *fakeInfo) { fi.mtime = fi.mtime.Add(1) }, true},
		"ctime":  {func(fi *fakeInfo) { fi.id.Changed = fi.id.Changed.Add(1) }, true},
		"mode":   {func(fi *fakeInfo) { fi.mode |= 0o022 }, false},
		"owner":  {func(fi *fakeInfo) { fi.id.UID++ }, false},
		"inode":  {func(fi *fakeInfo) { fi.id.Inode++ }, false},
		"device": {func(fi *fakeInfo) { fi.id.Dev++ }, false},
	} {
		changed := base
		tt.change(&changed)
		assert.Equal(t, tt.same, stamp(base).SameGuard(stamp(changed)), name)
	}
	assert.False(t, stamp(base).SameGuard(osfile.Stamp{}))
}

func TestWhatOthersMayReadIsSaid(t *testing.T) {
	t.Parallel()
	for mode, want := range map[fs.FileMode]bool{
		0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o644: true, 0o620: false, 0o611: false,
	} {
		file := node(me, 1, mode)
		_, info, err := read(shared{0o700, file, file}.fs(), "/tmp/file", osfile.Rule{Max: limit})
		require.NoError(t, err)
		assert.Equal(t, want, info.OpenToOthers, "%04o", mode)
	}
}

func TestAStampTellsEveryVersionOfAFileApart(t *testing.T) {
	t.Parallel()
	then := time.Unix(1_700_000_000, 5)
	base := fakeInfo{size: 10, mode: 0o600, mtime: then, id: osfile.ID{UID: me, Dev: 1, Inode: 2, Changed: then}}
	stamp := func(fi fakeInfo) osfile.Stamp { return fake(fi, nil).Stamp("/private/file") }

	same := base
	assert.Equal(t, stamp(base), stamp(same))
	assert.True(t, stamp(base).Exists())
	for name, change := range map[string]func(*fakeInfo){
		"size":   func(fi *fakeInfo) { fi.size++ },
		"mode":   func(fi *fakeInfo) { fi.mode = 0o644 },
		"kind":   func(fi *fakeInfo) { fi.mode |= fs.ModeDir },
		"mtime":  func(fi *fakeInfo) { fi.mtime = fi.mtime.Add(1) },
		"ctime":  func(fi *fakeInfo) { fi.id.Changed = fi.id.Changed.Add(1) },
		"inode":  func(fi *fakeInfo) { fi.id.Inode++ },
		"device": func(fi *fakeInfo) { fi.id.Dev++ },
		"owner":  func(fi *fakeInfo) { fi.id.UID++ },
	} {
		changed := base
		change(&changed)
		assert.NotEqual(t, stamp(base), stamp(changed), name)
	}
}

func TestTheZeroStampIsThatOfAFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	f := fake(fakeInfo{}, nil)
	f.Stat = func(string) (fs.FileInfo, error) { return nil, &fs.PathError{Err: fs.ErrNotExist} }
	gone := f.Stamp("/private/file")
	assert.Equal(t, osfile.Stamp{}, gone)
	assert.False(t, gone.Exists())
	assert.False(t, gone.Fresh(time.Unix(0, 0)))

	f.Stat = func(string) (fs.FileInfo, error) { return nil, &fs.PathError{Err: fs.ErrPermission} }
	assert.NotEqual(t, gone, f.Stamp("/private/file"), "nobody can tell whether it is there")
}

func TestAStampIsFreshWhileASecondChangeCouldCarryTheSameTimes(t *testing.T) {
	t.Parallel()
	then := time.Unix(1_700_000_000, 0)
	long := then.Add(-time.Hour)
	tests := map[string]struct {
		mtime, ctime time.Time
		age          time.Duration
		want         bool
	}{
		"just now":                  {then, then, 0, true},
		"a second ago":              {then, then, time.Second, true},
		"nearly two seconds":        {then, then, 2*time.Second - 1, true},
		"two seconds":               {then, then, 2 * time.Second, false},
		"an hour":                   {then, then, time.Hour, false},
		"the clock behind a little": {then, then, -time.Second, true},
		"old text, new inode":       {long, then, time.Second, true},
		"new text, no ctime":        {then, time.Time{}, time.Second, true},
	}
	for name, tt := range tests {
		fi := fakeInfo{mtime: tt.mtime, id: osfile.ID{Changed: tt.ctime}}
		assert.Equal(t, tt.want, fake(fi, nil).Stamp("/private/file").Fresh(then.Add(tt.age)), name)
	}
}

func TestWhatWasReadHasTheStampThatALookGives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "file"), "one", 0o600)
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink("file", link))
	_, info, err := read(machine(), file, osfile.Rule{Max: limit})
	require.NoError(t, err)
	assert.Equal(t, machine().Stamp(file), info.Stamp)
	assert.Equal(t, machine().Stamp(link), info.Stamp, "links are followed")

	renamed := write(t, filepath.Join(dir, "new"), "two", 0o600) // the size stays
	require.NoError(t, os.Rename(renamed, file))
	assert.NotEqual(t, machine().Stamp(file), info.Stamp, "replaced by rename")
}
