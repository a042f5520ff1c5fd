// SPDX-License-Identifier: BSD-3-Clause

package p12file_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/p12file"
)

// secret is the passphrase of most files here.
const secret = "correct horse"

func answering(s string) p12file.Passphrase {
	return func(context.Context) ([]byte, error) { return []byte(s), nil }
}

// never is for files that nobody must be asked about.
func never(t *testing.T) p12file.Passphrase {
	t.Helper()
	return func(context.Context) ([]byte, error) {
		t.Error("the passphrase was asked for")
		return nil, nil
	}
}

// export writes a file as programs do, with few iterations.
func export(tb testing.TB, enc *pkcs12.Encoder, id *credtest.Identity, passphrase string) []byte {
	tb.Helper()
	if enc != pkcs12.Passwordless {
		enc = enc.WithIterations(2)
	}
	data, err := enc.Encode(id.Key, id.Cert, id.Chain, passphrase)
	require.NoError(tb, err)
	return data
}

// Files with parts that no program writes are put together from these.

type (
	algorithm = pkix.AlgorithmIdentifier

	testPFX struct {
		Version int
		Safe    testContent
		Mac     testMac `asn1:"optional"`
	}
	testContent struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}
	testMac struct {
		Mac struct {
			Algorithm algorithm
			Digest    []byte
		}
		Salt       []byte
		Iterations *big.Int `asn1:"optional"`
	}
	testSealed struct {
		Version int
		Info    struct {
			Type       asn1.ObjectIdentifier
			Algorithm  algorithm
			Ciphertext []byte `asn1:"tag:0"`
		}
	}
	testBag struct {
		ID    asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	testCert struct {
		ID   asn1.ObjectIdentifier
		Data []byte `asn1:"tag:0,explicit"`
	}
	testShrouded struct {
		Algorithm  algorithm
		Ciphertext []byte
	}
	testPBE struct {
		Salt       []byte
		Iterations *big.Int
	}
	testPBES2 struct {
		KDF, Scheme algorithm
	}
	testPBKDF2 struct {
		Salt       []byte
		Iterations *big.Int
		KeyLength  int       `asn1:"optional"`
		PRF        algorithm `asn1:"optional"`
	}
)

var (
	idData      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	idSigned    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	idEnveloped = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 3}
	idEncrypted = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	idX509      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	idSDSI      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 2}
	idPBES2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	idPBKDF2    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	idPBMAC1    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}
	idPBE3DES   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 3}
	idPBERC2    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 6}
	idSHA256    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	idHMAC256   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	idHMAC384   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}
	idAES256    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	idCamellia  = asn1.ObjectIdentifier{1, 2, 392, 200011, 61, 1, 1, 1, 4}
	idScrypt    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
)

func idBag(kind int) asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, kind}
}

func der(tb testing.TB, v any) []byte {
	tb.Helper()
	out, err := asn1.Marshal(v)
	require.NoError(tb, err)
	return out
}

func tagged(content []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: content}
}

func withParams(tb testing.TB, id asn1.ObjectIdentifier, params any) algorithm {
	tb.Helper()
	return algorithm{Algorithm: id, Parameters: asn1.RawValue{FullBytes: der(tb, params)}}
}

func plain(tb testing.TB, bags ...testBag) testContent {
	tb.Helper()
	return testContent{idData, tagged(der(tb, der(tb, bags)))}
}

// unauthenticated is a file without a MAC.
func unauthenticated(tb testing.TB, contents ...testContent) []byte {
	tb.Helper()
	return der(tb, testPFX{Version: 3, Safe: testContent{idData, tagged(der(tb, der(tb, contents)))}})
}

func certBag(tb testing.TB, raw []byte) testBag {
	tb.Helper()
	return testBag{idBag(3), tagged(der(tb, testCert{idX509, raw}))}
}

func keyBag(tb testing.TB, key any) testBag {
	tb.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(tb, err)
	return testBag{idBag(1), tagged(raw)}
}

var salt, iv = bytes.Repeat([]byte{7}, 8), bytes.Repeat([]byte{9}, 16)

func pbkdf2With(tb testing.TB, iterations *big.Int, prf asn1.ObjectIdentifier) algorithm {
	tb.Helper()
	return withParams(tb, idPBKDF2, testPBKDF2{Salt: salt, Iterations: iterations, KeyLength: 32, PRF: algorithm{Algorithm: prf}})
}

func pbes2With(tb testing.TB, iterations *big.Int) algorithm {
	tb.Helper()
	return withParams(tb, idPBES2, testPBES2{pbkdf2With(tb, iterations, idHMAC256), withParams(tb, idAES256, iv)})
}

// aesCBC encrypts with PBES2 and one iteration.
func aesCBC(tb testing.TB, text []byte, passphrase string) []byte {
	tb.Helper()
	key, err := pbkdf2.Key(sha256.New, passphrase, salt, 1, 32)
	require.NoError(tb, err)
	block, err := aes.NewCipher(key)
	require.NoError(tb, err)
	n := aes.BlockSize - len(text)%aes.BlockSize
	text = append(bytes.Clone(text), bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	return text
}

// sealed encrypts bags with one iteration.
func sealed(tb testing.TB, passphrase string, bags ...testBag) testContent {
	tb.Helper()
	return sealedWith(tb, pbes2With(tb, big.NewInt(1)), aesCBC(tb, der(tb, bags), passphrase))
}

func sealedWith(tb testing.TB, alg algorithm, ciphertext []byte) testContent {
	tb.Helper()
	var s testSealed
	s.Info.Type, s.Info.Algorithm, s.Info.Ciphertext = idData, alg, ciphertext
	return testContent{idEncrypted, tagged(der(tb, s))}
}

func shrouded(tb testing.TB, passphrase string, key any) testBag {
	tb.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(tb, err)
	return shroudedWith(tb, pbes2With(tb, big.NewInt(1)), aesCBC(tb, raw, passphrase))
}

func shroudedWith(tb testing.TB, alg algorithm, ciphertext []byte) testBag {
	tb.Helper()
	return testBag{idBag(2), tagged(der(tb, testShrouded{alg, ciphertext}))}
}

// parse has no margin and the present time.
func parse(t *testing.T, data []byte, ask p12file.Passphrase) (leaf *x509.Certificate, chain []*x509.Certificate, err error) {
	t.Helper()
	c, err := p12file.Parse(t.Context(), data, ask, time.Now(), 0)
	if (c == nil) == (err == nil) {
		t.Fatal("either a credential or an error")
	}
	if err != nil {
		return nil, nil, err
	}
	return c.Certificate.Leaf, c.Chain, nil
}
