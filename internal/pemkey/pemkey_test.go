// SPDX-License-Identifier: BSD-3-Clause

package pemkey_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/pemkey"
)

const fixtures = "../../testdata/pem"

// folders are the one with the fixtures, and one in which OpenSSL has just made
// the same files.
func folders(t *testing.T) []string {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "openssl is not installed")
		t.Log("no openssl: the fixtures alone are read")
		return []string{fixtures}
	}
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "sh", filepath.Join(fixtures, "make.sh"), dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return []string{fixtures, dir}
}

func block(t *testing.T, name string) *pem.Block {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	b, _ := pem.Decode(text)
	require.NotNil(t, b, name)
	return b
}

func parse(t *testing.T, key []byte) crypto.Signer {
	t.Helper()
	if k, err := x509.ParseECPrivateKey(key); err == nil {
		return k
	}
	if k, err := x509.ParsePKCS1PrivateKey(key); err == nil {
		return k
	}
	k, err := x509.ParsePKCS8PrivateKey(key)
	require.NoError(t, err)
	return k.(crypto.Signer)
}

func TestWhatOpenSSLAndJavaWriteIsOpened(t *testing.T) {
	t.Parallel()
	for _, dir := range folders(t) {
		opened := 0
		for _, kind := range []string{"ec", "rsa"} {
			want := parse(t, block(t, filepath.Join(dir, kind+".key.pem")).Bytes)
			names, err := filepath.Glob(filepath.Join(dir, kind+".*.pem"))
			require.NoError(t, err)
			for _, name := range names {
				b := block(t, name)
				if strings.HasSuffix(name, ".key.pem") || strings.HasSuffix(name, ".cert.pem") {
					assert.False(t, pemkey.IsSealed(b), name)
					continue
				}
				assert.True(t, pemkey.IsSealed(b), name)
				s, err := pemkey.Read(b)
				require.NoError(t, err, name)
				for _, wrong := range []string{"", "word", "wordss", "Words"} {
					_, err := s.Open(t.Context(), []byte(wrong))
					require.ErrorIs(t, err, pemkey.ErrWrongPassphrase, name)
					require.EqualError(t, err, "the passphrase is wrong")
				}
				key, err := s.Open(t.Context(), []byte("words"))
				require.NoError(t, err, name)
				assert.Equal(t, want, parse(t, key), name)
				opened++
			}
		}
		assert.GreaterOrEqual(t, opened, 10)
	}
}

func TestWhatIsNotSupportedSaysHowToConvertIt(t *testing.T) {
	t.Parallel()
	const legacy = "-provider legacy -provider default "
	dirs := folders(t)
	for name, want := range map[string]struct{ scheme, provider string }{
		"scrypt":        {"scrypt", ""},
		"pbe-sha1-3des": {"PBE-SHA1-3DES", ""},
		"pbe-md5-des":   {"PBES1", legacy},
		"camellia":      {"the cipher 1.2.392.200011.61.1.1.1.4", legacy},
		"traditional":   {"another cipher than AES-CBC and DES-CBC", legacy},
	} {
		for _, dir := range dirs {
			file := filepath.Join(dir, "unsupported."+name+".pem")
			_, err := pemkey.Read(block(t, file))
			var unsupported *pemkey.UnsupportedError
			require.ErrorAs(t, err, &unsupported, name)
			require.EqualError(t, err, "the private key is encrypted with "+want.scheme+", which is not supported; to convert it: "+
				"openssl pkcs8 -topk8 -v2 aes-256-cbc "+want.provider+"-in KEY -out NEWKEY")
			if _, err := exec.LookPath("openssl"); err == nil {
				converts(t, err0(pemkey.Read(block(t, file))), file)
			}
		}
	}
}

func err0[T any](_ T, err error) string { return err.Error() }

// converts runs the command that the error names.
func converts(t *testing.T, text, file string) {
	t.Helper()
	_, command, found := strings.Cut(text, "to convert it: ")
	require.True(t, found)
	result := filepath.Join(t.TempDir(), "new.pem")
	args := append(strings.Fields(strings.NewReplacer("NEWKEY", result, "KEY", file).Replace(command)), "-passin", "pass:words", "-passout", "pass:new")
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	require.NoError(t, err, "%s: %s", command, out)
	s, err := pemkey.Read(block(t, result))
	require.NoError(t, err)
	_, err = s.Open(t.Context(), []byte("new"))
	require.NoError(t, err)
}

// --- Files made by hand

type algorithm struct {
	ID         asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
}

// raw encodes the parameters of an algorithm.
func raw(parameters any) asn1.RawValue {
	encoded, err := asn1.Marshal(parameters)
	if err != nil {
		panic(err)
	}
	return asn1.RawValue{FullBytes: encoded}
}

type sealedKey struct {
	Algorithm algorithm
	Data      []byte
}

type kdfParams struct {
	Salt       any
	Iterations *big.Int
	KeyLength  int       `asn1:"optional"`
	PRF        algorithm `asn1:"optional"`
}

type pbes2 struct{ KDF, Cipher algorithm }

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidAES256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

func prf(n int) algorithm {
	return algorithm{ID: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, n}, Parameters: asn1.NullRawValue}
}

// recipe is what a file says of its encryption.
type recipe struct {
	salt       any
	iterations *big.Int
	keyLength  int
	prf        algorithm
	cipher     algorithm
	data       []byte
}

func sound() recipe {
	return recipe{
		salt: make([]byte, 8), iterations: big.NewInt(2048), prf: prf(9),
		cipher: algorithm{oidAES256, raw(make([]byte, 16))}, data: make([]byte, 32),
	}
}

func (r recipe) block(tb testing.TB) *pem.Block {
	tb.Helper()
	key, err := asn1.Marshal(sealedKey{
		algorithm{oidPBES2, raw(pbes2{algorithm{oidPBKDF2, raw(kdfParams{r.salt, r.iterations, r.keyLength, r.prf})}, r.cipher})}, r.data,
	})
	require.NoError(tb, err)
	return &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: key}
}

func TestEachParameterIsChecked(t *testing.T) {
	t.Parallel()
	const malformed = "malformed encrypted private key: "
	for name, tt := range map[string]struct {
		change func(*recipe)
		want   string
	}{
		"sound":                    {func(*recipe) {}, ""},
		"the key's length":         {func(r *recipe) { r.keyLength = 32 }, ""},
		"another key's length":     {func(r *recipe) { r.keyLength = 16 }, malformed + "the key length is not the cipher's"},
		"a key of 2 GiB":           {func(r *recipe) { r.keyLength = 1<<31 - 1 }, malformed + "the key length is not the cipher's"},
		"a negative key length":    {func(r *recipe) { r.keyLength = -1 }, malformed + "bad key length"},
		"no salt":                  {func(r *recipe) { r.salt = []byte{} }, malformed + "bad salt"},
		"salt of 1 KiB":            {func(r *recipe) { r.salt = make([]byte, 1024) }, ""},
		"more salt":                {func(r *recipe) { r.salt = make([]byte, 1025) }, malformed + "bad salt"},
		"salt from elsewhere":      {func(r *recipe) { r.salt = algorithm{ID: oidPBES2} }, malformed + "bad salt"},
		"one iteration":            {func(r *recipe) { r.iterations = big.NewInt(1) }, ""},
		"no iteration":             {func(r *recipe) { r.iterations = big.NewInt(0) }, malformed + "bad number of iterations"},
		"less than none":           {func(r *recipe) { r.iterations = big.NewInt(-5) }, malformed + "bad number of iterations"},
		"as many as are allowed":   {func(r *recipe) { r.iterations = big.NewInt(pemkey.MaxIterations) }, ""},
		"one more":                 {func(r *recipe) { r.iterations = big.NewInt(pemkey.MaxIterations + 1) }, "too many iterations to get the key from its passphrase: 5000001, at most 5000000 are done"},
		"a bomb":                   {func(r *recipe) { r.iterations = big.NewInt(1<<31 - 1) }, "too many iterations to get the key from its passphrase: 2147483647, at most 5000000 are done"},
		"a bomb beyond int64":      {func(r *recipe) { r.iterations = new(big.Int).Lsh(big.NewInt(1), 64) }, "too many iterations to get the key from its passphrase: at most 5000000 are done"},
		"another hash":             {func(r *recipe) { r.prf = prf(13) }, "the private key is encrypted with the hash 1.2.840.113549.2.13, which"},
		"a hash with parameters":   {func(r *recipe) { r.prf.Parameters = raw(5) }, malformed + "bad parameters of the key derivation"},
		"a hash without NULL":      {func(r *recipe) { r.prf.Parameters = asn1.RawValue{} }, ""},
		"a short IV":               {func(r *recipe) { r.cipher.Parameters = raw(make([]byte, 8)) }, malformed + "bad initialization vector"},
		"no IV":                    {func(r *recipe) { r.cipher.Parameters = asn1.RawValue{} }, malformed + "bad initialization vector"},
		"no data":                  {func(r *recipe) { r.data = nil }, malformed + "no whole number of blocks"},
		"half a block":             {func(r *recipe) { r.data = make([]byte, 24) }, malformed + "no whole number of blocks"},
		"DES3 with its IV":         {func(r *recipe) { r.cipher = des3(8); r.data = make([]byte, 24) }, ""},
		"DES3 with that of AES":    {func(r *recipe) { r.cipher = des3(16) }, malformed + "bad initialization vector"},
		"another key derivation":   {nil, "the private key is encrypted with the key derivation 1.2.840.113549.1.5.13, which"},
		"RC2, which nobody writes": {func(r *recipe) { r.cipher.ID = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 2} }, "the private key is encrypted with the cipher 1.2.840.113549.3.2, which"},
	} {
		r := sound()
		var b *pem.Block
		if tt.change != nil {
			tt.change(&r)
			b = r.block(t)
		} else {
			b = r.block(t)
			at := bytes.LastIndex(b.Bytes, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12})
			b.Bytes[at+8] = 13
		}
		s, err := pemkey.Read(b)
		if tt.want == "" {
			require.NoError(t, err, name)
			assert.EqualValues(t, r.iterations.Int64(), s.Iterations(), name)
			continue
		}
		require.ErrorContains(t, err, tt.want, name)
		assert.True(t, strings.HasPrefix(err.Error(), tt.want), name)
		assert.Nil(t, s, name)
	}
}

func des3(iv int) algorithm {
	return algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, raw(make([]byte, iv))}
}

func TestTheTraditionalHeaderIsChecked(t *testing.T) {
	t.Parallel()
	data := make([]byte, 32)
	for info, want := range map[string]string{
		"AES-128-CBC,000102030405060708090A0B0C0D0E0F": "",
		"DES-EDE3-CBC,0001020304050607":                "",
		"DES-CBC,0001020304050607":                     "",
		"":                                             "malformed encrypted private key: no DEK-Info",
		"AES-128-CBC":                                  "malformed encrypted private key: bad DEK-Info",
		"AES-128-CBC,0001":                             "malformed encrypted private key: bad DEK-Info",
		"AES-128-CBC,0001020304050607":                 "malformed encrypted private key: bad DEK-Info",
		"DES-CBC,words":                                "malformed encrypted private key: bad DEK-Info",
	} {
		b := &pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: data}
		if info != "" {
			b.Headers["DEK-Info"] = info
		}
		s, err := pemkey.Read(b)
		if want != "" {
			require.EqualError(t, err, want, info)
			continue
		}
		require.NoError(t, err, info)
		_, err = s.Open(t.Context(), []byte("words"))
		require.ErrorIs(t, err, pemkey.ErrWrongPassphrase, info)
		b.Bytes = data[:9]
		_, err = pemkey.Read(b)
		require.EqualError(t, err, "malformed encrypted private key: no whole number of blocks", info)
		b.Bytes = data
	}
}

func TestDamageAtAnyByteIsAnError(t *testing.T) {
	t.Parallel()
	b := block(t, filepath.Join(fixtures, "ec.default.pem"))
	for n := range b.Bytes {
		_, err := pemkey.Read(&pem.Block{Type: b.Type, Bytes: b.Bytes[:n]})
		require.ErrorIs(t, err, pemkey.ErrMalformed, n)
	}
	_, err := pemkey.Read(&pem.Block{Type: b.Type, Bytes: append(bytes.Clone(b.Bytes), 0)})
	require.ErrorIs(t, err, pemkey.ErrMalformed)
}

// PBKDF2 is written again here; that of the standard library judges it.
func TestTheKeyIsThatOfTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for n, newHash := range map[int]func() hash.Hash{7: sha1.New, 8: sha256.New224, 9: sha256.New, 10: sha512.New384, 11: sha512.New} {
		for _, iterations := range []int{1, 2, 1023, 1024, 1025, 3000} {
			for _, passphrase := range []string{"", "words", strings.Repeat("long", 64)} {
				r := sound()
				r.salt, r.iterations, r.prf = []byte("NaClNaCl"), big.NewInt(int64(iterations)), prf(n)
				key, err := pbkdf2.Key(newHash, passphrase, []byte("NaClNaCl"), iterations, 32)
				require.NoError(t, err)
				r.data = encrypt(t, key, []byte{0x30, 3, 2, 1, 0})
				s, err := pemkey.Read(r.block(t))
				require.NoError(t, err)
				plain, err := s.Open(t.Context(), []byte(passphrase))
				require.NoError(t, err, "%d %d", n, iterations)
				assert.Equal(t, []byte{0x30, 3, 2, 1, 0}, plain)
			}
		}
	}
}

func TestThePaddingAloneProvesNothing(t *testing.T) {
	t.Parallel()
	for name, plain := range map[string][]byte{
		"empty": {}, "text": []byte("not DER"), "no sequence": {2, 1, 0}, "sequence without version": {0x30, 2, 5, 0},
		"something behind": {0x30, 3, 2, 1, 0, 0}, "cut short": {0x30, 4, 2, 1, 0},
	} {
		r := sound()
		key, err := pbkdf2.Key(sha256.New, "words", r.salt.([]byte), 2048, 32)
		require.NoError(t, err)
		r.data = encrypt(t, key, plain)
		s, err := pemkey.Read(r.block(t))
		require.NoError(t, err)
		_, err = s.Open(t.Context(), []byte("words"))
		require.ErrorIs(t, err, pemkey.ErrWrongPassphrase, name)
	}
}

func TestThePaddingIsAtMostABlock(t *testing.T) {
	t.Parallel()
	key, err := pbkdf2.Key(sha256.New, "words", sound().salt.([]byte), 2048, 32)
	require.NoError(t, err)
	for padding, fits := range map[string]bool{
		"": false, "\x01": true, strings.Repeat("\x0f", 15): true, strings.Repeat("\x10", 16): true,
		strings.Repeat("\x11", 17): false, strings.Repeat("\x20", 32): false, "\x02\x03\x03": false, "\x04\x04\x04": false,
	} {
		n := len(padding)
		plain := append([]byte{0x30, 62 - byte(n), 2, 1, 0}, make([]byte, 59)...)
		copy(plain[64-n:], padding)
		r := sound()
		r.data = encrypt(t, key, plain)[:64] // The padding that it adds is cut off.
		s, err := pemkey.Read(r.block(t))
		require.NoError(t, err)
		_, err = s.Open(t.Context(), []byte("words"))
		assert.Equal(t, fits, err == nil, "%x", padding)
	}
}

func TestADerivationCanBeCalledOff(t *testing.T) {
	t.Parallel()
	r := sound()
	r.iterations = big.NewInt(pemkey.MaxIterations)
	s, err := pemkey.Read(r.block(t))
	require.NoError(t, err)
	for name, calledOff := range map[string]func(error) (context.Context, context.CancelFunc){
		"before": func(why error) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(why)
			return ctx, func() {}
		},
		"meanwhile": func(error) (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), time.Millisecond)
		},
	} {
		ctx, cancel := calledOff(errors.New("why"))
		start := time.Now()
		_, err := s.Open(ctx, []byte("words"))
		took := time.Since(start)
		cancel()
		require.ErrorIs(t, err, ctx.Err(), name)
		assert.Contains(t, err.Error(), "not opened: context ", name)
		assert.Less(t, took, time.Second, "%s: five million iterations take longer", name)
	}
	traditional, err := pemkey.Read(block(t, filepath.Join(fixtures, "ec.traditional-aes256.pem")))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = traditional.Open(ctx, []byte("words"))
	require.ErrorIs(t, err, context.Canceled)
}

func TestNoErrorShowsThePassphraseOrTheKey(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(fixtures, "*.pem"))
	require.NoError(t, err)
	for _, name := range names {
		b := block(t, name)
		if !pemkey.IsSealed(b) {
			continue
		}
		s, err := pemkey.Read(b)
		if err != nil {
			assert.NotContains(t, err.Error(), fmt.Sprintf("%x", b.Bytes[40:48]))
			continue
		}
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", s, s, s), fmt.Sprintf("%x", b.Bytes[40:48]))
		_, err = s.Open(t.Context(), []byte("hunter2"))
		assert.NotContains(t, err.Error(), "hunter2")
	}
}
