// SPDX-License-Identifier: BSD-3-Clause

package netrcfile

import "strings"

// entry is where an entry's values stand in the text. Indexes and no strings:
// a file may hold thousands, of which few are ever looked up.
type entry struct {
	name, login, password value
	line                  int
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

// textOf returns a value. It may be a part of the text: what leaves the package
// has to be cloned, or it keeps the whole file in memory.
func (c *content) textOf(v value) string {
	s := c.text[v.from:v.to]
	if v.form != escaped {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++ // The parser has seen to it that one follows.
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// parser goes through the text once, from left to right.
type parser struct {
	text    string
	pos     int
	line    int  // Of text[pos].
	fresh   bool // Nothing but blanks stands before text[pos] on its line.
	entries []entry
	open    bool // Keywords belong to the last entry.
}

const byteOrderMark = "\ufeff"

// isUTF16 recognizes what PowerShell writes. Only the byte order mark tells;
// without one the first NUL is refused.
func isUTF16(text string) bool {
	return strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff")
}

// entryLength is a low guess at how long an entry is in the text. Room for all of
// them at once halves the time that a file of thousands takes.
const entryLength = 48

func parse(text string) ([]entry, error) {
	p := parser{text: text, line: 1, fresh: true, entries: make([]entry, 0, len(text)/entryLength)}
	if isUTF16(text) {
		return nil, p.fail("text in UTF-16, where UTF-8 is needed")
	}
	if strings.HasPrefix(text, byteOrderMark) {
		p.pos = len(byteOrderMark)
	}
	for {
		p.skipSpace()
		if p.pos == len(text) {
			return p.entries, nil
		}
		if err := p.statement(); err != nil {
			return nil, err
		}
	}
}

// statement reads a comment, or a keyword and its value.
func (p *parser) statement() error {
	if p.text[p.pos] == '#' {
		return p.skipLine()
	}
	fresh := p.fresh
	switch word := p.word(); word {
	case "machine":
		return p.machine(fresh)
	case "default":
		return p.defaultEntry(fresh)
	case "login":
		return p.field("login", func(e *entry) *value { return &e.login })
	case "user":
		return p.field("user", func(e *entry) *value { return &e.login })
	case "password":
		return p.field("password", func(e *entry) *value { return &e.password })
	case "account":
		return p.field("account", func(*entry) *value { return nil })
	case "macdef":
		return p.macro(fresh)
	}
	if p.pos < len(p.text) && isControl(p.text[p.pos]) {
		return p.control() // It may be all that is wrong with the word.
	}
	return p.fail("unknown keyword")
}

// isKeyword reports whether statement knows the word.
func isKeyword(word string) bool {
	switch word {
	case "machine", "default", "login", "user", "password", "account", "macdef":
		return true
	}
	return false
}

// machine reads the name after the keyword.
func (p *parser) machine(fresh bool) error {
	if err := p.mayFollow("machine", fresh); err != nil {
		return err
	}
	if p.afterDefault() {
		return p.fail("default must be the last entry")
	}
	line := p.line
	name, err := p.value("machine")
	if err != nil {
		return err
	}
	p.add(entry{name: name, line: line})
	return nil
}

// defaultEntry begins the default entry. Its keyword is the only one that gives
// a password to every host, so a place where it could be a misplaced value will
// not do.
func (p *parser) defaultEntry(fresh bool) error {
	if !fresh {
		return p.fail("default must start a line")
	}
	if p.afterDefault() {
		return p.fail("default must be the last entry")
	}
	end := p.pos
	p.add(entry{name: value{from: end - len("default"), to: end, form: literal}, line: p.line, isDefault: true})
	return nil
}

func (p *parser) add(e entry) {
	p.entries = append(p.entries, e)
	p.open = true
}

func (p *parser) afterDefault() bool {
	return len(p.entries) > 0 && p.entries[len(p.entries)-1].isDefault
}

// mayFollow refuses a statement in the middle of a line unless the entry before
// it is complete: the word may be a value whose keyword was lost.
func (p *parser) mayFollow(keyword string, fresh bool) error {
	if fresh || p.open && p.entries[len(p.entries)-1].password.given() {
		return nil
	}
	return p.fail(keyword + " must start a line, as the entry before it has no password")
}

// field reads the value after a keyword that belongs to an entry. The place for
// it is nil if nobody needs it.
func (p *parser) field(keyword string, place func(*entry) *value) error {
	if !p.open {
		return p.fail(keyword + " outside an entry")
	}
	v := place(&p.entries[len(p.entries)-1])
	if v != nil && v.given() {
		if keyword == "user" {
			keyword = "login"
		}
		return p.fail("second " + keyword + " in one entry")
	}
	got, err := p.value(keyword)
	if v != nil {
		*v = got
	}
	return err
}

// macro skips a macro: its lines are commands of an FTP client, up to the first
// line that is empty. One with blanks is not, for curl and Python alike; to take
// it as the end would read the rest of the macro as entries.
func (p *parser) macro(fresh bool) error {
	if err := p.mayFollow("macdef", fresh); err != nil {
		return err
	}
	p.open = false
	line := p.line
	name, err := p.value("macdef")
	switch {
	case err != nil:
		return err
	case p.line != line:
		return &SyntaxError{line, "missing value after macdef"}
	case name.form != literal:
		return p.fail("quoted macro name")
	}
	for p.pos < len(p.text) {
		if err := p.skipLine(); err != nil {
			return err
		}
		p.skipNewline()
		if rest := p.text[p.pos:]; strings.HasPrefix(rest, "\n") || strings.HasPrefix(rest, "\r\n") {
			return nil
		}
	}
	return nil
}

// value reads the value of a keyword.
func (p *parser) value(keyword string) (value, error) {
	line := p.line
	p.skipSpace()
	if p.pos == len(p.text) {
		return value{}, &SyntaxError{line, "missing value after " + keyword}
	}
	if p.text[p.pos] == '"' {
		return p.quotedValue()
	}
	from := p.pos
	word := p.word()
	if word == "" {
		return value{}, p.control()
	}
	if p.line != line && (isKeyword(word) || word[0] == '#') {
		return value{}, &SyntaxError{line, "missing value after " + keyword}
	}
	return value{from: from, to: p.pos, form: literal}, nil
}

// quotedValue reads a value in double quotes. It has to end on the same line: else
// one lost quote would make a value of the entries that follow.
func (p *parser) quotedValue() (value, error) {
	p.pos++
	p.fresh = false
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
			if rest := p.text[p.pos:]; rest == "" || rest[0] != '"' && rest[0] != '\\' {
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

// word reads up to white space, a control character or the end. It is empty at
// a control character.
func (p *parser) word() string {
	text, from := p.text, p.pos
	pos := from
	for pos < len(text) && text[pos] > ' ' && text[pos] != del {
		pos++
	}
	p.pos = pos
	p.fresh = false
	return text[from:pos]
}

func (p *parser) skipSpace() {
	text, pos := p.text, p.pos
	for pos < len(text) && isSpace(text[pos]) {
		if text[pos] == '\n' {
			p.line++
			p.fresh = true
		}
		pos++
	}
	p.pos = pos
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

// skipNewline goes from the end of a line to the beginning of the next.
func (p *parser) skipNewline() {
	if p.pos < len(p.text) {
		p.pos++
		p.line++
	}
}

func (p *parser) fail(problem string) error { return &SyntaxError{p.line, problem} }

func (p *parser) control() error { return p.fail("control character") }

const del = 0x7f

// isSpace knows no more white space than this: 0x85 and 0xA0 are parts of
// characters in UTF-8.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isControl(c byte) bool { return c < ' ' && !isSpace(c) || c == del }
