// SPDX-License-Identifier: BSD-3-Clause

package pemfile_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/pemfile"
)

func TestSubjectIsInTheOrderOfTheCertificate(t *testing.T) {
	t.Parallel()
	proxy := credtest.NewCA("Test CA").User("Test User 1001").Proxy()
	assert.Equal(t, "/DC=org/DC=scicred-test/CN=Test User 1001/CN="+proxy.Cert.SerialNumber.String(), pemfile.Subject(proxy.Cert))
	assert.Empty(t, pemfile.Subject(&x509.Certificate{}))
}

func TestSubjectCannotActOnATerminal(t *testing.T) {
	t.Parallel()
	ca := credtest.NewCA("Test CA")
	for name, want := range map[string]string{
		"Jürgen Müller":           "Jürgen Müller",
		"host/data.example.org":   "host/data.example.org",
		"\x1b[31mred":             `\1B[31mred`,
		"two\r\nlines":            `two\0D\0Alines`,
		"tab\tDEL\x7f":            `tab\09DEL\7F`,
		"C1 \u009b31m":            `C1 \C2\9B31m`,
		"right\u202eto left":      `right\E2\80\AEto left`,
		"zero\u200bwidth\ufeff":   `zero\E2\80\8Bwidth\EF\BB\BF`,
		"no-break\u00a0space":     `no-break\C2\A0space`,
		`back\slash`:              `back\5Cslash`,
		"replacement \ufffd":      "replacement \ufffd",
		"line\u2028separator 日本語": `line\E2\80\A8separator 日本語`,
	} {
		assert.Equal(t, "/DC=org/DC=scicred-test/CN="+want, pemfile.Subject(ca.User(name).Cert))
	}
	// What a parser would refuse must not get through either.
	c := &x509.Certificate{Subject: pkix.Name{Names: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "\xff\xfe"}}}}
	assert.Equal(t, `/CN=\FF\FE`, pemfile.Subject(c))
}

func TestSubjectNamesAttributesAsOpenSSLDoes(t *testing.T) {
	t.Parallel()
	var names []pkix.AttributeTypeAndValue
	for _, oid := range []asn1.ObjectIdentifier{
		{2, 5, 4, 6},
		{2, 5, 4, 8},
		{2, 5, 4, 7},
		{2, 5, 4, 10},
		{2, 5, 4, 11},
		{2, 5, 4, 3},
		{2, 5, 4, 5},
		{0, 9, 2342, 19200300, 100, 1, 25},
		{0, 9, 2342, 19200300, 100, 1, 1},
		{1, 2, 840, 113549, 1, 9, 1},
		{1, 2, 3},
	} {
		names = append(names, pkix.AttributeTypeAndValue{Type: oid, Value: 1})
	}
	assert.Equal(t, "/C=1/ST=1/L=1/O=1/OU=1/CN=1/serialNumber=1/DC=1/UID=1/emailAddress=1/1.2.3=1",
		pemfile.Subject(&x509.Certificate{Subject: pkix.Name{Names: names}}))
}
