// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestProgressShowsHowFarItIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		start, length, done int64
		want                string
	}{
		"a known length":       {0, 4 << 20, 1 << 20, "[#####...............]  25%  1.0 MiB of 4.0 MiB  512.0 KiB/s  6s left"},
		"continued":            {2 << 20, 2 << 20, 1 << 20, "[###############.....]  75%  3.0 MiB of 4.0 MiB  512.0 KiB/s  2s left"},
		"an unknown length":    {0, -1, 1 << 20, "1.0 MiB  512.0 KiB/s"},
		"complete":             {0, 1 << 20, 1 << 20, "[####################] 100%  1.0 MiB of 1.0 MiB  512.0 KiB/s"},
		"nothing yet":          {0, 1 << 20, 0, "[....................]   0%  0 B of 1.0 MiB  0 B/s"},
		"more than was said":   {0, 1 << 10, 2 << 10, "[####################] 100%  2.0 KiB of 1.0 KiB  1.0 KiB/s"},
		"an empty body":        {0, 0, 0, "0 B  0 B/s"},
		"more than a petabyte": {0, 3 << 60, 3 << 59, "[##########..........]  50%  1536.0 PiB of 3072.0 PiB  768.0 PiB/s  2s left"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Unix(1000, 0)
			b := &progress{start: test.start, total: -1, done: test.done, began: began}
			if test.length >= 0 {
				b.total = test.start + test.length
			}
			line := b.line(began.Add(2 * time.Second))
			assert.Equal(t, test.want, line)
			assert.Less(t, utf8.RuneCountInString(line), 80)
		})
	}
}

func TestProgressIsDrawnNowAndThenAndCleared(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(1000, 0)
	b := newProgress(&out, 0, 100)
	b.now = func() time.Time { return now }
	b.began = now
	for range 100 { // two seconds
		n, err := b.Write([]byte{0})
		assert.NoError(t, err)
		assert.Equal(t, 1, n)
		now = now.Add(20 * time.Millisecond)
	}
	b.clear()
	assert.Equal(t, 10+1, strings.Count(out.String(), "\r"), "five times a second, and once to clear")
	assert.True(t, strings.HasSuffix(out.String(), "\r\x1b[K"), "the line is gone")
	assert.NotContains(t, out.String(), "\n")

	out.Reset()
	newProgress(&out, 0, 100).clear()
	assert.Empty(t, out.String(), "nothing was drawn, so there is nothing to clear")
}
