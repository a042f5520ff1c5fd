// SPDX-License-Identifier: BSD-3-Clause

package pemfile_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/pemfile"
)

const margin = 10 * time.Minute

// parse reads a combined file now.
func parse(file []byte) (*pemfile.Credential, error) {
	return pemfile.ParsePair(file, nil, time.Now(), margin)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestEveryLayoutGivesTheWholeChainInOrder(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Root").Intermediate("Issuing CA")
	user := ca.User("Test User")
	for name, id := range map[string]*credtest.Identity{
		"user": user, "proxy": user.Proxy(), "nested proxy": user.Proxy().Proxy(), "RSA": user.Proxy(credtest.RSAKey()),
		"Ed25519": user.Proxy(credtest.Ed25519Key()), "limited": user.Proxy(credtest.Limited()),
	} {
		for _, layout := range credtest.AllLayouts() {
			t.Run(name+" "+string(layout), func(t *testing.T) {
				t.Parallel()
				c, err := parse(layout.Arrange(id))
				require.NoError(t, err)
				want := append([]*x509.Certificate{id.Cert}, id.Chain...)
				if layout == credtest.LayoutLeafOnly {
					want = want[:1]
				}
				assert.Equal(t, want, c.Chain)
				assert.Equal(t, id.Cert, c.Certificate.Leaf)
				require.Len(t, c.Certificate.Certificate, len(want))
				for i, cert := range want {
					assert.Equal(t, cert.Raw, c.Certificate.Certificate[i])
				}
				assert.Equal(t, name != "user", c.Proxy)
				assert.False(t, c.LegacyProxy)
				assert.Equal(t, layout == credtest.LayoutLeafOnly && name != "user", c.ChainMissing)
			})
		}
	}
}

func TestCredentialWorksInAHandshake(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	for _, key := range [][]credtest.CertOption{nil, {credtest.RSAKey()}, {credtest.Ed25519Key()}} {
		proxy := ca.User("Test User").Proxy(key...)
		c, err := parse(credtest.LayoutReversed.Arrange(proxy))
		require.NoError(t, err)
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
				Certificates: []tls.Certificate{ca.Host("localhost").TLS()}, ClientAuth: tls.RequireAnyClientCert,
				MinVersion: version, MaxVersion: version,
			})
			require.NoError(t, err)
			seen := make(chan []*x509.Certificate, 1)
			go func() {
				conn, _ := listener.Accept()
				server := conn.(*tls.Conn)
				_ = server.HandshakeContext(t.Context())
				seen <- server.ConnectionState().PeerCertificates
				_ = server.Close()
			}()
			raw, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
			require.NoError(t, err)
			client := tls.Client(raw, &tls.Config{
				RootCAs: ca.Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12,
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.Certificate, nil },
			})
			require.NoError(t, client.HandshakeContext(t.Context()))
			assert.Equal(t, append([]*x509.Certificate{proxy.Cert}, proxy.Chain...), <-seen)
			_ = client.Close()
			_ = listener.Close()
		}
	}
}

func TestSeparatePair(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	user, other := ca.User("Test User"), ca.User("Other User")
	for _, tt := range []struct {
		name      string
		cert, key []byte
		err       error
	}{
		{"certificate and key", user.CertPEM(), user.KeyPEM(), nil},
		{"PKCS#8", user.CertPEM(), user.PKCS8PEM(), nil},
		{"the key file may hold the certificate too", user.CertPEM(), user.PEM(), nil},
		{"the same combined file twice", user.PEM(), user.PEM(), nil},
		{"EC PARAMETERS before the key", user.CertPEM(), join([]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"), user.KeyPEM()), nil},
		{"a key in the certificate file does not count", user.PEM(), other.KeyPEM(), pemfile.ErrKeyMismatch},
		{"a certificate in the key file does not count", other.CertPEM(), user.PEM(), pemfile.ErrKeyMismatch},
		{"an empty key file is not a combined file", user.PEM(), []byte{}, pemfile.ErrNotPEM},
		{"a key file without key", user.CertPEM(), user.CertPEM(), pemfile.ErrNoKey},
		{"the two swapped", user.KeyPEM(), user.CertPEM(), pemfile.ErrNoCertificate},
		{"key file cut short", user.CertPEM(), user.KeyPEM()[:60], pemfile.ErrGarbled},
		{"key encrypted", user.CertPEM(), user.EncryptedKeyPEM("words"), pemfile.ErrEncrypted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := pemfile.ParsePair(tt.cert, tt.key, time.Now(), margin)
			if tt.err != nil {
				require.ErrorIs(t, err, tt.err)
				assert.Nil(t, c)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, user.Cert, c.Certificate.Leaf)
		})
	}
}

func TestEveryFaultIsRefusedAsWhatItIs(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	want := map[credtest.CertFault]error{
		credtest.CertEmptyFile:         pemfile.ErrNotPEM,
		credtest.CertNotPEM:            pemfile.ErrNotPEM,
		credtest.CertCutShort:          pemfile.ErrGarbled,
		credtest.CertNoCertificate:     pemfile.ErrNoCertificate,
		credtest.CertCertificateBroken: pemfile.ErrBadCertificate,
		credtest.CertChainBroken:       pemfile.ErrBadCertificate,
		credtest.CertNoKey:             pemfile.ErrNoKey,
		credtest.CertKeyBroken:         pemfile.ErrBadKey,
		credtest.CertKeyMismatch:       pemfile.ErrKeyMismatch,
		credtest.CertKeyEncrypted:      pemfile.ErrEncrypted,
		credtest.CertKeyEncryptedPKCS8: pemfile.ErrEncrypted,
		credtest.CertExpired:           pemfile.ErrExpired,
		credtest.CertNotYetValid:       pemfile.ErrNotYetValid,
		credtest.CertChainExpired:      pemfile.ErrExpired,
		credtest.CertChainNotYetValid:  pemfile.ErrNotYetValid,
	}
	all := slices.Collect(maps.Values(want))
	for _, fault := range credtest.AllCertFaults() {
		for _, opts := range [][]credtest.CertOption{nil, {credtest.RSAKey()}} {
			c, err := parse(fault.Bundle(ca, opts...))
			assert.Nil(t, c, fault)
			require.ErrorIs(t, err, want[fault], fault)
			for _, other := range all {
				assert.Equal(t, other.Error() == want[fault].Error(), errors.Is(err, other), "%s: %v", fault, err)
			}
		}
	}
}

func TestErrorsSayWhereAndWhy(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	user := ca.User("Test User")
	proxy := user.Proxy()
	for _, tt := range []struct {
		name string
		file []byte
		text string
	}{
		{"empty", []byte(" \n"), "not PEM: it is empty"},
		{"DER", proxy.Cert.Raw, "not PEM: it may be DER or PKCS#12"},
		{"text", []byte("hello"), "not PEM"},
		{"garbage certificate", credtest.CertCertificateBroken.Bundle(ca), "PEM block 1: malformed certificate: x509: malformed certificate"},
		{"garbage chain", credtest.CertChainBroken.Bundle(ca), "PEM block 3: malformed certificate: x509: malformed certificate"},
		{"garbage key", credtest.CertKeyBroken.Bundle(ca), "PEM block 2: malformed private key"},
		{"encrypted", credtest.CertKeyEncrypted.Bundle(ca), "the private key is encrypted"},
		{"mismatch", credtest.CertKeyMismatch.Bundle(ca), "the private key belongs to another certificate"},
		{"two keys, both of others", join(user.CertPEM(), ca.User("A").KeyPEM(), ca.User("B").KeyPEM()), "the private key belongs to another certificate: none of the 2 in the file fits"},
		{"no line end between two blocks", join(bytes.TrimSpace(proxy.CertPEM()), proxy.KeyPEM(), proxy.ChainPEM()), "PEM block 1: garbled or cut short"},
		{"damaged in the middle", join(proxy.CertPEM(), proxy.KeyPEM()[:80], []byte("\n"), proxy.ChainPEM()), "PEM block 2: garbled or cut short"},
		{"cut short at the end", proxy.PEM()[:len(proxy.PEM())-20], "PEM block 3: garbled or cut short"},
		{"negative serial number", join(negativeSerial(t, proxy), proxy.KeyPEM()), "PEM block 1: malformed certificate: x509: negative serial number"},
	} {
		_, err := parse(tt.file)
		require.EqualError(t, err, tt.text, tt.name)
	}
	_, err := pemfile.ParsePair(user.CertPEM(), user.KeyPEM()[:60], time.Now(), margin)
	require.EqualError(t, err, "private key: PEM block 1: garbled or cut short")
}

// negativeSerial flips the sign of a serial number in the DER, as some old proxy
// software got it. The signature is wrong then, but nobody gets that far.
func negativeSerial(t *testing.T, id *credtest.Identity) []byte {
	t.Helper()
	serial := id.Cert.SerialNumber.Bytes()
	i := bytes.Index(id.Cert.Raw, serial)
	require.Positive(t, i)
	der := bytes.Clone(id.Cert.Raw)
	der[i] |= 0x80
	if serial[0]&0x80 != 0 { // There is a zero byte before it.
		der[i-1] = 0x80
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestDatesAreJudgedToTheSecond(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	ca := credtest.NewCA("Test CA", credtest.At(now))
	user := func(opts ...credtest.CertOption) *credtest.Identity {
		return ca.User("Test User", append(opts, credtest.At(now))...)
	}
	proxy := func(u *credtest.Identity, opts ...credtest.CertOption) []byte {
		return u.Proxy(append(opts, credtest.At(now))...).PEM()
	}
	dates := func(from, until time.Duration) credtest.Option {
		return credtest.WithValidity(now.Add(from), now.Add(until))
	}
	chain := "certificate /DC=org/DC=scicred-test/CN=Test User of the chain: "
	for _, tt := range []struct {
		name string
		file []byte
		kind error
		text string
		by   time.Duration
	}{
		{"at the margin", user(credtest.ExpiresIn(margin)).PEM(), nil, "", 0},
		{
			"a second short of the margin", user(credtest.ExpiresIn(margin - time.Second)).PEM(), pemfile.ErrExpiresSoon,
			"expires in 9m59s, less than the 10m asked for", margin - time.Second,
		},
		{"at its end", user(credtest.ExpiresIn(0)).PEM(), pemfile.ErrExpiresSoon, "expires in less than 1s, less than the 10m asked for", 0},
		{"a second after", user(credtest.ExpiresIn(-time.Second)).PEM(), pemfile.ErrExpired, "expired 1s ago", time.Second},
		{"hours after", user(credtest.ExpiresIn(-133 * time.Minute)).PEM(), pemfile.ErrExpired, "expired 2h13m ago", 133 * time.Minute},
		{"months after", user(credtest.ExpiresIn(-99 * 24 * time.Hour)).PEM(), pemfile.ErrExpired, "expired 99d ago", 99 * 24 * time.Hour},
		{"valid from now", user(dates(0, time.Hour)).PEM(), nil, "", 0},
		{
			"valid from the next second", user(dates(time.Second, time.Hour)).PEM(), pemfile.ErrNotYetValid,
			"not valid before 2030-06-01T12:00:01Z, in 1s", time.Second,
		},
		{"proxy expired", proxy(user(), credtest.Expired()), pemfile.ErrExpired, "expired 1h ago", time.Hour},
		{"user expired", proxy(user(credtest.Expired())), pemfile.ErrExpired, chain + "expired 1h ago", time.Hour},
		{
			"user expires soon", proxy(user(credtest.ExpiresIn(4 * time.Minute))), pemfile.ErrExpiresSoon,
			chain + "expires in 4m, less than the 10m asked for", 4 * time.Minute,
		},
		{
			"user not yet valid", proxy(user(credtest.NotYetValid())), pemfile.ErrNotYetValid,
			chain + "not valid before 2030-06-01T13:00:00Z, in 1h", time.Hour,
		},
		{"both expired: the leaf is named", proxy(user(credtest.Expired()), credtest.Expired()), pemfile.ErrExpired, "expired 1h ago", time.Hour},
		{
			"its authority is in the file and expired",
			func() []byte {
				old := credtest.NewCA("Old CA", credtest.At(now), credtest.Expired())
				return join(old.User("Test User", credtest.At(now)).PEM(), old.CertPEM())
			}(),
			pemfile.ErrExpired, "certificate /DC=org/DC=scicred-test/CN=Old CA of the chain: expired 1h ago", time.Hour,
		},
		{
			"an unrelated certificate is expired",
			join(user().PEM(), credtest.NewCA("Old CA", credtest.At(now), credtest.Expired()).CertPEM()), nil, "", 0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := pemfile.ParsePair(tt.file, nil, now, margin)
			if tt.kind == nil {
				require.NoError(t, err)
				assert.False(t, c.Expiry.Before(now.Add(margin)))
				assert.False(t, c.NotBefore.After(now))
				return
			}
			require.ErrorIs(t, err, tt.kind)
			require.EqualError(t, err, tt.text)
			var validity *pemfile.ValidityError
			require.ErrorAs(t, err, &validity)
			assert.Equal(t, tt.by, validity.By)
			assert.Equal(t, !strings.Contains(tt.text, "of the chain"), validity.Leaf)
			assert.Contains(t, validity.Subject, "/DC=org/DC=scicred-test/CN=")
			assert.Equal(t, margin, validity.Margin)
			assert.True(t, validity.NotBefore.Before(validity.NotAfter))
		})
	}
}

func TestExpiryAndNotBeforeAreThoseOfTheWholeChain(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second).UTC()
	user := credtest.NewCA("Test CA").User("Test User", credtest.WithValidity(now.Add(-time.Minute), now.Add(time.Hour)))
	c, err := parse(user.Proxy(credtest.WithValidity(now.Add(-time.Hour), now.Add(12*time.Hour))).PEM())
	require.NoError(t, err)
	assert.Equal(t, now.Add(time.Hour), c.Expiry)
	assert.Equal(t, now.Add(-time.Minute), c.NotBefore)

	c, err = parse(user.Proxy(credtest.WithValidity(now.Add(-time.Second), now.Add(30*time.Minute))).PEM())
	require.NoError(t, err)
	assert.Equal(t, now.Add(30*time.Minute), c.Expiry)
	assert.Equal(t, now.Add(-time.Second), c.NotBefore)
}

func TestAnExpiredCandidateIsRefusedWithoutParsingItsKey(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	garbage := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("garbage")})
	expired := ca.User("Test User").Proxy(credtest.Expired())
	unrelated := credtest.NewCA("Unrelated CA").CertPEM()
	key := newKey()
	selfSigned := (&credtest.Identity{Cert: sign(t, "u", "u", key, key, -time.Hour, false)}).CertPEM()
	for name, file := range map[string][]byte{
		"garbage key":            join(expired.CertPEM(), garbage, expired.ChainPEM()),
		"user before proxy":      join(expired.ChainPEM(), garbage, expired.CertPEM()),
		"a valid CA in the file": join(unrelated, expired.CertPEM(), garbage, expired.ChainPEM()),
		"signed by itself":       join(unrelated, selfSigned, garbage),
		"no key":                 join(expired.CertPEM(), expired.ChainPEM()),
		"encrypted key":          join(expired.CertPEM(), expired.EncryptedKeyPEM("words"), expired.ChainPEM()),
	} {
		_, err := parse(file)
		require.ErrorIs(t, err, pemfile.ErrExpired, name)
		require.EqualError(t, err, "expired 1h ago", name)
		_, err = pemfile.ParsePair(file, []byte("not even PEM"), time.Now(), margin)
		require.ErrorIs(t, err, pemfile.ErrExpired, name)
	}
}

func TestOfSeveralCertificatesTheKeyChooses(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	a, b := ca.User("A"), ca.User("B")
	old := ca.User("Old", credtest.Expired())
	proxy := a.Proxy()
	oldProxy := a.Proxy(credtest.Expired())
	broken := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("garbage")})
	for _, tt := range []struct {
		name string
		file []byte
		leaf *credtest.Identity
		err  error
	}{
		{"second user", join(a.CertPEM(), b.CertPEM(), b.KeyPEM()), b, nil},
		{"first user", join(a.CertPEM(), b.CertPEM(), a.KeyPEM()), a, nil},
		{"the first key that fits", join(b.KeyPEM(), proxy.PEM()), proxy, nil},
		{"of two keys that fit the first", join(a.CertPEM(), b.CertPEM(), b.KeyPEM(), a.KeyPEM()), b, nil},
		{"a broken and an encrypted key beside the right one", join(broken, b.EncryptedKeyPEM("x"), a.PEM()), a, nil},
		{"the user's key under a proxy", join(proxy.CertPEM(), a.KeyPEM(), a.CertPEM()), a, nil},
		{"the key of the expired one of two", join(a.CertPEM(), old.CertPEM(), old.KeyPEM()), nil, pemfile.ErrExpired},
		{"the key of the good one of two", join(old.CertPEM(), a.PEM()), a, nil},
		{"an expired proxy is not passed over for its user", join(oldProxy.PEM(), a.KeyPEM()), nil, pemfile.ErrExpired},
		{"an encrypted key may have been the right one", join(a.CertPEM(), b.KeyPEM(), a.EncryptedKeyPEM("x")), nil, pemfile.ErrEncrypted},
		{"a broken key may have been the right one", join(a.CertPEM(), b.KeyPEM(), broken), nil, pemfile.ErrBadKey},
		{"a certificate twice", join(a.CertPEM(), a.PEM(), a.CertPEM()), a, nil},
	} {
		c, err := parse(tt.file)
		if tt.err != nil {
			require.ErrorIs(t, err, tt.err, tt.name)
			continue
		}
		require.NoError(t, err, tt.name)
		assert.Equal(t, tt.leaf.Cert, c.Certificate.Leaf, tt.name)
		assert.Len(t, c.Chain, 1+len(tt.leaf.Chain), tt.name)
	}
}

// sign makes a certificate of the given names and key by hand.
func sign(
	t *testing.T, subject, issuer string, key, signer *ecdsa.PrivateKey, until time.Duration, ca bool, extensions ...pkix.Extension,
) *x509.Certificate {
	t.Helper()
	name := func(cn string) pkix.Name { return pkix.Name{CommonName: cn} }
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	now := time.Now()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		Subject: name(subject), SerialNumber: serial, NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(until),
		IsCA: ca, BasicConstraintsValid: true, ExtraExtensions: extensions,
	}, &x509.Certificate{Subject: name(issuer)}, key.Public(), signer)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return c
}

func newKey() *ecdsa.PrivateKey { return credtest.NewCA("key").User("key").Key.(*ecdsa.PrivateKey) }

func TestRenewedCertificates(t *testing.T) {
	t.Parallel()
	ca, key, oldKey, proxyKey := newKey(), newKey(), newKey(), newKey()
	now := sign(t, "u", "ca", key, ca, time.Hour, false)
	longer := sign(t, "u", "ca", oldKey, ca, 2*time.Hour, false)
	sameKey := sign(t, "u", "ca", key, ca, 2*time.Hour, false)
	expired := sign(t, "u", "ca", key, ca, -time.Hour, false)
	proxy := sign(t, "u/p", "u", proxyKey, key, time.Hour, false)
	file := func(k *ecdsa.PrivateKey, list ...*x509.Certificate) []byte {
		return (&credtest.Identity{Cert: list[0], Key: k, Chain: list[1:]}).PEM()
	}
	for _, tt := range []struct {
		name  string
		file  []byte
		chain []*x509.Certificate
	}{
		{"of two certificates of one name the one that signed", file(proxyKey, proxy, longer, now), []*x509.Certificate{proxy, now}},
		{"of two with one key the one that lasts", file(proxyKey, proxy, now, sameKey), []*x509.Certificate{proxy, sameKey}},
		{"the expired one with the same key does not matter", file(proxyKey, proxy, expired, now), []*x509.Certificate{proxy, now}},
		{"the leaf was renewed with the same key", file(key, expired, now), []*x509.Certificate{now}},
	} {
		c, err := parse(tt.file)
		require.NoError(t, err, tt.name)
		assert.Equal(t, tt.chain, c.Chain, tt.name)
	}
}

func TestARootEndsTheChain(t *testing.T) {
	t.Parallel()
	key, user := newKey(), newKey()
	root := sign(t, "ca", "ca", key, key, time.Hour, true)
	renewed := sign(t, "ca", "ca", key, key, 2*time.Hour, true)
	leaf := sign(t, "u", "ca", user, key, time.Hour, false)
	c, err := parse((&credtest.Identity{Cert: leaf, Key: user, Chain: []*x509.Certificate{root, renewed, root}}).PEM())
	require.NoError(t, err)
	assert.Equal(t, []*x509.Certificate{leaf, renewed}, c.Chain, "a root is not taken for the issuer of its namesake")
}

func TestAuthoritiesThatSignedEachOtherAreNoLoop(t *testing.T) {
	t.Parallel()
	a, b, user := newKey(), newKey(), newKey()
	leaf := sign(t, "u", "a", user, a, time.Hour, false)
	ab := sign(t, "a", "b", a, b, time.Hour, true)
	ba := sign(t, "b", "a", b, a, time.Hour, true)
	c, err := parse((&credtest.Identity{Cert: leaf, Key: user, Chain: []*x509.Certificate{ba, ab}}).PEM())
	require.NoError(t, err)
	assert.Equal(t, []*x509.Certificate{leaf, ab, ba}, c.Chain)

	c, err = parse((&credtest.Identity{Cert: ab, Key: b, Chain: []*x509.Certificate{ba}}).PEM())
	require.NoError(t, err, "and without a leaf the key still chooses")
	assert.Equal(t, []*x509.Certificate{ba, ab}, c.Chain)
}

func TestLegacyProxies(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Test CA").User("Test User")
	key := newKey()
	byHand := func(subject string, extensions ...pkix.Extension) *credtest.Identity {
		return &credtest.Identity{Cert: sign(t, subject, "u", key, key, time.Hour, false, extensions...), Key: key}
	}
	draft := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 3536, 1, 222}, Critical: true, Value: []byte{0x30, 0}}
	notCritical := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 14}, Value: []byte{0x30, 0}}
	for _, tt := range []struct {
		name         string
		id           *credtest.Identity
		rfc, legacy  bool
		chainMissing bool
	}{
		{"of the draft", byHand("1234", draft), false, true, true},
		{"RFC 3820 but not critical", byHand("1234", notCritical), true, false, true},
		{"called proxy by another name", byHand("proxy"), false, false, false},
		{"full", user.Proxy(credtest.LegacyProxy()), false, true, false},
		{"limited", user.Proxy(credtest.LegacyProxy(), credtest.Limited()), false, true, false},
		{"nested", user.Proxy(credtest.LegacyProxy()).Proxy(credtest.LegacyProxy()), false, true, false},
		{"RFC 3820 over legacy", user.Proxy(credtest.LegacyProxy()).Proxy(), true, false, false},
		{"somebody called proxy", credtest.NewCA("Test CA").User("proxy"), false, false, false},
	} {
		c, err := parse(tt.id.PEM())
		require.NoError(t, err, tt.name)
		assert.Equal(t, tt.rfc, c.Proxy, tt.name)
		assert.Equal(t, tt.legacy, c.LegacyProxy, tt.name)
		assert.Equal(t, tt.chainMissing, c.ChainMissing, tt.name)
	}
}

func TestChainMissingMeansThatItEndsInAProxy(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Test CA").User("Test User")
	first := user.Proxy()
	second := first.Proxy()
	legacy := user.Proxy(credtest.LegacyProxy())
	for name, tt := range map[string]struct {
		file    []byte
		length  int
		missing bool
	}{
		"whole":                   {second.PEM(), 3, false},
		"without user":            {join(second.CertPEM(), second.KeyPEM(), first.CertPEM()), 2, true},
		"without middle":          {join(second.CertPEM(), second.KeyPEM(), user.CertPEM()), 1, true},
		"legacy alone":            {join(legacy.CertPEM(), legacy.KeyPEM()), 1, true},
		"a user needs no one":     {user.PEM(), 1, false},
		"whole, with its root":    {join(second.PEM(), credtest.NewCA("Test CA").CertPEM()), 4, false},
		"with another user's too": {join(second.PEM(), credtest.NewCA("Other CA").User("Other User").CertPEM()), 3, false},
	} {
		c, err := parse(tt.file)
		require.NoError(t, err, name)
		assert.Len(t, c.Chain, tt.length, name)
		assert.Equal(t, tt.missing, c.ChainMissing, name)
	}
}

func TestTooManyBlocks(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Test CA").User("Test User")
	fill := bytes.Repeat(credtest.NewCA("Filler").CertPEM(), pemfile.MaxBlocks-2)
	_, err := parse(join(user.PEM(), fill))
	require.NoError(t, err)
	_, err = parse(join(user.PEM(), fill, user.CertPEM()))
	require.ErrorIs(t, err, pemfile.ErrTooManyBlocks)
	_, err = parse(join(user.PEM(), bytes.Repeat(user.KeyPEM(), 8)))
	require.EqualError(t, err, "too many PEM blocks: more than 8 private keys")
}

func TestStrangeFilesTakeNoTime(t *testing.T) {
	t.Parallel()
	const size = 1 << 20 // The cap of the discovery.
	ca, user := newKey(), newKey()
	namesakes := func() []byte { // Each could have issued each proxy; none has.
		var file [][]byte
		for range pemfile.MaxBlocks / 2 {
			file = append(file, (&credtest.Identity{Cert: sign(t, "u", "ca", ca, ca, time.Hour, false)}).CertPEM())
			file = append(file, (&credtest.Identity{Cert: sign(t, "p", "u", user, user, time.Hour, false)}).CertPEM())
		}
		return join(file...)
	}
	for name, file := range map[string][]byte{
		"beginnings":    bytes.Repeat([]byte("-----BEGIN CERTIFICATE-----\n"), size/28),
		"ends":          bytes.Repeat([]byte("-----END CERTIFICATE-----\n"), size/26),
		"dashes":        bytes.Repeat([]byte("-"), size),
		"line ends":     bytes.Repeat([]byte("\n"), size),
		"empty blocks":  bytes.Repeat([]byte("-----BEGIN A-----\n-----END A-----\n"), size/34),
		"headers":       join([]byte("-----BEGIN A-----\n"), bytes.Repeat([]byte("a: b\n"), size/5)),
		"one big block": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: make([]byte, size/2)}),
		"namesakes":     namesakes(),
	} {
		begin := time.Now()
		_, err := parse(file)
		require.Error(t, err, name)
		assert.Less(t, time.Since(begin), 3*time.Second, name)
	}
}

func TestKeysThatCannotSign(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Test CA").User("Test User")
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	_, err = parse(join(user.CertPEM(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	require.EqualError(t, err, "PEM block 2: malformed private key: it cannot sign")
}

func TestAnAuthorityMayUseItsOwnCertificate(t *testing.T) {
	t.Parallel()
	key := newKey()
	own := &credtest.Identity{Cert: sign(t, "ca", "ca", key, key, time.Hour, true), Key: key}
	c, err := parse(join(own.PEM(), credtest.NewCA("Other CA").CertPEM()))
	require.NoError(t, err)
	assert.Equal(t, []*x509.Certificate{own.Cert}, c.Chain)
}

func TestOldNameOfTheCertificateBlock(t *testing.T) {
	t.Parallel()
	user := credtest.NewCA("Test CA").User("Test User")
	_, err := parse(bytes.ReplaceAll(user.PEM(), []byte(" CERTIFICATE--"), []byte(" X509 CERTIFICATE--")))
	require.NoError(t, err)
}

func TestNothingPrintsTheKey(t *testing.T) {
	t.Parallel()
	show := func(value any) string {
		var b strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			fmt.Fprintf(&b, verb, value)
		}
		text, err := json.Marshal(value)
		if err == nil {
			b.Write(text)
		}
		return b.String()
	}
	for _, opts := range [][]credtest.CertOption{{credtest.RSAKey()}, nil, {credtest.Ed25519Key()}} {
		id := credtest.NewCA("Test CA").User("Test User").Proxy(opts...)
		c, err := parse(id.PEM())
		require.NoError(t, err)
		secret := privatePart(id)
		require.Contains(t, show(id.Key), secret, "this test can see a key that is printed")
		for _, value := range []any{c, *c, c.Certificate, c.Certificate.PrivateKey, struct{ inner *pemfile.Credential }{c}} {
			assert.NotContains(t, show(value), secret)
		}
	}
}

// privatePart is how fmt writes what must stay private of a key.
func privatePart(id *credtest.Identity) string {
	switch key := id.Key.(type) {
	case *rsa.PrivateKey:
		return key.D.String()
	case *ecdsa.PrivateKey:
		return key.D.String() //nolint:staticcheck // Deprecated for use, not for looking.
	default:
		return fmt.Sprintf("%x", key)
	}
}
