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
	return f.stampOf(fi)
}

func (f FS) stampOf(fi fs.FileInfo) Stamp {
	s := Stamp{exists: true, mode: fi.Mode(), size: fi.Size(), mtime: fi.ModTime().UnixNano()}
	if id, ok := f.Identify(fi); ok {
		s.dev, s.inode, s.uid = id.Dev, id.Inode, id.UID
		if !id.Changed.IsZero() {
			s.ctime = id.Changed.UnixNano()
		}
	}
	return s
}

// Rule says what a file must satisfy.
type Rule struct {
	Max     int64 // bytes
	Private bool  // owner and mode as safe_netrc demands: the effective user's, nothing for group and others
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
}

// NewReader returns a Reader.
func (f FS) NewReader() *Reader { return &Reader{FS: f, shared: map[string]bool{}} }

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
	info.Stamp = r.stampOf(fi)
	if !fi.Mode().IsRegular() {
		return nil, info, notRegular(fi.Mode())
	}
	if err := r.checkOwner(name, fi, rule); err != nil {
		return nil, info, err
	}
	info.Ownerless = !r.hasOwners(fi)
	info.OpenToOthers = !info.Ownerless && fi.Mode().Perm()&0o044 != 0
	if fi.Size() > rule.Max {
		return nil, info, fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, fi.Size(), rule.Max)
	}
	data, err = readAll(file, fi.Size(), rule.Max)
	return data, info, err
}

// List returns what is in a folder. As with Read the error does not say its
// name.
func (r *Reader) List(name string) ([]fs.DirEntry, error) {
	entries, err := r.ReadDir(name)
	if err != nil {
		return nil, bare(err)
	}
	return entries, nil
}

func readAll(file io.Reader, size, limit int64) ([]byte, error) {
	buf := make([]byte, 0, size+1) // one more, so that the end is seen without growing
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
		if _, derr := r.Stat(filepath.Dir(name)); errors.Is(derr, fs.ErrNotExist) {
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

func (r *Reader) hasOwners(fi fs.FileInfo) bool {
	_, ok := r.Identify(fi)
	return ok
}

func (r *Reader) checkOwner(name string, fi fs.FileInfo, rule Rule) error {
	id, ok := r.Identify(fi)
	if !ok {
		return nil
	}
	if rule.Private {
		if id.UID != r.EUID {
			return fmt.Errorf("%w (uid %d, not %d)", ErrOwner, id.UID, r.EUID)
		}
		if fi.Mode().Perm()&0o077 != 0 {
			return fmt.Errorf("%w (mode %04o, want 0600)", ErrMode, fi.Mode().Perm())
		}
	}
	shared := r.sharedFolder(filepath.Dir(name))
	if shared && id.UID != r.EUID {
		return fmt.Errorf("%w (uid %d, not %d), in a folder that others may write", ErrOwner, id.UID, r.EUID)
	}
	li, err := r.Lstat(name)
	if err != nil {
		return bare(err)
	}
	if li.Mode()&fs.ModeSymlink != 0 && id.UID != r.EUID && id.UID != 0 {
		// Where the link leads may be a folder that others may write.
		return fmt.Errorf("is a symbolic link to a file that %w (uid %d, not %d)", ErrOwner, id.UID, r.EUID)
	}
	if !shared {
		return nil
	}
	lid, _ := r.Identify(li)
	switch {
	case lid.UID != r.EUID:
		return fmt.Errorf("is a symbolic link that %w (uid %d, not %d), in a folder that others may write", ErrOwner, lid.UID, r.EUID)
	case li.Mode()&fs.ModeSymlink == 0 && (lid.Dev != id.Dev || lid.Inode != id.Inode):
		return ErrMoved
	}
	return nil
}

// sharedFolder reports whether others than the owner may put files there.
func (r *Reader) sharedFolder(dir string) bool {
	if shared, seen := r.shared[dir]; seen {
		return shared
	}
	fi, err := r.Stat(dir)
	shared := err != nil || fi.Mode().Perm()&0o022 != 0
	r.shared[dir] = shared
	return shared
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
