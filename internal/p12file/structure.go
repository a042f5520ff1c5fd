// SPDX-License-Identifier: BSD-3-Clause

package p12file

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// Bounds of what is encrypted, which nobody can look into beforehand. A key of
// RSA with 16,384 bits has 9 kB.
const (
	maxSealed = 256 << 10
	maxKey    = 16 << 10
)

// maxRSA is how many bits an RSA key may have. Where several certificates have one
// name, signatures tell which of them is meant, and to check one takes seconds for
// keys of a million bits. crypto/tls has the same limit.
const maxRSA = 8192

// file is a PKCS#12 file that has been taken apart, up to what is encrypted. All
// key derivations that it asks for are within bounds.
type file struct {
	safe   []byte   // what the MAC is made of
	mac    *mac     // nil if there is none
	certs  [][]byte // cert bags that are not encrypted
	keys   []keyBag // keys that stand by themselves, encrypted or not
	sealed []sealed // encrypted contents, in which certificates are
	size   int      // of sealed, in bytes
	guard  guard
}

// keyBag is a private key in PKCS#8.
type keyBag struct {
	encrypted bool
	content   []byte // of the bag
}

// sealed is a content that is encrypted as a whole.
type sealed struct {
	alg        pkix.AlgorithmIdentifier
	ciphertext []byte
}

// The ASN.1 of RFC 7292, section 4, and of RFC 2315.
type (
	pfx struct {
		Version  int
		AuthSafe contentInfo
		MacData  macData `asn1:"optional"`
	}
	contentInfo struct {
		ContentType asn1.ObjectIdentifier
		Content     asn1.RawValue `asn1:"tag:0,explicit,optional"`
	}
	encryptedData struct {
		Version int
		Info    encryptedContentInfo
	}
	encryptedContentInfo struct {
		ContentType asn1.ObjectIdentifier
		Algorithm   pkix.AlgorithmIdentifier
		Content     asn1.RawValue // [0] IMPLICIT OCTET STRING
	}
	safeBag struct {
		ID    asn1.ObjectIdentifier
		Value asn1.RawValue `asn1:"tag:0,explicit"`
		// The attributes that may follow (a name, the number of a key) are of no
		// use here: the key itself tells which certificate is its own.
	}
	encryptedPrivateKeyInfo struct {
		Algorithm  pkix.AlgorithmIdentifier
		Ciphertext []byte
	}
	certBag struct {
		ID   asn1.ObjectIdentifier
		Data []byte `asn1:"tag:0,explicit"`
	}
)

// read takes a file apart. White space after its end, which editors and web pages
// leave, is no part of it.
func read(data []byte) (*file, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, len(data), MaxSize)
	}
	if !Looks(data) {
		return nil, ErrMalformed
	}
	der, rest, err := new(normalizer).element(nil, data, 0)
	if err != nil {
		return nil, err
	}
	var p pfx
	if len(bytes.TrimSpace(rest)) > 0 || !decode(der, &p) {
		return nil, ErrMalformed
	}
	f := &file{}
	if !p.AuthSafe.ContentType.Equal(oidData()) {
		return nil, &UnsupportedError{"a signature in place of a passphrase"}
	}
	if !decode(p.AuthSafe.Content.Bytes, &f.safe) {
		return nil, ErrMalformed
	}
	if len(p.MacData.Mac.Algorithm.Algorithm) > 0 {
		if f.mac, err = f.guard.mac(&p.MacData); err != nil {
			return nil, err
		}
	}
	contents, err := elements(f.safe)
	if err != nil {
		return nil, err
	}
	bags := 0
	for _, c := range contents {
		n, err := f.content(c.FullBytes)
		if bags += n; err == nil && bags > MaxBags {
			err = fmt.Errorf("%w: more than %d certificates and keys", ErrTooMany, MaxBags)
		}
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// content takes one content apart and returns how many bags it has, an encrypted
// one counting as one.
func (f *file) content(der []byte) (bags int, err error) {
	var info contentInfo
	if !decode(der, &info) {
		return 0, ErrMalformed
	}
	switch {
	case info.ContentType.Equal(oidData()):
		var safe []byte
		if !decode(info.Content.Bytes, &safe) {
			return 0, ErrMalformed
		}
		found, err := elements(safe)
		if err != nil {
			return 0, err
		}
		for _, b := range found {
			if err := f.bag(b.FullBytes); err != nil {
				return 0, err
			}
		}
		return len(found), nil
	case info.ContentType.Equal(oidEncryptedData()):
		return 1, f.seal(info.Content.Bytes)
	default:
		return 0, &UnsupportedError{"contents encrypted for a public key"}
	}
}

func (f *file) seal(der []byte) error {
	var e encryptedData
	if !decode(der, &e) {
		return ErrMalformed
	}
	c := e.Info.Content
	if c.Class != asn1.ClassContextSpecific || c.Tag != 0 {
		return ErrMalformed
	}
	s := sealed{alg: e.Info.Algorithm, ciphertext: c.Bytes}
	if c.IsCompound { // In pieces, which BER allows.
		var err error
		if s.ciphertext, err = joinPieces(c.Bytes); err != nil {
			return err
		}
	}
	if f.size += len(s.ciphertext); f.size > maxSealed {
		return fmt.Errorf("%w: encrypted certificates of more than %d bytes", ErrTooLarge, maxSealed)
	}
	f.sealed = append(f.sealed, s)
	return f.guard.encryption(s.alg)
}

// bag takes one bag apart. Bags that hold revocation lists or other secrets are
// passed over.
func (f *file) bag(der []byte) error {
	var b safeBag
	if !decode(der, &b) {
		return ErrMalformed
	}
	switch n := bagKind(b.ID); n {
	case bagKey, bagShroudedKey:
		k := keyBag{content: b.Value.Bytes}
		if len(k.content) > maxKey {
			return fmt.Errorf("%w: a private key of %d bytes, at most %d are read", ErrTooLarge, len(k.content), maxKey)
		}
		if n == bagShroudedKey {
			var e encryptedPrivateKeyInfo
			if !decode(k.content, &e) {
				return ErrMalformed
			}
			if err := f.guard.encryption(e.Algorithm); err != nil {
				return err
			}
			k.encrypted = true
		}
		f.keys = append(f.keys, k)
	case bagCert:
		f.certs = append(f.certs, b.Value.Bytes)
	case bagSafeContents:
		return &UnsupportedError{"contents within contents"}
	}
	return nil
}

// elements returns the elements of a sequence, which may be in BER.
func elements(data []byte) ([]asn1.RawValue, error) {
	der, err := toDER(data)
	if err != nil {
		return nil, err
	}
	var found []asn1.RawValue
	if !decode(der, &found) {
		return nil, ErrMalformed
	}
	return found, nil
}

// decode reads DER that fills data. What encoding/asn1 has to say of it is kept
// back: it speaks of single bytes.
func decode(data []byte, into any) bool {
	rest, err := asn1.Unmarshal(data, into)
	return err == nil && len(rest) == 0
}
