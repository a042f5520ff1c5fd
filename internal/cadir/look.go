// SPDX-License-Identifier: BSD-3-Clause

package cadir

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/osfile"
)

// look is one look at files. It reads each once, whatever number of names it has,
// and parses each certificate once, whatever number of files it is in.
type look struct {
	fsys    osfile.FS
	now     time.Time
	files   map[node]*entry
	parsed  map[[sha256.Size]byte]certificate
	bytes   int64
	trusted []int // user numbers
	shared  bool  // the folder may be written by others
	folder  bool  // it is one, so that the rules of owners hold
}

// entry is one file as it was when it was read.
type entry struct {
	version  version
	again    bool // it has to be read next time, whatever its version
	certs    []certificate
	problems []error
}

type certificate struct {
	*x509.Certificate
	sum [sha256.Size]byte
}

// node is what tells files apart that have several names.
type node struct{ dev, inode uint64 }

// version tells whether a file has changed. The zero version is that of a file
// that cannot be looked at.
type version struct {
	node
	uid          int
	mode         fs.FileMode
	size         int64
	mtime, ctime int64
}

func newLook(fsys osfile.FS, now time.Time) *look {
	return &look{fsys: fsys, now: now, files: map[node]*entry{}, parsed: map[[sha256.Size]byte]certificate{}}
}

func (l *look) versionOf(fi fs.FileInfo) version {
	v := version{mode: fi.Mode(), size: fi.Size(), mtime: fi.ModTime().UnixNano(), uid: -1}
	if id, ok := l.fsys.Identify(fi); ok {
		v.node, v.uid = node{id.Dev, id.Inode}, id.UID
		if !id.Changed.IsZero() {
			v.ctime = id.Changed.UnixNano()
		}
	}
	return v
}

// fresh reports whether the file was changed so shortly before now that a second
// change may carry the same times: file systems count in steps of up to two
// seconds.
func (v version) fresh(now time.Time) bool {
	const step = 2 * time.Second
	age := now.UnixNano() - max(v.mtime, v.ctime)
	return age < int64(step) && age > -int64(step)
}

// owners sets up the rules of a folder.
func (l *look) owners(folder fs.FileInfo) {
	l.folder, l.trusted = true, []int{l.fsys.EUID, 0}
	id, ok := l.fsys.Identify(folder)
	switch {
	case !ok:
		l.folder = false // There are no owners here.
	case folder.Mode().Perm()&0o022 != 0:
		l.shared = true
	default:
		l.trusted = append(l.trusted, id.UID)
	}
}

// list returns the names in a folder that may be those of certificates, in order.
func list(fsys osfile.FS, dir string) ([]string, error) {
	entries, err := fsys.ReadDir(dir)
	switch {
	case err != nil:
		return nil, bare(err)
	case len(entries) > MaxNames:
		return nil, fmt.Errorf("%w: more than %d files", ErrTooMany, MaxNames)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if wanted(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// wanted reports whether a name is a hash of eight hexadecimal digits with a
// number behind it, or ends in .pem.
func wanted(name string) bool {
	hash, number, found := strings.Cut(name, ".")
	return strings.HasSuffix(name, ".pem") ||
		found && len(hash) == 8 && strings.Trim(hash, "0123456789abcdefABCDEF") == "" &&
			number != "" && strings.Trim(number, "0123456789") == ""
}

// file returns what is in a file: what was there before if it has not changed.
// The error is one that ends the look.
func (l *look) file(path string, before *entry) (*entry, error) {
	fi, err := l.fsys.Stat(path)
	if err != nil {
		return &entry{problems: []error{bare(err)}}, nil
	}
	v := l.versionOf(fi)
	if e := l.files[v.node]; e != nil && v.node != (node{}) {
		return e, nil
	}
	e := before
	if e == nil || e.again || e.version != v {
		if e, err = l.readFile(path); err != nil {
			return nil, err
		}
	}
	l.files[v.node] = e
	return e, nil
}

func (l *look) readFile(path string) (*entry, error) {
	data, v, err := l.content(path)
	e := &entry{version: v, again: v.fresh(l.now)}
	switch {
	case errors.Is(err, ErrTooMany):
		return nil, err
	case err != nil:
		e.again, e.problems = true, []error{err}
		return e, nil //nolint:nilerr // It is the file's problem, the others are read.
	}
	l.parse(e, data)
	return e, nil
}

// content opens a file and asks everything of the handle: a name can be given to
// another file between two calls.
func (l *look) content(path string) ([]byte, version, error) {
	f, err := l.fsys.Open(path)
	if err != nil {
		return nil, version{}, bare(err)
	}
	defer func() { _ = f.Close() }() // Read only: nothing is lost.
	fi, err := f.Stat()
	if err != nil {
		return nil, version{}, bare(err)
	}
	v := l.versionOf(fi)
	switch {
	case !fi.Mode().IsRegular():
		return nil, v, osfile.ErrNotRegular
	case fi.Size() > MaxFile:
		return nil, v, fmt.Errorf("%w: %d bytes, at most %d are read", osfile.ErrTooLarge, fi.Size(), MaxFile)
	}
	if err := l.checkOwner(path, v); err != nil {
		return nil, v, err
	}
	data, err := readAll(f, int(fi.Size()))
	if err != nil {
		return nil, v, err
	}
	if l.bytes += int64(len(data)); l.bytes > MaxBytes {
		return nil, v, fmt.Errorf("%w: more than %d bytes", ErrTooMany, MaxBytes)
	}
	return data, v, nil
}

// readAll reads a file in one go if it has the size that it should have.
func readAll(f io.Reader, size int) ([]byte, error) {
	data := make([]byte, 0, size+1)
	for {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case len(data) > MaxFile:
			return nil, fmt.Errorf("%w: it grew over %d bytes while it was read", osfile.ErrTooLarge, MaxFile)
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, bare(err)
		case len(data) == cap(data):
			data = slices.Grow(data, 512)
		}
	}
}

// checkOwner is the rule of [Folder] about owners.
func (l *look) checkOwner(path string, v version) error {
	trusted := slices.Contains(l.trusted, v.uid)
	if !l.folder || trusted && !l.shared {
		return nil
	}
	li, err := l.fsys.Lstat(path)
	if err != nil {
		return bare(err)
	}
	name := l.versionOf(li)
	link := name.mode&fs.ModeSymlink != 0
	switch {
	case l.shared && !trusted:
		return fmt.Errorf("%w (uid %d), in a folder that others may write", osfile.ErrOwner, v.uid)
	case l.shared && !slices.Contains(l.trusted, name.uid):
		return fmt.Errorf("is a symbolic link that %w (uid %d), in a folder that others may write", osfile.ErrOwner, name.uid)
	case l.shared && !link && name.node != v.node:
		return osfile.ErrMoved
	case !l.shared && link:
		return fmt.Errorf("is a symbolic link to a file that %w (uid %d)", osfile.ErrOwner, v.uid)
	}
	return nil
}

// bare removes the file's name from the operating system's error: the caller says
// it.
func bare(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
