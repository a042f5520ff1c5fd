// SPDX-License-Identifier: BSD-3-Clause

package scicred_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

const vectorDir = "testdata/discovery"

// vectorClock is what the clock of every case shows.
func vectorClock() time.Time { return time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC) }

// vector is one case of a file in vectorDir. The README there says how cases
// are written.
type vector struct {
	file, name string
	lines      []string
}

func (v *vector) path() string { return v.file + "/" + v.name }

// statements returns what a case says with one verb.
func (v *vector) statements(verb string) []string {
	var out []string
	for _, line := range v.lines {
		if first, rest, _ := strings.Cut(line, " "); first == verb {
			out = append(out, strings.TrimSpace(rest))
		}
	}
	return out
}

// vectorsIn reads all files. The statements of a section "shared" stand before
// those of each case of the same file, what it expects after.
func vectorsIn(tb testing.TB) []vector {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(vectorDir, "*.txtar"))
	require.NoError(tb, err)
	var all []vector
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		require.NoError(tb, err)
		require.NotEmpty(tb, archive.Comment, "%s says nothing of itself", file)
		var before, after []string
		seen := map[string]bool{}
		for _, section := range archive.Files {
			require.False(tb, seen[section.Name], "%s: %q is there twice", file, section.Name)
			seen[section.Name] = true
			var lines []string
			for line := range strings.Lines(string(section.Data)) {
				if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
					lines = append(lines, line)
				}
			}
			if section.Name == "shared" {
				for _, line := range lines {
					if expects(line) {
						after = append(after, line)
					} else {
						before = append(before, line)
					}
				}
				continue
			}
			all = append(all, vector{filepath.Base(file), section.Name, slices.Concat(before, lines, after)})
		}
	}
	return all
}

func expects(line string) bool {
	verb, _, _ := strings.Cut(line, " ")
	return slices.Contains([]string{"token", "x509", "basic"}, verb)
}

// TestVectors runs the cases of testdata/discovery.
func TestVectors(t *testing.T) {
	t.Parallel()
	is := credtest.NewIssuer("https://issuer.example.org")
	ca := credtest.NewCA("Vector CA", credtest.At(vectorClock()))
	for _, v := range vectorsIn(t) {
		t.Run(v.path(), func(t *testing.T) {
			t.Parallel()
			newScene(t, is, ca, &v).run()
		})
	}
}

// The vectors are there to be run by others too, so they must be complete: a
// case for every line of the rules, every known fault and every fault of the
// peer that discovery could share.
func TestVectorsCoverTheRules(t *testing.T) {
	t.Parallel()
	all := vectorsIn(t)
	assert.GreaterOrEqual(t, len(all), 120)
	perRule, said := map[string]int{}, ""
	for _, v := range all {
		rules := v.statements("rule")
		require.NotEmpty(t, rules, "%s names no rule", v.path())
		require.Len(t, v.statements("source"), 1, "%s: where does the rule come from?", v.path())
		for _, r := range strings.Fields(strings.Join(rules, " ")) {
			perRule[r]++
		}
		said += "\n" + strings.Join(v.lines, "\n") + "\n"
	}
	for rule, atLeast := range map[string]int{"1": 15, "2": 10, "3": 40, "4": 15, "5": 15, "6": 15, "attaching": 8, "explain": 8} {
		assert.GreaterOrEqual(t, perRule[rule], atLeast, "cases of rule %s", rule)
	}
	for _, f := range credtest.AllTokenFaults() {
		assert.Contains(t, said, "fault "+strconv.Quote(string(f)))
	}
	for _, f := range credtest.AllCertFaults() {
		assert.Contains(t, said, "certfault "+strconv.Quote(string(f)))
	}
	for _, l := range credtest.AllLayouts() {
		assert.Contains(t, said, "layout "+strconv.Quote(string(l)))
	}
	for _, name := range []string{
		"token attached SCITOKEN ", "token attached SCITOKEN_FILE ", "token attached _CONDOR_CREDS ", "token attached BEARER_TOKEN ",
		"token attached BEARER_TOKEN_FILE ", "token attached XDG_RUNTIME_DIR ", "token attached /tmp ",
		"x509 attached X509_USER_CERT ", "x509 attached X509_USER_PROXY ", "x509 attached /tmp ", "x509 attached ~/.globus ",
		"basic attached NETRC ", "basic attached netrc /home/user/.netrc", "basic attached netrc /home/user/_netrc",
	} {
		assert.Contains(t, said, "\n"+name, "no case in which this wins")
	}
	for _, n := range []int{8, 9, 10, 11, 12, 14, 15, 21, 22, 23, 24, 27} {
		assert.Regexp(t, `\nsource [^\n]*peer fault `+strconv.Itoa(n)+`\b`, said)
	}
}

// The README is the definition for those who run the vectors in another
// language, so it must name all faults and layouts, and say what they are.
func TestVectorsREADMEDefinesWhatTheVectorsUse(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(vectorDir, "README.md"))
	require.NoError(t, err)
	readme := string(data)
	for _, f := range credtest.AllTokenFaults() {
		assert.Contains(t, readme, "| `"+string(f)+"` | "+f.Sentence()+" |")
	}
	for _, f := range credtest.AllCertFaults() {
		assert.Contains(t, readme, "| `"+string(f)+"` | "+f.Sentence()+" |")
	}
	for _, l := range credtest.AllLayouts() {
		assert.Contains(t, readme, "| `"+string(l)+"` | ")
	}
	for _, v := range vectorsIn(t) {
		for _, line := range v.lines {
			verb, _, _ := strings.Cut(line, " ")
			assert.Contains(t, readme, "`"+verb, "%s", v.path())
		}
	}
}

// scene is a case being played.
type scene struct {
	t      *testing.T
	v      *vector
	issuer *credtest.Issuer
	ca     *credtest.CA
	world  *credtest.World

	contents map[string]string
	people   map[string]*credtest.Identity
	secrets  []string
	target   scicred.Target
	options  []scicred.Option
	special  bool // something else than the target has a say, so that the Find functions may differ
	asked    bool // a source is asked, which Explain does not do
	attempts []expected
	nothing  map[string]bool // kinds of which nothing is attached
	sends    map[string]string
	fails    string
}

// expected is one line about an attempt.
type expected struct{ kind, outcome, candidate, path, detail string }

func newScene(t *testing.T, is *credtest.Issuer, ca *credtest.CA, v *vector) *scene {
	t.Helper()
	s := &scene{
		t: t, v: v, issuer: is, ca: ca, world: credtest.NewWorld(), contents: map[string]string{},
		people: map[string]*credtest.Identity{}, nothing: map[string]bool{}, sends: map[string]string{},
	}
	s.world.Advance(vectorClock().Sub(s.world.Now()))
	for _, line := range v.lines {
		w := &words{t: t, line: line, rest: line}
		s.statement(w)
		w.end()
	}
	return s
}

// words takes a line apart.
type words struct {
	t          *testing.T
	line, rest string
}

func (w *words) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%q: "+format, append([]any{w.line}, args...)...)
}

func (w *words) more() bool { w.rest = strings.TrimSpace(w.rest); return w.rest != "" }

func (w *words) end() {
	w.t.Helper()
	if w.more() {
		w.fail("what does %q mean?", w.rest)
	}
}

// word takes off the next word, which is a JSON string if it begins with a
// quote.
func (w *words) word() string {
	w.t.Helper()
	if !w.more() {
		w.fail("something is missing at the end")
	}
	if w.rest[0] == '"' {
		var s string
		w.json(&s)
		return s
	}
	word, rest, _ := strings.Cut(w.rest, " ")
	w.rest = rest
	return word
}

// option takes off the next word if it is this one.
func (w *words) option(word string) bool {
	if next, rest, _ := strings.Cut(strings.TrimSpace(w.rest), " "); next == word {
		w.rest = rest
		return true
	}
	return false
}

func (w *words) json(v any) {
	w.t.Helper()
	d := json.NewDecoder(strings.NewReader(w.rest))
	if err := d.Decode(v); err != nil {
		w.fail("%v", err)
	}
	w.rest = w.rest[d.InputOffset():]
}

func (w *words) remaining() string {
	s := strings.TrimSpace(w.rest)
	w.rest = ""
	return s
}

func (w *words) list() (all []string) {
	for w.more() {
		all = append(all, w.word())
	}
	return all
}

func (w *words) number() int {
	w.t.Helper()
	n, err := strconv.Atoi(w.word())
	if err != nil {
		w.fail("%v", err)
	}
	return n
}

func (w *words) mode() fs.FileMode {
	w.t.Helper()
	n, err := strconv.ParseUint(w.word(), 8, 12)
	if err != nil {
		w.fail("%v", err)
	}
	mode := fs.FileMode(n & 0o777)
	if n&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

func (w *words) span() time.Duration {
	w.t.Helper()
	d, err := time.ParseDuration(w.word())
	if err != nil {
		w.fail("%v", err)
	}
	return d
}

func (w *words) kinds() (kinds []scicred.Kind) {
	w.t.Helper()
	for _, name := range w.list() {
		i := slices.Index([]string{"token", "x509", "basic"}, name)
		if i < 0 {
			w.fail("there is no kind %s", name)
		}
		kinds = append(kinds, scicred.Kind(i+1))
	}
	return kinds
}

// statement plays one line.
func (s *scene) statement(w *words) {
	s.t.Helper()
	switch verb := w.word(); verb {
	case "rule", "source", "skip":
		w.remaining() // read elsewhere
	case "let":
		s.let(w)
	case "machine":
		uid, home := w.number(), w.word()
		if home == "none" {
			home = ""
		}
		s.world.SetUser(uid, home)
	case "env":
		name := w.word()
		s.special = s.special || strings.HasPrefix(name, "IGWN_")
		s.world.SetEnv(name, s.content(w))
	case "unset":
		s.world.UnsetEnv(w.word())
	case "file":
		path, mode, uid := w.word(), w.mode(), w.number()
		s.world.WriteFile(path, s.content(w), mode, uid)
	case "dir":
		path, mode, uid := w.word(), w.mode(), w.number()
		s.world.Mkdir(path, mode, uid)
	case "link":
		path, uid := w.word(), w.number()
		s.world.Symlink(w.word(), path, uid)
	case "fifo", "socket", "device":
		mode := map[string]fs.FileMode{"fifo": fs.ModeNamedPipe, "socket": fs.ModeSocket, "device": fs.ModeDevice}[verb]
		path, uid := w.word(), w.number()
		s.world.Mknod(path, mode|0o600, uid)
	case "remove":
		s.world.Remove(w.word())
	case "broken":
		s.world.Break(w.word(), errors.New("input/output error"))
	case "url":
		raw := w.word()
		s.target.URL = nil
		if raw != "none" {
			var err error
			s.target.URL, err = url.Parse(raw)
			require.NoError(s.t, err)
		}
	case "audience":
		s.target.Audience = w.list()
	case "scope":
		s.target.Scope = w.list()
	case "issuer":
		s.target.Issuer = w.list()
	case "option":
		s.special = true
		s.options = append(s.options, s.option(w))
	case "token", "x509", "basic":
		s.expect(verb, w)
	case "sends":
		kind := w.word()
		if kind == "basic" {
			user := w.word()
			s.sends[kind] = user + ":" + s.secret(w.word())
			break
		}
		s.sends[kind] = s.content(w)
	case "fails":
		s.fails = w.remaining()
	default:
		w.fail("there is no statement of this kind")
	}
}

func (s *scene) expect(kind string, w *words) {
	s.t.Helper()
	e := expected{kind: kind, outcome: w.word()}
	if e.outcome == "none" {
		s.nothing[kind] = true
		return
	}
	if e.outcome == "not" {
		e.outcome += " " + w.word()
	}
	if !slices.Contains([]string{"attached", "shadowed", "withheld", "rejected", "not found", "not asked", "skipped"}, e.outcome) {
		w.fail("there is no outcome %q", e.outcome)
	}
	e.candidate, e.path, e.detail = w.word(), w.word(), w.remaining()
	if e.path == "-" || strings.HasPrefix(e.path, "-,") {
		e.path = e.path[1:]
	}
	s.attempts = append(s.attempts, e)
}

// let names a person, a proxy or a content.
func (s *scene) let(w *words) {
	s.t.Helper()
	name := w.word()
	switch {
	case w.option("person"):
		s.people[name] = s.ca.User(name, s.certOptions(w)...)
	case w.option("proxy"):
		if !w.option("of") {
			w.fail("a proxy of whom?")
		}
		s.people[name] = s.person(w, w.word()).Proxy(s.certOptions(w)...)
	default:
		s.contents[name] = s.content(w)
	}
}

func (s *scene) person(w *words, name string) *credtest.Identity {
	s.t.Helper()
	if s.people[name] == nil {
		w.fail("who is %s?", name)
	}
	return s.people[name]
}

func (s *scene) certOptions(w *words) []credtest.CertOption {
	s.t.Helper()
	from, to := -time.Hour, 24*time.Hour
	var opts []credtest.CertOption
	for w.more() {
		switch word := w.word(); word {
		case "from":
			from = w.span()
		case "to":
			to = w.span()
		case "limited":
			opts = append(opts, credtest.Limited())
		case "legacy":
			opts = append(opts, credtest.LegacyProxy())
		case "rsa":
			opts = append(opts, credtest.RSAKey())
		case "ed25519":
			opts = append(opts, credtest.Ed25519Key())
		default:
			w.fail("what is %q?", word)
		}
	}
	return append(opts, credtest.WithValidity(vectorClock().Add(from), vectorClock().Add(to)))
}

// content joins the terms up to the end of the line.
func (s *scene) content(w *words) string {
	s.t.Helper()
	var b strings.Builder
	for w.more() {
		if w.rest[0] == '"' {
			b.WriteString(w.word())
			continue
		}
		switch term := w.word(); term {
		case "hex":
			raw, err := hex.DecodeString(w.word())
			require.NoError(s.t, err)
			b.Write(raw)
		case "b64":
			b.WriteString(base64.RawURLEncoding.EncodeToString([]byte(w.word())))
		case "repeat":
			n := w.number()
			b.WriteString(strings.Repeat(w.word(), n))
		case "token":
			b.WriteString(s.secret(s.token(w)))
		case "fault":
			f := credtest.TokenFault(w.word())
			b.WriteString(s.secret(f.Token(s.issuer, "https://data.example.org", credtest.At(vectorClock()))))
		case "pem":
			b.WriteString(s.pem(w))
		case "layout":
			l := credtest.Layout(w.word())
			b.Write(l.Arrange(s.person(w, w.word())))
		case "certfault":
			f := credtest.CertFault(w.word())
			b.Write(f.Bundle(s.ca, credtest.At(vectorClock())))
		default:
			text, ok := s.contents[term]
			if !ok {
				w.fail("what is %q?", term)
			}
			b.WriteString(text)
		}
	}
	return b.String()
}

// secret notes a text that no report may show.
func (s *scene) secret(text string) string {
	s.secrets = append(s.secrets, text)
	return text
}

// token mints a token from claims in JSON.
func (s *scene) token(w *words) string {
	s.t.Helper()
	claims := credtest.Claims{"ver": nil, "aud": nil, "scope": nil, "jti": nil, "iat": nil, "nbf": nil}
	var given map[string]json.RawMessage
	w.json(&given)
	for name, value := range given {
		claims[name] = credtest.Raw(value)
		if at, ok := relative(value); ok {
			claims[name] = at.Unix()
		}
	}
	opts := []credtest.TokenOption{credtest.At(vectorClock())}
	for w.more() {
		switch {
		case w.rest[0] == '-':
			claims[w.word()[1:]] = nil
		case w.option("rs256"):
			opts = append(opts, credtest.RS256())
		case w.option("forged"):
			opts = append(opts, credtest.Forged())
		case w.option("header"):
			var header map[string]any
			w.json(&header)
			opts = append(opts, credtest.Header(header))
		default:
			return s.issuer.SciToken(claims, opts...)
		}
	}
	return s.issuer.SciToken(claims, opts...)
}

// relative reads "+1h" as a time.
func relative(value json.RawMessage) (time.Time, bool) {
	var text string
	if json.Unmarshal(value, &text) != nil || !regexp.MustCompile(`^[+-][0-9]+[hms]$`).MatchString(text) {
		return time.Time{}, false
	}
	d, err := time.ParseDuration(text)
	return vectorClock().Add(d), err == nil
}

// pem writes parts of certificates, such as "alice:cert,key".
func (s *scene) pem(w *words) string {
	s.t.Helper()
	name, parts, _ := strings.Cut(w.word(), ":")
	id := s.person(w, name)
	var b bytes.Buffer
	for part := range strings.SplitSeq(parts, ",") {
		switch part {
		case "cert":
			b.Write(id.CertPEM())
		case "key":
			b.Write(id.KeyPEM())
		case "pkcs8":
			b.Write(id.PKCS8PEM())
		case "encrypted":
			b.Write(id.EncryptedKeyPEM("passphrase"))
		case "chain":
			b.Write(id.ChainPEM())
		case "ca":
			b.Write(s.ca.CertPEM())
		default:
			w.fail("what is %q of a person?", part)
		}
	}
	return b.String()
}

// option makes an option of the library.
func (s *scene) option(w *words) scicred.Option {
	s.t.Helper()
	switch name := w.word(); name {
	case "token":
		return scicred.WithToken(s.content(w))
	case "token-file":
		return scicred.WithTokenFile(w.word())
	case "source":
		return s.source(w)
	case "x509":
		cert, key := w.word(), ""
		if w.more() {
			key = w.word()
		}
		return scicred.WithX509(cert, key)
	case "netrc":
		return scicred.WithNetrc(w.word())
	case "basic":
		user := w.word()
		return scicred.WithBasicAuth(user, s.secret(w.word()))
	case "selection-wlcg":
		return scicred.WithTokenPolicy(scicred.TokenPolicy{Selection: scicred.SelectWLCG})
	case "leeway":
		return scicred.WithTokenPolicy(scicred.TokenPolicy{Leeway: w.span()})
	case "x509-leeway":
		return scicred.WithCertificateLeeway(w.span())
	case "netrc-default":
		return scicred.WithNetrcDefault()
	case "hosts":
		return scicred.WithHosts(w.list()...)
	case "plaintext-http":
		return scicred.WithPlaintextHTTP()
	case "without":
		return scicred.Without(w.kinds()...)
	case "without-discovery":
		return scicred.WithoutDiscovery()
	case "force-noauth":
		return scicred.ForceNoAuth()
	case "fail-if-noauth":
		return scicred.FailIfNoAuth(w.kinds()...)
	default:
		w.fail("there is no option %s", name)
		return nil
	}
}

// source makes a token source.
func (s *scene) source(w *words) scicred.Option {
	s.t.Helper()
	s.asked = true
	name := w.word()
	var answer func() (*scicred.Token, error)
	switch {
	case w.option("nothing"):
		answer = func() (*scicred.Token, error) { return nil, scicred.ErrNoCredentials }
	case w.option("error"):
		err := errors.New(w.word())
		answer = func() (*scicred.Token, error) { return nil, err }
	default:
		raw := s.content(w)
		answer = func() (*scicred.Token, error) { return scicred.ParseToken(raw) }
	}
	return scicred.WithTokenSource(name, scicred.TokenSourceFunc(func(context.Context, scicred.Target) (*scicred.Token, error) { return answer() }))
}

// run lets the library decide and compares.
func (s *scene) run() {
	s.t.Helper()
	options := append([]scicred.Option{
		scicred.WithSystem(s.world.System()), scicred.WithAudience(s.target.Audience...),
		scicred.WithScope(s.target.Scope...), scicred.WithIssuer(s.target.Issuer...),
	}, s.options...)
	tr, err := scicred.NewTransport(&http.Transport{}, options...)
	var found *scicred.Credentials
	if err == nil {
		found, err = tr.Credentials(s.t.Context(), s.target.URL)
	}
	if s.fails != "" {
		require.Error(s.t, err)
		s.keepsSecrets(err.Error())
		assert.True(s.t, holds(err.Error(), s.fails), "the error is %q, not %q", err, s.fails)
		return
	}
	require.NoError(s.t, err)
	s.compare(found)
	if !s.asked {
		assert.Equal(s.t, found.Report.String(), tr.Explain(s.t.Context(), s.target.URL).String())
	}
	if !s.special {
		s.find(found.Report)
	}
}

func (s *scene) keepsSecrets(text string) {
	s.t.Helper()
	for _, secret := range s.secrets {
		if secret != "" && strings.Contains(text, secret) { // not assert, which would print it
			s.t.Error("a secret is shown")
		}
	}
}

// compare checks a report against the lines about attempts, and the winners.
func (s *scene) compare(found *scicred.Credentials) {
	s.t.Helper()
	report := found.Report.String()
	s.keepsSecrets(report)
	rows := strings.Split(report, "\n")[1:]
	spoken := map[string]bool{}
	for kind := range s.nothing {
		spoken[kind] = true
	}
	for _, e := range s.attempts {
		spoken[e.kind] = true
	}
	next := 0
	s.attempts = sortedByKind(s.attempts)
	for i := range found.Report.Attempts {
		a := &found.Report.Attempts[i]
		if next < len(s.attempts) && s.attempts[next].matches(a, rows[i]) {
			next++
			continue
		}
		quiet := a.Outcome == scicred.NotFound || a.Outcome == scicred.NotAsked || a.Outcome == scicred.Skipped && !spoken[a.Kind.String()]
		if !quiet {
			s.t.Errorf("row %d is not expected: %s", i+1, strings.Join(strings.Fields(rows[i]), " "))
		}
	}
	if next < len(s.attempts) {
		s.t.Errorf("expected is %q in\n%s", s.attempts[next], report)
	}
	s.winners(found, report)
}

func sortedByKind(list []expected) []expected {
	order := []string{"token", "x509", "basic"}
	slices.SortStableFunc(list, func(a, b expected) int { return slices.Index(order, a.kind) - slices.Index(order, b.kind) })
	return list
}

func (e *expected) matches(a *scicred.Attempt, row string) bool {
	path := a.Path
	if strings.Contains(e.path, ",") {
		path += "," + a.KeyPath
	}
	candidate := a.Candidate
	return e.kind == a.Kind.String() && e.outcome == a.Outcome.String() && e.candidate == candidate && e.path == path && holds(row, e.detail)
}

// holds reports whether the text has the parts of want, which an ellipsis
// separates, in their order, and ends with the last one if want ends in "$".
func holds(text, want string) bool {
	want, last := strings.CutSuffix(want, "$")
	if last && !strings.HasSuffix(text, strings.TrimSpace(strings.TrimPrefix(want[max(0, strings.LastIndex(want, "…")):], "…"))) {
		return false
	}
	for part := range strings.SplitSeq(want, "…") {
		i := strings.Index(text, strings.TrimSpace(part))
		if i < 0 {
			return false
		}
		text = text[i+len(strings.TrimSpace(part)):]
	}
	return true
}

// winners checks what goes with the request.
func (s *scene) winners(found *scicred.Credentials, report string) {
	s.t.Helper()
	got := map[string]expected{}
	if c := found.Token; c != nil {
		got["token"] = expected{"token", "attached", c.Candidate(), c.Path(), ""}
	}
	if c := found.X509; c != nil {
		got["x509"] = expected{"x509", "attached", c.Candidate(), c.Path(), ""}
	}
	if c := found.Login; c != nil {
		got["basic"] = expected{"basic", "attached", c.Candidate(), c.Path(), ""}
	}
	want := map[string]expected{}
	for _, e := range s.attempts {
		if e.outcome == "attached" {
			require.Empty(s.t, want[e.kind], "two winners are expected")
			path, _, _ := strings.Cut(e.path, ",")
			want[e.kind] = expected{e.kind, e.outcome, e.candidate, path, ""}
		}
		_, wins := want[e.kind]
		require.False(s.t, wins && s.nothing[e.kind], "a winner and none are expected")
	}
	for _, e := range s.attempts {
		_, wins := want[e.kind]
		require.True(s.t, wins || s.nothing[e.kind], "the case must say who wins, or %s none", e.kind)
	}
	require.NotEmpty(s.t, len(want)+len(s.nothing), "the case expects nothing")
	assert.Equal(s.t, want, got, "in\n%s", report)
	for kind, text := range s.sends {
		switch {
		case kind == "token" && found.Token != nil:
			assert.True(s.t, found.Token.Reveal() == text, "another token is sent") //nolint:testifylint // Equal would print both.
		case kind == "basic" && found.Login != nil:
			assert.Equal(s.t, text, found.Login.User()+":"+found.Login.Reveal())
		default:
			s.t.Errorf("no %s is sent", kind)
		}
	}
}

// find checks that the Find functions find what a request would carry, were it
// not for where it goes.
func (s *scene) find(report *scicred.Report) {
	s.t.Helper()
	sys, ctx := s.world.System(), s.t.Context()
	found, errs := map[string]string{}, map[string]error{}
	if c, err := sys.FindToken(ctx, s.target); err == nil {
		found["token"] = c.Candidate() + " " + c.Path()
	} else {
		errs["token"] = err
	}
	if c, err := sys.FindX509(ctx, s.target); err == nil {
		found["x509"] = c.Candidate() + " " + c.Path()
	} else {
		errs["x509"] = err
	}
	if c, err := sys.FindNetrc(ctx, s.target); err == nil {
		found["basic"] = c.Candidate() + " " + c.Path()
	} else {
		errs["basic"] = err
	}
	want := map[string]string{}
	for _, a := range report.Attempts {
		kind := a.Kind.String()
		if want[kind] == "" && (a.Outcome == scicred.Attached || a.Outcome == scicred.Shadowed || a.Outcome == scicred.Withheld) {
			want[kind] = a.Candidate + " " + a.Path
		}
	}
	assert.Equal(s.t, want, found, "the Find functions find something else")
	for kind, err := range errs {
		assert.ErrorIs(s.t, err, scicred.ErrNoCredentials, kind)
		s.keepsSecrets(err.Error())
	}
}
