// SPDX-License-Identifier: BSD-3-Clause

package cadir_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/cadir"
	"github.com/scicred/scicred/internal/osfile"
)

// counting is this machine's file system, which counts what it is asked.
type counting struct {
	osfile.FS
	opens, stats, lists int
}

func machine() *counting {
	c := &counting{}
	c.FS = osfile.FS{
		Open:     func(name string) (fs.File, error) { c.opens++; return osfile.Open(name) },
		Stat:     func(name string) (fs.FileInfo, error) { c.stats++; return os.Stat(name) },
		Lstat:    os.Lstat,
		ReadDir:  func(name string) ([]fs.DirEntry, error) { c.lists++; return os.ReadDir(name) },
		Identify: osfile.Identify,
		EUID:     os.Geteuid(),
	}
	return c
}

// later is a time at which no file is fresh any more.
func later() time.Time { return time.Now().Add(time.Hour) }

func put(tb testing.TB, dir, name string, content []byte) {
	tb.Helper()
	require.NoError(tb, os.WriteFile(filepath.Join(dir, name), content, 0o644))
}

func folder(tb testing.TB, dir string) *cadir.Set {
	tb.Helper()
	s, err := cadir.Folder(tb.Context(), machine().FS, later(), dir, nil)
	require.NoError(tb, err)
	return s
}

func TestAFolderOfTheGridHoldsEachAuthorityOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := credtest.NewCA("One"), credtest.NewCA("Two")
	require.NoError(t, one.WriteHashDir(dir)) // Under two hashes, with a revocation list and policies.
	put(t, dir, "two.pem", two.CertPEM())
	for _, name := range []string{"1a2b3c4d.0", "89abcDEF.17"} {
		require.NoError(t, os.Symlink("two.pem", filepath.Join(dir, name)))
	}
	put(t, dir, "two.info", []byte("alias = two\n"))
	put(t, dir, "two.crl_url", []byte("http://two.example.org/crl\n"))
	s := folder(t, dir)
	assert.Empty(t, s.Problems)
	require.Len(t, s.Certificates, 2)
	assert.ElementsMatch(t, [][]byte{one.Certificate().Raw, two.Certificate().Raw}, [][]byte{s.Certificates[0].Raw, s.Certificates[1].Raw})
	for _, ca := range []*credtest.CA{one, two} {
		_, err := ca.Host("h.example").Cert.Verify(x509.VerifyOptions{Roots: s.Pool()})
		require.NoError(t, err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(credtest.NewCA("Three").Certificate())
	s.AddTo(pool)
	_, err := one.Host("h.example").Cert.Verify(x509.VerifyOptions{Roots: pool})
	require.NoError(t, err)
}

func TestOnlyNamesOfCertificatesAreRead(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"1a2b3c4d.0": true, "1A2B3C4D.12": true, "any name.pem": true, ".pem": true,
		"1a2b3c4d.r0": false, "1a2b3c4d.": false, "1a2b3c4.0": false, "1a2b3c4d5.0": false, "1a2b3c4g.0": false,
		"1a2b3c4d.0x": false, "1a2b3c4d.signing_policy": false, "1a2b3c4d.namespaces": false, "a.info": false, "a.pem.bak": false, "a.crt": false,
	} {
		dir := t.TempDir()
		put(t, dir, name, credtest.NewCA("One").CertPEM())
		_, err := cadir.Folder(t.Context(), machine().FS, later(), dir, nil)
		if want {
			assert.NoError(t, err, name)
		} else {
			assert.EqualError(t, err, "there is no certificate in it (files named like 1a2b3c4d.0, or *.pem)", name)
		}
	}
}

func TestNothingIsLeftOutWithoutAWord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, second := credtest.NewCA("One"), credtest.NewCA("Two")
	good := ca.CertPEM()
	broken := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{0x30, 0}})
	put(t, dir, "a-good.pem", good)
	put(t, dir, "b-broken.pem", bytes.Join([][]byte{[]byte("text\n"), broken, second.CertPEM()}, []byte("\n")))
	put(t, dir, "c-cut.pem", good[:len(good)/2])
	put(t, dir, "d-cut-in-the-middle.pem", append(bytes.Clone(good[:len(good)/2]), append([]byte("\n"), good...)...))
	put(t, dir, "e-key.pem", ca.User("User").KeyPEM())
	put(t, dir, "f-trusted.pem", pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: append(bytes.Clone(ca.Certificate().Raw), 0x30, 0)}))
	put(t, dir, "g-old-name.pem", bytes.ReplaceAll(good, []byte("CERTIFICATE"), []byte("X509 CERTIFICATE")))
	put(t, dir, "h-empty.pem", nil)
	put(t, dir, "i-der.pem", ca.Certificate().Raw)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "j-folder.pem"), 0o755))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "1a2b3c4d.0")))
	require.NoError(t, os.Symlink("e-key.pem", filepath.Join(dir, "z-key.pem"))) // Told once.
	s := folder(t, dir)
	assert.Len(t, s.Certificates, 2)
	want := map[string]string{
		"1a2b3c4d.0":              "no such file or directory",
		"b-broken.pem":            "certificate 1: x509: malformed tbs certificate",
		"c-cut.pem":               "a certificate is garbled or cut short: 1 of 1",
		"d-cut-in-the-middle.pem": "a certificate is garbled or cut short: 1 of 2",
		"e-key.pem":               "there is no certificate in it",
		"f-trusted.pem":           "a certificate comes with trust settings of OpenSSL, which are not read",
		"h-empty.pem":             "there is no certificate in it",
		"i-der.pem":               "there is no certificate in it",
		"j-folder.pem":            "is not a regular file",
	}
	got := map[string]string{}
	for _, p := range s.Problems {
		got[filepath.Base(p.File)] = p.Err.Error()
		assert.Equal(t, p.File+": "+p.Err.Error(), p.String())
		assert.Equal(t, filepath.Join(dir, filepath.Base(p.File)), p.File)
	}
	assert.Equal(t, want, got)
	assert.ErrorIs(t, s.Problems[0].Err, fs.ErrNotExist)
}

func TestAFolderThatCannotBeUsedSaysWhy(t *testing.T) {
	t.Parallel()
	empty, broken := t.TempDir(), t.TempDir()
	put(t, broken, "a.pem", []byte("text"))
	file := filepath.Join(broken, "a.pem")
	for dir, want := range map[string]error{empty: cadir.ErrNone, broken: cadir.ErrNone, filepath.Join(empty, "none"): fs.ErrNotExist} {
		_, err := cadir.Folder(t.Context(), machine().FS, later(), dir, nil)
		require.ErrorIs(t, err, want)
	}
	_, err := cadir.Folder(t.Context(), machine().FS, later(), filepath.Join(empty, "none"), nil)
	require.EqualError(t, err, "no such file or directory")
	_, err = cadir.Folder(t.Context(), machine().FS, later(), file, nil)
	require.EqualError(t, err, "not a directory")
	_, err = cadir.Folder(t.Context(), machine().FS, later(), broken, nil)
	assert.EqualError(t, err, "there is no certificate in it that can be read: "+file+": there is no certificate in it")
}

func TestAFileMayHoldManyCertificates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := credtest.NewCA("One"), credtest.NewCA("Two")
	put(t, dir, "bundle.crt", bytes.Join([][]byte{one.CertPEM(), two.CertPEM(), one.CertPEM()}, []byte("# text\n")))
	name := filepath.Join(dir, "bundle.crt")
	s, err := cadir.File(t.Context(), machine().FS, later(), name, nil)
	require.NoError(t, err)
	assert.Len(t, s.Certificates, 2)

	_, err = cadir.File(t.Context(), machine().FS, later(), filepath.Join(dir, "none"), nil)
	require.EqualError(t, err, "no such file or directory")
	_, err = cadir.File(t.Context(), machine().FS, later(), dir, nil)
	require.ErrorIs(t, err, osfile.ErrNotRegular)
	put(t, dir, "text", []byte("text"))
	_, err = cadir.File(t.Context(), machine().FS, later(), filepath.Join(dir, "text"), nil)
	require.ErrorIs(t, err, cadir.ErrNone)
}

func TestOnlyWhatHasChangedIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const authorities = 5
	for i := range authorities {
		put(t, dir, fmt.Sprintf("ca%d.pem", i), credtest.NewCA(fmt.Sprint("CA ", i)).CertPEM())
		for _, hash := range []string{"0000000%d.0", "a000000%d.0"} {
			require.NoError(t, os.Symlink(fmt.Sprintf("ca%d.pem", i), filepath.Join(dir, fmt.Sprintf(hash, i))))
		}
	}
	m := machine()
	look := func(now time.Time, old *cadir.Set) *cadir.Set {
		m.opens, m.stats, m.lists = 0, 0, 0
		s, err := cadir.Folder(t.Context(), m.FS, now, dir, old)
		require.NoError(t, err)
		return s
	}
	first := look(later(), nil)
	assert.Len(t, first.Certificates, authorities)
	assert.Equal(t, authorities, m.opens, "each file once, whatever its names")
	assert.Equal(t, 1+3*authorities, m.stats)

	second := look(later(), first)
	assert.Zero(t, m.opens)
	assert.Zero(t, m.lists, "the folder has not changed")
	assert.Equal(t, 1+3*authorities, m.stats, "one for each name, and the folder")
	assert.Equal(t, first.Stamp, second.Stamp)
	for i := range first.Certificates {
		assert.Same(t, first.Certificates[i], second.Certificates[i])
	}

	put(t, dir, "ca3.pem", credtest.NewCA("Renewed").CertPEM())
	third := look(later(), second)
	assert.Equal(t, 1, m.opens)
	assert.NotEqual(t, first.Stamp, third.Stamp)
	assert.Len(t, third.Certificates, authorities)

	put(t, dir, "00000003.r0", []byte("a revocation list"))
	fourth := look(later(), third)
	assert.Equal(t, 1, m.lists)
	assert.Zero(t, m.opens)
	assert.Equal(t, third.Stamp, fourth.Stamp, "it is none of the certificates")

	require.NoError(t, os.Remove(filepath.Join(dir, "ca3.pem")))
	fifth := look(later(), fourth)
	assert.Len(t, fifth.Certificates, authorities-1)
	assert.Len(t, fifth.Problems, 2, "the links lead nowhere")
	assert.NotEqual(t, fourth.Stamp, fifth.Stamp)

	other, err := cadir.Folder(t.Context(), m.FS, later(), t.TempDir(), fifth)
	require.ErrorIs(t, err, cadir.ErrNone, "what was read elsewhere does not count")
	assert.Nil(t, other)
}

// Within two seconds a second change can leave the times of a file as they are.
func TestWhatHasJustChangedIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "ca.pem", credtest.NewCA("One").CertPEM())
	m := machine()
	first, err := cadir.Folder(t.Context(), m.FS, time.Now(), dir, nil)
	require.NoError(t, err)
	second, err := cadir.Folder(t.Context(), m.FS, later(), dir, first)
	require.NoError(t, err)
	assert.Equal(t, 2, m.opens)
	assert.Equal(t, 2, m.lists)
	assert.Equal(t, first.Stamp, second.Stamp)
	_, err = cadir.Folder(t.Context(), m.FS, later(), dir, second)
	require.NoError(t, err)
	assert.Equal(t, 2, m.opens)
	assert.Equal(t, 2, m.lists)
}

func TestWhatIsTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "ca.pem", credtest.NewCA("One").CertPEM())
	m := machine()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	m.ReadDir = func(string) ([]fs.DirEntry, error) {
		return append(make([]fs.DirEntry, cadir.MaxNames), entries...), nil
	}
	_, err = cadir.Folder(t.Context(), m.FS, later(), dir, nil)
	require.EqualError(t, err, "too much for a folder of authorities: more than 20000 files")

	large, err := os.Create(filepath.Join(dir, "large.pem"))
	require.NoError(t, err)
	require.NoError(t, large.Truncate(cadir.MaxFile+1))
	require.NoError(t, large.Close())
	s := folder(t, dir)
	require.Len(t, s.Problems, 1)
	require.EqualError(t, s.Problems[0].Err, "is too large: 16777217 bytes, at most 16777216 are read")
	require.NoError(t, os.Truncate(filepath.Join(dir, "large.pem"), cadir.MaxFile))
	for i := range 4 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.pem", i)), nil, 0o600))
		require.NoError(t, os.Truncate(filepath.Join(dir, fmt.Sprintf("%d.pem", i)), cadir.MaxFile))
	}
	_, err = cadir.Folder(t.Context(), machine().FS, later(), dir, nil)
	require.EqualError(t, err, "too much for a folder of authorities: more than 67108864 bytes")
}

func TestTooManyCertificatesAreRefused(t *testing.T) {
	t.Parallel()
	raw := bytes.Clone(credtest.NewCA("One").Certificate().Raw)
	var text bytes.Buffer
	for i := range cadir.MaxCertificates + 1 {
		raw[len(raw)-1], raw[len(raw)-2] = byte(i), byte(i>>8) // The signature, which nobody checks.
		require.NoError(t, pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: raw}))
	}
	dir := t.TempDir()
	put(t, dir, "many.pem", text.Bytes())
	_, err := cadir.Folder(t.Context(), machine().FS, later(), dir, nil)
	require.EqualError(t, err, "too much for a folder of authorities: more than 10000 certificates")
}

// endless is a file that grows while it is read.
type endless struct{ fs.File }

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// failing is a file on a disk that fails.
type failing struct{ fs.File }

func (failing) Read([]byte) (int, error) { return 0, errors.New("input/output error") }

func TestAFileThatGrowsEndsAtTheLimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "ca.pem", credtest.NewCA("One").CertPEM())
	m := machine()
	m.Open = func(name string) (fs.File, error) {
		f, err := osfile.Open(name)
		return endless{f}, err
	}
	_, err := cadir.File(t.Context(), m.FS, later(), filepath.Join(dir, "ca.pem"), nil)
	require.EqualError(t, err, "is too large: it grew over 16777216 bytes while it was read")
}

func TestWhatCouldNotBeReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "a.pem", credtest.NewCA("One").CertPEM())
	put(t, dir, "b.pem", credtest.NewCA("Two").CertPEM())
	m := machine()
	m.Open = func(name string) (fs.File, error) {
		f, err := osfile.Open(name)
		if filepath.Base(name) == "b.pem" {
			f = failing{f}
		}
		return f, err
	}
	first, err := cadir.Folder(t.Context(), m.FS, later(), dir, nil)
	require.NoError(t, err)
	require.Len(t, first.Problems, 1)
	require.EqualError(t, first.Problems[0].Err, "input/output error")
	m = machine()
	second, err := cadir.Folder(t.Context(), m.FS, later(), dir, first)
	require.NoError(t, err)
	assert.Empty(t, second.Problems)
	assert.Len(t, second.Certificates, 2)
	assert.Equal(t, 1, m.opens)
}

// Where the system does not number files, two of one size and time are two.
func TestFilesWithoutNumbersAreToldApart(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	then := time.Now().Add(-time.Hour)
	pad := func(text []byte) []byte { return append(text, bytes.Repeat([]byte("\n"), 2000-len(text))...) }
	for path, ca := range map[string]string{filepath.Join(dir, "a.pem"): "One", filepath.Join(dir, "b.pem"): "Two", filepath.Join(other, "a.pem"): "Three"} {
		require.NoError(t, os.WriteFile(path, pad(credtest.NewCA(ca).CertPEM()), 0o644))
		require.NoError(t, os.Chtimes(path, then, then))
	}
	require.NoError(t, os.Symlink("a.pem", filepath.Join(dir, "link.pem")))
	m := machine()
	m.Identify = func(fs.FileInfo) (osfile.ID, bool) { return osfile.ID{}, false }
	s, err := cadir.Folder(t.Context(), m.FS, later(), dir, nil)
	require.NoError(t, err)
	assert.Len(t, s.Certificates, 2)
	assert.Empty(t, s.Problems)
	elsewhere, err := cadir.Folder(t.Context(), m.FS, later(), other, s)
	require.NoError(t, err)
	require.Len(t, elsewhere.Certificates, 1)
	assert.Equal(t, "Three", elsewhere.Certificates[0].Subject.CommonName)
}

func TestTheOrderOfTheFolderDoesNotMatter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		put(t, dir, name+".pem", credtest.NewCA(name).CertPEM())
	}
	want, m := folder(t, dir), machine()
	m.ReadDir = func(name string) ([]fs.DirEntry, error) {
		entries, err := os.ReadDir(name)
		slices.Reverse(entries)
		return entries, err
	}
	got, err := cadir.Folder(t.Context(), m.FS, later(), dir, nil)
	require.NoError(t, err)
	assert.Equal(t, want.Stamp, got.Stamp)
}

func TestALookThatIsCalledOffEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "ca.pem", credtest.NewCA("One").CertPEM())
	gone := errors.New("nobody waits")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	_, err := cadir.Folder(ctx, machine().FS, later(), dir, nil)
	require.ErrorIs(t, err, gone)
}

// The folder of a named pipe must not hang.
func TestAPipeIsNotOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mkfifo", filepath.Join(dir, "pipe.pem")).CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mkfifo: %v %s", err, out)
		}
		t.Skip("there are no pipes here")
	}
	put(t, dir, "ca.pem", credtest.NewCA("One").CertPEM())
	s := folder(t, dir)
	require.Len(t, s.Problems, 1)
	assert.ErrorIs(t, s.Problems[0].Err, osfile.ErrNotRegular)
}

// owned is a file system in which files belong to others.
type owned struct {
	fs.FileInfo
	uid  int
	mode fs.FileMode
}

func (o owned) Mode() fs.FileMode { return o.FileInfo.Mode() | o.mode }

type ownedFile struct {
	fs.File
	info func(fs.FileInfo) fs.FileInfo
}

func (f ownedFile) Stat() (fs.FileInfo, error) {
	fi, err := f.File.Stat()
	return f.info(fi), err
}

func TestWhoMayPutAnAuthorityIntoAFolder(t *testing.T) {
	t.Parallel()
	const me, owner, stranger = 1000, 2000, 3000
	for name, tt := range map[string]struct {
		folder        fs.FileMode // beside 0755
		file, link    int
		viaLink, want bool
		text          string
	}{
		"the owner's":                          {0, owner, 0, false, true, ""},
		"a stranger's, put there by the owner": {0, stranger, 0, false, true, ""},
		"the owner's, by a link":               {0, owner, owner, true, true, ""},
		"mine, by a link":                      {0, me, owner, true, true, ""},
		"root's, by a link":                    {0, 0, owner, true, true, ""},
		"a stranger's, by a link":              {0, stranger, owner, true, false, "is a symbolic link to a file that belongs to another user (uid 3000)"},
		"shared: mine":                         {0o022, me, me, false, true, ""},
		"shared: root's":                       {0o002, 0, 0, false, true, ""},
		"shared: a stranger's":                 {0o002, stranger, stranger, false, false, "belongs to another user (uid 3000), in a folder that others may write"},
		"shared by a group: the owner's":       {0o020, owner, owner, false, false, "belongs to another user (uid 2000), in a folder that others may write"},
		"shared: a stranger's link to root's":  {0o002, 0, stranger, true, false, "is a symbolic link that belongs to another user (uid 3000), in a folder that others may write"},
		"shared: my link to root's":            {0o002, 0, me, true, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, elsewhere := t.TempDir(), t.TempDir()
			file := filepath.Join(dir, "ca.pem")
			if tt.viaLink {
				require.NoError(t, os.Symlink(filepath.Join(elsewhere, "ca.pem"), file))
				put(t, elsewhere, "ca.pem", credtest.NewCA("One").CertPEM())
			} else {
				put(t, dir, "ca.pem", credtest.NewCA("One").CertPEM())
			}
			m := machine()
			ofFile := func(fi fs.FileInfo) fs.FileInfo { return owned{fi, tt.file, 0} }
			m.EUID = me
			m.Open = func(name string) (fs.File, error) {
				f, err := osfile.Open(name)
				return ownedFile{f, ofFile}, err
			}
			m.Stat = func(name string) (fs.FileInfo, error) {
				fi, err := os.Stat(name)
				if name == dir {
					return owned{fi, owner, tt.folder}, err
				}
				return ofFile(fi), err
			}
			m.Lstat = func(name string) (fs.FileInfo, error) {
				fi, err := os.Lstat(name)
				return owned{fi, tt.link, 0}, err
			}
			m.Identify = func(fi fs.FileInfo) (osfile.ID, bool) {
				o := fi.(owned)
				id, ok := osfile.Identify(o.FileInfo)
				id.UID = o.uid
				return id, ok
			}
			if ok := func() bool { _, ok := osfile.Identify(must(os.Stat(dir))); return ok }(); !ok {
				t.Skip("files have no owners here")
			}
			_, err := cadir.Folder(t.Context(), m.FS, later(), dir, nil)
			if tt.want {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, osfile.ErrOwner)
			assert.EqualError(t, err, "there is no certificate in it that can be read: "+file+": "+tt.text)
			_, err = cadir.File(t.Context(), m.FS, later(), file, nil)
			require.NoError(t, err, "a file that is named is another matter")
		})
	}
}

// What was allowed may not be any more: a folder that others may write now is read
// anew.
func TestAFolderThatIsOpenedToOthersIsReadAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "ca.pem", credtest.NewCA("One").CertPEM())
	m, now := machine(), later()
	if _, ok := m.Identify(must(os.Stat(dir))); !ok {
		t.Skip("files have no owners here")
	}
	m.EUID = 4710
	m.Identify = func(fi fs.FileInfo) (osfile.ID, bool) {
		id, ok := osfile.Identify(fi)
		id.UID = 4711
		return id, ok
	}
	s, err := cadir.Folder(t.Context(), m.FS, now, dir, nil)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o777))
	_, err = cadir.Folder(t.Context(), m.FS, now, dir, s)
	require.ErrorIs(t, err, osfile.ErrOwner)
}

func TestANameThatIsGivenToAnotherFileMeanwhileIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "ca.pem", credtest.NewCA("One").CertPEM())
	put(t, dir, "other", credtest.NewCA("Two").CertPEM())
	require.NoError(t, os.Chmod(dir, 0o777))
	m := machine()
	if _, ok := m.Identify(must(os.Stat(dir))); !ok {
		t.Skip("files have no owners here")
	}
	m.Lstat = func(string) (fs.FileInfo, error) { return os.Lstat(filepath.Join(dir, "other")) }
	_, err := cadir.Folder(t.Context(), m.FS, later(), dir, nil)
	require.ErrorIs(t, err, osfile.ErrMoved)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// openssl finds the authority in the folder that we read, by its own rules.
func TestAFolderThatOpenSSLMadeIsRead(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl is missing: scripts/setup-debian.sh installs it")
		}
		t.Skip("openssl is missing")
	}
	dir := t.TempDir()
	ca := credtest.NewCA("One")
	put(t, dir, "one.pem", ca.CertPEM())
	put(t, dir, "two.pem", credtest.NewCA("Two").CertPEM())
	for _, args := range [][]string{{"rehash", dir}, {"rehash", "-old", "-n", dir}} {
		out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	require.GreaterOrEqual(t, len(names), 4, strings.Join(names, " "))
	s := folder(t, dir)
	assert.Len(t, s.Certificates, 2)
	assert.Empty(t, s.Problems)
}

// grid fills a folder as IGTF packages do: each authority once, with two links.
func grid(tb testing.TB, authorities int) string {
	tb.Helper()
	dir := tb.TempDir()
	for i := range authorities {
		name := fmt.Sprintf("ca%d", i)
		put(tb, dir, name+".pem", credtest.NewCA(name, credtest.RSAKey()).CertPEM())
		for _, hash := range []string{"%08x", "a%07x"} {
			hash := fmt.Sprintf(hash, i)
			for _, ext := range []string{"0", "signing_policy", "namespaces"} {
				require.NoError(tb, os.Symlink(name+".pem", filepath.Join(dir, hash+"."+ext)))
			}
			put(tb, dir, hash+".r0", []byte("a revocation list"))
		}
		put(tb, dir, name+".info", []byte("alias = "+name))
	}
	return dir
}

// BenchmarkFolder reads 150 authorities under three names each, anew, when nothing
// has changed, and makes a pool of them. Beside it: the empty folder.
func BenchmarkFolder(b *testing.B) {
	dir, empty := grid(b, 150), b.TempDir()
	fsys, now := machine().FS, later()
	set := folder(b, dir)
	for name, f := range map[string]func(){
		"empty": func() { _, _ = cadir.Folder(b.Context(), fsys, now, empty, nil) },
		"anew":  func() { _, _ = cadir.Folder(b.Context(), fsys, now, dir, nil) },
		"same":  func() { _, _ = cadir.Folder(b.Context(), fsys, now, dir, set) },
		"pool":  func() { _ = set.Pool() },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
