// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// output is where the body goes.
type output interface {
	io.Writer
	// prepare adds to the request what this output needs.
	prepare(*http.Request)
	// begin looks at the response before its body is copied; done means that
	// there is nothing to copy.
	begin(*http.Response) (done bool, err error)
	// more reports whether another request is needed for what has not come.
	more() bool
	// close ends the output. Unless all went well, no trace is left of what has
	// come, if that can be.
	close(ok bool) error
	// offset is how much was there before.
	offset() int64
	toFile() bool
	// advice is what may help after a transfer that broke off.
	advice() []string
}

// openOutput opens the output before anything is sent: what cannot be stored
// need not be fetched.
func (p *program) openOutput(g *getFlags) (output, error) {
	var out output
	var err error
	switch {
	case g.output == "" || g.output == "-":
		return &stream{Writer: p.stdout}, nil
	case g.resume != "":
		out, err = openResumed(g.output)
	default:
		out, err = openNew(g.output)
	}
	if err != nil {
		return nil, fmt.Errorf("-o %s: %w", g.output, bareFile(err))
	}
	return out, nil
}

// stream is an output that nothing can be taken back from.
type stream struct {
	io.Writer
	file *os.File // nil: standard output, which is not ours to close
}

func (s *stream) prepare(*http.Request) {}

func (s *stream) begin(*http.Response) (bool, error) { return false, nil }

func (s *stream) more() bool { return false }

func (s *stream) close(bool) error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

func (s *stream) offset() int64 { return 0 }

func (s *stream) toFile() bool { return s.file != nil }

func (s *stream) advice() []string {
	return []string{"with -o FILE -C - what has come is kept, and the next try goes on from there"}
}

// newFile is a file that gets its name when it is complete, so that whoever
// sees it sees all of it.
type newFile struct {
	stream
	name string
}

func openNew(name string) (output, error) {
	perm := os.FileMode(0o666) // less the umask
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return nil, errors.New("is a directory")
	case err == nil && !info.Mode().IsRegular(): // /dev/null, a named pipe
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		return &stream{f, f}, err
	case err == nil:
		perm = info.Mode().Perm()
		if name, err = filepath.EvalSymlinks(name); err != nil { // a link stays one
			return nil, err
		}
	}
	temporary := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+"."+rand.Text()[:8]+".part")
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return nil, err
	}
	return &newFile{stream{f, f}, name}, nil
}

func (n *newFile) close(ok bool) error {
	err := n.file.Close()
	if ok && err == nil {
		err = os.Rename(n.file.Name(), n.name)
	}
	if !ok || err != nil {
		err = errors.Join(err, os.Remove(n.file.Name()))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	return nil
}

func (n *newFile) advice() []string {
	return []string{"with -C - what has come is kept, and the next try goes on from there"}
}

// bareFile removes the file's name from the operating system's error.
func bareFile(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
