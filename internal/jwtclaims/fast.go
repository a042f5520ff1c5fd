// SPDX-License-Identifier: BSD-3-Clause

package jwtclaims

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/bearer/charset"
)

// parseFast reads a token as [parseCarefully] does, only many times faster, or
// returns nil. That is no refusal yet: the token may just be unusual. What it
// returns, parseCarefully returns too.
func parseFast(s string) *Claims {
	header, rest, _ := strings.Cut(s, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	if signature == "" || len(s) > bearer.MaxLen || !isBase64URL(signature) {
		return nil
	}
	// The buffer does not leave the stack. Nearly all tokens fit into it.
	var buffer [2 << 10]byte
	r := reading{text: buffer[:]}
	if most := base64.RawURLEncoding.DecodedLen(len(header)+len(payload)) + 2*padding; most > len(buffer) {
		r.text = make([]byte, most)
	}
	end, ok := decodeTo(r.text, header)
	if !ok || !r.object(0, end, true) {
		return nil
	}
	start := end + padding
	n, ok := decodeTo(r.text[start:], payload)
	if !ok || !r.object(start, start+n, false) {
		return nil
	}
	return r.claims(start + n)
}

// isBase64URL reports whether a part can be decoded.
func isBase64URL(part string) bool { return len(part)%4 != 1 && charset.Base64URL(part) }

// decodeTo decodes a part to the start of text, puts the padding behind it, and
// returns its length. There must be room for both.
func decodeTo(text []byte, part string) (int, bool) {
	n, err := base64.RawURLEncoding.Decode(text, []byte(part))
	// The decoder passes over line breaks, and then has less than it should.
	if err != nil || len(part)%4 == 1 || n != base64.RawURLEncoding.DecodedLen(len(part)) {
		return 0, false
	}
	clear(text[n : n+padding]) // The decoder may have used the room.
	return n, true
}

// member is a header parameter or a claim.
type member uint8

// The plain texts come first.
const (
	alg member = iota
	kid
	typ
	iss
	sub
	jti
	wlcgVer
	aud
	scope
	exp
	nbf
	ver
	crit
	other // all that is not looked at

	plainTexts = aud
)

func headerMember(name []byte) member {
	switch string(name) {
	case "alg":
		return alg
	case "kid":
		return kid
	case "typ":
		return typ
	case "crit":
		return crit
	}
	return other
}

func payloadMember(name []byte) member {
	switch string(name) {
	case "iss":
		return iss
	case "sub":
		return sub
	case "jti":
		return jti
	case "wlcg.ver":
		return wlcgVer
	case "aud":
		return aud
	case "scope":
		return scope
	case "exp":
		return exp
	case "nbf":
		return nbf
	case "ver":
		return ver
	}
	return other
}

func known(name []byte, header bool) member {
	if header {
		return headerMember(name)
	}
	return payloadMember(name)
}

// reading is what has been read so far.
type reading struct {
	text            []byte // header and claims, decoded, each with its padding
	named           [other]bool
	others          spans // names of members that are not looked at
	texts           [plainTexts]span
	version         span
	audience, scope spans // their items
	exp, nbf        int64 // seconds
}

// spans is a short list. It is a part of what it belongs to, since memory of its
// own would cost more than all the rest.
type spans struct {
	list [24]span
	n    int
}

func (s *spans) all() []span { return s.list[:s.n] }

// add reports whether there was room.
func (s *spans) add(item span) bool {
	if s.n == len(s.list) {
		return false
	}
	s.list[s.n] = item
	s.n++
	return true
}

// object reads the header or the claims, from start to end.
func (r *reading) object(start, end int, header bool) bool {
	r.others.n = 0
	at := skipSpace(r.text, start)
	if r.text[at] != '{' {
		return false
	}
	at, more := enter(r.text, at, '}')
	for more {
		var name span
		if name, at = readName(r.text, at); at == brokenOff {
			return false
		}
		m := known(name.of(r.text), header)
		if !r.once(m, name) {
			return false
		}
		if at = r.value(m, at); at == brokenOff {
			return false
		}
		at, more = next(r.text, at, '}')
	}
	return at != brokenOff && skipSpace(r.text, at) == end
}

// once reports whether the name is new in this object.
func (r *reading) once(m member, name span) bool {
	if m != other {
		again := r.named[m]
		r.named[m] = true
		return !again
	}
	for _, o := range r.others.all() {
		if bytes.Equal(o.of(r.text), name.of(r.text)) {
			return false
		}
	}
	return r.others.add(name)
}

// value reads the value of a member.
func (r *reading) value(m member, at int) int {
	switch m {
	case other:
		return skipValue(r.text, at, 1)
	case crit:
		return brokenOff
	case exp:
		r.exp, at = readSeconds(r.text, at)
		if r.exp == 0 || r.exp >= endOfTime {
			return brokenOff
		}
	case nbf:
		r.nbf, at = readSeconds(r.text, at)
		if r.nbf >= endOfTime {
			return brokenOff
		}
	case aud:
		if r.text[at] == '[' {
			return r.readList(&r.audience, at)
		}
		var s span
		s, at = readString(r.text, at)
		r.audience.add(s)
	case scope:
		if r.text[at] == '[' {
			return r.readList(&r.scope, at)
		}
		return r.readWords(&r.scope, at)
	case ver:
		r.version, at = r.readVersion(at)
		if version(r.version.of(r.text)) == "" {
			return brokenOff
		}
	default:
		r.texts[m], at = readString(r.text, at)
		if (m == iss || m == wlcgVer) && r.texts[m].start == r.texts[m].end {
			return brokenOff
		}
	}
	return at
}

// readList reads a list of strings.
func (r *reading) readList(to *spans, at int) int {
	at, more := enter(r.text, at, ']')
	for more {
		var s span
		if s, at = readString(r.text, at); at == brokenOff || !to.add(s) {
			return brokenOff
		}
		at, more = next(r.text, at, ']')
	}
	return at
}

// readWords reads a string with blanks between the items, as splitScope does.
func (r *reading) readWords(to *spans, at int) int {
	s, at := readString(r.text, at)
	for start := s.start; start < s.end; {
		n := bytes.IndexByte(r.text[start:s.end], ' ')
		if n < 0 {
			n = s.end - start
		}
		if n > 0 && !to.add(span{start, start + n}) {
			return brokenOff
		}
		start += n + 1
	}
	return at
}

// readVersion reads a string, or the number 1.
func (r *reading) readVersion(at int) (span, int) {
	if r.text[at] == '1' {
		return span{at, at + 1}, at + 1
	}
	return readString(r.text, at)
}

// claims returns what was read. The text up to end is copied once, for all to
// share: it costs less than a copy for each.
func (r *reading) claims(end int) *Claims {
	if !r.named[iss] || algorithmProblem(string(r.texts[alg].of(r.text))) != "" {
		return nil
	}
	// Claims and a few items are one piece of memory.
	c := &struct {
		Claims
		room [4]string
	}{}
	text := string(r.text[:end])
	of := func(m member) string { return text[r.texts[m].start:r.texts[m].end] }
	c.Algorithm, c.KeyID, c.Type = of(alg), of(kid), of(typ)
	c.Issuer, c.Subject, c.ID = of(iss), of(sub), of(jti)
	c.Version, c.WLCGVersion = version(r.version.of(r.text)), of(wlcgVer)

	items := c.room[:]
	if n := r.audience.n + r.scope.n; n > len(items) {
		items = make([]string, n)
	}
	if c.HasAudience = r.named[aud]; c.HasAudience {
		c.Audience = r.audience.copy(items, text)
	}
	if c.HasScope = r.named[scope]; c.HasScope {
		c.Scope = r.scope.copy(items[r.audience.n:], text)
	}
	if c.HasExpiry = r.named[exp]; c.HasExpiry {
		c.Expiry = time.Unix(r.exp, 0).UTC()
	}
	if c.HasNotBefore = r.named[nbf]; c.HasNotBefore {
		c.NotBefore = time.Unix(r.nbf, 0).UTC()
	}
	return &c.Claims
}

// copy puts the items at the start of to and returns them alone.
func (s *spans) copy(to []string, text string) []string {
	for i, item := range s.all() {
		to[i] = text[item.start:item.end]
	}
	return to[:s.n:s.n]
}
