// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"slices"
)

// Layout is a sound way of arranging a certificate, its key and its chain in one
// file. Its text says how.
type Layout string

// The layouts.
const (
	LayoutProxyFile Layout = "certificate, key, chain"     // What grid-proxy-init writes.
	LayoutKeyLast   Layout = "certificate, chain, key"     // What many servers want.
	LayoutKeyFirst  Layout = "key, certificate, chain"     // What some portals hand out.
	LayoutReversed  Layout = "chain backwards, then key"   // The certificate is last but for the key: the user's before the proxy's.
	LayoutPKCS8     Layout = "with the key in PKCS#8"      // What OpenSSL 3 writes.
	LayoutChatty    Layout = "with text around the blocks" // What openssl x509 -text and pkcs12 write.
	LayoutCRLF      Layout = "with CR LF line ends"        // What has been through Windows.
	LayoutUnrelated Layout = "with unrelated certificates" // What a bundle of authorities was appended to.
	LayoutLeafOnly  Layout = "without the chain"           // It loads, but a server cannot verify a proxy.
)

// AllLayouts returns every layout.
func AllLayouts() []Layout {
	return []Layout{
		LayoutProxyFile, LayoutKeyLast, LayoutKeyFirst, LayoutReversed, LayoutPKCS8, LayoutChatty, LayoutCRLF, LayoutUnrelated,
		LayoutLeafOnly,
	}
}

// Arrange returns certificate, key and chain of an identity in this layout.
func (l Layout) Arrange(id *Identity) []byte {
	switch l {
	case LayoutProxyFile:
		return id.PEM()
	case LayoutKeyLast:
		return join(id.CertPEM(), id.ChainPEM(), id.KeyPEM())
	case LayoutKeyFirst:
		return join(id.KeyPEM(), id.CertPEM(), id.ChainPEM())
	case LayoutReversed:
		backwards := slices.Clone(id.Chain)
		slices.Reverse(backwards)
		return join(certPEM(backwards...), id.CertPEM(), id.KeyPEM())
	case LayoutPKCS8:
		return join(id.CertPEM(), id.PKCS8PEM(), id.ChainPEM())
	case LayoutChatty:
		return join([]byte("Bag Attributes\n    friendlyName: test\nsubject=CN = test\n"), id.CertPEM(),
			[]byte("Key Attributes: <No Attributes>\n"), id.KeyPEM(), []byte("\n"), id.ChainPEM(), []byte("the end, without a line break"))
	case LayoutCRLF:
		return bytes.ReplaceAll(id.PEM(), []byte("\n"), []byte("\r\n"))
	case LayoutUnrelated:
		dates := WithValidity(id.Cert.NotBefore, id.Cert.NotAfter)
		return join(NewCA("Unrelated CA", dates).CertPEM(), id.PEM(), NewCA("Another Unrelated CA", dates).CertPEM())
	case LayoutLeafOnly:
		return join(id.CertPEM(), id.KeyPEM())
	default:
		panic(fmt.Sprintf("credtest: unknown layout %q", string(l)))
	}
}

// CertFault is a way in which a file with a proxy certificate, its key and its
// chain can be unusable. Its text names it; [CertFault.Sentence] explains it.
type CertFault string

// The faults.
const (
	CertEmptyFile         CertFault = "empty file"
	CertNotPEM            CertFault = "not PEM"
	CertCutShort          CertFault = "cut short"
	CertNoCertificate     CertFault = "no certificate"
	CertCertificateBroken CertFault = "certificate garbage"
	CertChainBroken       CertFault = "chain garbage"
	CertNoKey             CertFault = "no key"
	CertKeyBroken         CertFault = "key garbage"
	CertKeyMismatch       CertFault = "key of another certificate"
	CertKeyEncrypted      CertFault = "encrypted key"
	CertKeyEncryptedPKCS8 CertFault = "encrypted PKCS#8 key"
	CertExpired           CertFault = "expired"
	CertNotYetValid       CertFault = "not yet valid"
	CertChainExpired      CertFault = "chain expired"
	CertChainNotYetValid  CertFault = "chain not yet valid"
)

// AllCertFaults returns every fault.
func AllCertFaults() []CertFault {
	return []CertFault{
		CertEmptyFile, CertNotPEM, CertCutShort, CertNoCertificate, CertCertificateBroken, CertChainBroken, CertNoKey, CertKeyBroken,
		CertKeyMismatch, CertKeyEncrypted, CertKeyEncryptedPKCS8, CertExpired, CertNotYetValid, CertChainExpired, CertChainNotYetValid,
	}
}

// Sentence says what is wrong with the file.
func (f CertFault) Sentence() string {
	sentence, _ := f.make(nil, nil)
	return sentence
}

// Bundle makes a user and a proxy with this authority, and returns the proxy
// file with this fault and no other. The options apply to both certificates.
func (f CertFault) Bundle(ca *CA, opts ...CertOption) []byte {
	_, bundle := f.make(ca, opts)
	return bundle
}

// make keeps what a fault means and what it does in one place. It makes nothing
// if ca is nil.
func (f CertFault) make(ca *CA, opts []CertOption) (sentence string, bundle []byte) {
	// The fault's own options come last, so that they win.
	proxy := func(userOpts, proxyOpts []CertOption) *Identity {
		return ca.User("Test User", slices.Concat(opts, userOpts)...).Proxy(slices.Concat(opts, proxyOpts)...)
	}
	build := func(edit func(p *Identity) []byte) []byte {
		if ca == nil {
			return nil
		}
		return edit(proxy(nil, nil))
	}
	dated := func(userOpts, proxyOpts []CertOption) []byte {
		if ca == nil {
			return nil
		}
		return proxy(userOpts, proxyOpts).PEM()
	}
	switch f {
	case CertEmptyFile:
		return "The file holds no byte.", nil
	case CertNotPEM:
		return "The file holds the certificate in DER, not in PEM.",
			build(func(p *Identity) []byte { return p.Cert.Raw })
	case CertCutShort:
		return "The file ends in the middle of its first block, as after a full disk.",
			build(func(p *Identity) []byte { return p.PEM()[:len(p.CertPEM())/2] })
	case CertNoCertificate:
		return "The file holds the key alone.", build((*Identity).KeyPEM)
	case CertCertificateBroken:
		return "The block of the proxy's certificate holds something else.",
			build(func(p *Identity) []byte { return join(garbage("CERTIFICATE"), p.KeyPEM(), p.ChainPEM()) })
	case CertChainBroken:
		return "The block of the user's certificate, which signed the proxy, holds something else.",
			build(func(p *Identity) []byte { return join(p.CertPEM(), p.KeyPEM(), garbage("CERTIFICATE")) })
	case CertNoKey:
		return "The file holds the certificates without the key.",
			build(func(p *Identity) []byte { return join(p.CertPEM(), p.ChainPEM()) })
	case CertKeyBroken:
		return "The block of the key holds something else.",
			build(func(p *Identity) []byte { return join(p.CertPEM(), garbage("PRIVATE KEY"), p.ChainPEM()) })
	case CertKeyMismatch:
		return "The key is that of a certificate which is not in the file.",
			build(func(p *Identity) []byte {
				return join(p.CertPEM(), ca.User("Other User", opts...).KeyPEM(), p.ChainPEM())
			})
	case CertKeyEncrypted:
		return "The key is encrypted in the way of old versions of OpenSSL (Proc-Type: 4,ENCRYPTED).",
			build(func(p *Identity) []byte { return join(p.CertPEM(), p.LegacyEncryptedKeyPEM("test"), p.ChainPEM()) })
	case CertKeyEncryptedPKCS8:
		return "The key is encrypted in the PKCS#8 way (ENCRYPTED PRIVATE KEY).",
			build(func(p *Identity) []byte { return join(p.CertPEM(), p.EncryptedKeyPEM("test"), p.ChainPEM()) })
	case CertExpired:
		return "The proxy expired an hour ago; the user's certificate has not.", dated(nil, []CertOption{Expired()})
	case CertNotYetValid:
		return "The proxy becomes valid in an hour; the user's certificate is.", dated(nil, []CertOption{NotYetValid()})
	case CertChainExpired:
		return "The user's certificate expired an hour ago; the proxy has not.", dated([]CertOption{Expired()}, nil)
	case CertChainNotYetValid:
		return "The user's certificate becomes valid in an hour; the proxy is.", dated([]CertOption{NotYetValid()}, nil)
	default:
		panic(fmt.Sprintf("credtest: unknown fault %q", string(f)))
	}
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// garbage is a well-formed PEM block whose content is not DER.
func garbage(blockType string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: []byte("this is not what the block says")})
}
