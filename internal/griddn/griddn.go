// SPDX-License-Identifier: BSD-3-Clause

// Package griddn writes X.500 names as grid software does, in the order of the
// certificate: /DC=org/DC=example/CN=Albert Einstein/CN=12345.
//
// What could act on a terminal (control and format characters, invalid UTF-8), and
// the backslash, is written as a backslash and two hexadecimal digits per byte
// (RFC 4514, section 2.4).
package griddn

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Of writes a name that crypto/x509 has parsed.
func Of(name *pkix.Name) string {
	var b strings.Builder
	for _, part := range name.Names {
		fmt.Fprintf(&b, "/%s=%s", attribute(part.Type.String()), Escape(fmt.Sprint(part.Value)))
	}
	return b.String()
}

// Parse writes an encoded name; false if it is none.
func Parse(raw []byte) (string, bool) {
	var sequence pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &sequence); err != nil || len(rest) > 0 {
		return "", false
	}
	var name pkix.Name
	name.FillFromRDNSequence(&sequence)
	return Of(&name), true
}

// attribute names an attribute type as OpenSSL does.
func attribute(oid string) string {
	switch oid {
	case "2.5.4.3":
		return "CN"
	case "2.5.4.5":
		return "serialNumber"
	case "2.5.4.6":
		return "C"
	case "2.5.4.7":
		return "L"
	case "2.5.4.8":
		return "ST"
	case "2.5.4.10":
		return "O"
	case "2.5.4.11":
		return "OU"
	case "0.9.2342.19200300.100.1.1":
		return "UID"
	case "0.9.2342.19200300.100.1.25":
		return "DC"
	case "1.2.840.113549.1.9.1":
		return "emailAddress"
	default:
		return oid
	}
}

// Escape writes text from a certificate so that a terminal can show it.
func Escape(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1, r == '\\', !unicode.IsPrint(r):
			for _, c := range []byte(s[:size]) {
				fmt.Fprintf(&b, `\%02X`, c)
			}
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}
