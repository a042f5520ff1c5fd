// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
)

// resumed is a file that is continued where it ends. What has come stays there
// whatever happens, for the next try.
//
// The server's name for the version that the beginning is of (its ETag, RFC
// 9110 section 8.8.3) is kept in a file beside it (etagFile). With it the next
// try goes on only if the server still has that version.
type resumed struct {
	stream
	version etagFile
	start   int64 // how much was there
	written int64
	total   int64 // how long the whole is; -1: not known
	closed  bool  // the last request named the end of the part that it wants
	created bool
}

func openResumed(name string) (output, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	f, openErr := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666)
	if openErr != nil {
		return nil, openErr
	}
	r := &resumed{stream: stream{f, f}, version: etagBeside(name), created: errors.Is(err, os.ErrNotExist), total: -1}
	if r.start, err = f.Seek(0, io.SeekEnd); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func (r *resumed) prepare(req *http.Request) {
	req.Header.Set("Accept-Encoding", "identity") // offsets are those of the file
	if r.start == 0 {
		return
	}
	wanted := fmt.Sprintf("bytes=%d-", r.start)
	if r.closed = r.total > r.start; r.closed {
		wanted += strconv.FormatInt(r.total-1, 10)
	}
	req.Header.Set("Range", wanted)
	if etag, ours := r.version.read(); ours && isStrong(etag) {
		req.Header.Set("If-Range", etag)
	}
}

func (r *resumed) begin(resp *http.Response) (done bool, err error) {
	switch {
	case resp.StatusCode == http.StatusPartialContent:
		first, total, ok := contentRange(resp.Header.Get("Content-Range"))
		if !ok || first != r.start {
			return false, fmt.Errorf("the server sent another part of the file than the one asked for (Content-Range: %q, not bytes %d-)", resp.Header.Get("Content-Range"), r.start)
		}
		r.total = total
		return false, nil
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && r.start > 0:
		_, total, ok := contentRange(resp.Header.Get("Content-Range"))
		return ok && total == r.start, nil
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return false, r.startAnew(resp)
	}
	return false, nil
}

// startAnew is for a server that sends all of the file.
func (r *resumed) startAnew(resp *http.Response) error {
	r.start, r.total = 0, -1
	_, err := r.file.Seek(0, io.SeekStart)
	if err == nil {
		err = r.file.Truncate(0)
	}
	// The old version's name goes first: it must not outlive its file.
	err = errors.Join(err, r.version.remove())
	if etag := resp.Header.Get("ETag"); err == nil && isStrong(etag) {
		return r.version.write(etag)
	}
	return err
}

func (r *resumed) Write(b []byte) (int, error) {
	n, err := r.file.Write(b)
	r.written += int64(n)
	return n, err
}

// more goes on after an answer that was not all of the rest. XRootD 5.5 sends
// nothing of a part whose end is left open, but says how long the file is.
func (r *resumed) more() bool {
	stuck := r.written == 0 && r.closed
	if have := r.start + r.written; stuck || r.total <= have {
		return false
	}
	r.start, r.written = r.start+r.written, 0
	return true
}

func (r *resumed) close(ok bool) error {
	err := r.file.Close()
	size := r.start + r.written
	switch {
	case ok && err == nil && r.total > size:
		return &failure{code: exitFailure, err: fmt.Errorf("%s of %s are there: the server sent a part of what was asked for", byteCount(size), byteCount(r.total)), hints: r.advice()}
	case ok && err == nil:
		return r.version.remove()
	case r.created && size == 0:
		return errors.Join(err, os.Remove(r.file.Name()), r.version.remove())
	}
	return err
}

func (r *resumed) offset() int64 { return r.start }

func (r *resumed) advice() []string {
	return []string{"run the same command again to go on from there"}
}

// contentRange reads "bytes 7-99/100" and "bytes */100" (RFC 9110 section
// 14.4). An unknown total is -1.
func contentRange(s string) (first, total int64, ok bool) {
	if _, err := fmt.Sscanf(s, "bytes */%d", &total); err == nil {
		return 0, total, true
	}
	var last int64
	if _, err := fmt.Sscanf(s, "bytes %d-%d/%d", &first, &last, &total); err == nil {
		toTheEnd := last == -1 && total >= first // XRootD 5.5 writes "7--1/18"
		return first, total, first >= 0 && (toTheEnd || last >= first && total > last)
	}
	if _, err := fmt.Sscanf(s, "bytes %d-%d/*", &first, &last); err == nil {
		return first, -1, last >= first
	}
	return 0, 0, false
}
