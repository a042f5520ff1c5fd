// SPDX-License-Identifier: BSD-3-Clause

package voms

import (
	"encoding/asn1"
	"math/big"
	"time"

	"github.com/scicred/scicred/internal/der"
	"github.com/scicred/scicred/internal/griddn"
)

// parseCertificate reads an AttributeCertificate (RFC 5755, section 4.1).
func parseCertificate(content []byte, budget *int) (*Attributes, error) {
	info, rest, ok := der.ReadTag(content, der.Sequence)
	if signature, isList := der.All(rest, 2); !ok || !isList || len(signature) != 2 {
		return nil, malformed("not of three parts")
	}
	fields, ok := der.All(info.Content, 9)
	if !ok || len(fields) < 7 {
		return nil, malformed("not of seven fields")
	}
	// version, holder, issuer, signature, serialNumber, validity, attributes, and
	// optionally issuerUniqueID and extensions.
	a := &Attributes{}
	if version, ok := number(fields[0]); !ok || version.Cmp(big.NewInt(1)) != 0 {
		return nil, malformed("not of version 2")
	}
	if !a.readHolder(fields[1]) {
		return nil, malformed("holder")
	}
	if !a.readIssuer(fields[2]) {
		return nil, malformed("issuer")
	}
	if a.Serial, ok = number(fields[4]); !ok {
		return nil, malformed("serial number")
	}
	if !a.readValidity(fields[5]) {
		return nil, malformed("validity")
	}
	if err := a.readAttributes(fields[6], budget); err != nil {
		return nil, err
	}
	for _, field := range fields[7:] {
		if field.Tag == der.Sequence {
			if err := a.readExtensions(field, budget); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

// readHolder reads a Holder, which VOMS states by baseCertificateID, [0]: names of
// the authority and a serial number.
func (a *Attributes) readHolder(holder der.Value) bool {
	if holder.Tag != der.Sequence {
		return false
	}
	base, _, ok := der.ReadTag(holder.Content, der.Context(0))
	if !ok {
		return true // Somebody else's certificate: the fields stay empty.
	}
	names, rest, ok := der.ReadTag(base.Content, der.Sequence)
	serial, _, isThere := der.Read(rest)
	if !ok || !isThere {
		return false
	}
	if a.HolderSerial, ok = number(serial); !ok {
		return false
	}
	a.HolderIssuer, ok = directoryName(names.Content)
	return ok
}

// readIssuer reads an AttCertIssuer: names by themselves (v1Form), or inside a
// V2Form, [0].
func (a *Attributes) readIssuer(issuer der.Value) bool {
	names := issuer
	switch issuer.Tag {
	case der.Sequence:
	case der.Context(0):
		var ok bool
		if names, _, ok = der.ReadTag(issuer.Content, der.Sequence); !ok {
			return true // V2Form may do without names.
		}
	default:
		return false
	}
	var ok bool
	a.Issuer, ok = directoryName(names.Content)
	return ok
}

// directoryName returns the first name of a directory, [4], among GeneralNames;
// empty if all are of other kinds.
func directoryName(names []byte) (string, bool) {
	for len(names) > 0 {
		name, rest, ok := der.Read(names)
		if !ok {
			return "", false
		}
		if name.Tag == der.Context(4) {
			return griddn.Parse(name.Content)
		}
		names = rest
	}
	return "", true
}

func (a *Attributes) readValidity(validity der.Value) bool {
	times, ok := der.All(validity.Content, 2)
	if !ok || validity.Tag != der.Sequence || len(times) != 2 {
		return false
	}
	for i, t := range []*time.Time{&a.NotBefore, &a.NotAfter} {
		if times[i].Tag != asn1.TagGeneralizedTime {
			return false
		}
		if rest, err := asn1.Unmarshal(times[i].Raw, t); err != nil || len(rest) > 0 {
			return false
		}
		*t = t.UTC()
	}
	return true
}

// oid returns the identifier that a sequence begins with, and what follows.
func oid(v der.Value) (id string, rest []byte, ok bool) {
	if v.Tag != der.Sequence {
		return "", nil, false
	}
	first, rest, ok := der.ReadTag(v.Content, der.OID)
	var parsed asn1.ObjectIdentifier
	if !ok {
		return "", nil, false
	}
	if _, err := asn1.Unmarshal(first.Raw, &parsed); err != nil {
		return "", nil, false
	}
	return parsed.String(), rest, true
}

func number(v der.Value) (*big.Int, bool) {
	const maxBytes = 64 // RFC 5280 allows serial numbers 20.
	if v.Tag != der.Integer || len(v.Content) > maxBytes {
		return nil, false
	}
	var n *big.Int
	if rest, err := asn1.Unmarshal(v.Raw, &n); err != nil || len(rest) > 0 {
		return nil, false
	}
	return n, true
}
