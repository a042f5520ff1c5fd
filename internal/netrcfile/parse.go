// SPDX-License-Identifier: BSD-3-Clause

package netrcfile

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// entry is where an entry's values stand in the text. Of most entries only the
// beginning is kept: a file may hold thousands, of which few are ever looked up,
// and those are read a second time.
type entry struct {
	name, login, password value
	at                    int // Of the keyword machine or default.
	isDefault             bool
}

// value is text[from:to], without quotes.
type value struct {
	from, to int
	form     form
}

type form uint8

const (
	absent  form = iota
	literal      // The bytes are the value.
	quoted       // So they are, but they stand in quotes.
	escaped      // They stand in quotes and hold \" or \\.
)

func (v value) given() bool { return v.form != absent }

// textOf returns a copy of a value: a part of the text would keep the whole file
// in memory.
func (c *content) textOf(v value) string {
	s := c.text[v.from:v.to]
	if v.form != escaped {
		return string(s)
	}
	plain := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++ // The parser has seen to it that one follows.
		}
		plain = append(plain, s[i])
	}
	return string(plain)
}

// lineAt returns the line, from 1, of a place in the text.
func lineAt(text []byte, at int) int { return 1 + bytes.Count(text[:at], []byte("\n")) }

// parser goes through the text once, from left to right. It counts no lines: that
// is left to the few who ask.
type parser struct {
	text     []byte
	pos      int
	last     entry // What has been read of the entry that keywords belong to.
	open     bool  // There is such an entry.
	defaults bool  // The default entry has begun.
	starts   []int // Where the entries begin.
}

const byteOrderMark = "\ufeff"

// isUTF16 recognizes what PowerShell writes. Only the byte order mark tells;
// without one the first NUL is refused.
func isUTF16(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff"))
}

// entryLength is a low guess at how long an entry is in the text, so that there
// is room for all of them at once.
const entryLength = 48

// parse returns where the entries begin.
func parse(text []byte) ([]int, error) {
	p := parser{text: text}
	if isUTF16(text) {
		return nil, p.fail("text in UTF-16, where UTF-8 is needed")
	}
	if bytes.HasPrefix(text, []byte(byteOrderMark)) {
		p.pos = len(byteOrderMark)
	}
	p.starts = make([]int, 0, len(text)/entryLength)
	for {
		if more, err := p.statement(); err != nil {
			return nil, err
		} else if !more {
			return p.starts, nil
		}
	}
}

// entryAt reads the entry that begins at a place which parse has returned. What
// may be wrong with it has been seen to there.
func (c *content) entryAt(start int) entry {
	p := parser{text: c.text, pos: start}
	p.pos = wordEnd(p.text, start)
	if p.text[start] == 'd' {
		p.beginDefault(start)
	} else {
		p.begin(start)
		_ = p.value("machine", &p.last.name) // As parse has seen, there is one.
	}
	for e := p.last; ; e = p.last {
		more, err := p.statement()
		if !more || err != nil || !p.open || len(p.starts) > 1 {
			return e
		}
	}
}

// begin begins an entry.
func (p *parser) begin(at int) {
	p.last, p.open = entry{at: at}, true
	p.starts = append(p.starts, at)
}

// beginDefault begins the default entry, whose keyword ends here.
func (p *parser) beginDefault(at int) {
	p.begin(at)
	p.last.name, p.last.isDefault, p.defaults = value{from: at, to: p.pos, form: literal}, true, true
}

// statement reads a comment, or a keyword and its value; false if there is nothing
// left to read.
func (p *parser) statement() (more bool, err error) {
	at := skipSpace(p.text, p.pos)
	p.pos = wordEnd(p.text, at)
	switch string(p.text[at:p.pos]) {
	case "machine":
		return true, p.machine(at)
	case "default":
		return true, p.defaultEntry(at)
	case "login":
		return true, p.field("login", &p.last.login)
	case "user":
		return true, p.field("user", &p.last.login)
	case "password":
		return true, p.field("password", &p.last.password)
	case "account":
		return true, p.field("account", new(value)) // Nobody needs it.
	case "macdef":
		return true, p.macro(at)
	}
	switch {
	case at == len(p.text):
		return false, nil
	case p.text[at] == '#':
		p.pos = at
		return true, p.skipLine()
	case p.pos < len(p.text) && isControl(p.text[p.pos]):
		return true, p.control() // It may be all that is wrong with the word.
	}
	return true, p.fail("unknown keyword")
}

// isKeyword reports whether statement knows the word.
func isKeyword(word []byte) bool {
	switch string(word) {
	case "machine", "default", "login", "user", "password", "account", "macdef":
		return true
	}
	return false
}

// machine reads the name after the keyword at a place.
func (p *parser) machine(at int) error {
	if !p.startsLine(at) && !p.complete() {
		return p.misplaced("machine")
	}
	if p.defaults {
		return p.fail("default must be the last entry")
	}
	p.begin(at)
	return p.value("machine", &p.last.name)
}

// defaultEntry begins the default entry. Its keyword is the only one that gives
// a password to every host, so a place where it could be a misplaced value will
// not do.
func (p *parser) defaultEntry(at int) error {
	if !p.startsLine(at) {
		return p.fail("default must start a line")
	}
	if p.defaults {
		return p.fail("default must be the last entry")
	}
	p.beginDefault(at)
	return nil
}

// startsLine reports whether nothing but blanks stands before a place on its
// line.
func (p *parser) startsLine(at int) bool {
	for at > 0 && isBlank(p.text[at-1]) {
		at--
	}
	return at == 0 || p.text[at-1] == '\n' || string(p.text[:at]) == byteOrderMark
}

// complete reports whether the entry before has its password. If not, a statement
// in the middle of its line is refused: the word may be a value whose keyword was
// lost.
func (p *parser) complete() bool { return p.open && p.last.password.given() }

func (p *parser) misplaced(keyword string) error {
	return p.fail(keyword + " must start a line, as the entry before it has no password")
}

// field reads the value after a keyword that belongs to an entry, and puts it in
// its place.
func (p *parser) field(keyword string, place *value) error {
	if !p.open {
		return p.fail(keyword + " outside an entry")
	}
	if place.given() {
		if keyword == "user" {
			keyword = "login"
		}
		return p.fail("second " + keyword + " in one entry")
	}
	return p.value(keyword, place)
}

// macro skips a macro: its lines are commands of an FTP client, up to the first
// line that is empty. One with blanks is not, for curl and Python alike; to take
// it as the end would read the rest of the macro as entries.
func (p *parser) macro(at int) error {
	if !p.startsLine(at) && !p.complete() {
		return p.misplaced("macdef")
	}
	p.open = false
	end := p.pos
	var name value
	if err := p.value("macdef", &name); err != nil {
		return err
	}
	switch {
	case onLaterLine(p.text[end:name.from]):
		return p.missing("macdef", end)
	case name.form != literal:
		return p.fail("quoted macro name")
	}
	for p.pos < len(p.text) {
		if err := p.skipLine(); err != nil {
			return err
		}
		if p.pos < len(p.text) {
			p.pos++
		}
		if rest := p.text[p.pos:]; bytes.HasPrefix(rest, []byte("\n")) || bytes.HasPrefix(rest, []byte("\r\n")) {
			return nil
		}
	}
	return nil
}

// value reads the value of a keyword that ends here, and puts it in its place.
func (p *parser) value(keyword string, place *value) (err error) {
	text, end := p.text, p.pos
	from := skipSpace(text, end)
	to := wordEnd(text, from)
	p.pos = to
	if from == to {
		if from == len(text) {
			return p.missing(keyword, end)
		}
		return p.control()
	}
	switch text[from] {
	case '"':
		p.pos = from
		*place, err = p.quotedValue()
		return err
	case '#', 'm', 'd', 'l', 'u', 'p', 'a': // A comment, or what a keyword begins with.
		if word := text[from:to]; (word[0] == '#' || isKeyword(word)) && onLaterLine(text[end:from]) {
			return p.missing(keyword, end)
		}
	}
	place.from, place.to, place.form = from, to, literal
	return nil
}

// onLaterLine reports whether what follows a space is on a later line than what
// goes before.
func onLaterLine(space []byte) bool { return bytes.IndexByte(space, '\n') >= 0 }

// quotedValue reads a value in double quotes. It has to end on the same line: else
// one lost quote would make a value of the entries that follow.
func (p *parser) quotedValue() (value, error) {
	p.pos++
	v := value{from: p.pos, form: quoted}
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == '"':
			v.to = p.pos
			p.pos++
			if p.pos < len(p.text) && !isSpace(p.text[p.pos]) {
				return value{}, p.fail("text directly after a quoted value")
			}
			return v, nil
		case c == '\\':
			p.pos++
			if rest := p.text[p.pos:]; len(rest) == 0 || rest[0] != '"' && rest[0] != '\\' {
				return value{}, p.fail(`a backslash in a quoted value that is not \" or \\`)
			}
			v.form = escaped
		case c == '\n' || c == '\r':
			return value{}, p.fail("unterminated quoted value")
		case isControl(c):
			return value{}, p.control()
		}
	}
	return value{}, p.fail("unterminated quoted value")
}

// wordEnd returns where the word that begins at pos ends: at white space, a
// control character or the end of the text. It looks at eight bytes at a time,
// since words are most of the text.
func wordEnd(text []byte, pos int) int {
	for ; pos+8 <= len(text); pos += 8 {
		if ends := wordEnds(binary.LittleEndian.Uint64(text[pos:])); ends != 0 {
			return pos + bits.TrailingZeros64(ends)/8
		}
	}
	for pos < len(text) && text[pos] > ' ' && text[pos] != del {
		pos++
	}
	return pos
}

// wordEnds marks the bytes that end a word, blanks and control characters, with
// their highest bit. Without that bit no sum of two bytes reaches into the next.
func wordEnds(eight uint64) uint64 {
	const each = 0x0101010101010101
	low := eight &^ (0x80 * each)
	isDel, isMore := low+(0x80-del)*each, low+(0x7f-' ')*each
	return (isDel | ^isMore) &^ eight & (0x80 * each)
}

// skipSpace returns where the white space that begins at pos ends.
func skipSpace(text []byte, pos int) int {
	for pos < len(text) && isSpace(text[pos]) {
		pos++
	}
	return pos
}

// skipLine goes to the end of the line.
func (p *parser) skipLine() error {
	text, pos := p.text, p.pos
	for pos < len(text) && text[pos] != '\n' {
		if isControl(text[pos]) {
			return p.control()
		}
		pos++
	}
	p.pos = pos
	return nil
}

func (p *parser) fail(problem string) error { return &SyntaxError{lineAt(p.text, p.pos), problem} }

func (p *parser) control() error { return p.fail("control character") }

// missing says that the keyword which ends at a place has no value.
func (p *parser) missing(keyword string, end int) error {
	return &SyntaxError{lineAt(p.text, end), "missing value after " + keyword}
}

const del = 0x7f

// isSpace knows no more white space than this: 0x85 and 0xA0 are parts of
// characters in UTF-8.
func isSpace(c byte) bool { return c <= ' ' && (isBlank(c) || c == '\n') }

// isBlank reports whether it is white space that ends no line.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

func isControl(c byte) bool { return c < ' ' && !isSpace(c) || c == del }
