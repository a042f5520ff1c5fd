// SPDX-License-Identifier: BSD-3-Clause

package pemkey_test

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/pemkey"
)

// encrypt pads and encrypts with AES-CBC and a vector of zeros.
func encrypt(t *testing.T, key, plain []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	n := aes.BlockSize - len(plain)%aes.BlockSize
	data := append([]byte(nil), plain...)
	for range n {
		data = append(data, byte(n))
	}
	cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(data, data)
	return data
}

// FuzzRead reads anything as an encrypted key, and opens what can be in a short
// time. It must not panic, and what it opens must look like a key.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob(filepath.Join(fixtures, "*.pem"))
	require.NoError(f, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(text, "words")
	}
	f.Add(pem.EncodeToMemory(sound().block(f)), "")
	f.Fuzz(func(t *testing.T, text []byte, passphrase string) {
		b, _ := pem.Decode(text)
		if b == nil {
			return
		}
		_ = pemkey.IsSealed(b)
		s, err := pemkey.Read(b)
		if (err == nil) == (s == nil) {
			t.Fatal("either a key or an error")
		}
		if err != nil || s.Iterations() > 5000 {
			return
		}
		key, err := s.Open(t.Context(), []byte(passphrase))
		if err == nil && (len(key) < 5 || key[0] != 0x30) {
			t.Fatal("that is no key")
		}
	})
}
