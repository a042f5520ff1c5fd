// SPDX-License-Identifier: BSD-3-Clause

package inventory_test

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/osfile"
)

// cred is a credential of these tests: a text, and when it expires.
type cred struct {
	text    string
	expires time.Time
}

// world is a machine in memory. Its clock stands still until it is moved.
type world struct {
	t     *testing.T
	files fstest.MapFS
	env   map[string]string
	now   time.Time
	mu    sync.Mutex
	opens map[string]int // how often a file has been opened
	stats map[string]int // and looked at
	inode uint64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{
		t: t, files: fstest.MapFS{}, env: map[string]string{}, opens: map[string]int{}, stats: map[string]int{},
		now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
}

// put writes a file an hour before now, so that its times are nothing fresh.
func (w *world) put(path, text string) { w.putAt(path, text, w.now.Add(-time.Hour)) }

func (w *world) putAt(path, text string, mtime time.Time) {
	w.inode++
	w.files[key(path)] = &fstest.MapFile{Data: []byte(text), Mode: 0o600, ModTime: mtime, Sys: osfile.ID{UID: 1, Inode: w.inode, Changed: mtime}}
}

func (w *world) remove(path string) { delete(w.files, key(path)) }

// key is the name of a path in an fs.FS.
func key(path string) string { return cmp.Or(strings.TrimPrefix(path, "/"), ".") }

func (w *world) world() inventory.World {
	return inventory.World{
		FS: osfile.FS{
			Open: func(name string) (fs.File, error) {
				w.count(w.opens, name)
				return w.files.Open(key(name))
			},
			Stat: func(name string) (fs.FileInfo, error) {
				w.count(w.stats, name)
				return w.files.Stat(key(name))
			},
			Lstat:   func(name string) (fs.FileInfo, error) { return w.files.Lstat(key(name)) },
			ReadDir: func(name string) ([]fs.DirEntry, error) { return w.files.ReadDir(key(name)) },
			Identify: func(fi fs.FileInfo) (osfile.ID, bool) {
				id, ok := fi.Sys().(osfile.ID)
				return id, ok
			},
			EUID: 1,
		},
		LookupEnv: func(name string) (string, bool) { v, ok := w.env[name]; return v, ok },
		Now:       func() time.Time { return w.now },
	}
}

// count counts a call: files of a large folder are looked at by several at once.
func (w *world) count(calls map[string]int, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls[name]++
}

// forget forgets what has been opened and looked at.
func (w *world) forget() {
	clear(w.opens)
	clear(w.stats)
}

// build looks around.
func (w *world) build(old *inventory.Inventory[cred], candidates ...inventory.Candidate[cred]) *inventory.Inventory[cred] {
	w.t.Helper()
	return inventory.Build(w.world(), old, candidates, func(c *cred) bool { return w.now.Before(c.expires) })
}

// opened returns how often a file has been opened since it was last asked.
func (w *world) opened(path string) int {
	n := w.opens[path]
	delete(w.opens, path)
	return n
}

var errGarbled = errors.New("is garbled")

// parse reads a credential, which is good for a day. Two words mean something
// else.
func (w *world) parse(p *inventory.Place[cred], data []byte) {
	switch text := string(data); text {
	case "garbled":
		p.Err = errGarbled
	case "of no use":
		p.Err, p.Sound = errors.New("has expired"), true
	default:
		p.Cred = &cred{text, w.now.Add(24 * time.Hour)}
	}
}

// file is a candidate that is one file.
func (w *world) file(name, path string) inventory.Candidate[cred] {
	return inventory.Candidate[cred]{Name: name, Look: func(l *inventory.Looker) []inventory.Place[cred] {
		return []inventory.Place[cred]{w.read(l, name, path)}
	}}
}

func (w *world) read(l *inventory.Looker, name, path string) inventory.Place[cred] {
	p := inventory.Place[cred]{Candidate: name, Path: path}
	data, _, err := l.Read(path, osfile.Rule{Max: 1000})
	if err != nil {
		p.Err, p.Absent = err, errors.Is(err, fs.ErrNotExist)
		return p
	}
	w.parse(&p, data)
	return p
}

// pair is a candidate whose key is in a file of its own, which $KEY names.
func (w *world) pair(name, path string) inventory.Candidate[cred] {
	return inventory.Candidate[cred]{Name: name, Look: func(l *inventory.Looker) []inventory.Place[cred] {
		p := w.read(l, name, path)
		keyPath, _ := l.Env("KEY")
		p.KeyPath = keyPath
		if p.Cred != nil {
			if _, _, err := l.Read(keyPath, osfile.Rule{Max: 1000}); err != nil {
				p.Cred, p.Err = nil, fmt.Errorf("its key file: %w", err)
			}
		}
		return []inventory.Place[cred]{p}
	}}
}

// pointer is a candidate whose file a variable names.
func (w *world) pointer(variable string) inventory.Candidate[cred] {
	return inventory.Candidate[cred]{Name: variable, Look: func(l *inventory.Looker) []inventory.Place[cred] {
		path, ok := l.Env(variable)
		if !ok {
			return []inventory.Place[cred]{{Candidate: variable, Absent: true}}
		}
		return []inventory.Place[cred]{w.read(l, variable, path)}
	}}
}

// text is a candidate whose variable is the credential itself.
func (w *world) text(variable string) inventory.Candidate[cred] {
	return inventory.Candidate[cred]{Name: variable, Look: func(l *inventory.Looker) []inventory.Place[cred] {
		p := inventory.Place[cred]{Candidate: variable}
		if value, ok := l.Env(variable); ok {
			w.parse(&p, []byte(value))
		} else {
			p.Absent = true
		}
		return []inventory.Place[cred]{p}
	}}
}

// folder is a candidate that is all the files of a folder.
func (w *world) folder(name, dir string) inventory.Candidate[cred] {
	return inventory.Candidate[cred]{Name: name, Folder: &inventory.Folder[cred]{
		List: func(l *inventory.Looker) (paths []string, instead []inventory.Place[cred]) {
			names, err := l.List(dir)
			if err != nil {
				return nil, []inventory.Place[cred]{{Candidate: name, Path: dir, Err: err, Absent: true}}
			}
			for _, n := range names {
				paths = append(paths, dir+"/"+n)
			}
			return paths, nil
		},
		File: func(l *inventory.Looker, path string) inventory.Place[cred] { return w.read(l, name, path) },
	}}
}

// texts returns what there is, in order.
func texts(inv *inventory.Inventory[cred]) []string {
	var all []string
	for i := range inv.Places {
		if c := inv.Places[i].Cred; c != nil {
			all = append(all, c.text)
		}
	}
	return all
}

func TestWhereNothingHasChangedTheInventoryIsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["FILE"], w.env["TEXT"], w.env["NONE"] = "/a", "words", "/none"
	w.put("/a", "one")
	w.put("/dir/b", "two")
	w.put("/c", "garbled")
	w.put("/d", "of no use")
	look := []inventory.Candidate[cred]{
		w.pointer("FILE"), w.text("TEXT"), w.pointer("NONE"), w.pointer("UNSET"), w.folder("dir", "/dir"),
		w.file("c", "/c"), w.file("d", "/d"), w.file("gone", "/gone"), w.folder("no dir", "/no"),
	}
	first := w.build(nil, look...)
	require.Equal(t, []string{"one", "words", "two"}, texts(first))
	require.NotEmpty(t, w.opens)

	clear(w.opens)
	w.now = w.now.Add(time.Hour)
	assert.Same(t, first, w.build(first, look...))
	assert.Empty(t, w.opens, "no file is opened again")
}

func TestOnlyWhatHasChangedIsReadAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("/a", "one")
	w.put("/b", "two")
	w.put("/c", "three")
	look := []inventory.Candidate[cred]{w.file("a", "/a"), w.file("b", "/b"), w.file("c", "/c")}
	first := w.build(nil, look...)
	clear(w.opens)

	w.put("/b", "TWO") // of the same size and time
	second := w.build(first, look...)
	require.NotSame(t, first, second)
	assert.Equal(t, []string{"one", "TWO", "three"}, texts(second))
	assert.Equal(t, map[string]int{"/b": 1}, w.opens)
	assert.Same(t, first.Places[0].Cred, second.Places[0].Cred, "taken over")
	assert.Equal(t, []string{"one", "two", "three"}, texts(first), "an inventory does not change")
	assert.Same(t, second, w.build(second, look...))
}

func TestWhatOfAFileIsNoticed(t *testing.T) {
	t.Parallel()
	edit := func(change func(*fstest.MapFile)) func(*world) {
		return func(w *world) {
			f := *w.files["a"]
			change(&f)
			w.files["a"] = &f
		}
	}
	identity := func(change func(*osfile.ID)) func(*world) {
		return edit(func(f *fstest.MapFile) {
			id := f.Sys.(osfile.ID)
			change(&id)
			f.Sys = id
		})
	}
	for name, change := range map[string]func(*world){
		"size":        edit(func(f *fstest.MapFile) { f.Data = []byte("longer") }),
		"mtime":       edit(func(f *fstest.MapFile) { f.ModTime = f.ModTime.Add(1) }),
		"mode":        edit(func(f *fstest.MapFile) { f.Mode = 0o640 }),
		"ctime":       identity(func(id *osfile.ID) { id.Changed = id.Changed.Add(1) }),
		"inode":       identity(func(id *osfile.ID) { id.Inode = 99 }),
		"device":      identity(func(id *osfile.ID) { id.Dev = 99 }),
		"owner":       identity(func(id *osfile.ID) { id.UID = 99 }),
		"it vanished": func(w *world) { w.remove("/a") },
	} {
		w := newWorld(t)
		w.put("/a", "one")
		first := w.build(nil, w.file("a", "/a"))
		require.Equal(t, 1, w.opened("/a"))
		change(w)
		assert.NotSame(t, first, w.build(first, w.file("a", "/a")), name)
		assert.Equal(t, 1, w.opened("/a"), name)
	}
}

func TestAVariableThatChangesIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("/a", "one")
	w.put("/b", "two")
	inv := w.build(nil, w.pointer("FILE"), w.text("TEXT"))
	assert.Empty(t, texts(inv))
	for _, step := range []struct {
		set, to string
		want    []string
	}{
		{"FILE", "/a", []string{"one"}},
		{"TEXT", "words", []string{"one", "words"}},
		{"TEXT", "other", []string{"one", "other"}},
		{"FILE", "/b", []string{"two", "other"}},
		{"FILE", "/none", []string{"other"}},
	} {
		w.env[step.set] = step.to
		next := w.build(inv, w.pointer("FILE"), w.text("TEXT"))
		require.NotSame(t, inv, next, step)
		require.Equal(t, step.want, texts(next), step)
		inv = next
	}
	delete(w.env, "TEXT")
	inv = w.build(inv, w.pointer("FILE"), w.text("TEXT"))
	assert.Empty(t, texts(inv), "the text of a variable is not kept")
}

func TestAnEmptyVariableIsToldFromOneThatIsNotSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.build(nil, w.text("TEXT"))
	w.env["TEXT"] = ""
	second := w.build(first, w.text("TEXT"))
	assert.NotSame(t, first, second)
	delete(w.env, "TEXT")
	assert.NotSame(t, second, w.build(second, w.text("TEXT")))
}

func TestTheTextOfAVariableIsNotRememberedInTheClear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["TEXT"] = "geheim-geheim"
	w.env["BROKEN"] = "garbled"
	inv := w.build(nil, inventory.Candidate[cred]{Name: "TEXT", Look: func(l *inventory.Looker) []inventory.Place[cred] {
		l.Env("TEXT")
		return nil
	}})
	assert.NotContains(t, fmt.Sprintf("%+v", inv), "geheim")
}

func TestAnEarlierCandidateThatAppearsComesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("/b", "two")
	look := []inventory.Candidate[cred]{w.pointer("FILE"), w.file("a", "/a"), w.file("b", "/b")}
	inv := w.build(nil, look...)
	require.Equal(t, []string{"two"}, texts(inv))

	w.put("/a", "one")
	inv = w.build(inv, look...)
	require.Equal(t, []string{"one", "two"}, texts(inv))

	w.put("/first", "zero")
	w.env["FILE"] = "/first"
	inv = w.build(inv, look...)
	require.Equal(t, []string{"zero", "one", "two"}, texts(inv))
	names := make([]string, len(inv.Places))
	for i, p := range inv.Places {
		names[i] = p.Candidate
	}
	assert.Equal(t, []string{"FILE", "a", "b"}, names)
}

func TestAGarbledFileKeepsTheLastGoodCredentialUntilItExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("/a", "one")
	good := w.build(nil, w.file("a", "/a"))
	held := good.Places[0].Cred

	inv := good
	for hour := range 5 { // written anew each hour, and garbled each time
		w.now = w.now.Add(time.Hour)
		w.put("/a", "garbled")
		inv = w.build(inv, w.file("a", "/a"))
		require.Same(t, held, inv.Places[0].Cred, "hour %d", hour)
		require.ErrorIs(t, inv.Places[0].Err, errGarbled, "and what is wrong is said")
		require.Same(t, inv, w.build(inv, w.file("a", "/a")))
	}
	require.NoError(t, good.Places[0].Err, "an inventory does not change")

	w.now = held.expires
	w.put("/a", "garbled")
	inv = w.build(inv, w.file("a", "/a"))
	assert.Nil(t, inv.Places[0].Cred)
	assert.ErrorIs(t, inv.Places[0].Err, errGarbled)
}

func TestAnUnreadableFileKeepsTheLastGoodCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("/a", "one")
	inv := w.build(nil, w.file("a", "/a"))
	w.putAt("/a", strings.Repeat("x", 2000), w.now.Add(-time.Minute))
	for range 3 {
		inv = w.build(inv, w.file("a", "/a"))
		assert.Equal(t, []string{"one"}, texts(inv))
		assert.ErrorIs(t, inv.Places[0].Err, osfile.ErrTooLarge)
	}
}

func TestAGoodFileReplacesWhatWasKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inv := (*inventory.Inventory[cred])(nil)
	for _, text := range []string{"one", "garbled", "two"} {
		w.put("/a", text)
		inv = w.build(inv, w.file("a", "/a"))
	}
	assert.Equal(t, []string{"two"}, texts(inv))
	assert.NoError(t, inv.Places[0].Err)
}

func TestASoundRefusalReplacesWhatWasThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("/a", "one")
	inv := w.build(nil, w.file("a", "/a"))
	w.put("/a", "of no use")
	inv = w.build(inv, w.file("a", "/a"))
	assert.Empty(t, texts(inv))
	assert.EqualError(t, inv.Places[0].Err, "has expired")
}

func TestAFileThatIsGoneKeepsForOneLookAndWithdrawsAtTheSecond(t *testing.T) {
	t.Parallel()
	for _, look := range []string{"one file", "with a key"} {
		t.Run(look, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.put("/a", "one")
			w.put("/key", "key")
			w.env["KEY"] = "/key"
			candidate := w.file("a", "/a")
			if look != "one file" {
				candidate = w.pair("a", "/a")
			}
			inv := w.build(nil, candidate)
			w.remove("/a")
			inv = w.build(inv, candidate)
			require.Equal(t, []string{"one"}, texts(inv), "the first look")
			require.True(t, inv.Places[0].Absent)
			inv = w.build(inv, candidate)
			require.Empty(t, texts(inv), "the second look")
			require.True(t, inv.Places[0].Absent)
			assert.Same(t, inv, w.build(inv, candidate), "and that is that")
		})
	}
}

func TestAKeyFileThatIsGoneIsAFileThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("/a", "one")
	w.put("/key", "key")
	w.env["KEY"] = "/key"
	inv := w.build(nil, w.pair("a", "/a"))
	w.remove("/key")
	inv = w.build(inv, w.pair("a", "/a"))
	require.Equal(t, []string{"one"}, texts(inv), "the first look")
	inv = w.build(inv, w.pair("a", "/a"))
	require.Empty(t, texts(inv), "the second look")
	assert.EqualError(t, inv.Places[0].Err, "its key file: file does not exist")
}

func TestAFileThatComesBackInTimeStartsTheCountAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	look := func(inv *inventory.Inventory[cred], text string, want ...string) *inventory.Inventory[cred] {
		t.Helper()
		if w.put("/a", text); text == "" {
			w.remove("/a")
		}
		inv = w.build(inv, w.file("a", "/a"))
		require.Equal(t, want, texts(inv))
		return inv
	}
	inv := look(nil, "one", "one")
	inv = look(inv, "", "one")
	inv = look(inv, "one", "one")
	inv = look(inv, "", "one")
	inv = look(inv, "garbled", "one") // somebody is writing it
	inv = look(inv, "", "one")
	look(inv, "")
}

func TestAnExpiredCredentialIsNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("/a", "one")
	inv := w.build(nil, w.file("a", "/a"))
	w.now = w.now.Add(25 * time.Hour)
	w.remove("/a")
	assert.Empty(t, texts(w.build(inv, w.file("a", "/a"))))
}

func TestNothingIsKeptForAnotherFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("/a", "one")
	w.put("/broken", "garbled")
	for _, elsewhere := range []string{"/none", "/broken"} {
		w.env["FILE"] = "/a"
		inv := w.build(nil, w.pointer("FILE"))
		require.Equal(t, []string{"one"}, texts(inv))
		w.env["FILE"] = elsewhere
		assert.Empty(t, texts(w.build(inv, w.pointer("FILE"))), elsewhere)
	}
	w.put("/key", "key")
	w.env["KEY"] = "/key"
	inv := w.build(nil, w.pair("a", "/a"))
	require.Equal(t, []string{"one"}, texts(inv))
	w.env["KEY"] = "/another"
	assert.Empty(t, texts(w.build(inv, w.pair("a", "/a"))), "of another key")
}

func TestWhatIsKeptForOneCandidateIsNotGivenToAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("/a", "one")
	inv := w.build(nil, w.file("a", "/a"))
	w.put("/a", "garbled")
	assert.Empty(t, texts(w.build(inv, w.file("another name", "/a"))))
	assert.Empty(t, texts(w.build(inv, w.file("new", "/none"), w.file("a", "/a"))), "another list of candidates is another world")
}

func TestACandidateThatIsLeftOutIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("/a", "one")
	w.put("/b", "two")
	inv := w.build(nil, w.file("a", "/a"), w.file("b", "/b"))
	assert.Equal(t, []string{"one"}, texts(w.build(inv, w.file("a", "/a"))))
}

func TestAFileWithTimesOfNowIsReadAgainUntilTheyAreOld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putAt("/a", "one", w.now)
	inv := w.build(nil, w.file("a", "/a"))

	w.files["a"].Data = []byte("two") // nothing that a look could see
	w.now = w.now.Add(time.Second)
	inv = w.build(inv, w.file("a", "/a"))
	require.Equal(t, []string{"two"}, texts(inv), "a second change within the same tick of the file system's clock")

	w.now = w.now.Add(time.Second)
	inv = w.build(inv, w.file("a", "/a"))
	clear(w.opens)
	assert.Same(t, inv, w.build(inv, w.file("a", "/a")), "two seconds later nothing can hide")
	assert.Empty(t, w.opens)
}

func TestAFolderWithTimesOfNowIsListedAgainUntilTheyAreOld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("/dir/a", "one")
	w.files["dir"] = &fstest.MapFile{Mode: fs.ModeDir | 0o700, ModTime: w.now, Sys: osfile.ID{UID: 1, Inode: 1}}
	inv := w.build(nil, w.folder("dir", "/dir"))
	w.put("/dir/b", "two") // without a trace in the folder's times
	inv = w.build(inv, w.folder("dir", "/dir"))
	require.Equal(t, []string{"one", "two"}, texts(inv))

	w.now = w.now.Add(2 * time.Second)
	inv = w.build(inv, w.folder("dir", "/dir"))
	assert.Same(t, inv, w.build(inv, w.folder("dir", "/dir")))
}

func TestAFileThatComesToAFolderIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	folder := func(age time.Duration) {
		w.files["dir"] = &fstest.MapFile{Mode: fs.ModeDir | 0o700, ModTime: w.now.Add(-age), Sys: osfile.ID{UID: 1, Inode: 1}}
	}
	folder(time.Hour)
	w.put("/dir/b", "two")
	inv := w.build(nil, w.folder("dir", "/dir"))
	w.put("/dir/a", "one")
	folder(time.Minute)
	inv = w.build(inv, w.folder("dir", "/dir"))
	assert.Equal(t, []string{"one", "two"}, texts(inv))
	w.remove("/dir/b")
	folder(time.Second)
	assert.Equal(t, []string{"one"}, texts(w.build(inv, w.folder("dir", "/dir"))))
}

func TestACandidateCanAskForAnotherLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	looks := 0
	c := inventory.Candidate[cred]{Name: "clock", Look: func(l *inventory.Looker) []inventory.Place[cred] {
		assert.Equal(t, w.now, l.Now())
		if looks++; looks < 3 {
			l.Again()
		}
		return nil
	}}
	inv := w.build(nil, c)
	for range 5 {
		inv = w.build(inv, c)
	}
	assert.Equal(t, 3, looks)
}

func TestAFolderOfAThousandFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []string
	for i := range 1000 {
		text := fmt.Sprintf("token %03d", i)
		w.put(fmt.Sprintf("/dir/%03d.use", i), text)
		want = append(want, text)
	}
	w.put("/other", "other")
	look := []inventory.Candidate[cred]{w.folder("dir", "/dir"), w.file("other", "/other")}
	inv := w.build(nil, look...)
	require.Equal(t, append(want, "other"), texts(inv))
	require.Len(t, w.opens, 1001)

	clear(w.opens)
	require.Same(t, inv, w.build(inv, look...))
	require.Empty(t, w.opens)

	w.put("/other", "OTHER")
	inv = w.build(inv, look...)
	require.Equal(t, map[string]int{"/other": 1}, w.opens)

	w.put("/dir/500.use", "new")
	inv = w.build(inv, look...)
	want[500] = "new"
	assert.Equal(t, append(want, "OTHER"), texts(inv))
}

func TestAFolderThatCannotBeListedIsSaidWithoutItsName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inv := w.build(nil, w.folder("dir", "/none"))
	require.ErrorIs(t, inv.Places[0].Err, fs.ErrNotExist)
	assert.NotContains(t, inv.Places[0].Err.Error(), "none", "the caller says the name")
}
