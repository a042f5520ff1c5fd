// SPDX-License-Identifier: BSD-3-Clause

package p12file

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/scicred/scicred/internal/pemfile"
)

// go-pkcs12 decrypts a file in one go: if a key is hidden in the encrypted
// contents, its key derivation runs as soon as they are open, however many
// iterations it asks for. So the library never sees the user's file. It is given
// files of our own, each with one thing to decrypt whose cost is known:
//
//   - One encrypted content beside a key that is none of the user's, in the
//     clear. The library takes one key and no more, so that it stops at any that
//     it finds in the content, before it derives anything.
//   - The one encrypted key beside a certificate in the clear, since the library
//     insists on one.
//
// Their MAC is made here, with one iteration: the library wants one where there
// is a passphrase, also where the user's file has none, and it shows the library
// which of no passphrase and an empty one is meant.

// certificates returns those in the clear, then those that are encrypted. It
// returns ErrPassphrase if the passphrase does not open them, which is a guess
// where the file has no MAC.
func (f *file) certificates(ctx context.Context, pw *password) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for _, b := range f.certs {
		var bag certBag
		if !decode(b, &bag) {
			return nil, ErrMalformed
		}
		if !bag.ID.Equal(oidX509()) {
			return nil, &UnsupportedError{"a certificate that is not X.509"}
		}
		c, err := x509.ParseCertificate(bag.Data)
		if err != nil {
			return nil, pemfile.ErrBadCertificate
		}
		certs = append(certs, c)
	}
	for _, s := range f.sealed {
		opened, err := f.open(ctx, s, pw)
		if err != nil {
			return nil, err
		}
		if certs = append(certs, opened...); len(certs) > MaxBags {
			return nil, fmt.Errorf("%w: more than %d certificates", ErrTooMany, MaxBags)
		}
	}
	if len(certs) == 0 {
		return nil, pemfile.ErrNoCertificate
	}
	for _, c := range certs {
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSA {
			return nil, fmt.Errorf("%w: an RSA key of %d bits, at most %d are read", ErrTooLarge, key.N.BitLen(), maxRSA)
		}
	}
	return certs, nil
}

func (f *file) open(ctx context.Context, s sealed, pw *password) ([]*x509.Certificate, error) {
	foreign, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		return nil, fmt.Errorf("a key of our own: %w", err)
	}
	content := encode(encryptedData{Info: encryptedContentInfo{
		ContentType: oidData(), Algorithm: s.alg,
		Content: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, Bytes: s.ciphertext},
	}})
	_, leaf, others, err := decodeChain(ctx, pw,
		content1(oidData(), encode(encode([]safeBag{bag(bagKey, foreign)}))),
		content1(oidEncryptedData(), content))
	switch {
	case err == nil:
		return append([]*x509.Certificate{leaf}, others...), nil
	case err.Error() == "pkcs12: certificate missing":
		return nil, nil
	default:
		return nil, f.decrypting(ctx, err)
	}
}

// privateKey returns the key in PKCS#8, as PEM. cert is any certificate.
func (f *file) privateKey(ctx context.Context, pw *password, cert *x509.Certificate) ([]byte, error) {
	der := f.keys[0].content
	if f.keys[0].encrypted {
		key, _, _, err := decodeChain(ctx, pw, content1(oidData(), encode(encode([]safeBag{
			bag(bagCert, encode(certBag{ID: oidX509(), Data: cert.Raw})),
			bag(bagShroudedKey, f.keys[0].content),
		}))))
		if err != nil {
			return nil, f.decrypting(ctx, err)
		}
		if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
			return nil, pemfile.ErrBadKey
		}
		defer clear(der)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// decrypting says what it means that the library could not open something. Its
// own texts are kept back: they speak of bytes that may be those of a key.
func (f *file) decrypting(ctx context.Context, err error) error {
	var missing pkcs12.NotImplementedError
	text := err.Error()
	is := func(s string) bool { return strings.Contains(text, s) }
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &missing), is(" is not supported"):
		return &UnsupportedError{"content of an unknown kind"}
	case is("expected exactly one key bag"):
		return &UnsupportedError{"a private key in the encrypted certificates"}
	case f.mac == nil:
		return ErrPassphrase // Nothing else tells that it is wrong.
	case is("incorrect padding"):
		return &UnsupportedError{"one passphrase for the file and another for what is in it"}
	case is("error parsing PKCS#8"):
		return pemfile.ErrBadKey
	case is("x509: "):
		return pemfile.ErrBadCertificate
	default:
		return ErrMalformed
	}
}

// decodeChain has the library read a file of these contents. What a panic of the
// library says is of no use to anyone and might show a secret. None is known.
func decodeChain(ctx context.Context, pw *password, contents ...contentInfo) (key crypto.PrivateKey, leaf *x509.Certificate, others []*x509.Certificate, err error) {
	if ctx.Err() != nil {
		return nil, nil, nil, context.Cause(ctx)
	}
	defer func() {
		if recover() != nil {
			err = ErrMalformed
		}
	}()
	safe := encode(contents)
	m := macData{Salt: []byte("scicred"), Iterations: big.NewInt(1)}
	m.Mac.Algorithm = pkix.AlgorithmIdentifier{Algorithm: oidSHA256()}
	macKey, err := pkcs12Key(sha256.New, m.Salt, 1)(ctx, pw)
	if err != nil {
		return nil, nil, nil, err
	}
	h := hmac.New(sha256.New, macKey)
	h.Write(safe)
	m.Mac.Digest = h.Sum(nil)
	part := encode(pfx{Version: 3, AuthSafe: content1(oidData(), encode(safe)), MacData: m})
	return pkcs12.DecodeChain(part, string(pw.text)) //nolint:wrapcheck // The caller does.
}

func content1(id oid, der []byte) contentInfo {
	return contentInfo{ContentType: id, Content: explicit(der)}
}

func bag(kind int, der []byte) safeBag { return safeBag{ID: oidBag(kind), Value: explicit(der)} }

// explicit is what encoding/asn1 wants for a raw value with a tag of its own.
func explicit(der []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}
}

// encode cannot fail for the types above. If it did, the library would refuse
// what is missing.
func encode(v any) []byte {
	der, err := asn1.Marshal(v)
	if err != nil {
		return nil
	}
	return der
}

// certificatesPEM writes certificates as package pemfile reads them.
func certificatesPEM(certs []*x509.Certificate) []byte {
	var text []byte
	for _, c := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}
