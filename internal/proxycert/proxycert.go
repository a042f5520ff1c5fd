// SPDX-License-Identifier: BSD-3-Clause

// Package proxycert says what proxy certificates are and what they may do: those
// of RFC 3820, those of the draft before it (Globus Toolkit 3), and the legacy
// ones before that, which only their name tells.
//
// It describes, and verifies nothing.
package proxycert

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"

	"github.com/scicred/scicred/internal/der"
)

// ErrMalformed means that the extension of a proxy does not parse.
var ErrMalformed = errors.New("malformed proxy extension")

// Kind is the kind of a certificate.
type Kind int

// The kinds, by the standard that they follow.
const (
	None    Kind = iota // No proxy: a user, a host, an authority.
	RFC3820             // RFC 3820, with the extension ProxyCertInfo.
	Draft               // The draft of RFC 3820 that Globus Toolkit 3 wrote.
	Legacy              // Globus Toolkit 2: told by the name, CN=proxy or CN=limited proxy.
)

// Policy is what a proxy may do in the name of its user.
type Policy int

// The policies.
const (
	NoPolicy    Policy = iota // No proxy.
	InheritAll                // All that the user may (RFC 3820, section 3.8.2): an impersonation or full proxy.
	Independent               // Nothing by itself: only what is given to the proxy's own name.
	Limited                   // All but starting jobs, by a rule of Globus.
	Other                     // Something else, by the policy language in Proxy.Language.
)

// Unlimited is the path length of a proxy that sets no limit.
const Unlimited = -1

// Proxy is what one certificate says about itself.
type Proxy struct {
	Kind   Kind
	Policy Policy
	// Language is the identifier of the policy's language in dotted form; empty for
	// legacy proxies, which have none.
	Language string
	// PathLength is how many proxies may follow this one; Unlimited if it does not
	// say.
	PathLength int
}

// Identifiers of extensions and policy languages.
const (
	oidRFC3820     = "1.3.6.1.5.5.7.1.14"
	oidDraft       = "1.3.6.1.4.1.3536.1.222"
	oidInheritAll  = "1.3.6.1.5.5.7.21.1"
	oidIndependent = "1.3.6.1.5.5.7.21.2"
	oidLimited     = "1.3.6.1.4.1.3536.1.1.1.9"
)

// KindOf tells what kind of proxy a certificate is. The extension of RFC 3820 must
// be critical, but as OpenSSL does we take a certificate that has it in any form
// for a proxy.
func KindOf(c *x509.Certificate) Kind {
	if _, ok := extension(c, oidRFC3820); ok {
		return RFC3820
	}
	if _, ok := extension(c, oidDraft); ok {
		return Draft
	}
	if legacyName(c) != "" {
		return Legacy
	}
	return None
}

// Inspect tells what a certificate says about itself. The error is ErrMalformed;
// the kind is right even then.
func Inspect(c *x509.Certificate) (Proxy, error) {
	p := Proxy{Kind: KindOf(c), PathLength: Unlimited}
	var err error
	switch p.Kind {
	case RFC3820:
		value, _ := extension(c, oidRFC3820)
		err = p.read(value)
	case Draft:
		value, _ := extension(c, oidDraft)
		err = p.read(value)
	case Legacy:
		if p.Policy = InheritAll; legacyName(c) == "limited proxy" {
			p.Policy = Limited
		}
	}
	if err != nil {
		return Proxy{Kind: p.Kind, PathLength: Unlimited}, err
	}
	return p, nil
}

// read reads ProxyCertInfo: in RFC 3820 (section 3.8) an optional number and the
// policy, in the draft the policy and a number in brackets.
func (p *Proxy) read(value []byte) error {
	info, rest, ok := der.ReadTag(value, der.Sequence)
	fields, all := der.All(info.Content, 2)
	if !ok || len(rest) > 0 || !all || len(fields) == 0 {
		return ErrMalformed
	}
	policy := fields[0]
	if len(fields) == 2 {
		length := fields[0]
		if p.Kind == Draft {
			length = fields[1]
			if length.Tag != der.Context(1) {
				return ErrMalformed
			}
			length.Raw = length.Content
		} else {
			policy = fields[1]
		}
		if rest, err := asn1.Unmarshal(length.Raw, &p.PathLength); err != nil || len(rest) > 0 || p.PathLength < 0 {
			return ErrMalformed
		}
	}
	if policy.Tag != der.Sequence {
		return ErrMalformed
	}
	// What follows the language is the policy itself, in that language.
	language, _, ok := der.ReadTag(policy.Content, der.OID)
	var id asn1.ObjectIdentifier
	if !ok {
		return ErrMalformed
	}
	if _, err := asn1.Unmarshal(language.Raw, &id); err != nil {
		return ErrMalformed
	}
	p.Language = id.String()
	switch p.Language {
	case oidInheritAll:
		p.Policy = InheritAll
	case oidIndependent:
		p.Policy = Independent
	case oidLimited:
		p.Policy = Limited
	default:
		p.Policy = Other
	}
	return nil
}

// extension returns the value of an extension, and whether it is there.
func extension(c *x509.Certificate, oid string) ([]byte, bool) {
	for i := range c.Extensions {
		// Most are told apart by their length, and String allocates.
		if ext := &c.Extensions[i]; len(ext.Id) > 8 && ext.Id.String() == oid {
			return ext.Value, true
		}
	}
	return nil, false
}

// legacyName returns the last CN of a legacy proxy: its subject is the issuer's
// name and one of two words.
func legacyName(c *x509.Certificate) string {
	names := c.Subject.Names
	if len(names) == 0 {
		return ""
	}
	last := names[len(names)-1]
	word, _ := last.Value.(string)
	if last.Type.String() != "2.5.4.3" || word != "proxy" && word != "limited proxy" {
		return ""
	}
	subject, _, ok := der.ReadTag(c.RawSubject, der.Sequence)
	issuer, _, isName := der.ReadTag(c.RawIssuer, der.Sequence)
	if !ok || !isName || len(issuer.Content) == 0 || len(subject.Content) <= len(issuer.Content) ||
		!bytes.HasPrefix(subject.Content, issuer.Content) {
		return ""
	}
	return word
}
