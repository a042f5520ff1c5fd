// SPDX-License-Identifier: BSD-3-Clause

package p12file

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"
	"math/big"
)

// guard looks at what a file wants to be computed, before any of it is. It adds
// up the iterations of all key derivations, and refuses the algorithms that
// go-pkcs12 does not know, so that nobody is asked for a passphrase in vain.
type guard struct{ work int }

// The parameters of key derivations: RFC 7292, appendix C, and RFC 8018,
// appendix A. Big integers, so that a count of 2^64 is too many rather than
// malformed.
type (
	pbeParams struct {
		Salt       []byte
		Iterations *big.Int
	}
	pbes2Params struct {
		KDF, Scheme pkix.AlgorithmIdentifier
	}
	pbmac1Params struct {
		KDF, MAC pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt       asn1.RawValue
		Iterations *big.Int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

// iterations checks a count and adds it up.
func (g *guard) iterations(n *big.Int) (int, error) {
	switch {
	case n == nil || n.Sign() <= 0:
		return 0, ErrMalformed
	case !n.IsInt64():
		return 0, fmt.Errorf("%w: a key derivation of more than 2^63 iterations, at most %d are run", ErrIterations, MaxIterations)
	case n.Int64() > MaxIterations:
		return 0, fmt.Errorf("%w: a key derivation of %d iterations, at most %d are run", ErrIterations, n, MaxIterations)
	}
	g.work += int(n.Int64())
	if g.work > MaxWork {
		return 0, fmt.Errorf("%w: key derivations of more than %d iterations together", ErrIterations, MaxWork)
	}
	return int(n.Int64()), nil
}

// encryption checks an algorithm that certificates or a key are encrypted by.
func (g *guard) encryption(alg pkix.AlgorithmIdentifier) error {
	switch alg.Algorithm.String() {
	case "1.2.840.113549.1.12.1.3", "1.2.840.113549.1.12.1.5", "1.2.840.113549.1.12.1.6": // PBE with SHA-1 and triple DES, or RC2 with 128 or 40 bits.
		var p pbeParams
		if !decode(alg.Parameters.FullBytes, &p) {
			return ErrMalformed
		}
		_, err := g.iterations(p.Iterations)
		return err
	case oidPBES2().String():
		var p pbes2Params
		if !decode(alg.Parameters.FullBytes, &p) {
			return ErrMalformed
		}
		if _, _, err := g.pbkdf2(p.KDF, "1.2.840.113549.2.7", "1.2.840.113549.2.9", "1.2.840.113549.2.11"); err != nil { // HMAC with SHA-1, SHA-256 or SHA-512.
			return err
		}
		switch p.Scheme.Algorithm.String() {
		case "2.16.840.1.101.3.4.1.2", "2.16.840.1.101.3.4.1.22", "2.16.840.1.101.3.4.1.42": // AES-CBC with 128, 192 or 256 bits.
			return nil
		}
		return &UnsupportedError{name(p.Scheme.Algorithm)}
	}
	return &UnsupportedError{name(alg.Algorithm)}
}

// pbkdf2 checks the parameters of PBKDF2. The pseudo-random function must be one
// of prfs; without any, all are good.
func (g *guard) pbkdf2(kdf pkix.AlgorithmIdentifier, prfs ...string) (p pbkdf2Params, iterations int, err error) {
	if !kdf.Algorithm.Equal(oidPBKDF2()) {
		return p, 0, &UnsupportedError{name(kdf.Algorithm)}
	}
	if !decode(kdf.Parameters.FullBytes, &p) {
		return p, 0, ErrMalformed
	}
	if p.Salt.Class != asn1.ClassUniversal || p.Salt.Tag != asn1.TagOctetString {
		return p, 0, &UnsupportedError{"a salt from elsewhere"}
	}
	if len(p.PRF.Algorithm) == 0 {
		p.PRF.Algorithm = oid{1, 2, 840, 113549, 2, 7} // HMAC with SHA-1 is the default.
	}
	known := len(prfs) == 0
	for _, prf := range prfs {
		known = known || p.PRF.Algorithm.String() == prf
	}
	if !known || hashOf(p.PRF.Algorithm) == nil {
		return p, 0, &UnsupportedError{name(p.PRF.Algorithm)}
	}
	iterations, err = g.iterations(p.Iterations)
	return p, iterations, err
}

// mac checks the integrity check of a file.
func (g *guard) mac(data *macData) (*mac, error) {
	alg := data.Mac.Algorithm
	if alg.Algorithm.Equal(oidPBMAC1()) {
		return g.pbmac1(alg.Parameters.FullBytes, data.Mac.Digest)
	}
	h := hashOf(alg.Algorithm)
	if h == nil {
		return nil, &UnsupportedError{name(alg.Algorithm)}
	}
	if data.Iterations == nil {
		data.Iterations = big.NewInt(1)
	}
	n, err := g.iterations(data.Iterations)
	if err != nil {
		return nil, err
	}
	return &mac{digest: data.Mac.Digest, hash: h, key: pkcs12Key(h, data.Salt, n)}, nil
}

// pbmac1 is the integrity check of RFC 9579.
func (g *guard) pbmac1(params, digest []byte) (*mac, error) {
	var p pbmac1Params
	if !decode(params, &p) {
		return nil, ErrMalformed
	}
	kdf, n, err := g.pbkdf2(p.KDF)
	if err != nil {
		return nil, err
	}
	var h func() hash.Hash
	if h = hashOf(p.MAC.Algorithm); h == nil {
		return nil, &UnsupportedError{name(p.MAC.Algorithm)}
	}
	// Section 9 of RFC 9579: shorter keys are for attackers. No HMAC has use for
	// longer ones.
	if kdf.KeyLength < 20 || kdf.KeyLength > 64 {
		return nil, ErrMalformed
	}
	return &mac{digest: digest, hash: h, key: pbkdf2Key(hashOf(kdf.PRF.Algorithm), kdf.Salt.Bytes, n, kdf.KeyLength)}, nil
}
