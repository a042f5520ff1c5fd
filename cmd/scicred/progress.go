// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/human"
)

// progress is a line on a terminal that shows how far a transfer is. It counts
// what is written to it.
type progress struct {
	w     io.Writer
	now   func() time.Time
	start int64 // what was there before
	total int64 // all of it; -1: not known
	done  int64 // what has come, without start
	began time.Time
	drawn time.Time
}

// redrawEvery is how often the line changes.
const redrawEvery = 200 * time.Millisecond

func newProgress(w io.Writer, start, length int64) *progress {
	b := &progress{w: w, now: time.Now, start: start, total: -1}
	if length >= 0 {
		b.total = start + length
	}
	b.began = b.now()
	return b
}

// Write counts; it never fails.
func (b *progress) Write(data []byte) (int, error) {
	b.done += int64(len(data))
	if now := b.now(); now.Sub(b.drawn) >= redrawEvery {
		b.drawn = now
		_, _ = io.WriteString(b.w, "\r"+b.line(now)+"\x1b[K")
	}
	return len(data), nil
}

// clear removes the line.
func (b *progress) clear() {
	if !b.drawn.IsZero() {
		_, _ = io.WriteString(b.w, "\r\x1b[K")
	}
}

// line is short enough for 80 columns.
func (b *progress) line(now time.Time) string {
	const width = 20
	have := b.start + b.done
	rate := 0.0
	if spent := now.Sub(b.began).Seconds(); spent > 0 {
		rate = float64(b.done) / spent
	}
	speed := byteCount(int64(rate)) + "/s"
	if b.total <= 0 {
		return fmt.Sprintf("%s  %s", byteCount(have), speed)
	}
	part := min(1, float64(have)/float64(b.total))
	filled := int(part * width)
	left := ""
	if rate > 0 && have < b.total {
		left = "  " + human.Duration(time.Duration(float64(b.total-have)/rate*float64(time.Second))) + " left"
	}
	return fmt.Sprintf("[%s%s] %3.0f%%  %s of %s  %s%s", strings.Repeat("#", filled), strings.Repeat(".", width-filled),
		part*100, byteCount(have), byteCount(b.total), speed, left)
}

// byteCount writes a number of bytes for people.
func byteCount(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1024, 0
	for value >= 1024 && unit < 4 {
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTP"[unit])
}
