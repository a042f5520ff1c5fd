// SPDX-License-Identifier: BSD-3-Clause

//go:build unix

package osfile

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"
)

// Open opens a file of this machine for reading. O_NONBLOCK: opening a FIFO
// that nobody writes to must not hang.
//
// What it returns is no [os.File], which is made for much more: it enters every
// file into the poller and asks once more for the end of it. Of the time to read
// a token that is half. It must be closed, as nothing else does it.
func Open(name string) (fs.File, error) {
	for {
		fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
		switch {
		case errors.Is(err, syscall.EINTR): // a signal, on file systems that wait for others
		case err != nil:
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		default:
			return &file{fd: fd, about: about{name: name}}, nil
		}
	}
}

// Identify reads owner, device and inode from what Stat returned.
func Identify(fi fs.FileInfo) (ID, bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return ID{}, false
	}
	return ID{UID: int(st.Uid), Dev: uint64(st.Dev), Inode: st.Ino, Changed: changed(st)}, true //nolint:unconvert // the width of Dev differs between systems
}

// file is an open file. It is not safe for concurrent use.
type file struct {
	about

	fd  int
	end int64 // the size of a regular file when it was looked at
	at  int64 // how much has been read
}

// Stat implements [fs.File].
func (f *file) Stat() (fs.FileInfo, error) {
	for {
		err := syscall.Fstat(f.fd, &f.st)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return nil, &fs.PathError{Op: "stat", Path: f.name, Err: err}
		default:
			if f.Mode().IsRegular() {
				f.end = f.Size()
			}
			return &f.about, nil
		}
	}
}

// Read implements [fs.File]. A regular file that gave all it has, and less than
// it was asked for, is at its end: that is said at once.
func (f *file) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, err := syscall.Read(f.fd, p)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return 0, &fs.PathError{Op: "read", Path: f.name, Err: err}
		case n == 0:
			return 0, io.EOF
		}
		if f.at += int64(n); f.at == f.end && n < len(p) {
			return n, io.EOF
		}
		return n, nil
	}
}

// Close implements [fs.File].
func (f *file) Close() error {
	if f.fd < 0 {
		return &fs.PathError{Op: "close", Path: f.name, Err: fs.ErrClosed}
	}
	fd := f.fd
	f.fd = -1 // the number may be another file's at once
	if err := syscall.Close(fd); err != nil {
		return &fs.PathError{Op: "close", Path: f.name, Err: err}
	}
	return nil
}

// about is what the system says of a file.
type about struct {
	name string
	st   syscall.Stat_t
}

// Name implements [fs.FileInfo].
func (a *about) Name() string { return filepath.Base(a.name) }

// Size implements [fs.FileInfo].
func (a *about) Size() int64 { return a.st.Size }

// ModTime implements [fs.FileInfo].
func (a *about) ModTime() time.Time { return modified(&a.st) }

// IsDir implements [fs.FileInfo].
func (a *about) IsDir() bool { return a.Mode().IsDir() }

// Sys implements [fs.FileInfo].
func (a *about) Sys() any { return &a.st }

// Mode implements [fs.FileInfo], as [os.Stat] does: stamps of both are compared.
// What is of an unknown kind is not taken for a regular file.
func (a *about) Mode() fs.FileMode {
	m := fs.FileMode(a.st.Mode & 0o777)
	switch a.st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
	case syscall.S_IFDIR:
		m |= fs.ModeDir
	case syscall.S_IFLNK:
		m |= fs.ModeSymlink
	case syscall.S_IFIFO:
		m |= fs.ModeNamedPipe
	case syscall.S_IFSOCK:
		m |= fs.ModeSocket
	case syscall.S_IFBLK:
		m |= fs.ModeDevice
	case syscall.S_IFCHR:
		m |= fs.ModeDevice | fs.ModeCharDevice
	default:
		m |= fs.ModeIrregular
	}
	if a.st.Mode&syscall.S_ISUID != 0 {
		m |= fs.ModeSetuid
	}
	if a.st.Mode&syscall.S_ISGID != 0 {
		m |= fs.ModeSetgid
	}
	if a.st.Mode&syscall.S_ISVTX != 0 {
		m |= fs.ModeSticky
	}
	return m
}
