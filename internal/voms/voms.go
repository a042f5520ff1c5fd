// SPDX-License-Identifier: BSD-3-Clause

// Package voms reads the attribute certificates that a VOMS server puts into a
// proxy: which groups and roles its user has in a virtual organisation. They are
// those of RFC 5755 with attributes and extensions of VOMS.
//
// Nothing is verified here: neither the signature of an attribute certificate, nor
// that its holder is who presents it. Servers do both. What is read is for people
// to see, and must be labelled so.
package voms

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/scicred/scicred/internal/der"
)

// Why attribute certificates are not read.
var (
	// ErrMalformed means that the extension, or an attribute certificate in it,
	// does not parse.
	ErrMalformed = errors.New("malformed VOMS attribute certificate")
	// ErrTooMany means that there is more in the extension than any server writes.
	ErrTooMany = errors.New("too many VOMS attributes")
)

// What is read of one extension at most. A user of the largest organisations has
// some dozens of attributes.
const (
	maxCertificates = 32
	maxAttributes   = 1000
	maxExtensions   = 32
)

// Identifiers of VOMS.
const (
	oidCertificates = "1.3.6.1.4.1.8005.100.100.5"
	oidFQANs        = "1.3.6.1.4.1.8005.100.100.4"
	oidGeneric      = "1.3.6.1.4.1.8005.100.100.11"
)

// Attributes is what one attribute certificate says. All text is written so that
// a terminal can show it (package griddn).
type Attributes struct {
	// VO is the virtual organisation, and Server the host and port of the VOMS
	// server, as it calls itself: voms.example.org:15000.
	VO, Server string
	// FQANs are the groups and roles, the primary one first:
	// /vo/group/Role=production/Capability=NULL.
	FQANs []string
	// Generic are the other attributes, such as a nickname.
	Generic []Generic
	// Issuer is who signed, HolderIssuer and HolderSerial the authority and the
	// serial number of the user's certificate. Old servers write the user's own
	// name in the place of the authority's.
	Issuer, HolderIssuer string
	HolderSerial         *big.Int
	// Serial is the attribute certificate's own number.
	Serial *big.Int
	// NotBefore and NotAfter are both still within.
	NotBefore, NotAfter time.Time
}

// Generic is an attribute with a name. Qualifier says where it comes from, mostly
// the organisation.
type Generic struct{ Name, Value, Qualifier string }

// FromChain returns the attributes that the certificates of a chain carry, those
// of the leaf first: the ones that servers go by. Without any there is no error.
// With an error, what could be read is returned too.
func FromChain(chain []*x509.Certificate) ([]Attributes, error) {
	var all []Attributes
	var first error
	for _, c := range chain {
		for i := range c.Extensions {
			if len(c.Extensions[i].Id) < 8 || c.Extensions[i].Id.String() != oidCertificates {
				continue
			}
			found, err := Parse(c.Extensions[i].Value)
			if all = append(all, found...); err != nil && first == nil {
				first = err
			}
		}
	}
	return all, first
}

// Parse reads the value of the extension: a sequence of a sequence of attribute
// certificates. With an error, those before the one that does not parse are
// returned too.
func Parse(extension []byte) ([]Attributes, error) {
	outer, rest, ok := der.ReadTag(extension, der.Sequence)
	if !ok || len(rest) > 0 {
		return nil, malformed("not one sequence")
	}
	var all []Attributes
	budget := maxAttributes
	for lists := outer.Content; len(lists) > 0; {
		var list der.Value
		if list, lists, ok = der.ReadTag(lists, der.Sequence); !ok {
			return all, malformed("no list of certificates")
		}
		for certificates := list.Content; len(certificates) > 0; {
			var c der.Value
			if c, certificates, ok = der.ReadTag(certificates, der.Sequence); !ok {
				return all, malformed("no certificate")
			}
			if len(all) == maxCertificates {
				return all, fmt.Errorf("%w: more than %d certificates", ErrTooMany, maxCertificates)
			}
			a, err := parseCertificate(c.Content, &budget)
			if err != nil {
				return all, err
			}
			all = append(all, *a)
		}
	}
	return all, nil
}

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }
