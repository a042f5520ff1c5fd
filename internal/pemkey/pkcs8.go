// SPDX-License-Identifier: BSD-3-Clause

package pemkey

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"  //nolint:gosec // OpenSSL 1.0 wrote it by default.
	"crypto/sha1" //nolint:gosec // PBKDF2's default, as a PRF not broken.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"fmt"
	"hash"
	"math"

	"github.com/scicred/scicred/internal/der"
)

// maxSalt is how long a salt may be. OpenSSL and Java write 8 to 20 bytes.
const maxSalt = 1024

// algorithm is an AlgorithmIdentifier: its identifier in dotted form, and its
// parameters.
type algorithm struct {
	id         string
	parameters []byte
}

// readAlgorithm returns the AlgorithmIdentifier that input begins with.
func readAlgorithm(input []byte) (a algorithm, rest []byte, ok bool) {
	sequence, rest, ok := der.ReadTag(input, der.Sequence)
	id, parameters, isID := der.ReadTag(sequence.Content, der.OID)
	var oid asn1.ObjectIdentifier
	if !ok || !isID {
		return algorithm{}, input, false
	}
	if _, err := asn1.Unmarshal(id.Raw, &oid); err != nil {
		return algorithm{}, input, false
	}
	return algorithm{id: oid.String(), parameters: parameters}, rest, true
}

// readPKCS8 reads an EncryptedPrivateKeyInfo (RFC 5958, section 3).
func readPKCS8(key []byte) (*Sealed, error) {
	outer, rest, ok := der.ReadTag(key, der.Sequence)
	if !ok || len(rest) > 0 {
		return nil, malformed("not one sequence")
	}
	scheme, rest, ok := readAlgorithm(outer.Content)
	if !ok {
		return nil, malformed("no algorithm")
	}
	data, rest, ok := der.ReadTag(rest, der.OctetString)
	if !ok || len(rest) > 0 {
		return nil, malformed("no encrypted data")
	}
	if scheme.id != "1.2.840.113549.1.5.13" { // PBES2
		return nil, unsupportedScheme(scheme.id)
	}
	params, rest, ok := der.ReadTag(scheme.parameters, der.Sequence)
	if !ok || len(rest) > 0 {
		return nil, malformed("no parameters")
	}
	kdf, rest, ok := readAlgorithm(params.Content)
	if !ok {
		return nil, malformed("no key derivation")
	}
	encryption, rest, ok := readAlgorithm(rest)
	if !ok || len(rest) > 0 {
		return nil, malformed("no cipher")
	}
	d, err := readDerivation(kdf)
	if err != nil {
		return nil, err
	}
	c, err := readCipher(encryption)
	if err != nil {
		return nil, err
	}
	switch {
	case d.keyLength != 0 && d.keyLength != int64(c.keyLength):
		return nil, malformed("the key length is not the cipher's")
	case !wholeBlocks(data.Content, len(c.iv)):
		return nil, malformed("no whole number of blocks")
	}
	return &Sealed{iterations: d.iterations, decrypt: func(ctx context.Context, passphrase []byte) ([]byte, error) {
		key, err := d.derive(ctx, passphrase, c.keyLength)
		if err != nil {
			return nil, err
		}
		defer clear(key)
		return c.decrypt(key, data.Content)
	}}, nil
}

// unsupportedScheme names the schemes that people may have.
func unsupportedScheme(id string) error {
	switch id {
	case "1.2.840.113549.1.5.1", "1.2.840.113549.1.5.3", "1.2.840.113549.1.5.4", "1.2.840.113549.1.5.6",
		"1.2.840.113549.1.5.10", "1.2.840.113549.1.5.11":
		return &UnsupportedError{Scheme: "PBES1", Legacy: true}
	case "1.2.840.113549.1.12.1.3", "1.2.840.113549.1.12.1.4":
		return &UnsupportedError{Scheme: "PBE-SHA1-3DES"}
	case "1.2.840.113549.1.12.1.1", "1.2.840.113549.1.12.1.2", "1.2.840.113549.1.12.1.5", "1.2.840.113549.1.12.1.6":
		return &UnsupportedError{Scheme: "an old PKCS#12 scheme", Legacy: true}
	}
	return &UnsupportedError{Scheme: "the scheme " + id}
}

// derivation is PBKDF2 (RFC 8018, section 5.2) with its parameters.
type derivation struct {
	salt       []byte
	iterations int
	keyLength  int64 // 0 if not said.
	hash       func() hash.Hash
}

// readDerivation reads the PBKDF2-params of RFC 8018, appendix A.2.
func readDerivation(kdf algorithm) (*derivation, error) {
	switch kdf.id {
	case "1.2.840.113549.1.5.12":
	case "1.3.6.1.4.1.11591.4.11":
		return nil, &UnsupportedError{Scheme: "scrypt"}
	default:
		return nil, &UnsupportedError{Scheme: "the key derivation " + kdf.id}
	}
	params, rest, ok := der.ReadTag(kdf.parameters, der.Sequence)
	if !ok || len(rest) > 0 {
		return nil, malformed("no parameters of the key derivation")
	}
	salt, rest, ok := der.ReadTag(params.Content, der.OctetString)
	if !ok || len(salt.Content) == 0 || len(salt.Content) > maxSalt {
		return nil, malformed("bad salt")
	}
	iterations, rest, ok := readNumber(rest)
	switch {
	case !ok || iterations < 1:
		return nil, malformed("bad number of iterations")
	case iterations == math.MaxInt64:
		return nil, fmt.Errorf("%w: at most %d are done", ErrTooManyIterations, MaxIterations)
	case iterations > MaxIterations:
		return nil, fmt.Errorf("%w: %d, at most %d are done", ErrTooManyIterations, iterations, MaxIterations)
	}
	d := &derivation{salt: salt.Content, iterations: int(iterations), hash: sha1.New}
	if d.keyLength, rest, ok = readNumber(rest); ok && d.keyLength < 1 {
		return nil, malformed("bad key length")
	}
	if len(rest) == 0 {
		return d, nil
	}
	prf, rest, ok := readAlgorithm(rest)
	if !ok || len(rest) > 0 || !isNull(prf.parameters) {
		return nil, malformed("bad parameters of the key derivation")
	}
	switch prf.id {
	case "1.2.840.113549.2.7":
		d.hash = sha1.New
	case "1.2.840.113549.2.8":
		d.hash = sha256.New224
	case "1.2.840.113549.2.9":
		d.hash = sha256.New
	case "1.2.840.113549.2.10":
		d.hash = sha512.New384
	case "1.2.840.113549.2.11":
		d.hash = sha512.New
	default:
		return nil, &UnsupportedError{Scheme: "the hash " + prf.id}
	}
	return d, nil
}

// readNumber returns the integer that input begins with: [math.MaxInt64] if it is
// greater than any that matters, -1 if it is negative.
func readNumber(input []byte) (n int64, rest []byte, ok bool) {
	v, rest, ok := der.ReadTag(input, der.Integer)
	if !ok || len(v.Content) == 0 {
		return 0, input, false
	}
	if v.Content[0]&0x80 != 0 {
		return -1, rest, true
	}
	digits := bytes.TrimLeft(v.Content, "\x00")
	if len(digits) > 4 {
		return math.MaxInt64, rest, true
	}
	for _, b := range digits {
		n = n<<8 | int64(b)
	}
	return n, rest, true
}

func isNull(parameters []byte) bool {
	return len(parameters) == 0 || bytes.Equal(parameters, []byte{der.Null, 0})
}

// blockCipher is a cipher in CBC mode with its initialization vector.
type blockCipher struct {
	iv        []byte
	keyLength int
	new       func(key []byte) (cipher.Block, error)
}

// readCipher reads the encryption scheme of RFC 8018, appendices B.2.2 and B.2.5.
func readCipher(encryption algorithm) (*blockCipher, error) {
	c, size := &blockCipher{new: aes.NewCipher}, aes.BlockSize
	switch encryption.id {
	case "2.16.840.1.101.3.4.1.2":
		c.keyLength = 16
	case "2.16.840.1.101.3.4.1.22":
		c.keyLength = 24
	case "2.16.840.1.101.3.4.1.42":
		c.keyLength = 32
	case "1.2.840.113549.3.7":
		c.keyLength, c.new, size = 24, des.NewTripleDESCipher, des.BlockSize
	default:
		return nil, &UnsupportedError{Scheme: "the cipher " + encryption.id, Legacy: true}
	}
	iv, rest, ok := der.ReadTag(encryption.parameters, der.OctetString)
	if !ok || len(rest) > 0 || len(iv.Content) != size {
		return nil, malformed("bad initialization vector")
	}
	c.iv = iv.Content
	return c, nil
}

// decrypt takes the padding of RFC 8018, section 6.1.1, off. That it is told here
// whether it was right gives nothing away: nobody can send us files and see the
// answer who could not as well try passphrases.
func (c *blockCipher) decrypt(key, data []byte) ([]byte, error) {
	block, err := c.new(key)
	if err != nil {
		return nil, malformed("the cipher does not take the key") // Its length has been checked.
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, c.iv).CryptBlocks(plain, data)
	padding := plain[len(plain)-1]
	end := len(plain) - int(padding)
	if padding == 0 || int(padding) > block.BlockSize() || bytes.Count(plain[end:], []byte{padding}) != int(padding) {
		clear(plain)
		return nil, ErrWrongPassphrase
	}
	return plain[:end], nil
}
