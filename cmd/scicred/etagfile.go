// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// etagFile is the name of the file that remembers an ETag. What has that name
// and is not ours is left alone: it is not read, written or removed.
type etagFile string

// etagMark is the first line of a file that is ours.
const etagMark = "scicred etag 1\n"

func etagBeside(name string) etagFile {
	return etagFile(filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".scicred-etag"))
}

// read returns what is remembered; ours is false if there is no file of ours.
func (e etagFile) read() (etag string, ours bool) {
	named, err := os.Lstat(string(e))
	if err != nil || !named.Mode().IsRegular() {
		return "", false // Anyone may have put a link or a pipe there.
	}
	f, err := os.Open(string(e))
	if err != nil {
		return "", false
	}
	defer f.Close()
	if opened, err := f.Stat(); err != nil || !os.SameFile(named, opened) {
		return "", false // It became a link in between.
	}
	data, err := io.ReadAll(io.LimitReader(f, 4<<10))
	if err != nil {
		return "", false
	}
	etag, ours = strings.CutPrefix(string(data), etagMark)
	return strings.TrimSuffix(etag, "\n"), ours
}

// write remembers the ETag, if nothing has the name yet. The file gets it when
// it is complete; a link that comes in between is replaced, not followed.
func (e etagFile) write(etag string) error {
	if _, err := os.Lstat(string(e)); !errors.Is(err, os.ErrNotExist) {
		return nil // The next try does without, as with servers that name no version.
	}
	f, err := os.OpenFile(string(e)+"."+rand.Text()[:8], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(etagMark + etag + "\n")
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), string(e))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// remove forgets the ETag.
func (e etagFile) remove() error {
	if _, ours := e.read(); !ours {
		return nil
	}
	if err := os.Remove(string(e)); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// isStrong reports whether it is an entity tag that tells versions apart to the
// byte (RFC 9110 section 8.8.1).
func isStrong(etag string) bool {
	inner, found := strings.CutPrefix(etag, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	return found && closed && len(inner) < 1024 && !strings.ContainsFunc(inner, func(c rune) bool { return c <= ' ' || c == '"' || c == 0x7f })
}
