// SPDX-License-Identifier: BSD-3-Clause

package proxycert_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/proxycert"
)

// FuzzDescribe describes PEM files of certificates, whatever crypto/x509 takes for
// one.
func FuzzDescribe(f *testing.F) {
	names, err := filepath.Glob(filepath.Join(fixtures, "*.pem"))
	require.NoError(f, err)
	require.NotEmpty(f, names)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		chain := parse(text)
		if len(chain) == 0 {
			return
		}
		d := proxycert.Describe(chain)
		if d.Depth > len(chain) || (d.EndEntity == nil) != (d.Depth == len(chain)) {
			t.Fatal("depth and end do not fit")
		}
	})
}

// FuzzInspect reads anything as the extension of a proxy.
func FuzzInspect(f *testing.F) {
	f.Add([]byte{0x30, 0x0f, 0x30, 0x0d, 6, 0x0b, 0x2b, 6, 1, 4, 1, 0x9b, 0x50, 1, 1, 1, 9}, true)
	f.Add([]byte{0x30, 0x11, 0x30, 0x0a, 6, 8, 0x2b, 6, 1, 5, 5, 7, 0x15, 1, 0xa1, 3, 2, 1, 3}, false)
	f.Fuzz(func(t *testing.T, value []byte, rfc bool) {
		id := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 3536, 1, 222}
		if rfc {
			id = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 14}
		}
		p, err := proxycert.Inspect(&x509.Certificate{Extensions: []pkix.Extension{{Id: id, Value: value}}})
		if (err == nil) != (p.Policy != proxycert.NoPolicy) || p.PathLength < proxycert.Unlimited {
			t.Fatal(p, err)
		}
	})
}
