// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/md5" //nolint:gosec // OpenSSL before 1.0 names files in a certificate directory by it; it protects nothing.
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // OpenSSL names files in a certificate directory by it; it protects nothing.
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// baseDN is the parent of every subject name that this package makes.
const baseDN = "/DC=org/DC=scicred-test"

// rsaBits is the size of RSA keys, the smallest that current TLS stacks accept.
const rsaBits = 2048

// CertOption changes how a certificate is minted. It comes from [RSAKey],
// [Ed25519Key], [Limited], [LegacyProxy], [PathLength], or is an [Option].
type CertOption interface{ applyCert(*certSpec) }

// certSpec collects what the options say.
type certSpec struct {
	validity   validity
	newKey     func() (crypto.Signer, error)
	limited    bool
	legacy     bool
	pathLength int // -1 is no limit
}

type certOption func(*certSpec)

func (o certOption) applyCert(s *certSpec) { o(s) }

// RSAKey gives the certificate an RSA key of 2048 bits, which old grid software
// needs. The default is ECDSA on P-256, which is made a thousand times faster.
func RSAKey() CertOption {
	return certOption(func(s *certSpec) {
		s.newKey = func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, rsaBits) }
	})
}

// Ed25519Key gives the certificate an Ed25519 key.
func Ed25519Key() CertOption {
	return certOption(func(s *certSpec) {
		s.newKey = func() (crypto.Signer, error) {
			_, key, err := ed25519.GenerateKey(rand.Reader)
			return key, err
		}
	})
}

// Limited makes a proxy a Globus limited proxy: servers let it move data but
// not start jobs. It has no effect on other certificates.
func Limited() CertOption { return certOption(func(s *certSpec) { s.limited = true }) }

// LegacyProxy makes a proxy of the kind used before RFC 3820: its last name is
// CN=proxy, or CN=limited proxy, and it has no extension that says so. It has
// no effect on other certificates.
func LegacyProxy() CertOption { return certOption(func(s *certSpec) { s.legacy = true }) }

// PathLength says how many certificates may follow below: proxies below a proxy
// (pCPathLenConstraint of RFC 3820) or authorities below an authority (RFC
// 5280). It has no effect on host and user certificates. Minting does not heed
// it, so that a chain that is too long can be made.
func PathLength(n int) CertOption { return certOption(func(s *certSpec) { s.pathLength = n }) }

func newCertSpec(lifetime time.Duration, opts []CertOption) certSpec {
	s := certSpec{
		validity:   validity{age: time.Hour, left: lifetime},
		newKey:     func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		pathLength: -1,
	}
	for _, o := range opts {
		o.applyCert(&s)
	}
	return s
}

// CA is a certificate authority.
type CA struct {
	id   *Identity
	root *Identity
}

// NewCA makes an authority that signs itself, named
// /DC=org/DC=scicred-test/CN=<commonName>, valid for 30 days unless an option
// says otherwise.
func NewCA(commonName string, opts ...CertOption) *CA {
	id := mintCA(commonName, nil, opts)
	return &CA{id: id, root: id}
}

// Intermediate makes an authority that is signed by this one. Its certificate
// is in the chain of every identity that it makes.
func (ca *CA) Intermediate(commonName string, opts ...CertOption) *CA {
	id := mintCA(commonName, ca.id, opts)
	if ca.id != ca.root {
		id.Chain = chainBelow(ca.id)
	}
	return &CA{id: id, root: ca.root}
}

func mintCA(commonName string, parent *Identity, opts []CertOption) *Identity {
	spec := newCertSpec(30*24*time.Hour, opts)
	return mint(parent, &spec, &x509.Certificate{
		RawSubject:            marshalName(commonName),
		SerialNumber:          randomSerial(126),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLen:            spec.pathLength,
		MaxPathLenZero:        spec.pathLength == 0,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	})
}

// Certificate returns the authority's own certificate.
func (ca *CA) Certificate() *x509.Certificate { return ca.id.Cert }

// CertPEM returns the authority's own certificate.
func (ca *CA) CertPEM() []byte { return ca.id.CertPEM() }

// Pool returns a new pool that trusts the root of this authority.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.root.Cert)
	return pool
}

// Host makes a server certificate for the given DNS names (wild cards allowed)
// and literal IP addresses. The first name is its common name too. It is valid
// for a day; for other properties see [CA.HostWith].
func (ca *CA) Host(names ...string) *Identity { return ca.HostWith(names) }

// HostWith makes a server certificate like [CA.Host], with options.
func (ca *CA) HostWith(names []string, opts ...CertOption) *Identity {
	if len(names) == 0 {
		panic("credtest: a host certificate needs a name")
	}
	spec := newCertSpec(24*time.Hour, opts)
	template := leafTemplate(names[0], x509.ExtKeyUsageServerAuth)
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return ca.leaf(&spec, template)
}

// User makes a user certificate named /DC=org/DC=scicred-test/CN=<commonName>
// that is good for client authentication. It is valid for a day unless an
// option says otherwise.
func (ca *CA) User(commonName string, opts ...CertOption) *Identity {
	spec := newCertSpec(24*time.Hour, opts)
	return ca.leaf(&spec, leafTemplate(commonName, x509.ExtKeyUsageClientAuth))
}

func leafTemplate(commonName string, usage x509.ExtKeyUsage) *x509.Certificate {
	return &x509.Certificate{
		RawSubject:            marshalName(commonName),
		SerialNumber:          randomSerial(126),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{usage},
	}
}

func (ca *CA) leaf(spec *certSpec, template *x509.Certificate) *Identity {
	id := mint(ca.id, spec, template)
	if ca.id != ca.root {
		id.Chain = chainBelow(ca.id)
	}
	return id
}

// WriteHashDir writes the authority into a folder that is laid out as grid
// software expects the folder X509_CERT_DIR to be, and as OpenSSL's -CApath
// does: certificate (.0), revocation list (.r0), .signing_policy and
// .namespaces, each under the hash that OpenSSL has used since 1.0 and under
// the older one. The folder is made if it does not exist. Several authorities
// can share one folder if their names differ. An intermediate authority writes
// only itself.
func (ca *CA) WriteHashDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // Servers that run as other users read it.
		return fmt.Errorf("credtest: %w", err)
	}
	dn := ca.id.DN()
	crl := must(x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number:     big.NewInt(1),
		ThisUpdate: ca.id.Cert.NotBefore,
		NextUpdate: ca.id.Cert.NotAfter,
	}, ca.id.Cert, ca.id.Key))
	files := map[string][]byte{
		"0":  ca.CertPEM(),
		"r0": pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: crl}),
		"signing_policy": fmt.Appendf(nil, "access_id_CA  X509    '%s'\npos_rights    globus  CA:sign\ncond_subjects globus  '\"%s/*\"'\n",
			dn, baseDN),
		"namespaces": fmt.Appendf(nil, "TO Issuer \"%s\" \\\n  PERMIT Subject \"%s/.*\"\n", dn, baseDN),
	}
	for _, hash := range []string{subjectHash(ca.id.Cert), oldSubjectHash(ca.id.Cert)} {
		for ext, content := range files {
			//nolint:gosec // Servers that run as other users read it.
			if err := os.WriteFile(filepath.Join(dir, hash+"."+ext), content, 0o644); err != nil {
				return fmt.Errorf("credtest: %w", err)
			}
		}
	}
	return nil
}

// subjectHash is what `openssl x509 -subject_hash` prints: the first four bytes,
// little-endian, of the SHA-1 of the canonical name. The canonical name is the
// RDNs without the sequence around them, each value a UTF8String in ASCII lower
// case with white space trimmed and collapsed.
func subjectHash(c *x509.Certificate) string {
	var rdns pkix.RDNSequence
	if _, err := asn1.Unmarshal(c.RawSubject, &rdns); err != nil {
		panic(fmt.Sprintf("credtest: %v", err))
	}
	var canonical []byte
	for _, rdn := range rdns {
		set := make(pkix.RelativeDistinguishedNameSET, 0, len(rdn))
		for _, atv := range rdn {
			text := strings.Join(strings.FieldsFunc(fmt.Sprint(atv.Value), isASCIISpace), " ")
			set = append(set, pkix.AttributeTypeAndValue{
				Type:  atv.Type,
				Value: asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: asciiLower(text)},
			})
		}
		canonical = append(canonical, must(asn1.Marshal(set))...)
	}
	sum := sha1.Sum(canonical) //nolint:gosec // See the import.
	return fmt.Sprintf("%08x", binary.LittleEndian.Uint32(sum[:]))
}

// oldSubjectHash is what `openssl x509 -subject_hash_old` prints.
func oldSubjectHash(c *x509.Certificate) string {
	sum := md5.Sum(c.RawSubject) //nolint:gosec // See the import.
	return fmt.Sprintf("%08x", binary.LittleEndian.Uint32(sum[:]))
}

func isASCIISpace(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }

func asciiLower(s string) []byte {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

// Identity is a certificate with its key and the certificates that go with it.
type Identity struct {
	Cert *x509.Certificate
	Key  crypto.Signer
	// Chain holds the certificates between Cert and the root, nearest first:
	// for a proxy the certificates that it was made from, then intermediate
	// authorities. The root is not among them.
	Chain []*x509.Certificate
}

// DN returns the subject in the form that grid software writes:
// /DC=org/DC=scicred-test/CN=Albert Einstein. It escapes nothing.
func (id *Identity) DN() string {
	var b strings.Builder
	for _, atv := range id.Cert.Subject.Names {
		name := atv.Type.String()
		switch {
		case atv.Type.Equal(oidDC()):
			name = "DC"
		case atv.Type.Equal(oidCN()):
			name = "CN"
		}
		fmt.Fprintf(&b, "/%s=%v", name, atv.Value)
	}
	return b.String()
}

// CertPEM returns the certificate alone.
func (id *Identity) CertPEM() []byte { return certPEM(id.Cert) }

// ChainPEM returns the chain without the certificate itself; nil if there is
// none.
func (id *Identity) ChainPEM() []byte { return certPEM(id.Chain...) }

// PEM returns everything in the order of a proxy file: certificate, key, chain.
func (id *Identity) PEM() []byte {
	return bytes.Join([][]byte{id.CertPEM(), id.KeyPEM(), id.ChainPEM()}, nil)
}

// TLS returns the identity as crypto/tls wants it, with Leaf set.
func (id *Identity) TLS() tls.Certificate {
	c := tls.Certificate{Certificate: [][]byte{id.Cert.Raw}, PrivateKey: id.Key, Leaf: id.Cert}
	for _, next := range id.Chain {
		c.Certificate = append(c.Certificate, next.Raw)
	}
	return c
}

func certPEM(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// chainBelow is the chain of what id signs.
func chainBelow(id *Identity) []*x509.Certificate {
	return append([]*x509.Certificate{id.Cert}, id.Chain...)
}

// mint makes a key and signs its certificate; with a nil parent it signs
// itself.
func mint(parent *Identity, spec *certSpec, template *x509.Certificate) *Identity {
	key := must(spec.newKey())
	template.NotBefore, template.NotAfter = spec.validity.bounds()
	signer, issuer := key, template
	if parent != nil {
		signer, issuer = parent.Key, parent.Cert
	}
	der := must(x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer))
	return &Identity{Cert: must(x509.ParseCertificate(der)), Key: key}
}

// marshalName encodes baseDN with a common name. Domain components are
// IA5Strings, as real grid authorities encode them (RFC 4519, section 2.4);
// pkix.Name would make them PrintableStrings.
func marshalName(commonName string) []byte {
	dc := func(s string) pkix.RelativeDistinguishedNameSET {
		return pkix.RelativeDistinguishedNameSET{{Type: oidDC(), Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(s)}}}
	}
	return must(asn1.Marshal(pkix.RDNSequence{dc("org"), dc("scicred-test"), commonNameRDN(commonName)}))
}

func commonNameRDN(s string) pkix.RelativeDistinguishedNameSET {
	return pkix.RelativeDistinguishedNameSET{{Type: oidCN(), Value: s}}
}

func oidDC() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25} }
func oidCN() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 4, 3} }

// randomSerial returns a positive number of at most the given bits.
func randomSerial(bits uint) *big.Int {
	n := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), bits)))
	return n.Add(n, big.NewInt(1))
}

// must returns v, and panics if there is no way to go on.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("credtest: %v", err))
	}
	return v
}
