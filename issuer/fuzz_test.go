// SPDX-License-Identifier: BSD-3-Clause

package issuer_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/issuer"
)

// checkKey fails if a key is one that must never be used.
func checkKey(t *testing.T, alg string, key any) {
	t.Helper()
	switch k := key.(type) {
	case *rsa.PublicKey:
		require.Contains(t, []string{"RS256", "RS384", "RS512"}, alg)
		require.GreaterOrEqual(t, k.N.BitLen(), 2048)
		require.LessOrEqual(t, k.N.BitLen(), 4096)
		require.GreaterOrEqual(t, k.E, 3)
		require.EqualValues(t, 1, k.N.Bit(0))
	case *ecdsa.PublicKey:
		require.Equal(t, map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384()}[alg], k.Curve)
		_, err := k.ECDH() // is on the curve
		require.NoError(t, err)
	case ed25519.PublicKey:
		require.Equal(t, "EdDSA", alg)
		require.Len(t, k, ed25519.PublicKeySize)
	default:
		t.Fatalf("%T for %s", key, alg)
	}
}

func FuzzKeySet(f *testing.F) {
	m := material()
	f.Add(credtest.NewIssuer("https://i.example").JWKS())
	for _, s := range [][]byte{
		set(m.p256, m.p384, m.p521, m.ed, m.rsa), set(with(m.p256, "alg", `"ES256"`, "use", `"sig"`, "key_ops", `["verify"]`), m.other),
		set(with(m.p256, "d", `"AA"`)), set(`{"kty":"oct","k":"AA"}`), set(), []byte("<html>"), set(rsaJWK(modulus(2048), 3)), []byte(`{"keys":[7,{}]}`),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := issuer.ParseKeySet(data)
		if err != nil {
			return
		}
		n, _ := s.Usable()
		require.LessOrEqual(t, n, issuer.MaxKeys)
		for _, alg := range []string{"RS256", "RS384", "RS512", "ES256", "ES384", "EdDSA", "HS256", "none", "ES512", ""} {
			for _, kid := range []string{"", "k", "es256", "rs256"} {
				key, problem := s.Find(alg, kid)
				if key == nil {
					require.NotEmpty(t, problem)
					continue
				}
				checkKey(t, alg, key)
			}
		}
	})
}

func FuzzDocument(f *testing.F) {
	const name = "https://i.example"
	f.Add(credtest.NewIssuer(name).OpenIDConfiguration())
	for _, s := range []string{metadata(name, name+"/jwks"), metadata(name, "http://i.example"), metadata("https://o.example", name), `{"issuer":7}`, "<html>", "{}", "", metadata(name, "https://u:p@i.example/%zz")} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		uri, err := issuer.ParseDocument(data, name)
		if err != nil {
			require.Empty(t, uri)
			return
		}
		u, err := url.Parse(uri)
		require.NoError(t, err)
		require.Equal(t, "https", u.Scheme)
		require.NotEmpty(t, u.Hostname())
		require.Nil(t, u.User)
	})
}

func FuzzCacheFile(f *testing.F) {
	w := &world{Site: credtest.NewSite(), now: time.Now()}
	f.Cleanup(w.Close)
	w.issuer = credtest.NewIssuer(w.Origin)
	w.publish(w.issuer)
	dir := f.TempDir()
	k, err := issuer.New(issuer.Config{Issuers: []string{w.Origin}, Transport: w.Transport(), Now: w.Now, CacheDir: dir})
	require.NoError(f, err)
	_, err = k.Key(f.Context(), w.Origin, "ES256", "es256")
	require.NoError(f, err)
	good, err := os.ReadFile(issuer.CachePath(dir, w.Origin))
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"version":1,"issuer":"https://i.example","jwks_uri":"https://i.example","checked":"2026-01-02T03:04:05Z","keys":[]}`))
	f.Add([]byte(`{"version":1,"checked":"0001-01-01T00:00:00Z","fresh":7}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, fresh, err := issuer.CheckCacheFile(data, w.Origin, w.now)
		if err != nil {
			return
		}
		require.LessOrEqual(t, n, issuer.MaxKeys)
		require.False(t, fresh.After(w.now.Add(issuer.MaxFresh+time.Minute)))
	})
}
