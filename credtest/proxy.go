// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"time"
)

// Proxy makes an RFC 3820 proxy certificate of this identity: a new key, the
// subject of this one with one more CN (the serial number), the critical
// extension ProxyCertInfo, and this identity and its chain as the chain. It is
// valid for 12 hours unless an option says otherwise, whether or not this
// identity is. The proxy of a proxy is a nested proxy.
func (id *Identity) Proxy(opts ...CertOption) *Identity {
	spec := newCertSpec(12*time.Hour, opts)
	serial := randomSerial(31)
	template := &x509.Certificate{
		SerialNumber: serial,
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	commonName := serial.String()
	switch {
	case spec.legacy && spec.limited:
		commonName = "limited proxy"
	case spec.legacy:
		commonName = "proxy"
	default:
		template.ExtraExtensions = []pkix.Extension{proxyCertInfo(&spec)}
	}
	template.RawSubject = appendCommonName(id.Cert.RawSubject, commonName)
	proxy := mint(id, &spec, template)
	proxy.Chain = chainBelow(id)
	return proxy
}

// proxyCertInfo is the extension of RFC 3820, section 3.8.
func proxyCertInfo(spec *certSpec) pkix.Extension {
	type policy struct{ Language asn1.ObjectIdentifier }
	type info struct {
		PathLength int `asn1:"optional,default:-1"`
		Policy     policy
	}
	language := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 21, 1} // id-ppl-inheritAll
	if spec.limited {
		language = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 3536, 1, 1, 1, 9} // Globus limited proxy
	}
	return pkix.Extension{
		Id:       asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 14},
		Critical: true,
		Value:    must(asn1.Marshal(info{PathLength: spec.pathLength, Policy: policy{Language: language}})),
	}
}

// appendCommonName adds a CN to a name without decoding the rest, so that the
// string types of the name stay what they are.
func appendCommonName(rawName []byte, commonName string) []byte {
	var rdns []asn1.RawValue
	if _, err := asn1.Unmarshal(rawName, &rdns); err != nil {
		panic(fmt.Sprintf("credtest: %v", err))
	}
	rdns = append(rdns, asn1.RawValue{FullBytes: must(asn1.Marshal(commonNameRDN(commonName)))})
	return must(asn1.Marshal(rdns))
}
