// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/scicred/scicred"
)

// open opens a file for reading. Like the real one it does not wait for a
// writer of a named pipe.
func (w *World) open(name string) (fs.File, error) {
	n, _, err := w.lookup("open", name, true)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.may(n, 0o4) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EACCES}
	}
	return &openFile{info: info{path.Base(clean(name)), n}, rest: strings.NewReader(n.content)}, nil
}

func (w *World) stat(op, name string, follow bool) (fs.FileInfo, error) {
	n, _, err := w.lookup(op, name, follow)
	if err != nil {
		return nil, err
	}
	return info{path.Base(clean(name)), n}, nil
}

func (w *World) readDir(name string) ([]fs.DirEntry, error) {
	dir, at, err := w.lookup("readdir", name, true)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !dir.mode.IsDir():
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	case !w.may(dir, 0o4):
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.EACCES}
	}
	var entries []fs.DirEntry
	for other, n := range w.nodes {
		if other != at && path.Dir(other) == at {
			entries = append(entries, fs.FileInfoToDirEntry(info{path.Base(other), n}))
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// identify knows only what comes from a World.
func (w *World) identify(fi fs.FileInfo) (scicred.FileID, bool) {
	i, ok := fi.(info)
	if !ok || w.EUID() < 0 {
		return scicred.FileID{}, false
	}
	return scicred.FileID{UID: i.node.uid, Dev: 1, Inode: i.node.inode, Changed: i.node.changed}, true
}

// info is a node with its name.
type info struct {
	name string
	node *node
}

func (i info) Name() string       { return i.name }
func (i info) Mode() fs.FileMode  { return i.node.mode }
func (i info) ModTime() time.Time { return i.node.modified }
func (i info) IsDir() bool        { return i.node.mode.IsDir() }
func (info) Sys() any             { return nil }

func (i info) Size() int64 {
	if i.node.target != "" {
		return int64(len(i.node.target))
	}
	return int64(len(i.node.content))
}

// openFile is a file as it was when it was opened.
type openFile struct {
	info info
	rest *strings.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }

func (f *openFile) Read(p []byte) (int, error) {
	switch mode := f.info.Mode(); {
	case f.rest == nil:
		return 0, fs.ErrClosed
	case mode.IsDir():
		return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: syscall.EISDIR}
	case !mode.IsRegular():
		clear(p)
		return len(p), nil
	}
	return f.rest.Read(p)
}

func (f *openFile) Close() error {
	if f.rest == nil {
		return fs.ErrClosed
	}
	f.rest = nil
	return nil
}
