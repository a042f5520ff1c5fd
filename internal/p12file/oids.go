// SPDX-License-Identifier: BSD-3-Clause

package p12file

import (
	"crypto/sha1" //nolint:gosec // Old files have it, and it is what they can be read with.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"hash"
)

type oid = asn1.ObjectIdentifier

// Contents: RFC 2315, section 14.
func oidData() oid          { return oid{1, 2, 840, 113549, 1, 7, 1} }
func oidEncryptedData() oid { return oid{1, 2, 840, 113549, 1, 7, 6} }

// Kinds of bags, as they are numbered in RFC 7292, section 4.2, and of the one
// kind of certificate there is in them.
const (
	bagKey          = 1
	bagShroudedKey  = 2
	bagCert         = 3
	bagSafeContents = 6
)

func oidBag(kind int) oid { return oid{1, 2, 840, 113549, 1, 12, 10, 1, kind} }
func oidX509() oid        { return oid{1, 2, 840, 113549, 1, 9, 22, 1} }

// bagKind returns the number of a kind of bag, 0 if it is none.
func bagKind(id oid) int {
	for kind := bagKey; kind <= bagSafeContents; kind++ {
		if id.Equal(oidBag(kind)) {
			return kind
		}
	}
	return 0
}

// RFC 8018, appendix A and C.
func oidPBKDF2() oid { return oid{1, 2, 840, 113549, 1, 5, 12} }
func oidPBES2() oid  { return oid{1, 2, 840, 113549, 1, 5, 13} }
func oidPBMAC1() oid { return oid{1, 2, 840, 113549, 1, 5, 14} }
func oidSHA256() oid { return oid{2, 16, 840, 1, 101, 3, 4, 2, 1} }

// hashes maps hash functions, by themselves and in HMAC, to what computes them.
func hashOf(id oid) func() hash.Hash {
	switch id.String() {
	case "1.3.14.3.2.26", "1.2.840.113549.2.7":
		return sha1.New
	case "2.16.840.1.101.3.4.2.4", "1.2.840.113549.2.8":
		return sha256.New224
	case "2.16.840.1.101.3.4.2.1", "1.2.840.113549.2.9":
		return sha256.New
	case "2.16.840.1.101.3.4.2.2", "1.2.840.113549.2.10":
		return sha512.New384
	case "2.16.840.1.101.3.4.2.3", "1.2.840.113549.2.11":
		return sha512.New
	default:
		return nil
	}
}

// name says an algorithm that is not supported: by its name if somebody is likely
// to meet it, else by its number.
func name(id oid) string {
	switch s := id.String(); s {
	case "1.2.840.113549.1.5.3":
		return "PBE with MD5 and DES"
	case "1.2.840.113549.1.5.10":
		return "PBE with SHA-1 and DES"
	case "1.2.840.113549.1.12.1.1", "1.2.840.113549.1.12.1.2":
		return "PBE with RC4"
	case "1.2.840.113549.1.12.1.4":
		return "PBE with two-key triple DES"
	case "1.2.840.113549.3.7":
		return "PBES2 with triple DES"
	case "1.3.6.1.4.1.11591.4.11":
		return "scrypt"
	case "1.2.392.200011.61.1.1.1.2", "1.2.392.200011.61.1.1.1.3", "1.2.392.200011.61.1.1.1.4":
		return "Camellia"
	case "1.2.840.113549.2.8":
		return "HMAC with SHA-224"
	case "1.2.840.113549.2.10":
		return "HMAC with SHA-384"
	default:
		return "algorithm " + s
	}
}
