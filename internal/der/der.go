// SPDX-License-Identifier: BSD-3-Clause

// Package der walks through values in the Distinguished Encoding Rules of ASN.1
// (ITU-T X.690) one by one, where encoding/asn1 wants the whole structure
// described beforehand. It copies nothing and allocates nothing; what a walk
// costs is in proportion to the length of what is walked over.
package der

// Tags of X.690, section 8, with the bit of constructed values where they are.
const (
	Integer     = 0x02
	BitString   = 0x03
	OctetString = 0x04
	Null        = 0x05
	OID         = 0x06
	Sequence    = 0x30
	Set         = 0x31
)

// Context is the tag [n] of a constructed value, and Context &^ 0x20 that of a
// primitive one.
func Context(n byte) byte { return 0xa0 | n }

// Value is one encoded value: its tag, what is in it, and the whole of it.
type Value struct {
	Tag     byte
	Content []byte
	Raw     []byte
}

// Read returns the value that input begins with, and what follows it; false if
// there is none. Lengths must be definite and as short as can be, as DER demands;
// tags from 31 up, which no structure here has, are refused.
func Read(input []byte) (v Value, rest []byte, ok bool) {
	if len(input) < 2 || input[0]&0x1f == 0x1f {
		return Value{}, input, false
	}
	length, head := int(input[1]), 2
	if length >= 0x80 {
		n := length - 0x80
		if n == 0 || n > 4 || len(input) < 2+n || input[2] == 0 {
			return Value{}, input, false
		}
		length = 0
		for _, b := range input[2 : 2+n] {
			length = length<<8 | int(b)
		}
		if head += n; length < 0x80 {
			return Value{}, input, false
		}
	}
	if length < 0 || length > len(input)-head {
		return Value{}, input, false
	}
	end := head + length
	return Value{Tag: input[0], Content: input[head:end:end], Raw: input[:end:end]}, input[end:], true
}

// ReadTag is [Read] for a value of a certain tag.
func ReadTag(input []byte, tag byte) (v Value, rest []byte, ok bool) {
	if v, rest, ok = Read(input); ok && v.Tag == tag {
		return v, rest, true
	}
	return Value{}, input, false
}

// All returns the values that content consists of, up to most of them; false if
// it consists of anything else or of more.
func All(content []byte, most int) ([]Value, bool) {
	var values []Value
	for len(content) > 0 {
		v, rest, ok := Read(content)
		if !ok || len(values) == most {
			return nil, false
		}
		values, content = append(values, v), rest
	}
	return values, true
}
