// SPDX-License-Identifier: BSD-3-Clause

package voms_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/voms"
)

const fixtures = "../../testdata/proxies"

// folders are the one with the fixtures, and one in which voms-proxy-fake has just
// made the same files, where it is.
func folders(t *testing.T) []string {
	t.Helper()
	for _, tool := range []string{"openssl", "voms-proxy-fake"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing: scripts/setup-debian.sh installs it", tool)
			}
			t.Logf("no %s: the fixtures alone are read", tool)
			return []string{fixtures}
		}
	}
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "sh", filepath.Join(fixtures, "make.sh"), dir, "voms").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return []string{fixtures, dir}
}

func load(tb testing.TB, dir, name string) []*x509.Certificate {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name+".pem"))
	require.NoError(tb, err)
	var chain []*x509.Certificate
	for b, rest := pem.Decode(text); b != nil; b, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(b.Bytes)
		require.NoError(tb, err)
		chain = append(chain, c)
	}
	return chain
}

// extension is that of the fixture.
func extension(tb testing.TB, name string) []byte {
	tb.Helper()
	for _, ext := range load(tb, fixtures, name)[0].Extensions {
		if ext.Id.String() == "1.3.6.1.4.1.8005.100.100.5" {
			return ext.Value
		}
	}
	require.Fail(tb, "no extension")
	return nil
}

func TestWhatVomsProxyFakeMakes(t *testing.T) {
	t.Parallel()
	const server = "/DC=org/DC=scicred-test/CN=voms.example.org"
	for _, dir := range folders(t) {
		chain := load(t, dir, "voms")
		all, err := voms.FromChain(chain)
		require.NoError(t, err)
		require.Len(t, all, 1)
		a := all[0]
		assert.Equal(t, 24*time.Hour, a.NotAfter.Sub(a.NotBefore))
		assert.WithinDuration(t, chain[0].NotAfter, a.NotAfter, 10*time.Minute)
		assert.Equal(t, time.UTC, a.NotAfter.Location())
		a.NotBefore, a.NotAfter = time.Time{}, time.Time{}
		assert.Equal(t, voms.Attributes{
			VO: "test.vo", Server: "voms.example.org:15000",
			FQANs:   []string{"/test.vo/Role=NULL/Capability=NULL", "/test.vo/group/Role=production/Capability=NULL"},
			Generic: []voms.Generic{{"nickname", "tester ", "test.vo"}},
			Issuer:  server, HolderIssuer: "/DC=org/DC=scicred-test/CN=Test CA", HolderSerial: big.NewInt(0x1001), Serial: big.NewInt(1),
		}, a)

		all, err = voms.FromChain(load(t, dir, "voms-oldformat"))
		require.NoError(t, err)
		require.Len(t, all, 1)
		assert.Equal(t, []string{"/test.vo"}, all[0].FQANs)
		assert.Empty(t, all[0].Generic)
		assert.Equal(t, "/DC=org/DC=scicred-test/CN=Test User", all[0].HolderIssuer, "so old servers had it")
		assert.Equal(t, server, all[0].Issuer)
	}
}

func TestOthersHaveNone(t *testing.T) {
	t.Parallel()
	proxy := credtest.NewCA("Test CA").User("Test User").Proxy()
	all, err := voms.FromChain(append([]*x509.Certificate{proxy.Cert}, proxy.Chain...))
	require.NoError(t, err)
	assert.Empty(t, all)
	chain := load(t, fixtures, "voms")
	all, err = voms.FromChain([]*x509.Certificate{proxy.Cert, chain[0]})
	require.NoError(t, err)
	assert.Len(t, all, 1, "a proxy of a proxy does not repeat them")
}

// wrap encodes a value with a length of two bytes or fewer.
func wrap(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	switch n := len(content); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, content...)
	case n < 0x10000:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, content...)
	default:
		return append([]byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, content...)
	}
}

// parts are those of an attribute certificate.
type parts struct {
	version, holder, issuer, serial, validity []byte
	attributes                                [][]byte
	extensions                                [][]byte
}

func text(s string) []byte { return wrap(4, []byte(s)) }

// fqans is the attribute of VOMS.
func fqans(uri string, values ...string) []byte {
	var list [][]byte
	for _, v := range values {
		list = append(list, text(v))
	}
	return wrap(0x30, []byte{6, 10, 0x2b, 6, 1, 4, 1, 0xbe, 0x45, 100, 100, 4}, wrap(0x31, wrap(0x30, wrap(0xa0, wrap(0x86, []byte(uri))), wrap(0x30, list...))))
}

func sound(tb testing.TB) parts {
	tb.Helper()
	name := load(tb, fixtures, "voms")[0].RawIssuer
	return parts{
		version: []byte{2, 1, 1}, holder: wrap(0x30, wrap(0xa0, wrap(0x30, wrap(0xa4, name)), []byte{2, 1, 7})),
		issuer: wrap(0xa0, wrap(0x30, wrap(0xa4, name))), serial: []byte{2, 1, 9},
		validity:   wrap(0x30, wrap(0x18, []byte("20261124120000Z")), wrap(0x18, []byte("20261125120000Z"))),
		attributes: [][]byte{fqans("vo://host:1", "/vo")},
	}
}

func (p parts) certificate() []byte {
	algorithm := wrap(0x30, []byte{6, 1, 0x2a})
	fields := [][]byte{p.version, p.holder, p.issuer, algorithm, p.serial, p.validity, wrap(0x30, p.attributes...)}
	if p.extensions != nil {
		fields = append(fields, wrap(0x30, p.extensions...))
	}
	return wrap(0x30, wrap(0x30, fields...), algorithm, []byte{3, 1, 0})
}

func TestEachPartIsChecked(t *testing.T) {
	t.Parallel()
	const malformed = "malformed VOMS attribute certificate: "
	generic := []byte{6, 10, 0x2b, 6, 1, 4, 1, 0xbe, 0x45, 100, 100, 11}
	for name, tt := range map[string]struct {
		change func(*parts)
		want   string
	}{
		"sound":               {func(*parts) {}, ""},
		"version 1":           {func(p *parts) { p.version = []byte{2, 1, 0} }, malformed + "not of version 2"},
		"no version":          {func(p *parts) { p.version = []byte{5, 0} }, malformed + "not of version 2"},
		"no holder":           {func(p *parts) { p.holder = []byte{5, 0} }, malformed + "holder"},
		"holder by name":      {func(p *parts) { p.holder = wrap(0x30, wrap(0xa1)) }, ""},
		"holder of nothing":   {func(p *parts) { p.holder = wrap(0x30, wrap(0xa0)) }, malformed + "holder"},
		"a serial of 65 byte": {func(p *parts) { p.serial = wrap(2, bytes.Repeat([]byte{1}, 65)) }, malformed + "serial number"},
		"issuer by v1Form":    {func(p *parts) { p.issuer = wrap(0x30) }, ""},
		"issuer of another":   {func(p *parts) { p.issuer = []byte{5, 0} }, malformed + "issuer"},
		"a broken name":       {func(p *parts) { p.issuer = wrap(0x30, wrap(0xa4, []byte{5, 0})) }, malformed + "issuer"},
		"UTCTime": {func(p *parts) {
			p.validity = wrap(0x30, wrap(0x17, []byte("261124120000Z")), wrap(0x17, []byte("261125120000Z")))
		}, malformed + "validity"},
		"one time":          {func(p *parts) { p.validity = wrap(0x30, wrap(0x18, []byte("20261124120000Z"))) }, malformed + "validity"},
		"no time":           {func(p *parts) { p.validity = wrap(0x30, wrap(0x18, []byte("yesterday")), wrap(0x18, []byte("today"))) }, malformed + "validity"},
		"another attribute": {func(p *parts) { p.attributes = append(p.attributes, wrap(0x30, []byte{6, 1, 0x2a})) }, ""},
		"no attribute":      {func(p *parts) { p.attributes = [][]byte{{5, 0}} }, malformed + "attribute"},
		"FQAN as UTF-8": {func(p *parts) {
			p.attributes[0] = bytes.Replace(p.attributes[0], text("/vo"), wrap(0x0c, []byte("/vo")), 1)
		}, malformed + "FQAN"},
		"no generic":     {func(p *parts) { p.extensions = [][]byte{wrap(0x30, generic)} }, malformed + "extension without value"},
		"broken generic": {func(p *parts) { p.extensions = [][]byte{wrap(0x30, generic, text("x"))} }, malformed + "generic attributes"},
		"critical generic": {func(p *parts) {
			p.extensions = [][]byte{wrap(0x30, generic, []byte{1, 1, 0xff}, wrap(4, wrap(0x30, wrap(0x30))))}
		}, ""},
		"generic of two strings": {func(p *parts) {
			p.extensions = [][]byte{wrap(0x30, generic, wrap(4, wrap(0x30, wrap(0x30, wrap(0x30, wrap(0x30), wrap(0x30, wrap(0x30, text("a"), text("b"))))))))}
		}, malformed + "generic attributes"},
		"999 FQANs more": {func(p *parts) { p.attributes[0] = fqans("vo://host:1", strings.Split(strings.Repeat("x", 999), "")...) }, ""},
		"1,000 FQANs more": {func(p *parts) {
			p.attributes[0] = fqans("vo://host:1", strings.Split(strings.Repeat("x", 1000), "")...)
		}, "too many VOMS attributes: more than 1000"},
	} {
		p := sound(t)
		tt.change(&p)
		all, err := voms.Parse(wrap(0x30, wrap(0x30, sound(t).certificate(), p.certificate())))
		if tt.want != "" {
			require.EqualError(t, err, tt.want, name)
			assert.Len(t, all, 1, "%s: what came before", name)
			continue
		}
		require.NoError(t, err, name)
		assert.Len(t, all, 2, name)
		if !strings.Contains(name, "FQANs") {
			assert.Equal(t, []string{"/vo"}, all[1].FQANs, name)
		}
		assert.Equal(t, "vo host:1", all[1].VO+" "+all[1].Server, name)
	}
}

func TestTheListIsChecked(t *testing.T) {
	t.Parallel()
	one := sound(t).certificate()
	for name, tt := range map[string]struct {
		extension []byte
		found     int
		err       error
	}{
		"none":               {wrap(0x30), 0, nil},
		"an empty list":      {wrap(0x30, wrap(0x30)), 0, nil},
		"one":                {wrap(0x30, wrap(0x30, one)), 1, nil},
		"two in one list":    {wrap(0x30, wrap(0x30, one, one)), 2, nil},
		"two lists":          {wrap(0x30, wrap(0x30, one), wrap(0x30, one)), 2, nil},
		"32":                 {wrap(0x30, wrap(0x30, bytes.Repeat(one, 32))), 32, nil},
		"33":                 {wrap(0x30, wrap(0x30, bytes.Repeat(one, 33))), 32, voms.ErrTooMany},
		"nothing":            {nil, 0, voms.ErrMalformed},
		"something behind":   {append(wrap(0x30, wrap(0x30, one)), 0), 0, voms.ErrMalformed},
		"without inner list": {wrap(0x30, one), 0, voms.ErrMalformed},
		"no list":            {wrap(0x30, []byte{5, 0}), 0, voms.ErrMalformed},
		"no certificate":     {wrap(0x30, wrap(0x30, []byte{5, 0})), 0, voms.ErrMalformed},
		"not signed":         {wrap(0x30, wrap(0x30, wrap(0x30, one[4:len(one)-8]))), 0, voms.ErrMalformed},
	} {
		all, err := voms.Parse(tt.extension)
		require.ErrorIs(t, err, tt.err, name)
		assert.Len(t, all, tt.found, name)
	}
}

func TestNothingInItCanActOnATerminal(t *testing.T) {
	t.Parallel()
	p := sound(t)
	p.attributes = [][]byte{fqans("v\x1bo://h\rost", "/vo\x1b[31m\u202e", `/back\slash`)}
	all, err := voms.Parse(wrap(0x30, wrap(0x30, p.certificate())))
	require.NoError(t, err)
	assert.Equal(t, []string{`/vo\1B[31m\E2\80\AE`, `/back\5Cslash`}, all[0].FQANs)
	assert.Equal(t, `v\1Bo h\0Dost`, all[0].VO+" "+all[0].Server)
}

func TestDamagedExtensionsAreErrorsAndTakeNoTime(t *testing.T) {
	t.Parallel()
	const count, most = 20_000, 200 * time.Millisecond
	seeds := [][]byte{extension(t, "voms"), extension(t, "voms-oldformat"), wrap(0x30, wrap(0x30, bytes.Repeat(sound(t).certificate(), 32)))}
	r := rand.New(rand.NewPCG(7, 8)) // Fixed: a failure has to come back.
	refused, slowest := 0, time.Duration(0)
	for range count {
		data := bytes.Clone(seeds[r.IntN(len(seeds))])
		for range 1 + r.IntN(3) {
			if len(data) == 0 {
				break
			}
			at := r.IntN(min(len(data), 600)) // The signature and certificates after it are not read.
			switch r.IntN(4) {
			case 0:
				data[at] ^= 1 << r.IntN(8)
			case 1:
				data[at] = byte(r.IntN(256))
			case 2:
				data = append(data[:at], data[at+1:]...)
			default:
				data = data[:at+1]
			}
		}
		took := most
		for range 5 { // Others may have had the processor.
			if took < most {
				break
			}
			start := time.Now()
			all, err := voms.Parse(data)
			took = time.Since(start)
			if err != nil {
				refused++
			}
			show(t, all)
		}
		require.Less(t, took, most)
		slowest = max(slowest, took)
	}
	t.Logf("%d of %d refused, slowest %v", refused, count, slowest)
	assert.Greater(t, refused, count/2)
}

// show checks that all that was read can be shown.
func show(tb testing.TB, all []voms.Attributes) {
	tb.Helper()
	for _, a := range all {
		texts := append([]string{a.VO, a.Server, a.Issuer, a.HolderIssuer}, a.FQANs...)
		for _, g := range a.Generic {
			texts = append(texts, g.Name, g.Value, g.Qualifier)
		}
		for _, s := range texts {
			if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
				tb.Fatalf("%q cannot be shown", s)
			}
		}
	}
}

// FuzzParse reads anything as the extension.
func FuzzParse(f *testing.F) {
	f.Add(extension(f, "voms"))
	f.Add(extension(f, "voms-oldformat"))
	f.Add(wrap(0x30, wrap(0x30, sound(f).certificate())))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := voms.Parse(data)
		if err != nil {
			_ = err.Error()
		}
		show(t, all)
	})
}
