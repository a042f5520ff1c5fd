// SPDX-License-Identifier: BSD-3-Clause

package jwtclaims

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/bearer/strictjson"
)

// endOfTime is the first second of the year 10000, which no format for times
// can show.
const endOfTime = 253402300800

// parseCarefully reads a JWT of any kind, and says why it refuses one.
func parseCarefully(s string) (*Claims, error) {
	if len(s) > bearer.MaxLen {
		return nil, broken("it is longer than %d bytes", bearer.MaxLen)
	}
	if n := strings.Count(s, ".") + 1; n != 3 {
		return nil, broken("the number of its parts is %d, not 3", n)
	}
	parts := strings.Split(s, ".")
	header, headerText, err := decodeObject(parts[0], "header")
	if err != nil {
		return nil, err
	}
	payload, payloadText, err := decodeObject(parts[1], "part with the claims")
	if err != nil {
		return nil, err
	}
	if parts[2] == "" {
		if strings.EqualFold(string(header["alg"]), `"none"`) {
			return nil, &Error{Claim: "alg", Problem: "its alg is none: it is not signed"}
		}
		return nil, broken("it has no signature")
	}
	if _, err := decode(parts[2], "signature"); err != nil {
		return nil, err
	}
	var h, p map[string]any
	if json.Unmarshal(headerText, &h) != nil || json.Unmarshal(payloadText, &p) != nil {
		return nil, unreadable(payload)
	}
	return read(h, p)
}

// decodeObject returns the members of a part that must be a JSON object, and its
// text.
func decodeObject(part, name string) (map[string]json.RawMessage, []byte, error) {
	data, err := decode(part, name)
	if err != nil {
		return nil, nil, err
	}
	members, err := strictjson.Object(data)
	if err != nil {
		return nil, nil, broken("its %s %v", name, err)
	}
	return members, data, nil
}

// decode is strict about the alphabet, since the decoder skips line breaks, but
// not about the unused bits of the last character, which change nothing.
func decode(part, name string) ([]byte, error) {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil || strings.ContainsAny(part, "\r\n") {
		return nil, broken("its %s is not base64url", name)
	}
	return data, nil
}

// unreadable says which claim cannot be held in memory. What gets here is sound
// JSON with a number beyond a float64, or nested to the very limit.
func unreadable(members map[string]json.RawMessage) *Error {
	for _, name := range []string{"exp", "nbf", "ver"} {
		var v any
		if raw, ok := members[name]; ok && json.Unmarshal(raw, &v) != nil {
			return &Error{Claim: name, Problem: "its " + name + " is out of all range"}
		}
	}
	return broken("its claims hold a number out of all range or are nested too deep")
}

// read takes the claims out of the header and the payload.
func read(header, payload map[string]any) (*Claims, error) {
	h, p := reader{members: header}, reader{members: payload}
	c := &Claims{}
	c.Algorithm = h.algorithm()
	if _, critical := header["crit"]; critical {
		h.fail("crit", "demands an extension that is not known here")
	}
	c.KeyID, _ = h.text("kid")
	c.Type, _ = h.text("typ")

	c.Issuer = p.issuer()
	c.Subject, _ = p.text("sub")
	c.ID, _ = p.text("jti")
	c.Audience, c.HasAudience = p.list("aud", func(s string) []string { return []string{s} })
	c.Scope, c.HasScope = p.list("scope", splitScope)
	c.Expiry, c.HasExpiry = p.time("exp", math.Floor)
	c.NotBefore, c.HasNotBefore = p.time("nbf", math.Ceil)
	c.Version = p.version()
	c.WLCGVersion = p.wlcgVersion()
	for _, err := range []*Error{h.err, p.err} {
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// reader reads members of a JSON object and keeps the first error.
type reader struct {
	members map[string]any
	err     *Error
}

func (r *reader) fail(name, problem string) {
	if r.err == nil {
		r.err = &Error{Claim: name, Problem: "its " + name + " " + problem}
	}
}

// text returns a member that is a string if it is there.
func (r *reader) text(name string) (string, bool) {
	v, ok := r.members[name]
	if !ok {
		return "", false
	}
	s, ok := v.(string)
	switch {
	case !ok:
		r.fail(name, "is not a string")
	case !sound(s):
		r.fail(name, "holds a character that does not exist")
	default:
		return s, true
	}
	return "", false
}

// sound refuses what encoding/json puts in the place of half a surrogate pair:
// other readers put other things there.
func sound(s string) bool { return !strings.ContainsRune(s, utf8.RuneError) }

// algorithm returns alg. RFC 8725 section 3.1 wants none and unfit algorithms
// refused whatever their spelling.
func (r *reader) algorithm() string {
	if _, ok := r.members["alg"]; !ok {
		r.fail("alg", "is missing: it does not say how it is signed")
		return ""
	}
	alg, _ := r.text("alg")
	if problem := algorithmProblem(alg); problem != "" {
		r.fail("alg", problem)
	}
	return alg
}

func algorithmProblem(alg string) string {
	switch {
	case alg == "" || strings.ContainsFunc(alg, func(c rune) bool { return c <= ' ' || c > '~' }):
		return "is not the name of an algorithm"
	case strings.EqualFold(alg, "none"):
		return "is none: it is not signed"
	case len(alg) >= 2 && strings.EqualFold(alg[:2], "HS"):
		return "is one of HMAC (HS256 and its kin), for which all servers would have to share the key"
	}
	return ""
}

func (r *reader) issuer() string {
	iss, ok := r.text("iss")
	if r.err == nil && (!ok || iss == "") {
		r.err = &Error{Claim: "iss", Problem: "it has no issuer (iss)"}
	}
	return iss
}

// list returns a member that is a list of strings, or one string to be split.
func (r *reader) list(name string, split func(string) []string) ([]string, bool) {
	switch v := r.members[name].(type) {
	case string:
		s, ok := r.text(name)
		if !ok {
			return nil, false
		}
		return split(s), true
	case []any:
		items := make([]string, 0, len(v))
		for _, item := range v {
			s, ok := item.(string)
			if !ok || !sound(s) {
				r.fail(name, "is a list of something else than strings")
				return nil, false
			}
			items = append(items, s)
		}
		return items, true
	default:
		if _, ok := r.members[name]; ok {
			r.fail(name, "is neither a string nor a list of strings")
		}
		return nil, false
	}
}

// splitScope splits at blanks (RFC 6749 section 3.3) and at no other white
// space. Two in a row do no harm.
func splitScope(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ' ' })
}

// time returns a NumericDate of RFC 7519 section 2, rounded to seconds. The
// comparisons are false for what is not a number. Converting a float64 that is
// too large for an int64 gives another result on each kind of processor, so the
// range is checked first.
func (r *reader) time(name string, round func(float64) float64) (time.Time, bool) {
	v, ok := r.members[name]
	if !ok {
		return time.Time{}, false
	}
	seconds, ok := v.(float64)
	if !ok {
		r.fail(name, "is not a number")
		return time.Time{}, false
	}
	if name == "nbf" && seconds == 0 {
		return time.Unix(0, 0).UTC(), true // valid since ever; issuers write it
	}
	if !(seconds > 0 && round(seconds) < endOfTime) {
		r.fail(name, "is no time between the years 1970 and 9999")
		return time.Time{}, false
	}
	return time.Unix(int64(round(seconds)), 0).UTC(), true
}

func (r *reader) version() string {
	v, ok := r.members["ver"]
	if v == 1.0 {
		return "1"
	}
	s, _ := v.(string)
	known := version([]byte(s))
	if ok && known == "" {
		r.fail("ver", "is neither 1 nor scitoken:2.0")
	}
	return known
}

// version returns what a text in ver means, or "".
func version(ver []byte) string {
	switch string(ver) {
	case "1":
		return "1"
	case "scitoken:2.0", "scitokens:2.0": // the second is what scitokens-cpp and HTCondor write
		return "scitoken:2.0"
	}
	return ""
}

func (r *reader) wlcgVersion() string {
	v, ok := r.text("wlcg.ver")
	if ok && v == "" {
		r.fail("wlcg.ver", "is empty")
	}
	return v
}
