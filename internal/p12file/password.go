// SPDX-License-Identifier: BSD-3-Clause

package p12file

import "unicode/utf8"

// password is a passphrase in the two forms that PKCS#12 knows: PBKDF2 takes it
// as it is, the older key derivation in UTF-16 with a zero at its end (RFC 7292,
// appendix B.1). Being told apart there, an empty one (the zero alone) is not the
// same as none (nothing at all); programs differ in which of them they write.
type password struct {
	text []byte
	bmp  []byte
}

func emptyPassword() *password { return &password{bmp: []byte{0, 0}} }
func noPassword() *password    { return &password{} }

// newPassword takes a passphrase, which stays the caller's to overwrite.
func newPassword(text []byte) (*password, error) {
	if !utf8.Valid(text) {
		return nil, &UnsupportedError{"a passphrase that is not UTF-8"}
	}
	bmp := make([]byte, 0, 2*len(text)+2)
	for rest := text; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if r > 0xffff {
			clear(bmp)
			return nil, &UnsupportedError{"a passphrase with a character beyond U+FFFF"}
		}
		bmp, rest = append(bmp, byte(r>>8), byte(r)), rest[n:] //nolint:gosec // It fits into two bytes.
	}
	return &password{text: text, bmp: append(bmp, 0, 0)}, nil
}

// clear overwrites what was made of the passphrase. The copies that go-pkcs12 and
// the hash functions make are out of reach.
func (p *password) clear() { clear(p.bmp) }
