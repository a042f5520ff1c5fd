// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"slices"
)

// KeyPEM returns the key unencrypted in its traditional form (RSA PRIVATE KEY,
// EC PRIVATE KEY), which is what proxy files hold. Ed25519 has none, so there it
// is PKCS#8.
func (id *Identity) KeyPEM() []byte {
	switch key := id.Key.(type) {
	case *rsa.PrivateKey:
		return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	case *ecdsa.PrivateKey:
		return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: must(x509.MarshalECPrivateKey(key))})
	default:
		return id.PKCS8PEM()
	}
}

// PKCS8PEM returns the key unencrypted in PKCS#8 form (PRIVATE KEY).
func (id *Identity) PKCS8PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(id.Key))})
}

// EncryptedKeyPEM returns the key encrypted in PKCS#8 form (ENCRYPTED PRIVATE
// KEY): PBES2 with PBKDF2, HMAC-SHA-256 and AES-256-CBC, which is what OpenSSL
// writes by default.
func (id *Identity) EncryptedKeyPEM(passphrase string) []byte {
	const iterations = 2048
	type algorithm struct {
		ID         asn1.ObjectIdentifier
		Parameters any
	}
	type kdfParameters struct {
		Salt       []byte
		Iterations int
		PRF        pkix.AlgorithmIdentifier
	}
	type pbes2 struct{ KDF, Cipher algorithm }
	type encryptedKey struct {
		Algorithm algorithm
		Data      []byte
	}
	salt, iv := make([]byte, 16), make([]byte, aes.BlockSize)
	must(rand.Read(salt))
	must(rand.Read(iv))
	block := must(aes.NewCipher(must(pbkdf2.Key(sha256.New, passphrase, salt, iterations, 32))))
	plain := must(x509.MarshalPKCS8PrivateKey(id.Key))
	padding := aes.BlockSize - len(plain)%aes.BlockSize
	data := slices.Concat(plain, bytes.Repeat([]byte{byte(padding)}, padding))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	der := must(asn1.Marshal(encryptedKey{
		Algorithm: algorithm{
			ID: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, // PBES2
			Parameters: pbes2{
				KDF: algorithm{
					ID: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, // PBKDF2
					Parameters: kdfParameters{Salt: salt, Iterations: iterations, PRF: pkix.AlgorithmIdentifier{
						Algorithm:  asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, // hmacWithSHA256
						Parameters: asn1.NullRawValue,
					}},
				},
				Cipher: algorithm{
					ID:         asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, // aes256-CBC
					Parameters: iv,
				},
			},
		},
		Data: data,
	}))
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})
}

// LegacyEncryptedKeyPEM returns the key in its traditional form encrypted in
// the way of RFC 1421 (Proc-Type: 4,ENCRYPTED), as old versions of OpenSSL do.
func (id *Identity) LegacyEncryptedKeyPEM(passphrase string) []byte {
	plain, _ := pem.Decode(id.KeyPEM())
	//nolint:staticcheck // Deprecated because it is insecure, but such files exist, and here one is wanted.
	block := must(x509.EncryptPEMBlock(rand.Reader, plain.Type, plain.Bytes, []byte(passphrase), x509.PEMCipherAES256))
	return pem.EncodeToMemory(block)
}
