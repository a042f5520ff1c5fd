// SPDX-License-Identifier: BSD-3-Clause

package p12file_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/p12file"
	"github.com/scicred/scicred/internal/pemfile"
)

func TestAFileOpensToItsLeafKeyAndChain(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Root").Intermediate("Issuing CA")
	for encoding, enc := range map[string]*pkcs12.Encoder{
		"RC2 and triple DES": pkcs12.LegacyRC2, "triple DES": pkcs12.LegacyDES, "AES": pkcs12.Modern2023, "AES, PBMAC1": pkcs12.Modern2026,
	} {
		for kind, id := range map[string]*credtest.Identity{
			"EC": ca.User("User"), "RSA": ca.User("User", credtest.RSAKey()), "Ed25519": ca.User("User", credtest.Ed25519Key()),
			"proxy": ca.User("User").Proxy(), "proxy of a proxy": ca.User("User").Proxy().Proxy(),
		} {
			for _, passphrase := range []string{"", secret, "pässwörd ✓"} {
				t.Run(fmt.Sprintf("%s/%s/%q", encoding, kind, passphrase), func(t *testing.T) {
					t.Parallel()
					ask := answering(passphrase)
					if passphrase == "" {
						ask = never(t)
					}
					c, err := p12file.Parse(t.Context(), export(t, enc, id, passphrase), ask, time.Now(), 0)
					require.NoError(t, err)
					assert.Equal(t, id.Cert.Raw, c.Certificate.Leaf.Raw)
					require.Len(t, c.Chain, 1+len(id.Chain))
					for i, want := range id.Chain {
						assert.Equal(t, want.Raw, c.Chain[i+1].Raw)
					}
					digest := sha256.Sum256([]byte("text"))
					_, err = c.Certificate.PrivateKey.(crypto.Signer).Sign(nil, digest[:], crypto.SHA256)
					if kind != "Ed25519" { // It signs no digests.
						require.NoError(t, err)
					}
					assert.Equal(t, c.Certificate.PrivateKey.(crypto.Signer).Public(), id.Key.Public())
				})
			}
		}
	}
}

func TestAFileWithoutEncryptionNeedsNoPassphrase(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").User("User")
	leaf, _, err := parse(t, export(t, pkcs12.Passwordless, user, ""), never(t))
	require.NoError(t, err)
	assert.Equal(t, user.Cert.Raw, leaf.Raw)
	assert.Nil(t, user.Chain)
}

// Some programs write no passphrase at all where others write an empty one: that
// differs in the older key derivation.
func TestNoPassphraseAndAnEmptyOneAreTried(t *testing.T) {
	t.Parallel()
	for name, data := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leaf, _, err := parse(t, data, never(t))
			require.NoError(t, err)
			assert.Contains(t, pemfile.Subject(leaf), "CN=User")
			if work, err := p12file.Work(data); err != nil || work > 1_000_000 {
				return // GnuTLS asks for 600,000 iterations four times: once is enough.
			}
			certs, err := p12file.Certificates(t.Context(), data, nil)
			require.NoError(t, err)
			assert.NotEmpty(t, certs)
		})
	}
}

func TestThePassphraseIsAskedForOnceAndOverwritten(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").User("User")
	for name, tt := range map[string]struct {
		answer string
		want   error
	}{"right": {secret, nil}, "wrong": {"a guess", p12file.ErrPassphrase}, "empty": {"", p12file.ErrPassphrase}} {
		for _, enc := range []*pkcs12.Encoder{pkcs12.LegacyRC2, pkcs12.Modern2023, pkcs12.Modern2026} {
			asked, given := 0, []byte(tt.answer)
			_, _, err := parse(t, export(t, enc, user, secret), func(context.Context) ([]byte, error) {
				asked++
				return given, nil
			})
			require.ErrorIs(t, err, tt.want, name)
			assert.Equal(t, 1, asked, name)
			assert.Equal(t, make([]byte, len(tt.answer)), given, "what was given is overwritten")
		}
	}
}

func TestAPassphraseThatIsNotGivenIsSaid(t *testing.T) {
	t.Parallel()
	data := export(t, pkcs12.Modern2023, credtest.NewCA("Root").User("User"), secret)
	_, _, err := parse(t, data, nil)
	require.ErrorIs(t, err, pemfile.ErrEncrypted)
	gone := errors.New("the terminal is gone")
	half := []byte("half")
	_, _, err = parse(t, data, func(context.Context) ([]byte, error) { return half, gone })
	require.ErrorIs(t, err, gone)
	require.EqualError(t, err, "the passphrase: the terminal is gone")
	assert.Equal(t, make([]byte, 4), half)
	_, err = p12file.Certificates(t.Context(), data, nil)
	require.ErrorIs(t, err, pemfile.ErrEncrypted)
}

func TestAPassphraseThatTheFormatCannotHoldIsSaid(t *testing.T) {
	t.Parallel()
	data := export(t, pkcs12.Modern2023, credtest.NewCA("Root").User("User"), secret)
	for answer, what := range map[string]string{"\U0001F511": "a passphrase with a character beyond U+FFFF", "p\xe4ss": "a passphrase that is not UTF-8"} {
		_, _, err := parse(t, data, answering(answer))
		var unsupported *p12file.UnsupportedError
		require.ErrorAs(t, err, &unsupported)
		assert.Equal(t, what, unsupported.What)
	}
}

func TestTheOrderOfTheFileDoesNotMatter(t *testing.T) {
	t.Parallel()
	root := credtest.NewCA("Root")
	ca := root.Intermediate("Issuing CA")
	user, stranger := ca.User("User"), credtest.NewCA("Elsewhere").User("Stranger")
	inter := user.Chain[0].Raw
	for name, contents := range map[string][]testContent{
		"key last, leaf last":     {plain(t, certBag(t, inter), certBag(t, user.Cert.Raw)), plain(t, keyBag(t, user.Key))},
		"all in one":              {plain(t, keyBag(t, user.Key), certBag(t, inter), certBag(t, user.Cert.Raw))},
		"a content each":          {plain(t, certBag(t, inter)), plain(t, keyBag(t, user.Key)), plain(t, certBag(t, user.Cert.Raw))},
		"strangers are left out":  {plain(t, certBag(t, stranger.Cert.Raw), certBag(t, inter), certBag(t, user.Cert.Raw), keyBag(t, user.Key))},
		"sealed apart":            {sealed(t, "", certBag(t, inter)), plain(t, keyBag(t, user.Key)), sealed(t, "", certBag(t, user.Cert.Raw))},
		"part of it sealed":       {sealed(t, "", certBag(t, inter)), plain(t, shrouded(t, "", user.Key), certBag(t, user.Cert.Raw))},
		"a sealed part is empty":  {sealed(t, ""), plain(t, keyBag(t, user.Key), certBag(t, inter), certBag(t, user.Cert.Raw))},
		"other bags are in it":    {plain(t, testBag{idBag(4), tagged(der(t, "a list"))}, testBag{idBag(5), tagged(der(t, "a secret"))}, keyBag(t, user.Key), certBag(t, inter), certBag(t, user.Cert.Raw))},
		"white space follows":     nil,
		"the root is in it, too":  {plain(t, certBag(t, root.Certificate().Raw), certBag(t, inter), certBag(t, user.Cert.Raw), keyBag(t, user.Key))},
		"the certificate is both": {plain(t, certBag(t, user.Cert.Raw), keyBag(t, user.Key)), sealed(t, "", certBag(t, user.Cert.Raw), certBag(t, inter))},
	} {
		data := unauthenticated(t, contents...)
		if contents == nil {
			data = append(export(t, pkcs12.Passwordless, user, ""), "\r\n \t\n"...)
		}
		leaf, chain, err := parse(t, data, never(t))
		require.NoError(t, err, name)
		assert.Equal(t, user.Cert.Raw, leaf.Raw, name)
		require.GreaterOrEqual(t, len(chain), 2, name)
		assert.Equal(t, inter, chain[1].Raw, name)
		for _, c := range chain {
			assert.NotEqual(t, stranger.Cert.Raw, c.Raw, name)
		}
	}
}

func TestEachFaultHasATextOfItsOwn(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Root")
	user, other := ca.User("User"), ca.User("Other")
	cert, key := certBag(t, user.Cert.Raw), keyBag(t, user.Key)
	sdsi := testBag{idBag(3), tagged(der(t, testCert{idSDSI, user.Cert.Raw}))}
	noKey := testBag{idBag(1), tagged(der(t, "no key"))}
	aGuess := answering("a guess")
	tests := map[string]struct {
		data []byte
		ask  p12file.Passphrase
		want error
		text string
	}{
		"empty":                             {nil, nil, p12file.ErrMalformed, "malformed or damaged PKCS#12"},
		"PEM":                               {user.PEM(), nil, p12file.ErrMalformed, ""},
		"a certificate":                     {user.Cert.Raw, nil, p12file.ErrMalformed, ""},
		"text after it":                     {append(unauthenticated(t, plain(t, cert, key)), "text"...), nil, p12file.ErrMalformed, ""},
		"no content":                        {unauthenticated(t), nil, pemfile.ErrNoCertificate, "no certificate"},
		"no certificate":                    {unauthenticated(t, plain(t, key)), nil, pemfile.ErrNoCertificate, ""},
		"none when decrypted":               {unauthenticated(t, plain(t, key), sealed(t, "")), nil, pemfile.ErrNoCertificate, ""},
		"no key":                            {unauthenticated(t, plain(t, cert)), nil, pemfile.ErrNoKey, "no private key"},
		"no key to be seen":                 {unauthenticated(t, sealed(t, secret, cert)), never(t), pemfile.ErrNoKey, "no private key outside the encrypted certificates"},
		"two keys":                          {unauthenticated(t, plain(t, cert, key, keyBag(t, other.Key))), nil, p12file.ErrSeveralKeys, "more than one private key in the PKCS#12 file: 2"},
		"two keys, encrypted":               {unauthenticated(t, plain(t, shrouded(t, secret, user.Key), shrouded(t, secret, other.Key)), sealed(t, secret, cert)), never(t), p12file.ErrSeveralKeys, ""},
		"another's key":                     {unauthenticated(t, plain(t, cert, keyBag(t, other.Key))), nil, pemfile.ErrKeyMismatch, "the private key belongs to another certificate"},
		"no X.509":                          {unauthenticated(t, plain(t, sdsi, key)), nil, &p12file.UnsupportedError{}, "the PKCS#12 file has a certificate that is not X.509, which is not supported; re-export it: openssl pkcs12 -in OLD.p12 -nodes -out TMP.pem && openssl pkcs12 -export -in TMP.pem -out NEW.p12 && rm TMP.pem"},
		"a broken certificate":              {unauthenticated(t, plain(t, certBag(t, []byte("no certificate")), key)), nil, pemfile.ErrBadCertificate, "malformed certificate"},
		"a broken one when decrypted":       {authenticated(t, secret, sealed(t, secret, certBag(t, []byte{0x30, 0})), plain(t, key)), answering(secret), pemfile.ErrBadCertificate, ""},
		"a broken key":                      {unauthenticated(t, plain(t, cert, noKey)), nil, pemfile.ErrBadKey, ""},
		"a broken key when decrypted":       {authenticated(t, secret, plain(t, cert, shroudedWith(t, pbes2With(t, big.NewInt(1)), aesCBC(t, der(t, []int{1}), secret)))), answering(secret), pemfile.ErrBadKey, "malformed private key"},
		"wrong passphrase":                  {export(t, pkcs12.Modern2023, user, secret), aGuess, p12file.ErrPassphrase, "wrong passphrase"},
		"wrong, certificates without a MAC": {unauthenticated(t, sealed(t, secret, cert), plain(t, key)), aGuess, p12file.ErrPassphrase, ""},
		"wrong, key without a MAC":          {unauthenticated(t, plain(t, cert, shrouded(t, secret, user.Key))), aGuess, p12file.ErrPassphrase, ""},
		"two passphrases":                   {authenticated(t, "another", sealed(t, secret, cert), plain(t, key)), answering("another"), &p12file.UnsupportedError{}, ""},
		"a signature":                       {der(t, testPFX{Version: 3, Safe: testContent{idSigned, tagged(der(t, 1))}}), nil, &p12file.UnsupportedError{}, ""},
		"a public key":                      {unauthenticated(t, testContent{idEnveloped, tagged(der(t, 1))}), nil, &p12file.UnsupportedError{}, ""},
		"bags in bags":                      {unauthenticated(t, plain(t, testBag{idBag(6), tagged(der(t, []testBag{cert, key}))})), nil, &p12file.UnsupportedError{}, ""},
		"a key in the certificates":         {unauthenticated(t, plain(t, shrouded(t, "", user.Key)), sealed(t, "", cert, key)), nil, &p12file.UnsupportedError{}, ""},
		"Camellia":                          {withMac(t, secret, plain(t, key), sealedWith(t, withParams(t, idPBES2, testPBES2{pbkdf2With(t, big.NewInt(1), idHMAC256), withParams(t, idCamellia, iv)}), iv)), never(t), &p12file.UnsupportedError{}, ""},
		"scrypt":                            {withMac(t, secret, plain(t, key), sealedWith(t, withParams(t, idPBES2, testPBES2{withParams(t, idScrypt, 1), withParams(t, idAES256, iv)}), iv)), never(t), &p12file.UnsupportedError{}, ""},
		"HMAC with SHA-384":                 {withMac(t, secret, plain(t, key), sealedWith(t, withParams(t, idPBES2, testPBES2{pbkdf2With(t, big.NewInt(1), idHMAC384), withParams(t, idAES256, iv)}), iv)), never(t), &p12file.UnsupportedError{}, ""},
		"encrypted content of another tag": {unauthenticated(t, plain(t, key), testContent{idEncrypted, tagged(der(t, struct {
			Version int
			Info    struct {
				Type       asn1.ObjectIdentifier
				Algorithm  algorithm
				Ciphertext []byte
			}
		}{Info: struct {
			Type       asn1.ObjectIdentifier
			Algorithm  algorithm
			Ciphertext []byte
		}{idData, pbes2With(t, big.NewInt(1)), aesCBC(t, der(t, []testBag{cert}), "")}}))}), nil, p12file.ErrMalformed, ""},
		"a salt from elsewhere": {withMac(t, secret, plain(t, key), sealedWith(t, withParams(t, idPBES2, testPBES2{withParams(t, idPBKDF2, struct {
			Salt       algorithm
			Iterations int
		}{algorithm{Algorithm: idData}, 1}), withParams(t, idAES256, iv)}), iv)), never(t), &p12file.UnsupportedError{}, ""},
		"another version":   {der(t, testPFX{Version: 2, Safe: testContent{idData, tagged(der(t, der(t, []testContent{plain(t, cert, key)})))}}), nil, p12file.ErrMalformed, ""},
		"an unknown cipher": {withMac(t, secret, plain(t, key), sealedWith(t, withParams(t, idSigned, 1), iv)), never(t), &p12file.UnsupportedError{}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := parse(t, tt.data, tt.ask)
			if _, ok := tt.want.(*p12file.UnsupportedError); ok { //nolint:errorlint // It is a mark of the table.
				var unsupported *p12file.UnsupportedError
				require.ErrorAs(t, err, &unsupported)
			} else {
				require.ErrorIs(t, err, tt.want)
			}
			if tt.text != "" {
				assert.EqualError(t, err, tt.text)
			}
		})
	}
}

// authenticated is a file with a MAC under its own passphrase.
func authenticated(tb testing.TB, passphrase string, contents ...testContent) []byte {
	tb.Helper()
	return withMac(tb, passphrase, contents...)
}

func TestACertificateOutOfItsDatesIsRefusedBeforeItsKeyIsDecrypted(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Root")
	for name, tt := range map[string]struct {
		opts []credtest.CertOption
		want error
	}{
		"expired":       {[]credtest.CertOption{credtest.Expired()}, pemfile.ErrExpired},
		"expires soon":  {[]credtest.CertOption{credtest.ExpiresIn(5 * time.Minute)}, pemfile.ErrExpiresSoon},
		"not yet valid": {[]credtest.CertOption{credtest.NotYetValid()}, pemfile.ErrNotYetValid},
	} {
		user := ca.User("User", tt.opts...)
		broken := shroudedWith(t, pbes2With(t, big.NewInt(1)), []byte("sixteen bytes ok"))
		data := unauthenticated(t, plain(t, certBag(t, user.Cert.Raw), broken))
		_, err := p12file.Parse(t.Context(), data, nil, time.Now(), 10*time.Minute)
		require.ErrorIs(t, err, tt.want, name)
		var dates *pemfile.ValidityError
		require.ErrorAs(t, err, &dates)
		assert.Equal(t, user.Cert.NotAfter, dates.NotAfter)

		certs, err := p12file.Certificates(t.Context(), data, nil)
		require.NoError(t, err, "to look at it is another matter")
		require.Len(t, certs, 1)
		assert.Equal(t, user.Cert.Raw, certs[0].Raw)
	}
}

func TestFilesAreRecognisedByWhatTheyBeginWith(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").User("User")
	p12 := export(t, pkcs12.Modern2023, user, secret)
	indefinite := append([]byte{0x30, 0x80}, p12[4:]...)
	for name, tt := range map[string]struct {
		data []byte
		want bool
	}{
		"PKCS#12":              {p12, true},
		"in BER":               {indefinite, true},
		"its beginning":        {p12[:40], true},
		"signed":               {der(t, testPFX{Version: 3, Safe: testContent{idSigned, tagged(der(t, 1))}}), true},
		"empty":                {nil, false},
		"a sequence":           {[]byte{0x30, 0}, false},
		"cut off in the first": {p12[:20], false},
		"another version":      {der(t, testPFX{Version: 2, Safe: testContent{idData, tagged(nil)}}), false},
		"PEM":                  {user.PEM(), false},
		"a certificate in DER": {user.Cert.Raw, false},
		"a key in DER":         {der(t, struct{ A int }{3}), false},
		"text":                 {[]byte("machine h login u password p"), false},
		"a wrong first byte":   {append([]byte{0x31}, p12[1:]...), false},
	} {
		assert.Equal(t, tt.want, p12file.Looks(tt.data), name)
	}
}

func TestACallThatIsCalledOffEnds(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").User("User")
	gone := errors.New("nobody waits")
	for _, enc := range []*pkcs12.Encoder{pkcs12.Modern2023, pkcs12.Modern2026} {
		data, err := enc.WithIterations(200_000).Encode(user.Key, user.Cert, nil, "")
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(gone)
		_, err = p12file.Parse(ctx, data, never(t), time.Now(), 0)
		require.ErrorIs(t, err, gone)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	_, err := p12file.Parse(ctx, export(t, pkcs12.Modern2023, user, secret), never(t), time.Now(), 0)
	require.ErrorIs(t, err, gone, "nobody is asked any more")
	ctx, cancel = context.WithCancelCause(t.Context())
	_, err = p12file.Parse(ctx, export(t, pkcs12.Modern2023, user, secret), func(context.Context) ([]byte, error) {
		cancel(gone)
		return []byte(secret), nil
	}, time.Now(), 0)
	require.ErrorIs(t, err, gone)
}

// looked counts how often somebody looks whether it is called off.
type looked struct {
	context.Context
	times int
}

func (l *looked) Err() error {
	l.times++
	return l.Context.Err()
}

func TestALongIntegrityCheckCanBeCalledOff(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").User("User")
	data, err := pkcs12.Modern2023.WithIterations(1_000_000).Encode(user.Key, user.Cert, nil, secret)
	require.NoError(t, err)
	ctx := &looked{Context: t.Context()}
	_, err = p12file.Parse(ctx, data, nil, time.Now(), 0)
	require.ErrorIs(t, err, pemfile.ErrEncrypted)
	assert.Greater(t, ctx.times, 2*1_000_000/100_000, "twice, for no passphrase and an empty one")

	ctx = &looked{Context: t.Context()}
	_, err = p12file.Parse(ctx, export(t, pkcs12.Modern2026, user, secret), nil, time.Now(), 0)
	require.ErrorIs(t, err, pemfile.ErrEncrypted)
	assert.GreaterOrEqual(t, ctx.times, 2, "PBKDF2 cannot be called off, so it is not begun")
}

func TestNoErrorShowsWhatIsInTheFile(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").User("User")
	hidden := []byte("hidden-in-the-file")
	for _, data := range [][]byte{
		unauthenticated(t, plain(t, certBag(t, user.Cert.Raw), testBag{idBag(1), tagged(der(t, hidden))})),
		unauthenticated(t, plain(t, certBag(t, hidden), keyBag(t, user.Key))),
		unauthenticated(t, sealed(t, "", testBag{idBag(3), tagged(der(t, hidden))}), plain(t, keyBag(t, user.Key))),
		unauthenticated(t, plain(t, certBag(t, user.Cert.Raw), shroudedWith(t, pbes2With(t, big.NewInt(1)), aesCBC(t, hidden, "")))),
		authenticated(t, "", plain(t, certBag(t, user.Cert.Raw), shroudedWith(t, pbes2With(t, big.NewInt(1)), aesCBC(t, hidden, "")))),
	} {
		_, _, err := parse(t, data, answering(secret))
		require.Error(t, err)
		assert.NotContains(t, fmt.Sprintf("%+v", err), "hidden")
		assert.NotContains(t, err.Error(), "asn1")
		assert.NotContains(t, err.Error(), secret)
	}
}

func TestACredentialPrintsWithoutItsKey(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").User("User", credtest.Ed25519Key())
	c, err := p12file.Parse(t.Context(), export(t, pkcs12.Modern2023, user, ""), nil, time.Now(), 0)
	require.NoError(t, err)
	assert.False(t, bytes.Contains(fmt.Appendf(nil, "%+v", c.Certificate.PrivateKey), fmt.Appendf(nil, "%v", user.Key)[1:40]))
}
