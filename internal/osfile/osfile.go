// SPDX-License-Identifier: BSD-3-Clause

// Package osfile opens files that hold credentials, without being hung, fed
// without end, or fooled.
//
// A file is opened once, without blocking, and everything that is asked about
// it is asked of the open handle: a name can be given to another file between
// two calls, a handle cannot. Only regular files are read, up to a limit. In a
// folder that others may write, such as /tmp, the file must belong to the
// effective user, and so must a symbolic link to it: anybody can put one there.
// A link in any folder may lead there, so what it leads to must belong to the
// effective user or to root.
package osfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// The reasons why a file is not read, beside those of the operating system.
var (
	ErrNotRegular       = errors.New("is not a regular file")
	ErrTooLarge         = errors.New("is too large")
	ErrOwner            = errors.New("belongs to another user")
	ErrMode             = errors.New("may be read or written by others")
	ErrNoFolder   error = noFolderError{}
	ErrMoved            = errors.New("was replaced while it was being opened")
)

// noFolderError is a missing file in a missing folder.
type noFolderError struct{}

func (noFolderError) Error() string { return "no such file, and its folder does not exist either" }
func (noFolderError) Unwrap() error { return fs.ErrNotExist }

// ID is what the operating system knows about a file beyond fs.FileInfo.
type ID struct {
	UID     int
	Dev     uint64
	Inode   uint64
	Changed time.Time // of the inode (ctime)
}

// FS is the file system. Every field is needed but EUID.
type FS struct {
	Open     func(name string) (fs.File, error) // must not block on a FIFO
	Stat     func(name string) (fs.FileInfo, error)
	Lstat    func(name string) (fs.FileInfo, error)
	ReadDir  func(name string) ([]fs.DirEntry, error)
	Identify func(fs.FileInfo) (ID, bool) // false where the system has no owners
	EUID     int
}

// Stamp identifies one version of a file. Stamps compare with ==. The zero
// Stamp stands for a file that is not there.
type Stamp struct {
	exists       bool
	dev, inode   uint64
	uid          int
	mode         fs.FileMode
	size         int64
	mtime, ctime int64
	errored      bool
}

// Exists reports whether there was a file.
func (s Stamp) Exists() bool { return s.exists }

// Fresh reports whether the file was changed so shortly before now that a
// second change may carry the same times: file systems count in steps of up to
// two seconds.
func (s Stamp) Fresh(now time.Time) bool {
	const step = 2 * time.Second
	age := now.UnixNano() - max(s.mtime, s.ctime)
	return s.exists && age < int64(step) && age > -int64(step)
}

// Stamp looks at the name, following symbolic links.
func (f FS) Stamp(name string) Stamp {
	fi, err := f.Stat(name)
	if err != nil {
		return Stamp{errored: !errors.Is(err, fs.ErrNotExist)}
	}
	id, _ := f.Identify(fi)
	return stampOf(fi, id)
}

func stampOf(fi fs.FileInfo, id ID) Stamp {
	s := Stamp{exists: true, mode: fi.Mode(), size: fi.Size(), mtime: fi.ModTime().UnixNano(), dev: id.Dev, inode: id.Inode, uid: id.UID}
	if !id.Changed.IsZero() {
		s.ctime = id.Changed.UnixNano()
	}
	return s
}

// SameGuard reports whether two stamps are of one file or folder under one
// owner and mode: of a folder, whether the same people may put files there.
func (s Stamp) SameGuard(t Stamp) bool {
	return s.exists == t.exists && s.dev == t.dev && s.inode == t.inode && s.uid == t.uid && s.mode == t.mode && s.errored == t.errored
}

// Rule says what a file must satisfy.
type Rule struct {
	Max     int64 // bytes
	Private bool  // owner and mode as safe_netrc demands: the effective user's, nothing for group and others
	Borrow  bool  // the caller is done with the content before the next Read of the Reader, which may overwrite it
}

// Info is what was learnt about a file that was read.
type Info struct {
	Stamp        Stamp
	OpenToOthers bool // group or others may read it
	Ownerless    bool // the system does not say whose it is
}

// Reader reads files for one look around; it remembers which folders are
// shared. It is not safe for concurrent use.
type Reader struct {
	FS
	shared map[string]bool
	lent   []byte // what was read last, if it was borrowed
}

// NewReader returns a Reader.
func (f FS) NewReader() *Reader { return &Reader{FS: f} }

// Read returns the content of the file. Errors say what is wrong with it, not
// its name, and wrap the reason.
func (r *Reader) Read(name string, rule Rule) (data []byte, info Info, err error) {
	file, err := r.Open(name)
	if err != nil {
		info.Stamp.errored = !errors.Is(err, fs.ErrNotExist)
		return nil, info, r.openError(name, err)
	}
	defer func() { _ = file.Close() }() // read only: nothing is lost
	fi, err := file.Stat()
	if err != nil {
		info.Stamp.errored = true
		return nil, info, bare(err)
	}
	id, owned := r.Identify(fi)
	mode, size := fi.Mode(), fi.Size()
	info.Stamp = stampOf(fi, id)
	if !mode.IsRegular() {
		return nil, info, notRegular(mode)
	}
	if owned {
		if err := r.checkOwner(name, id, mode, rule); err != nil {
			return nil, info, err
		}
	}
	info.Ownerless = !owned
	info.OpenToOthers = owned && mode.Perm()&0o044 != 0
	if size > rule.Max {
		return nil, info, fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, size, rule.Max)
	}
	data, err = readAll(file, r.room(size+1, rule.Borrow), rule.Max) // one more, so that the end is seen without growing
	if rule.Borrow && cap(data) > cap(r.lent) {
		r.lent = data
	}
	return data, info, err
}

// room returns an empty buffer. What is borrowed is read into the same one each
// time: of thousands of files that would else be the better part of the cost.
func (r *Reader) room(size int64, borrow bool) []byte {
	if borrow && size <= int64(cap(r.lent)) {
		return r.lent[:0]
	}
	return make([]byte, 0, size)
}

// List returns what is in a folder, and the stamp that it had before. As with
// Read the error does not say its name.
func (r *Reader) List(name string) ([]fs.DirEntry, Stamp, error) {
	stamp := r.Stamp(name)
	if dir := filepath.Clean(name); dir == name && stamp.exists {
		r.remember(dir, isShared(stamp.mode)) // its files will be asked for next
	}
	entries, err := r.ReadDir(name)
	if err != nil {
		return nil, stamp, bare(err)
	}
	return entries, stamp, nil
}

func readAll(file io.Reader, buf []byte, limit int64) ([]byte, error) {
	for {
		n, err := file.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return nil, fmt.Errorf("%w: it grew over %d bytes while it was read", ErrTooLarge, limit)
		}
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, bare(err)
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// openError keeps the operating system's reason and drops its words about the
// name, which the caller says already. A missing folder is said, since it is
// another mistake than a missing file.
func (r *Reader) openError(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		if _, derr := r.Stat(folderOf(name)); errors.Is(derr, fs.ErrNotExist) {
			return ErrNoFolder
		}
		return bare(err)
	}
	// A socket cannot even be opened, and the error (ENXIO) does not say why.
	if fi, serr := r.Stat(name); serr == nil && !fi.Mode().IsRegular() {
		return notRegular(fi.Mode())
	}
	return bare(err)
}

func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func (r *Reader) checkOwner(name string, id ID, mode fs.FileMode, rule Rule) error {
	mine := id.UID == r.EUID
	if rule.Private {
		if !mine {
			return fmt.Errorf("%w (uid %d, not %d)", ErrOwner, id.UID, r.EUID)
		}
		if mode.Perm()&0o077 != 0 {
			return fmt.Errorf("%w (mode %04o, want 0600)", ErrMode, mode.Perm())
		}
	}
	shared := r.sharedFolder(folderOf(name))
	switch {
	case shared && !mine:
		return fmt.Errorf("%w (uid %d, not %d), in a folder that others may write", ErrOwner, id.UID, r.EUID)
	case !shared && (mine || id.UID == 0):
		return nil // whether a link leads here makes no difference
	}
	li, err := r.Lstat(name)
	if err != nil {
		return bare(err)
	}
	link := li.Mode()&fs.ModeSymlink != 0
	if !shared {
		if link { // where it leads may be a folder that others may write
			return fmt.Errorf("is a symbolic link to a file that %w (uid %d, not %d)", ErrOwner, id.UID, r.EUID)
		}
		return nil
	}
	lid, _ := r.Identify(li)
	switch {
	case lid.UID != r.EUID:
		return fmt.Errorf("is a symbolic link that %w (uid %d, not %d), in a folder that others may write", ErrOwner, lid.UID, r.EUID)
	case !link && (lid.Dev != id.Dev || lid.Inode != id.Inode):
		return ErrMoved
	}
	return nil
}

// folderOf returns the folder that a file is in. [filepath.Dir] would resolve ..
// without regard to links, and so name another folder.
func folderOf(name string) string {
	if !strings.Contains(name, "..") {
		return filepath.Dir(name)
	}
	dir, _ := filepath.Split(name)
	return dir + "."
}

// sharedFolder reports whether others than the owner may put files there.
func (r *Reader) sharedFolder(dir string) bool {
	if shared, seen := r.shared[dir]; seen {
		return shared
	}
	fi, err := r.Stat(dir)
	shared := err != nil || isShared(fi.Mode())
	r.remember(dir, shared)
	return shared
}

func isShared(m fs.FileMode) bool { return m.Perm()&0o022 != 0 }

func (r *Reader) remember(dir string, shared bool) {
	if r.shared == nil {
		r.shared = map[string]bool{}
	}
	r.shared[dir] = shared
}

func notRegular(m fs.FileMode) error { return fmt.Errorf("%w but %s", ErrNotRegular, kindOf(m)) }

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}
