// SPDX-License-Identifier: BSD-3-Clause

package p12file_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/p12file"
	"github.com/scicred/scicred/internal/pemfile"
)

// withMac adds the integrity check of RFC 7292 with one iteration.
func withMac(tb testing.TB, passphrase string, contents ...testContent) []byte {
	tb.Helper()
	var bmp []byte
	for _, r := range passphrase + "\x00" {
		bmp = append(bmp, byte(r>>8), byte(r))
	}
	return withMacOf(tb, bmp, contents...)
}

func withMacOf(tb testing.TB, bmp []byte, contents ...testContent) []byte {
	tb.Helper()
	repeat := func(b []byte) []byte {
		if len(b) == 0 {
			return nil
		}
		n := (len(b) + 63) / 64 * 64
		return bytes.Repeat(b, n/len(b)+1)[:n]
	}
	text := bytes.Join([][]byte{bytes.Repeat([]byte{3}, 64), repeat(salt), repeat(bmp)}, nil)
	key := sha256.Sum256(text)
	safe := der(tb, contents)
	h := hmac.New(sha256.New, key[:])
	h.Write(safe)
	file := testPFX{Version: 3, Safe: testContent{idData, tagged(der(tb, safe))}}
	file.Mac.Mac.Algorithm.Algorithm, file.Mac.Mac.Digest, file.Mac.Salt = idSHA256, h.Sum(nil), salt
	return der(tb, file)
}

// fixtures are files that open without a passphrase, each in another way.
func fixtures(tb testing.TB) map[string][]byte {
	tb.Helper()
	user := credtest.NewCA("Root").User("User")
	cert := certBag(tb, user.Cert.Raw)
	return map[string][]byte{
		"GnuTLS, none":         stored(tb, "gnutls-no-passphrase.p12"),
		"GnuTLS, empty":        stored(tb, "gnutls-empty-passphrase.p12"),
		"triple DES, empty":    export(tb, pkcs12.LegacyDES, user, ""),
		"RC2, empty":           export(tb, pkcs12.LegacyRC2, user, ""),
		"AES, empty":           export(tb, pkcs12.Modern2023, user, ""),
		"PBMAC1, empty":        export(tb, pkcs12.Modern2026, user, ""),
		"AES, none in the MAC": withMacOf(tb, nil, sealed(tb, "", cert), plain(tb, shrouded(tb, "", user.Key))),
		"AES, no MAC":          unauthenticated(tb, sealed(tb, "", cert), plain(tb, shrouded(tb, "", user.Key))),
		"key alone encrypted":  unauthenticated(tb, plain(tb, cert, shrouded(tb, "", user.Key))),
		"nothing encrypted":    unauthenticated(tb, plain(tb, cert, keyBag(tb, user.Key))),
		"only a MAC, of a passphrase that is not needed": withMac(tb, secret, plain(tb, cert, keyBag(tb, user.Key))),
	}
}

func stored(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(tb, err)
	return data
}

// An integrity check of RFC 9579 says how long its key is. A short one is found by
// trying, without knowing the passphrase.
func TestTheKeyOfAnIntegrityCheckHasALength(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").User("User")
	safe := der(t, []testContent{sealed(t, secret, certBag(t, user.Cert.Raw)), plain(t, keyBag(t, user.Key))})
	for length, want := range map[int]error{0: p12file.ErrMalformed, 1: p12file.ErrMalformed, 19: p12file.ErrMalformed, 20: nil, 64: nil, 65: p12file.ErrMalformed, 1 << 30: p12file.ErrMalformed} {
		// No pseudo-random function is named: then it is HMAC with SHA-1.
		kdf := withParams(t, idPBKDF2, testPBKDF2{Salt: salt, Iterations: one(), KeyLength: length})
		if length == 0 {
			kdf = withParams(t, idPBKDF2, testPBE{salt, one()})
		}
		file := testPFX{Version: 3, Safe: testContent{idData, tagged(der(t, safe))}}
		file.Mac.Mac.Algorithm, file.Mac.Salt = withParams(t, idPBMAC1, testPBES2{kdf, algorithm{Algorithm: idHMAC256}}), salt
		key, err := pbkdf2.Key(sha1.New, secret, salt, 1, max(1, min(length, 100)))
		require.NoError(t, err)
		h := hmac.New(sha256.New, key)
		h.Write(safe)
		file.Mac.Mac.Digest = h.Sum(nil)
		_, _, err = parse(t, der(t, file), answering(secret))
		require.ErrorIs(t, err, want, length)
	}
}

// Firefox writes BER, which go-pkcs12 and encoding/asn1 do not read.
func TestAFileOfFirefoxOpens(t *testing.T) {
	t.Parallel()
	data := stored(t, "nss.p12")
	leaf, chain, err := parse(t, data, answering(secret))
	require.NoError(t, err)
	assert.Equal(t, "/DC=org/DC=scicred-test/CN=User", pemfile.Subject(leaf))
	assert.Len(t, chain, 2)
	_, _, err = parse(t, data, answering("a guess"))
	require.ErrorIs(t, err, p12file.ErrPassphrase)
	_, _, _, err = pkcs12.DecodeChain(data, secret)
	assert.ErrorContains(t, err, "indefinite length", "if go-pkcs12 has learnt it, ber.go may go")
}

// The same in files of which we know the rest: every element that holds others
// gets an indefinite length, every octet string comes in pieces.
func TestBERIsReadAsDER(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Root").Intermediate("Issuing CA")
	user := ca.User("User")
	for _, enc := range []*pkcs12.Encoder{pkcs12.LegacyDES, pkcs12.Modern2023, pkcs12.Modern2026} {
		data := export(t, enc, user, secret)
		for name, ber := range map[string][]byte{"outside": indefinite(t, data, 1), "pieces of 100": indefinite(t, data, 100)} {
			leaf, chain, err := parse(t, ber, answering(secret))
			require.NoError(t, err, name)
			assert.Equal(t, user.Cert.Raw, leaf.Raw)
			assert.Len(t, chain, 2)
			back, err := p12file.ToDER(ber)
			require.NoError(t, err)
			assert.Equal(t, data, back, name)
		}
		same, err := p12file.ToDER(data)
		require.NoError(t, err)
		assert.Equal(t, data, same, "DER stays what it is")
	}
}

// indefinite writes DER as BER. Octet strings of more than some bytes come in two
// pieces; 1 stands for none.
func indefinite(tb testing.TB, data []byte, pieces int) []byte {
	tb.Helper()
	var out []byte
	for len(data) > 0 {
		n, size := int(data[1]), 2
		if n > 0x80 {
			size += n & 0x7f
			n = int(new(big.Int).SetBytes(data[2:size]).Int64())
		}
		content := data[size : size+n]
		switch {
		case data[0]&0x20 != 0:
			out = append(append(append(out, data[0], 0x80), indefinite(tb, content, pieces)...), 0, 0)
		case data[0] == 4 && pieces > 1 && n > pieces:
			out = append(out, 0x24, 0x80)
			out = append(append(out, der(tb, content[:pieces])...), der(tb, content[pieces:])...)
			out = append(out, 0, 0)
		default:
			out = append(out, data[:size+n]...)
		}
		data = data[size+n:]
	}
	return out
}

func TestEncryptedContentMayComeInPieces(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").User("User")
	text := aesCBC(t, der(t, []testBag{certBag(t, user.Cert.Raw)}), secret)
	alg := pbes2With(t, big.NewInt(1))
	info := bytes.Join([][]byte{der(t, idData), der(t, alg), {0xa0, 0x80}, der(t, text[:99]), der(t, text[99:]), {0, 0}}, nil)
	ber := append([]byte{0x30, 0x80, 0x02, 1, 0, 0x30, 0x80}, info...)
	ber = append(ber, 0, 0, 0, 0)
	inPieces := append(append(append([]byte{0x30, 0x80}, der(t, idEncrypted)...), 0xa0, 0x80), ber...)
	inPieces = append(inPieces, 0, 0, 0, 0)
	var safe []byte
	safe = append(append(safe, 0x30, 0x80), inPieces...)
	safe = append(append(safe, der(t, plain(t, keyBag(t, user.Key)))...), 0, 0)
	leaf, _, err := parse(t, der(t, testPFX{Version: 3, Safe: testContent{idData, tagged(der(t, safe))}}), answering(secret))
	require.NoError(t, err)
	assert.Equal(t, user.Cert.Raw, leaf.Raw)
}

func TestDamagedBERIsRefused(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"empty": {}, "a tag alone": {0x30}, "cut short": {0x30, 3, 4, 1}, "cut in the length": {0x30, 0x82, 1},
		"no end":                        {0x30, 0x80, 4, 1, 0},
		"primitive of indefinite size":  {0x04, 0x80, 0, 0},
		"a length of five bytes":        {0x30, 0x85, 0, 0, 0, 0, 0},
		"a length of more than a MiB":   {0x30, 0x83, 0x7f, 0xff, 0xff},
		"a length that turns negative":  {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
		"a tag of two bytes":            {0x3f, 0x81, 0x01, 0},
		"the same, inside":              {0x30, 0x80, 4, 0x80, 0, 0},
		"a primitive tag of two bytes":  {0x1f, 1, 0},
		"more after the end":            {0x30, 0, 0},
		"a piece that is no string":     {0x24, 3, 2, 1, 0},
		"an inner one longer than that": {0x30, 2, 4, 9},
	} {
		_, err := p12file.ToDER(data)
		assert.ErrorIs(t, err, p12file.ErrMalformed, name)
	}
}

func TestWhatIsTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").User("User")
	cert, key := certBag(t, user.Cert.Raw), keyBag(t, user.Key)
	var many, contents []testContent
	var bags []testBag
	for range p12file.MaxBags + 1 {
		bags = append(bags, cert)
		contents = append(contents, sealed(t, "", cert))
	}
	many = append(many, plain(t, key), plain(t, bags...))
	deep := bytes.Repeat([]byte{0x30, 0x80}, 40)
	wide := append([]byte{0x30, 0x83, 1, 0, 0}, bytes.Repeat([]byte{5, 0}, 1<<15)...)
	large := make([]byte, 300<<10)
	for name, tt := range map[string]struct {
		data []byte
		want error
		text string
	}{
		"a file":                     {make([]byte, p12file.MaxSize+1), p12file.ErrTooLarge, "too large for PKCS#12: 1048577 bytes, at most 1048576 are read"},
		"certificates":               {unauthenticated(t, many...), p12file.ErrTooMany, "too many parts in the PKCS#12 file: more than 100 certificates and keys"},
		"encrypted certificates":     {unauthenticated(t, plain(t, key), sealed(t, "", bags...)), p12file.ErrTooMany, ""},
		"contents":                   {unauthenticated(t, append(contents, plain(t, key))...), p12file.ErrTooMany, ""},
		"an encrypted content":       {unauthenticated(t, plain(t, key), sealedWith(t, pbes2With(t, one()), large)), p12file.ErrTooLarge, ""},
		"a key":                      {unauthenticated(t, plain(t, cert, testBag{idBag(1), tagged(der(t, large))})), p12file.ErrTooLarge, ""},
		"encrypted contents":         {unauthenticated(t, plain(t, key), sealedWith(t, pbes2With(t, one()), large[:200<<10]), sealedWith(t, pbes2With(t, one()), large[:200<<10])), p12file.ErrTooLarge, "too large for PKCS#12: encrypted certificates of more than 262144 bytes"},
		"an encrypted key":           {unauthenticated(t, plain(t, cert, shroudedWith(t, pbes2With(t, one()), large))), p12file.ErrTooLarge, ""},
		"elements within elements":   {unauthenticated(t, testContent{idData, asn1.RawValue{FullBytes: bytes.Join([][]byte{deep, make([]byte, 80)}, nil)}}), p12file.ErrTooMany, "too many parts in the PKCS#12 file: more than 10000 elements, or nested deeper than 32"},
		"elements":                   {der(t, testPFX{Version: 3, Safe: testContent{idData, tagged(der(t, wide))}}), p12file.ErrTooMany, ""},
		"elements after the MAC":     {append(append([]byte{0x30, 0x80}, unauthenticated(t)[2:]...), append(wide, 0, 0)...), p12file.ErrTooMany, ""},
		"an RSA key":                 {unauthenticated(t, plain(t, certBag(t, hugeRSA(t, user)), key)), p12file.ErrTooLarge, "too large for PKCS#12: an RSA key of 8193 bits, at most 8192 are read"},
		"an encrypted RSA key":       {unauthenticated(t, sealed(t, "", certBag(t, hugeRSA(t, user))), plain(t, key)), p12file.ErrTooLarge, ""},
		"a file that is white space": {append(unauthenticated(t), bytes.Repeat([]byte{' '}, p12file.MaxSize)...), p12file.ErrTooLarge, ""},
	} {
		_, _, err := parse(t, tt.data, never(t))
		require.ErrorIs(t, err, tt.want, name)
		if tt.text != "" {
			assert.EqualError(t, err, tt.text)
		}
	}
}

// hugeRSA is a certificate that claims an RSA key of 8193 bits.
func hugeRSA(t *testing.T, like *credtest.Identity) []byte {
	t.Helper()
	key := &rsa.PublicKey{N: new(big.Int).Add(new(big.Int).Lsh(one(), 8192), one()), E: 65537}
	raw, err := x509.CreateCertificate(nil, like.Cert, like.Cert, key, like.Key)
	require.NoError(t, err)
	return raw
}

// A file may ask for as many iterations as it likes, in six places. None of them
// runs.
func TestNoKeyDerivationRunsThatTakesTooLong(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").User("User")
	cert, key := certBag(t, user.Cert.Raw), keyBag(t, user.Key)
	pbe := func(id []int, n *big.Int) algorithm { return withParams(t, id, testPBE{salt, n}) }
	mac := func(n *big.Int, alg algorithm) []byte {
		file := testPFX{Version: 3, Safe: testContent{idData, tagged(der(t, der(t, []testContent{plain(t, cert, shrouded(t, secret, user.Key))})))}}
		file.Mac.Mac.Algorithm, file.Mac.Mac.Digest, file.Mac.Salt, file.Mac.Iterations = alg, salt, salt, n
		return der(t, file)
	}
	places := map[string]func(n *big.Int) []byte{
		"the MAC": func(n *big.Int) []byte { return mac(n, algorithm{Algorithm: idSHA256}) },
		"the MAC, PBMAC1": func(n *big.Int) []byte {
			return mac(nil, withParams(t, idPBMAC1, testPBES2{pbkdf2With(t, n, idHMAC256), algorithm{Algorithm: idHMAC256}}))
		},
		"certificates, PBES2": func(n *big.Int) []byte { return unauthenticated(t, plain(t, key), sealedWith(t, pbes2With(t, n), iv)) },
		"certificates, triple DES": func(n *big.Int) []byte {
			return unauthenticated(t, plain(t, key), sealedWith(t, pbe(idPBE3DES, n), iv))
		},
		"certificates, RC2": func(n *big.Int) []byte { return unauthenticated(t, plain(t, key), sealedWith(t, pbe(idPBERC2, n), iv)) },
		"the key, PBES2": func(n *big.Int) []byte {
			return unauthenticated(t, plain(t, cert, shroudedWith(t, pbes2With(t, n), iv)))
		},
		"the key, triple DES": func(n *big.Int) []byte {
			return unauthenticated(t, plain(t, cert, shroudedWith(t, pbe(idPBE3DES, n), iv)))
		},
	}
	for name, place := range places {
		for _, n := range []string{"5000001", "2147483647", "9223372036854775807", "9223372036854775808", "340282366920938463463374607431768211456"} {
			count, _ := new(big.Int).SetString(n, 10)
			_, _, err := parse(t, place(count), never(t))
			require.ErrorIs(t, err, p12file.ErrIterations, "%s: %s", name, n)
		}
		for _, n := range []int64{0, -1, -1 << 62} {
			_, _, err := parse(t, place(big.NewInt(n)), never(t))
			require.ErrorIs(t, err, p12file.ErrMalformed, "%s: %d", name, n)
		}
		work, err := p12file.Work(place(big.NewInt(p12file.MaxIterations)))
		require.NoError(t, err, name)
		assert.GreaterOrEqual(t, work, p12file.MaxIterations, name)
	}
	_, _, err := parse(t, places["the key, PBES2"](big.NewInt(2147483647)), never(t))
	require.EqualError(t, err, "opening the PKCS#12 file would take too long: a key derivation of 2147483647 iterations, at most 5000000 are run")

	four := []testContent{plain(t, key)}
	for range 4 {
		four = append(four, sealedWith(t, pbes2With(t, big.NewInt(4_000_000)), iv))
	}
	_, _, err = parse(t, unauthenticated(t, four...), never(t))
	require.ErrorIs(t, err, p12file.ErrIterations)
	require.EqualError(t, err, "opening the PKCS#12 file would take too long: key derivations of more than 15000000 iterations together")
}

// What stands in encrypted contents is seen only by those who have opened them. A
// key in there is refused before its key derivation runs: with this count it would
// run for minutes.
func TestNoKeyDerivationRunsThatIsHiddenInEncryptedContents(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Root").User("User")
	cert := certBag(t, user.Cert.Raw)
	bomb := shroudedWith(t, pbes2With(t, big.NewInt(1<<31-1)), iv)
	old := shroudedWith(t, withParams(t, idPBE3DES, testPBE{salt, big.NewInt(1<<31 - 1)}), iv)
	for name, contents := range map[string][]testContent{
		"beside the certificate":    {sealed(t, secret, cert, bomb), plain(t, shrouded(t, secret, user.Key))},
		"before it":                 {sealed(t, secret, bomb, cert), plain(t, shrouded(t, secret, user.Key))},
		"of the old kind":           {sealed(t, secret, cert, old), plain(t, shrouded(t, secret, user.Key))},
		"in the second content":     {plain(t, shrouded(t, secret, user.Key)), sealed(t, secret, cert), sealed(t, secret, bomb)},
		"beside a key in the clear": {sealed(t, secret, keyBag(t, user.Key), bomb, cert), plain(t, shrouded(t, secret, user.Key))},
	} {
		for _, data := range [][]byte{unauthenticated(t, contents...), withMac(t, secret, contents...)} {
			began := time.Now()
			_, _, err := parse(t, data, answering(secret))
			var unsupported *p12file.UnsupportedError
			require.ErrorAs(t, err, &unsupported, name)
			assert.Equal(t, "a private key in the encrypted certificates", unsupported.What)
			assert.Less(t, time.Since(began), 20*time.Second, name)
			_, err = p12file.Certificates(t.Context(), data, answering(secret))
			require.ErrorAs(t, err, &unsupported, name)
		}
	}
}

func one() *big.Int { return big.NewInt(1) }
