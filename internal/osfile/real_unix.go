// SPDX-License-Identifier: BSD-3-Clause

//go:build unix

package osfile

import (
	"io/fs"
	"os"
	"syscall"
)

// Open opens a file of this machine for reading. O_NONBLOCK: opening a FIFO
// that nobody writes to must not hang.
func Open(name string) (fs.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0) //nolint:gosec // naming files to read is what a caller does here
	if err != nil {
		return nil, err // not f: a nil *os.File in an interface is not nil
	}
	return f, nil
}

// Identify reads owner, device and inode from what os.Stat returned.
func Identify(fi fs.FileInfo) (ID, bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return ID{}, false
	}
	return ID{UID: int(st.Uid), Dev: uint64(st.Dev), Inode: st.Ino, Changed: changed(st)}, true //nolint:unconvert // the width of Dev differs between systems
}
