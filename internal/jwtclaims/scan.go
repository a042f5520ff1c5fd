// SPDX-License-Identifier: BSD-3-Clause

package jwtclaims

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// The functions in this file read JSON (RFC 8259) once, from left to right. Each
// gets a text and the place where something begins, and returns the place behind
// it, or broken off if it does not take it. They take nothing that is not JSON,
// but not all that is: numbers with an exponent, halves of surrogate pairs and
// deep nesting are left to the careful reader.
//
// Every text has that many bytes of NUL behind it, which JSON has nowhere: they
// stop whoever gets there, so that nobody has to look for the end at each step.
const padding = 8

const (
	brokenOff = -1

	// maxDepth is how many lists and objects may stand in each other.
	maxDepth = 32

	// maxNumber is how long a number may be. It is finite then, as a float64.
	maxNumber = 300
)

// span is a part of a text.
type span struct{ start, end int }

func (s span) of(text []byte) []byte { return text[s.start:s.end] }

// skipSpace reads white space, if there is any.
func skipSpace(text []byte, at int) int {
	for text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t' {
		at++
	}
	return at
}

// skipValue reads any value. Depth is that of the value around it.
func skipValue(text []byte, at, depth int) int {
	switch c := text[at]; {
	case c == '"':
		_, at = readString(text, at)
		return at
	case c == '[' && depth < maxDepth:
		return skipList(text, at, depth+1)
	case c == '{' && depth < maxDepth:
		return skipObject(text, at, depth+1)
	case c == '-' || isDigit(c):
		return skipNumber(text, at)
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(text[at:], []byte(word)) {
			return at + len(word)
		}
	}
	return brokenOff
}

func skipList(text []byte, at, depth int) int {
	at, more := enter(text, at, ']')
	for more {
		if at = skipValue(text, at, depth); at == brokenOff {
			return brokenOff
		}
		at, more = next(text, at, ']')
	}
	return at
}

// skipObject reads an object, in which a member may be named twice.
func skipObject(text []byte, at, depth int) int {
	at, more := enter(text, at, '}')
	for more {
		if _, at = readName(text, at); at == brokenOff {
			return brokenOff
		}
		if at = skipValue(text, at, depth); at == brokenOff {
			return brokenOff
		}
		at, more = next(text, at, '}')
	}
	return at
}

// enter goes behind an opening bracket: to the first item if more is true, else
// behind the closing bracket.
func enter(text []byte, at int, closing byte) (after int, more bool) {
	at = skipSpace(text, at+1)
	if text[at] == closing {
		return at + 1, false
	}
	return at, true
}

// next goes on behind an item: to the next one if more is true, else behind the
// closing bracket.
func next(text []byte, at int, closing byte) (after int, more bool) {
	at = skipSpace(text, at)
	switch text[at] {
	case ',':
		return skipSpace(text, at+1), true
	case closing:
		return at + 1, false
	}
	return brokenOff, false
}

// readName reads the name of a member, and goes on to its value.
func readName(text []byte, at int) (span, int) {
	name, at := readString(text, at)
	if at == brokenOff {
		return span{}, brokenOff
	}
	at = skipSpace(text, at)
	if text[at] != ':' {
		return span{}, brokenOff
	}
	return name, skipSpace(text, at+1)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func skipDigits(text []byte, at int) int {
	for isDigit(text[at]) {
		at++
	}
	return at
}

func skipNumber(text []byte, at int) int {
	start := at
	if text[at] == '-' {
		at++
	}
	whole := at
	at = skipDigits(text, at)
	if at == whole || at > whole+1 && text[whole] == '0' {
		return brokenOff
	}
	if text[at] == '.' {
		fraction := at + 1
		if at = skipDigits(text, fraction); at == fraction {
			return brokenOff
		}
	}
	// An exponent is nothing that may follow a value, so there next breaks off.
	if at-start > maxNumber {
		return brokenOff
	}
	return at
}

// readSeconds reads a whole number of at most twelve digits. Whatever follows
// those, such as a fraction, is nothing that may follow a value.
func readSeconds(text []byte, at int) (int64, int) {
	start := at
	var n int64
	for isDigit(text[at]) && at < start+12 {
		n = 10*n + int64(text[at]-'0')
		at++
	}
	if at == start || at > start+1 && text[start] == '0' {
		return 0, brokenOff
	}
	return n, at
}

// readString reads a string. The span is what stands between its quotes, with
// what its escapes stand for.
func readString(text []byte, at int) (span, int) {
	if text[at] != '"' {
		return span{}, brokenOff
	}
	start := at + 1
	end := skipPlain(text, start)
	if text[end] == '"' {
		return span{start, end}, end + 1
	}
	return readRough(text, start, end)
}

// skipPlain reads what stands for itself in a string: ASCII but for control
// characters, quotes and backslashes. It looks at eight bytes at a time, as one
// word. In special the highest bit of a byte is set if it is anything else: less
// than what is subtracted, or not ASCII. Such a byte may make the one behind it
// look special, never one before it.
func skipPlain(text []byte, at int) int {
	const (
		each    = 0x0101010101010101
		highest = 0x80 * each
	)
	for {
		word := binary.LittleEndian.Uint64(text[at:])
		control := word - ' '*each
		quote := (word ^ '"'*each) - each
		backslash := (word ^ '\\'*each) - each
		if special := (control | quote | backslash) & highest; special != 0 {
			return at + bits.TrailingZeros64(special)/8
		}
		at += 8
	}
}

// readRough goes on with a string in which not all is plain. What an escape
// stands for is put in its place, where there is always room for it. U+FFFD is not
// taken: it is also what stands for half a pair of surrogates, since one escape is
// read at a time, and for bytes that are not UTF-8.
func readRough(text []byte, start, at int) (span, int) {
	end := at // of what is in its place
	ascii := true
	for text[at] != '"' {
		switch c := text[at]; {
		case c < ' ':
			return span{}, brokenOff
		case c == '\\':
			r, n := readEscape(text[at:])
			if n == 0 {
				return span{}, brokenOff
			}
			end += utf8.EncodeRune(text[end:], r)
			at += n
			ascii = ascii && r < utf8.RuneSelf
		default:
			plain := skipPlain(text, at+1)
			end += copy(text[end:], text[at:plain])
			at = plain
			ascii = ascii && c < utf8.RuneSelf
		}
	}
	if !ascii && bytes.ContainsRune(text[start:end], utf8.RuneError) {
		return span{}, brokenOff
	}
	return span{start, end}, at + 1
}

// readEscape returns what the escape at the start of text stands for, and its
// length, which is 0 if it is none.
func readEscape(text []byte) (rune, int) {
	const short, meaning = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i := strings.IndexByte(short, text[1]); i >= 0 {
		return rune(meaning[i]), 2
	}
	if text[1] != 'u' {
		return 0, 0
	}
	var r rune
	for _, c := range text[2:6] {
		switch lower := c | 0x20; {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= lower && lower <= 'f':
			r = r<<4 | rune(lower-'a'+10)
		default:
			return 0, 0
		}
	}
	return r, 6
}
