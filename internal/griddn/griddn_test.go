// SPDX-License-Identifier: BSD-3-Clause

package griddn_test

import (
	"crypto/x509/pkix"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/griddn"
)

func TestAnEncodedNameIsWrittenAsAParsedOne(t *testing.T) {
	t.Parallel()
	c := credtest.NewCA("Test CA").User("Jürgen\n Müller").Proxy().Cert
	name, ok := griddn.Parse(c.RawIssuer)
	assert.True(t, ok)
	assert.Equal(t, `/DC=org/DC=scicred-test/CN=Jürgen\0A Müller`, name)
	assert.Equal(t, name, griddn.Of(&c.Issuer))
	name, ok = griddn.Parse([]byte{0x30, 0})
	assert.True(t, ok, "a name may be empty")
	assert.Empty(t, name)
	assert.Empty(t, griddn.Of(&pkix.Name{}))
	for _, bad := range [][]byte{nil, {0x30}, {2, 1, 5}, append(c.RawIssuer, 0), c.RawIssuer[:20]} {
		_, ok := griddn.Parse(bad)
		assert.False(t, ok)
	}
}

// FuzzParse checks that whatever is written can be shown.
func FuzzParse(f *testing.F) {
	f.Add(credtest.NewCA("Test CA").User("\x1b[31mred").Cert.RawSubject)
	f.Fuzz(func(t *testing.T, raw []byte) {
		name, ok := griddn.Parse(raw)
		if !ok && name != "" {
			t.Fatal("half a name")
		}
		for _, r := range name {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q is not for a terminal", name)
			}
		}
	})
}
