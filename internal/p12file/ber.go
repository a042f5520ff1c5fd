// SPDX-License-Identifier: BSD-3-Clause

package p12file

import (
	"encoding/asn1"
	"fmt"
)

// Bounds of the ASN.1 outside of what is encrypted. An ordinary file is 10 deep
// and has 100 elements.
const (
	maxDepth    = 32
	maxElements = 10_000
)

// First bytes of the encoding of a type.
const (
	sequence     = 0x30
	octets       = 0x04
	octetsPieces = 0x24 // an octet string in pieces, each an octet string
)

// header is the beginning of an element.
type header struct {
	tag        byte
	size       int // of the header itself
	length     int // of the content
	indefinite bool
}

func (h header) constructed() bool { return h.tag&0x20 != 0 }

// readHeader reads what comes before the content of an element. The content may
// be cut short: the caller finds out.
func readHeader(data []byte) (header, error) {
	if len(data) < 2 || data[0]&0x1f == 0x1f { // PKCS#12 has no tags over 30.
		return header{}, ErrMalformed
	}
	h := header{tag: data[0], size: 2, length: int(data[1])}
	switch {
	case data[1] < 0x80:
	case data[1] == 0x80:
		h.indefinite, h.length = true, 0
		if !h.constructed() {
			return header{}, ErrMalformed
		}
	default:
		n := int(data[1] & 0x7f)
		if n > 4 || len(data) < 2+n {
			return header{}, ErrMalformed
		}
		h.size, h.length = 2+n, 0
		for _, b := range data[2:h.size] {
			h.length = h.length<<8 | int(b)
		}
		if h.length < 0 { // On 32 bits it may have become so.
			return header{}, ErrMalformed
		}
	}
	return h, nil
}

// normalizer rewrites BER as DER, as far as lengths and octet strings go:
// encoding/asn1 reads nothing else, and Firefox (NSS), Apple's Keychain and some
// portals write lengths that are not said beforehand and strings in pieces. What
// is DER already stays the same, byte for byte. It does not look into octet
// strings, and so leaves certificates as they were signed.
type normalizer struct{ elements int }

// toDER rewrites one element that fills data.
func toDER(data []byte) ([]byte, error) {
	var n normalizer
	out, rest, err := n.element(nil, data, 0)
	if err == nil && len(rest) > 0 {
		err = ErrMalformed
	}
	return out, err
}

// element appends the element that data begins with, and returns what is after
// it.
func (n *normalizer) element(out, data []byte, depth int) (appended, rest []byte, err error) {
	n.elements++
	if n.elements > maxElements || depth > maxDepth {
		return nil, nil, fmt.Errorf("%w: more than %d elements, or nested deeper than %d", ErrTooMany, maxElements, maxDepth)
	}
	h, err := readHeader(data)
	if err != nil {
		return nil, nil, err
	}
	data = data[h.size:]
	if !h.indefinite && h.length > len(data) {
		return nil, nil, ErrMalformed // It is cut short.
	}
	if !h.constructed() {
		return append(appendHeader(out, h.tag, h.length), data[:h.length]...), data[h.length:], nil
	}
	inside := data
	if !h.indefinite {
		inside, rest = data[:h.length], data[h.length:]
	}
	var content []byte
	for h.indefinite || len(inside) > 0 {
		if h.indefinite && len(inside) >= 2 && inside[0] == 0 && inside[1] == 0 {
			rest = inside[2:]
			break
		}
		if content, inside, err = n.element(content, inside, depth+1); err != nil {
			return nil, nil, err
		}
	}
	if h.tag == octetsPieces {
		if content, err = joinPieces(content); err != nil {
			return nil, nil, err
		}
		h.tag = octets
	}
	return append(appendHeader(out, h.tag, len(content)), content...), rest, nil
}

// joinPieces joins the octet strings that data, which is DER, consists of.
func joinPieces(data []byte) ([]byte, error) {
	joined := make([]byte, 0, len(data))
	for len(data) > 0 {
		var piece asn1.RawValue
		rest, err := asn1.Unmarshal(data, &piece)
		if err != nil || piece.Class != asn1.ClassUniversal || piece.Tag != asn1.TagOctetString || piece.IsCompound {
			return nil, ErrMalformed
		}
		joined, data = append(joined, piece.Bytes...), rest
	}
	return joined, nil
}

// appendHeader appends a tag and a length in its shortest form.
func appendHeader(out []byte, tag byte, length int) []byte {
	out = append(out, tag)
	if length < 0x80 {
		return append(out, byte(length)) //nolint:gosec // It fits.
	}
	n := 1
	for length>>(8*n) > 0 {
		n++
	}
	out = append(out, 0x80|byte(n))
	for n--; n >= 0; n-- {
		out = append(out, byte(length>>(8*n))) //nolint:gosec // One byte of it is wanted.
	}
	return out
}
