// SPDX-License-Identifier: BSD-3-Clause

package proxycert_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/proxycert"
)

const fixtures = "../../testdata/proxies"

// folders are the one with the fixtures, and one in which the tools of the grid
// have just made the same files, where they are.
func folders(t *testing.T) []string {
	t.Helper()
	for _, tool := range []string{"openssl", "grid-proxy-init", "voms-proxy-fake"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing: scripts/setup-debian.sh installs it", tool)
			}
			t.Logf("no %s: the fixtures alone are read", tool)
			return []string{fixtures}
		}
	}
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "sh", filepath.Join(fixtures, "make.sh"), dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return []string{fixtures, dir}
}

func load(t *testing.T, dir, name string) []*x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name+".pem"))
	require.NoError(t, err)
	chain := parse(text)
	require.NotEmpty(t, chain, name)
	return chain
}

// parse returns the certificates of a PEM text that crypto/x509 takes.
func parse(text []byte) []*x509.Certificate {
	var chain []*x509.Certificate
	for b, rest := pem.Decode(text); b != nil; b, rest = pem.Decode(rest) {
		if c, err := x509.ParseCertificate(b.Bytes); err == nil {
			chain = append(chain, c)
		}
	}
	return chain
}

func TestWhatTheToolsOfTheGridMake(t *testing.T) {
	t.Parallel()
	const (
		rfc, draft, old     = proxycert.RFC3820, proxycert.Draft, proxycert.Legacy
		full, limited, none = proxycert.InheritAll, proxycert.Limited, proxycert.Unlimited
		inherit, restricted = "1.3.6.1.5.5.7.21.1", "1.3.6.1.4.1.3536.1.1.1.9"
		user                = "/DC=org/DC=scicred-test/CN=Test User"
	)
	dirs := folders(t)
	for name, want := range map[string]proxycert.Proxy{
		"rfc":             {rfc, full, inherit, none},
		"rfc-limited":     {rfc, limited, restricted, none},
		"rfc-independent": {rfc, proxycert.Independent, "1.3.6.1.5.5.7.21.2", none},
		"rfc-path-3":      {rfc, full, inherit, 3},
		"draft":           {draft, full, inherit, none},
		"draft-limited":   {draft, limited, restricted, none},
		"draft-path-3":    {draft, full, inherit, 3},
		"old":             {old, full, "", none},
		"old-limited":     {old, limited, "", none},
		"nested":          {rfc, limited, restricted, none},
		"voms":            {rfc, full, inherit, 1},
		"voms-oldformat":  {rfc, full, inherit, 1},
	} {
		for _, dir := range dirs {
			chain := load(t, dir, name)
			p, err := proxycert.Inspect(chain[0])
			require.NoError(t, err, name)
			assert.Equal(t, want, p, name)
			d := proxycert.Describe(chain)
			assert.Equal(t, want, d.Leaf, name)
			assert.Equal(t, user, d.Identity, name)
			assert.Equal(t, want.Policy == limited, d.Limited, name)
			assert.Equal(t, proxycert.Key{Type: "RSA", Bits: 2048}, d.Key, name)
			assert.Equal(t, []string{"Digital Signature", "Key Encipherment"}, d.KeyUsage, name)
			assert.Equal(t, chain[0].NotAfter, d.NotAfter, name)
			assert.Empty(t, d.Notes, name)
			assert.Equal(t, len(chain)-1, d.Depth, name)
			assert.Equal(t, chain[len(chain)-1], d.EndEntity, name)
			assert.Regexp(t, "^"+user+"/CN=[0-9a-z ]+", d.Subject, name)
			if name != "nested" {
				assert.Equal(t, user, d.Issuer, name)
				assert.Equal(t, 1, d.Depth, name)
				continue
			}
			assert.Equal(t, 2, d.Depth)
			alone := proxycert.Describe(chain[:1])
			assert.Nil(t, alone.EndEntity)
			assert.Equal(t, d.Issuer, alone.Identity, "nobody knows whose it is")
			assert.Equal(t, []string{"the user's certificate is not there"}, alone.Notes)
		}
	}
}

func TestAChain(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA").Intermediate("Issuing CA")
	user := ca.User("Test User")
	chainOf := func(id *credtest.Identity) []*x509.Certificate {
		return append([]*x509.Certificate{id.Cert}, id.Chain...)
	}
	tooDeep := user.Proxy(credtest.PathLength(0)).Proxy()
	for name, tt := range map[string]struct {
		chain []*x509.Certificate
		depth int
		kind  proxycert.Kind
		notes []string
	}{
		"a user":             {chainOf(user), 0, proxycert.None, nil},
		"a proxy":            {chainOf(user.Proxy()), 1, proxycert.RFC3820, nil},
		"as deep as allowed": {chainOf(user.Proxy(credtest.PathLength(1)).Proxy()), 2, proxycert.RFC3820, nil},
		"deeper than allowed": {
			chainOf(tooDeep), 2, proxycert.RFC3820,
			[]string{"/DC=org/DC=scicred-test/CN=Test User/CN=" + tooDeep.Chain[0].SerialNumber.String() + ": more proxies follow than its path length allows"},
		},
		"mixed": {
			chainOf(user.Proxy(credtest.LegacyProxy()).Proxy()), 2, proxycert.RFC3820,
			[]string{"proxies of different kinds in one chain; many servers refuse it"},
		},
	} {
		d := proxycert.Describe(tt.chain)
		assert.Equal(t, tt.depth, d.Depth, name)
		assert.Equal(t, tt.kind, d.Leaf.Kind, name)
		assert.Equal(t, tt.notes, d.Notes, name)
		assert.Equal(t, "/DC=org/DC=scicred-test/CN=Test User", d.Identity, name)
		assert.Equal(t, user.Cert, d.EndEntity, name)
	}
	assert.Equal(t, proxycert.Key{Type: "P-256", Bits: 256}, proxycert.Describe(chainOf(user)).Key)
	assert.Equal(t, proxycert.Key{Type: "Ed25519", Bits: 256}, proxycert.Describe(chainOf(ca.User("x", credtest.Ed25519Key()))).Key)
	assert.Equal(t, proxycert.Key{Type: "unknown"}, proxycert.Describe([]*x509.Certificate{{}}).Key)
	assert.True(t, proxycert.Describe(chainOf(user.Proxy(credtest.Limited()).Proxy())).Limited, "limits are inherited")

	now := time.Now().Truncate(time.Second).UTC()
	short := ca.User("Short", credtest.WithValidity(now.Add(-time.Minute), now.Add(time.Hour)))
	d := proxycert.Describe(chainOf(short.Proxy(credtest.WithValidity(now.Add(-time.Hour), now.Add(2*time.Hour)))))
	assert.Equal(t, now.Add(-time.Minute), d.NotBefore)
	assert.Equal(t, now.Add(time.Hour), d.NotAfter)
}

// certificate makes one by hand.
func certificate(t *testing.T, template *x509.Certificate) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber, template.Subject = big.NewInt(1), pkix.Name{CommonName: "x"}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	return c
}

func TestACertificateThatIsNotForClientsIsNoticed(t *testing.T) {
	t.Parallel()
	const note = "/CN=x: its extended key usage does not name clientAuth; most servers refuse it"
	for name, tt := range map[string]struct {
		template x509.Certificate
		want     []string
	}{
		"none":           {x509.Certificate{}, nil},
		"clients":        {x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, nil},
		"any":            {x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}, nil},
		"servers":        {x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, []string{note}},
		"something else": {x509.Certificate{UnknownExtKeyUsage: []asn1.ObjectIdentifier{{1, 2, 3}}}, []string{note}},
	} {
		assert.Equal(t, tt.want, proxycert.Describe([]*x509.Certificate{certificate(t, &tt.template)}).Notes, name)
	}
}

func TestKeyUsageInWords(t *testing.T) {
	t.Parallel()
	c := &x509.Certificate{KeyUsage: 1<<9 - 1}
	assert.Equal(t, []string{
		"Digital Signature", "Non Repudiation", "Key Encipherment", "Data Encipherment", "Key Agreement",
		"Certificate Sign", "CRL Sign", "Encipher Only", "Decipher Only",
	}, proxycert.Describe([]*x509.Certificate{c}).KeyUsage)
}

func TestTheExtensionIsRead(t *testing.T) {
	t.Parallel()
	oid := func(parts ...int) []byte {
		encoded, err := asn1.Marshal(asn1.ObjectIdentifier(parts))
		require.NoError(t, err)
		return encoded
	}
	wrap := func(tag byte, parts ...[]byte) []byte {
		var content []byte
		for _, p := range parts {
			content = append(content, p...)
		}
		return append([]byte{tag, byte(len(content))}, content...)
	}
	full, other := oid(1, 3, 6, 1, 5, 5, 7, 21, 1), oid(1, 2, 3)
	rfc, draft := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 14}, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 3536, 1, 222}
	three := []byte{2, 1, 3}
	for name, tt := range map[string]struct {
		id    asn1.ObjectIdentifier
		value []byte
		want  proxycert.Proxy
		bad   bool
	}{
		"another policy":          {rfc, wrap(0x30, wrap(0x30, other, []byte{4, 1, 'x'})), proxycert.Proxy{Kind: proxycert.RFC3820, Policy: proxycert.Other, Language: "1.2.3", PathLength: -1}, false},
		"path length 0":           {rfc, wrap(0x30, []byte{2, 1, 0}, wrap(0x30, full)), proxycert.Proxy{Kind: proxycert.RFC3820, Policy: proxycert.InheritAll, Language: "1.3.6.1.5.5.7.21.1"}, false},
		"negative path length":    {rfc, wrap(0x30, []byte{2, 1, 0xff}, wrap(0x30, full)), proxycert.Proxy{}, true},
		"a path length of 9 byte": {rfc, wrap(0x30, []byte{2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0}, wrap(0x30, full)), proxycert.Proxy{}, true},
		"the draft's order":       {rfc, wrap(0x30, wrap(0x30, full), three), proxycert.Proxy{}, true},
		"the RFC's in the draft":  {draft, wrap(0x30, three, wrap(0x30, full)), proxycert.Proxy{}, true},
		"other brackets":          {draft, wrap(0x30, wrap(0x30, full), wrap(0xa0, three)), proxycert.Proxy{}, true},
		"a policy in a set":       {rfc, wrap(0x30, wrap(0x31, full)), proxycert.Proxy{}, true},
		"no brackets":             {draft, wrap(0x30, wrap(0x30, full), three), proxycert.Proxy{}, true},
		"nothing":                 {rfc, nil, proxycert.Proxy{}, true},
		"empty":                   {rfc, []byte{0x30, 0}, proxycert.Proxy{}, true},
		"no policy":               {rfc, wrap(0x30, three), proxycert.Proxy{}, true},
		"no language":             {rfc, wrap(0x30, wrap(0x30, three)), proxycert.Proxy{}, true},
		"a broken language":       {rfc, wrap(0x30, wrap(0x30, []byte{6, 1, 0x80})), proxycert.Proxy{}, true},
		"three fields":            {rfc, wrap(0x30, three, wrap(0x30, full), three), proxycert.Proxy{}, true},
		"something behind":        {rfc, append(wrap(0x30, wrap(0x30, full)), 0), proxycert.Proxy{}, true},
	} {
		c := certificate(t, &x509.Certificate{ExtraExtensions: []pkix.Extension{{Id: tt.id, Value: tt.value}}})
		p, err := proxycert.Inspect(c)
		if !tt.bad {
			require.NoError(t, err, name)
			assert.Equal(t, tt.want, p, name)
			continue
		}
		require.ErrorIs(t, err, proxycert.ErrMalformed, name)
		assert.NotEqual(t, proxycert.None, p.Kind, name)
		assert.Equal(t, proxycert.NoPolicy, p.Policy, name)
		assert.Equal(t, proxycert.Unlimited, p.PathLength, name)
		assert.Contains(t, proxycert.Describe([]*x509.Certificate{c}).Notes, "/CN=x: malformed proxy extension", name)
	}
}

func TestWhoIsOnlyCalledProxyIsNone(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	user := ca.User("Test User")
	assert.Equal(t, proxycert.None, proxycert.KindOf(ca.User("proxy").Cert))
	assert.Equal(t, proxycert.None, proxycert.KindOf(&x509.Certificate{}))
	assert.Equal(t, proxycert.Legacy, proxycert.KindOf(user.Proxy(credtest.LegacyProxy()).Cert))
	assert.Equal(t, proxycert.Legacy, proxycert.KindOf(user.Proxy(credtest.LegacyProxy(), credtest.Limited()).Cert))
}
