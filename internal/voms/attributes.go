// SPDX-License-Identifier: BSD-3-Clause

package voms

import (
	"encoding/asn1"
	"fmt"
	"strings"

	"github.com/scicred/scicred/internal/der"
	"github.com/scicred/scicred/internal/griddn"
)

// readAttributes reads the attribute with the FQANs: an IetfAttrSyntax (RFC 5755,
// section 4.4).
func (a *Attributes) readAttributes(attributes der.Value, budget *int) error {
	all, ok := der.All(attributes.Content, maxExtensions)
	if !ok || attributes.Tag != der.Sequence {
		return malformed("attributes")
	}
	for _, attribute := range all {
		id, rest, ok := oid(attribute)
		if !ok {
			return malformed("attribute")
		}
		if id != oidFQANs {
			continue
		}
		set, _, ok := der.ReadTag(rest, der.Set)
		if !ok {
			return malformed("attribute without values")
		}
		for values := set.Content; len(values) > 0; {
			var syntax der.Value
			if syntax, values, ok = der.ReadTag(values, der.Sequence); !ok {
				return malformed("value of the attribute")
			}
			if err := a.readFQANs(syntax.Content, budget); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Attributes) readFQANs(syntax []byte, budget *int) error {
	if authority, rest, ok := der.ReadTag(syntax, der.Context(0)); ok {
		a.readAuthority(authority.Content)
		syntax = rest
	}
	list, rest, ok := der.ReadTag(syntax, der.Sequence)
	if !ok || len(rest) > 0 {
		return malformed("list of FQANs")
	}
	for values := list.Content; len(values) > 0; {
		var v der.Value
		if v, values, ok = der.ReadTag(values, der.OctetString); !ok {
			return malformed("FQAN")
		}
		if err := spend(budget); err != nil {
			return err
		}
		a.FQANs = append(a.FQANs, griddn.Escape(string(v.Content)))
	}
	return nil
}

// readAuthority reads the policyAuthority, a URI, [6]: test.vo://voms.example.org:15000.
func (a *Attributes) readAuthority(names []byte) {
	for {
		name, rest, ok := der.Read(names)
		if !ok {
			return
		}
		if name.Tag == der.Context(6)&^0x20 {
			vo, server, _ := strings.Cut(string(name.Content), "://")
			a.VO, a.Server = griddn.Escape(vo), griddn.Escape(server)
			return
		}
		names = rest
	}
}

func spend(budget *int) error {
	if *budget--; *budget < 0 {
		return fmt.Errorf("%w: more than %d", ErrTooMany, maxAttributes)
	}
	return nil
}

// readExtensions reads the extension with the generic attributes.
func (a *Attributes) readExtensions(extensions der.Value, budget *int) error {
	all, ok := der.All(extensions.Content, maxExtensions)
	if !ok {
		return malformed("extensions")
	}
	for _, extension := range all {
		id, rest, ok := oid(extension)
		if !ok {
			return malformed("extension")
		}
		if id != oidGeneric {
			continue
		}
		if critical, after, ok := der.ReadTag(rest, asn1.TagBoolean); ok && len(critical.Content) == 1 {
			rest = after
		}
		value, _, ok := der.ReadTag(rest, der.OctetString)
		if !ok {
			return malformed("extension without value")
		}
		if err := a.readGeneric(value.Content, budget); err != nil {
			return err
		}
	}
	return nil
}

// readGeneric reads a sequence of a sequence of lists, each of names of an
// authority and a sequence of attributes of three strings.
func (a *Attributes) readGeneric(value []byte, budget *int) error {
	bad := malformed("generic attributes")
	container, rest, ok := der.ReadTag(value, der.Sequence)
	lists, rest2, isSequence := der.ReadTag(container.Content, der.Sequence)
	if !ok || !isSequence || len(rest)+len(rest2) > 0 {
		return bad
	}
	for more := lists.Content; len(more) > 0; {
		var list der.Value
		if list, more, ok = der.ReadTag(more, der.Sequence); !ok {
			return bad
		}
		parts, ok := der.All(list.Content, 2)
		if !ok || len(parts) != 2 || parts[1].Tag != der.Sequence {
			return bad
		}
		for tags := parts[1].Content; len(tags) > 0; {
			var tag der.Value
			if tag, tags, ok = der.ReadTag(tags, der.Sequence); !ok {
				return bad
			}
			texts, ok := der.All(tag.Content, 3)
			if !ok || len(texts) != 3 {
				return bad
			}
			if err := spend(budget); err != nil {
				return err
			}
			a.Generic = append(a.Generic, Generic{
				griddn.Escape(string(texts[0].Content)), griddn.Escape(string(texts[1].Content)), griddn.Escape(string(texts[2].Content)),
			})
		}
	}
	return nil
}
