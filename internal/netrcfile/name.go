// SPDX-License-Identifier: BSD-3-Clause

package netrcfile

import "encoding/binary"

// head is the first bytes of a name, up to eight, for a quick look.
type head struct{ bytes, mask uint64 }

func headOf(name string) head {
	var first [8]byte
	n := copy(first[:], name)
	h := head{mask: 1<<(8*n) - 1} // Of 1<<64 nothing is left, which leaves all ones.
	h.bytes = (binary.LittleEndian.Uint64(first[:]) | lowerCase) & h.mask
	return h
}

// rulesOut reports whether the name of the machine entry that begins at a place
// surely begins with other bytes. It says so of nearly all that do.
func (h head) rulesOut(text []byte, start int) bool {
	at := start + len("machine ")
	return at+8 <= len(text) && text[at] > '"' &&
		(binary.LittleEndian.Uint64(text[at:])|lowerCase)&h.mask != h.bytes
}

// lowerCase has the bit set, in each byte, in which upper and lower case differ.
// With it set what is equal but for case is equal, and most that is not is not.
const lowerCase = 0x2020202020202020

// isNamed reports whether the entry that begins at a place has this name.
func (c *content) isNamed(start int, name string) bool {
	rest, ok := c.nameAfter(start, name)
	return ok && len(rest) == 0
}

// nameAfter returns what follows prefix in the name of the machine entry that
// begins at a place; false if the name begins otherwise. Case does not matter,
// but for ASCII letters alone: no two different Unicode names may become one.
//
// It is asked of every entry, so that it looks at no more of the text than it
// must.
func (c *content) nameAfter(start int, prefix string) (rest []byte, ok bool) {
	from := skipSpace(c.text, start+len("machine")) // The parser has seen to it that a name follows.
	isQuoted := c.text[from] == '"'
	if isQuoted {
		from++
	}
	to := from + len(prefix)
	if to > len(c.text) || !equalFold(c.text[from:to], prefix) {
		return nil, false
	}
	end := wordEnd(c.text, from)
	if isQuoted {
		p := parser{text: c.text, pos: from - 1}
		v, err := p.quotedValue()
		if err != nil || v.form == escaped {
			// A name with an escape holds a quote or a backslash: that is no
			// host, and the file's bytes are not the name.
			return nil, false
		}
		end = v.to
	}
	if to > end {
		return nil, false
	}
	return c.text[to:end], true
}

func equalFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
