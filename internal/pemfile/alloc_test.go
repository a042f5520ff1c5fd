// SPDX-License-Identifier: BSD-3-Clause

package pemfile_test

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/pemfile"
)

// What ParsePair allocates beyond tls.X509KeyPair is what it takes to parse the
// rest of the chain, whose dates have to be known, and little more. No
// t.Parallel: allocations of other tests would count.
func TestParsePairAllocatesHardlyMoreThanCryptoTLS(t *testing.T) {
	for kind, key := range map[string][]credtest.CertOption{"RSA-2048": {credtest.RSAKey()}, "P-256": nil} {
		user := credtest.NewCA("Test CA", key...).User("Test User", key...)
		for what, id := range map[string]*credtest.Identity{"user": user, "proxy": user.Proxy(key...), "proxy of a proxy": user.Proxy(key...).Proxy(key...)} {
			file := id.PEM()
			floor := testing.AllocsPerRun(20, func() {
				_, err := tls.X509KeyPair(file, file)
				require.NoError(t, err)
				for _, c := range id.Chain {
					_, err := x509.ParseCertificate(c.Raw)
					require.NoError(t, err)
				}
			})
			ours := testing.AllocsPerRun(20, func() {
				_, err := pemfile.ParsePair(file, nil, time.Now(), margin)
				require.NoError(t, err)
			})
			assert.LessOrEqual(t, ours, floor+35, "%s, %s", kind, what)
			t.Log(kind, what, ours-floor)
		}
	}
}

// An expired file costs its certificates and no key, which costs most.
func TestAnExpiredFileIsCheap(t *testing.T) {
	id := credtest.NewCA("Test CA").User("Test User", credtest.Expired(), credtest.RSAKey())
	file := id.PEM()
	floor := testing.AllocsPerRun(20, func() {
		_, err := x509.ParseCertificate(id.Cert.Raw)
		require.NoError(t, err)
	})
	ours := testing.AllocsPerRun(20, func() {
		_, err := pemfile.ParsePair(file, nil, time.Now(), margin)
		require.ErrorIs(t, err, pemfile.ErrExpired)
	})
	assert.LessOrEqual(t, ours, floor+50)
	t.Log(ours - floor)
}
