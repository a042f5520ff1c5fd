// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/scicred/scicred"
)

// World is a machine in memory: environment, files with owners and modes, a
// user, and a clock that stands still until it is moved. [World.System] makes
// discovery look at it instead of at this machine, so that a test can play any
// user on any machine, root and Windows among them.
//
// Names of files are absolute, with slashes; folders that are missing are made
// (mode 0755, by the owner of what is put there). The rights of the user count
// as they do under Unix, but for groups: nobody is a member of one. Methods
// panic if they are asked for the impossible, such as the mode of a file that
// is not there. A World is safe for concurrent use.
type World struct {
	mu     sync.Mutex
	env    map[string]string
	euid   int
	home   string
	now    time.Time
	nodes  map[string]*node
	inodes uint64
	broken map[string]error
	stalls map[string]chan struct{}
	calls  []string
}

// NewWorld returns a machine on which a user with the number 1000 and the home
// /home/user has just logged in: there are these two and /tmp (of root, mode
// 1777), no variable is set, and the clock shows the time of this machine.
func NewWorld() *World {
	w := &World{
		env: map[string]string{}, now: time.Now().Round(0), // without the monotonic reading, which Advance would not move
		nodes: map[string]*node{}, broken: map[string]error{}, stalls: map[string]chan struct{}{},
	}
	w.Mkdir("/", 0o755, 0)
	w.Mkdir("/home", 0o755, 0)
	w.Mkdir("/tmp", fs.ModeSticky|0o777, 0)
	w.Mkdir("/home/user", 0o755, 1000)
	w.SetUser(1000, "/home/user")
	return w
}

// System returns this machine for [scicred.WithSystem] and the Find methods of
// [scicred.System]. What changes later on is seen through it too.
func (w *World) System() *scicred.System {
	return &scicred.System{
		LookupEnv: w.lookupEnv,
		Open:      w.open,
		Stat:      func(name string) (fs.FileInfo, error) { return w.stat("stat", name, true) },
		Lstat:     func(name string) (fs.FileInfo, error) { return w.stat("lstat", name, false) },
		ReadDir:   w.readDir,
		Identify:  w.identify,
		HomeDir:   w.homeDir,
		TempDir:   func() string { return "/tmp" },
		EUID:      w.EUID,
		Now:       w.Now,
	}
}

// SetEnv sets an environment variable.
func (w *World) SetEnv(key, value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.env[key] = value
}

// UnsetEnv removes an environment variable.
func (w *World) UnsetEnv(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.env, key)
}

// SetUser changes who the user is. An euid of -1 stands for a system on which
// users have no numbers and files no owners, such as Windows; an empty home for
// a user who has none.
func (w *World) SetUser(euid int, home string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.euid, w.home = euid, home
}

// EUID returns the number of the user.
func (w *World) EUID() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.euid
}

// Now returns what the clock shows.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Advance moves the clock.
func (w *World) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Put writes a file of the user's with mode 0600, as [World.WriteFile] does.
func (w *World) Put(name, content string) { w.WriteFile(name, content, 0o600, w.EUID()) }

// WriteFile makes a file, or puts a new one in the place of an old one, as
// programs do that write to a temporary file and rename it: it gets a new
// inode.
func (w *World) WriteFile(name, content string, mode fs.FileMode, uid int) {
	w.make(name, node{mode: mode.Perm(), uid: uid, content: content})
}

// Overwrite changes the content of a file in its place: it keeps its inode.
func (w *World) Overwrite(name, content string) {
	w.change(name, func(n *node) { n.content, n.modified = content, w.now })
}

// Mkdir makes a folder, or changes the mode and owner of one that is there. The
// mode may have [fs.ModeSticky].
func (w *World) Mkdir(name string, mode fs.FileMode, uid int) {
	if w.has(name) {
		w.change(name, func(n *node) { n.mode, n.uid = mode|fs.ModeDir, uid })
		return
	}
	w.make(name, node{mode: mode | fs.ModeDir, uid: uid})
}

// Symlink makes a symbolic link. The target need not exist; a relative one
// starts in the folder of the link.
func (w *World) Symlink(target, name string, uid int) {
	w.make(name, node{mode: fs.ModeSymlink | 0o777, uid: uid, target: target})
}

// Mknod makes a file of another type, which the mode names: [fs.ModeNamedPipe],
// [fs.ModeSocket], [fs.ModeDevice]. Reading it gives zeros without end, so a
// program that does so shows.
func (w *World) Mknod(name string, mode fs.FileMode, uid int) {
	w.make(name, node{mode: mode, uid: uid})
}

// Chmod changes the permissions of a file or folder, not following links.
func (w *World) Chmod(name string, mode fs.FileMode) {
	w.change(name, func(n *node) { n.mode = n.mode.Type() | mode })
}

// Chown gives a file or folder to another user, not following links.
func (w *World) Chown(name string, uid int) {
	w.change(name, func(n *node) { n.uid = uid })
}

// Remove removes a file, or a folder with all that is in it. It is no error if
// there is none.
func (w *World) Remove(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name = clean(name)
	if w.nodes[name] == nil {
		return
	}
	for other := range w.nodes {
		if below(other, name) {
			delete(w.nodes, other)
		}
	}
	w.touch(path.Dir(name))
}

// Break makes all that is asked about a file, or about anything in a folder,
// fail with err, such as [syscall.EIO]; nil repairs it.
func (w *World) Break(name string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		delete(w.broken, clean(name))
		return
	}
	w.broken[clean(name)] = err
}

// Stall makes all that is asked about a file, or about anything in a folder,
// wait until release is called, as on a network file system whose server is
// gone. Release may be called more than once.
func (w *World) Stall(name string) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name = clean(name)
	if w.stalls[name] != nil {
		panic(fmt.Sprintf("credtest: %s is stalled already", name))
	}
	stall := make(chan struct{})
	w.stalls[name] = stall
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.stalls[name] == stall {
			delete(w.stalls, name)
			close(stall)
		}
	}
}

// Calls returns the calls to the file system since the start or [World.Forget],
// in order: "open /tmp/bt_u1000". There are open, stat, lstat and readdir;
// reading and closing what is open is not counted, nor are variables.
func (w *World) Calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// Forget empties the list of calls.
func (w *World) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

// node is what is under a name. It never changes: a new one takes its place.
type node struct {
	mode     fs.FileMode
	uid      int
	content  string
	target   string // of a symbolic link
	inode    uint64
	modified time.Time
	changed  time.Time // of the inode
}

// clean makes one name of all that mean the same, on Windows too.
func clean(name string) string { return path.Clean("/" + filepath.ToSlash(name)) }

// below reports whether name is folder or in it.
func below(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, strings.TrimSuffix(folder, "/")+"/")
}

func (w *World) has(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.nodes[clean(name)] != nil
}

// make puts something new under a name.
func (w *World) make(name string, n node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.put(clean(name), n)
}

// put is make with w.mu held.
func (w *World) put(name string, n node) {
	if old := w.nodes[name]; old != nil && old.mode.IsDir() {
		panic(fmt.Sprintf("credtest: %s is a folder", name))
	}
	if dir := path.Dir(name); dir != name {
		switch parent := w.nodes[dir]; {
		case parent == nil:
			w.put(dir, node{mode: fs.ModeDir | 0o755, uid: n.uid})
		case !parent.mode.IsDir():
			panic(fmt.Sprintf("credtest: %s is no folder", dir))
		}
		w.touch(dir)
	}
	w.inodes++
	n.inode, n.modified, n.changed = w.inodes, w.now, w.now
	w.nodes[name] = &n
}

// touch notes that the list of names in a folder has changed; w.mu is held.
func (w *World) touch(dir string) {
	if parent := w.nodes[dir]; parent != nil {
		n := *parent
		n.modified, n.changed = w.now, w.now
		w.nodes[dir] = &n
	}
}

// change changes what is under a name, which stays the same file.
func (w *World) change(name string, f func(*node)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name = clean(name)
	if w.nodes[name] == nil {
		panic(fmt.Sprintf("credtest: there is no %s", name))
	}
	n := *w.nodes[name]
	f(&n)
	n.changed = w.now
	w.nodes[name] = &n
}

func (w *World) lookupEnv(key string) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	value, ok := w.env[key]
	return value, ok
}

func (w *World) homeDir() (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.home == "" {
		return "", errors.New("the user has no home")
	}
	return w.home, nil
}

// stalledError tells find's callers to wait.
type stalledError struct{ until <-chan struct{} }

func (stalledError) Error() string { return "stalled" }

// lookup notes a call and returns what is under the name, waiting while it is
// stalled.
func (w *World) lookup(op, name string, follow bool) (*node, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, op+" "+clean(name))
	for {
		n, at, err := w.find(clean(name), follow, 0)
		var stalled stalledError
		if !errors.As(err, &stalled) {
			if err != nil {
				err = &fs.PathError{Op: op, Path: name, Err: err}
			}
			return n, at, err
		}
		w.mu.Unlock()
		<-stalled.until
		w.mu.Lock()
	}
}

// find walks to a name, through symbolic links, and returns where it got to;
// w.mu is held.
func (w *World) find(name string, follow bool, links int) (*node, string, error) {
	const maxLinks = 40 // as Linux has it
	dir, base := path.Split(name)
	if base != "" {
		folder, at, err := w.find(path.Clean(dir), true, links)
		switch {
		case err != nil:
			return nil, "", err
		case !folder.mode.IsDir():
			return nil, "", syscall.ENOTDIR
		case !w.may(folder, 0o1):
			return nil, "", syscall.EACCES
		}
		name = path.Join(at, base)
	}
	if stall := w.stalls[name]; stall != nil {
		return nil, "", stalledError{stall}
	}
	if err := w.broken[name]; err != nil {
		return nil, "", err
	}
	n := w.nodes[name]
	switch {
	case n == nil:
		return nil, "", syscall.ENOENT
	case n.target == "" || !follow:
		return n, name, nil
	case links == maxLinks:
		return nil, "", syscall.ELOOP
	case path.IsAbs(n.target):
		return w.find(clean(n.target), true, links+1)
	}
	return w.find(path.Join(path.Dir(name), n.target), true, links+1)
}

// may reports whether the user has a right (4 read, 1 search); w.mu is held.
func (w *World) may(n *node, right fs.FileMode) bool {
	switch {
	case w.euid <= 0:
		return true
	case n.uid == w.euid:
		return n.mode>>6&right != 0
	}
	return n.mode&right != 0
}
