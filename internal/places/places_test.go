// SPDX-License-Identifier: BSD-3-Clause

package places_test

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/osfile"
	"github.com/scicred/scicred/internal/places"
)

const (
	uid  = 1000
	home = "/home/user"
)

// machine is a machine in memory: the text of each file by its path, and the
// variables.
type machine struct {
	files   map[string]string
	modes   map[string]fs.FileMode // where it is not 0600
	theirs  string                 // a file that is somebody else's
	env     map[string]string
	euid    int
	noOwner bool // the system knows none
	homeErr error
	opened  []string
}

func (m *machine) world() places.World {
	disk := fstest.MapFS{"tmp": {Mode: fs.ModeDir | fs.ModeSticky | 0o777, Sys: osfile.ID{}}}
	for path, text := range m.files {
		owner := osfile.ID{UID: uid}
		if path == m.theirs {
			owner.UID++
		}
		disk[key(path)] = &fstest.MapFile{Data: []byte(text), Mode: cmp.Or(m.modes[path], 0o600), Sys: owner}
	}
	return places.World{
		World: inventory.World{
			FS: osfile.FS{
				Open: func(name string) (fs.File, error) {
					m.opened = append(m.opened, name)
					return disk.Open(key(name))
				},
				Stat:  func(name string) (fs.FileInfo, error) { return disk.Stat(key(name)) },
				Lstat: func(name string) (fs.FileInfo, error) { return disk.Lstat(key(name)) },
				ReadDir: func(name string) ([]fs.DirEntry, error) {
					entries, err := disk.ReadDir(key(name))
					slices.Reverse(entries) // the order of a folder differs from machine to machine
					return entries, err
				},
				Identify: func(fi fs.FileInfo) (osfile.ID, bool) {
					id, ok := fi.Sys().(osfile.ID)
					return id, ok && !m.noOwner
				},
				EUID: uid,
			},
			LookupEnv: func(name string) (string, bool) { v, ok := m.env[name]; return v, ok },
			Now:       func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
		},
		Home: func() (string, error) { return home, m.homeErr },
		Temp: "/tmp",
		EUID: cmp.Or(m.euid, uid),
	}
}

// key is the name of a path in an fs.FS.
func key(path string) string { return cmp.Or(strings.TrimPrefix(path, "/"), ".") }

// seen is what the tests look at of a place.
type seen struct{ candidate, path, keyPath, text string }

func look(w places.World, list []inventory.Candidate[string]) []inventory.Place[string] {
	return inventory.Build(w.World, nil, list, func(*string) bool { return true }).Places
}

func see(found []inventory.Place[string]) []seen {
	var all []seen
	for _, p := range found {
		s := seen{p.Candidate, p.Path, p.KeyPath, ""}
		if p.Cred != nil {
			s.text = *p.Cred
		}
		all = append(all, s)
	}
	return all
}

var errTake = errors.New("is nothing that can be used")

// takeToken takes every text but "bad".
func takeToken(raw, candidate, path string) (*string, error) {
	if raw == "bad" {
		return &raw, errTake
	}
	if err := bearer.Check(raw); err != nil {
		return nil, err
	}
	s := raw + " of " + candidate + " in " + path
	return &s, nil
}

func (m *machine) tokens() []inventory.Place[string] {
	w := m.world()
	return look(w, places.Tokens(w, takeToken))
}

func takeX509(p *inventory.Place[string], _ *inventory.Looker, cert, key []byte) {
	if string(cert) == "bad" {
		p.Err, p.Sound = errTake, true
		return
	}
	s := string(cert) + "+" + string(key)
	p.Cred = &s
}

func (m *machine) x509() []inventory.Place[string] {
	w := m.world()
	return look(w, places.X509(w, takeX509))
}

func takeNetrc(data []byte) (*string, error) {
	s := string(data)
	if s == "bad" {
		return &s, errTake
	}
	return &s, nil
}

func (m *machine) netrc() []inventory.Place[string] {
	w := m.world()
	return look(w, places.Netrc(w, takeNetrc))
}

// everywhere is a machine with a token in every place.
func everywhere() *machine {
	return &machine{
		files: map[string]string{
			"/f/scitoken": "two\n", "/condor/b.use": "four", "/condor/a.use": "three", "/f/bearer": " six ",
			"/run/user/1000/bt_u1000": "seven", "/tmp/bt_u1000": "eight",
		},
		env: map[string]string{
			"SCITOKEN": " one\n", "SCITOKEN_FILE": "/f/scitoken", "_CONDOR_CREDS": "/condor", "BEARER_TOKEN": "five",
			"BEARER_TOKEN_FILE": "/f/bearer", "XDG_RUNTIME_DIR": "/run/user/1000",
		},
	}
}

func TestTokensAreLookedForInTheOrderOfTheDesign(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []seen{
		{"SCITOKEN", "", "", "one of SCITOKEN in "},
		{"SCITOKEN_FILE", "/f/scitoken", "", "two of SCITOKEN_FILE in /f/scitoken"},
		{"_CONDOR_CREDS", "/condor/a.use", "", "three of _CONDOR_CREDS in /condor/a.use"},
		{"_CONDOR_CREDS", "/condor/b.use", "", "four of _CONDOR_CREDS in /condor/b.use"},
		{"BEARER_TOKEN", "", "", "five of BEARER_TOKEN in "},
		{"BEARER_TOKEN_FILE", "/f/bearer", "", "six of BEARER_TOKEN_FILE in /f/bearer"},
		{"XDG_RUNTIME_DIR", "/run/user/1000/bt_u1000", "", "seven of XDG_RUNTIME_DIR in /run/user/1000/bt_u1000"},
		{"/tmp", "/tmp/bt_u1000", "", "eight of /tmp in /tmp/bt_u1000"},
	}, see(everywhere().tokens()))
}

func TestAnEmptyMachineHasEveryPlaceInItsReport(t *testing.T) {
	t.Parallel()
	m := &machine{}
	found := append(append(m.tokens(), m.x509()...), m.netrc()...)
	var names []string
	for _, p := range found {
		names = append(names, p.Candidate+" "+p.Path+" "+p.Err.Error())
		assert.True(t, p.Absent, p.Candidate)
		assert.Nil(t, p.Cred, p.Candidate)
	}
	none := " no such file, and its folder does not exist either"
	assert.Equal(t, []string{
		"SCITOKEN  not set", "SCITOKEN_FILE  not set", "_CONDOR_CREDS  not set", "BEARER_TOKEN  not set", "BEARER_TOKEN_FILE  not set",
		"XDG_RUNTIME_DIR  not set", "/tmp /tmp/bt_u1000 file does not exist (looked for effective uid 1000)",
		"X509_USER_CERT  not set", "X509_USER_PROXY  not set", "/tmp /tmp/x509up_u1000 file does not exist (looked for effective uid 1000)",
		"~/.globus /home/user/.globus/usercert.pem" + none, "~/.globus /home/user/.globus/usercred.p12" + none, "netrc /home/user/.netrc" + none, "netrc /home/user/_netrc" + none,
	}, names)
}

func TestAnEmptyVariableCountsAsUnset(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(everywhere().env)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unset, empty := everywhere(), everywhere()
			delete(unset.env, name)
			empty.env[name] = ""
			var there bool
			want, got := unset.tokens(), empty.tokens()
			assert.Equal(t, see(want), see(got))
			for i := range got {
				if got[i].Candidate == name {
					there = true
					assert.True(t, got[i].Absent)
					assert.ErrorIs(t, want[i].Err, places.ErrNotSet)
					assert.ErrorIs(t, got[i].Err, places.ErrEmpty, "but it is said")
				}
			}
			assert.True(t, there)
		})
	}
	for _, name := range []string{"X509_USER_PROXY", "X509_USER_CERT", "X509_USER_KEY", "NETRC"} {
		m := &machine{env: map[string]string{name: ""}, files: map[string]string{home + "/.netrc": "machine"}}
		for _, p := range m.x509() {
			assert.True(t, p.Absent, "%s: %s", name, p.Candidate)
		}
		assert.Equal(t, []seen{{"netrc", home + "/.netrc", "", "machine"}}, see(m.netrc()), name)
	}
}

func TestATokenThatIsNoneIsRejectedAndTheNextPlacesAreLookedAt(t *testing.T) {
	t.Parallel()
	m := everywhere()
	m.env["SCITOKEN"] = "bad"
	m.files["/f/scitoken"] = "bad"
	m.files["/condor/a.use"] = "two words"
	m.files["/f/bearer"] = ""
	found := m.tokens()
	require.Len(t, found, 8)
	for i, p := range found {
		if i == 0 || i == 1 || i == 2 || i == 5 {
			assert.Nil(t, p.Cred, p.Path)
			assert.Error(t, p.Err, p.Path)
			assert.False(t, p.Absent, p.Path)
		} else {
			assert.NotNil(t, p.Cred, p.Path)
		}
	}
	assert.ErrorIs(t, found[0].Err, errTake)
	assert.ErrorIs(t, found[1].Err, errTake)
	assert.EqualError(t, found[5].Err, "is empty")
}

func TestOfCondorsFolderTheUseFilesAreRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files []string
		want  []string
		err   error
	}{
		"in name order, whatever the folder's is": {[]string{"z.use", "a.use", "M.use"}, []string{"M.use", "a.use", "z.use"}, nil},
		"a dot file":             {[]string{".x.use"}, []string{".x.use"}, nil},
		"the suffix alone":       {[]string{".use"}, nil, places.ErrNoUse},
		"other files":            {[]string{"a.top", "a.use.bak", "use", "ause", "a.USE"}, nil, places.ErrNoUse},
		"among other files":      {[]string{"a.top", "a.use", "b"}, []string{"a.use"}, nil},
		"the folder is not here": {nil, nil, fs.ErrNotExist},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &machine{env: map[string]string{"_CONDOR_CREDS": "/condor"}, files: map[string]string{}}
			for _, f := range tt.files {
				m.files["/condor/"+f] = "token"
			}
			var got []string
			found := slices.DeleteFunc(m.tokens(), func(p inventory.Place[string]) bool { return p.Candidate != "_CONDOR_CREDS" })
			require.NotEmpty(t, found)
			for _, p := range found {
				if tt.err != nil {
					assert.ErrorIs(t, p.Err, tt.err)
					assert.True(t, p.Absent)
					assert.Equal(t, "/condor", p.Path)
					continue
				}
				require.NoError(t, p.Err)
				got = append(got, strings.TrimPrefix(p.Path, "/condor/"))
			}
			assert.Equal(t, tt.want, got)
			for _, f := range m.opened {
				assert.False(t, strings.HasPrefix(f, "/condor/") && !slices.Contains(tt.want, strings.TrimPrefix(f, "/condor/")), f)
			}
		})
	}
}

func TestACondorFolderThatIsAFileIsRejected(t *testing.T) {
	t.Parallel()
	m := &machine{env: map[string]string{"_CONDOR_CREDS": "/condor"}, files: map[string]string{"/condor": "a file"}}
	p := m.tokens()[2]
	assert.Error(t, p.Err)
	assert.False(t, p.Absent, "there is something, and it is wrong")
}

func TestATokenFileMayHoldJSON(t *testing.T) {
	t.Parallel()
	m := &machine{env: map[string]string{"BEARER_TOKEN_FILE": "/f"}, files: map[string]string{"/f": ` {"access_token": "abc", "expires_in": 5} `}}
	assert.Contains(t, see(m.tokens()), seen{"BEARER_TOKEN_FILE", "/f", "", "abc of BEARER_TOKEN_FILE in /f"})
}

func TestATokenFileMayBeALittleLongerThanAToken(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("x", bearer.MaxLen)
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"a token as long as may be":                {token, nil},
		"with white space around it":               {"\n\n" + token + strings.Repeat(" ", 4000), nil},
		"one that is longer than a file may be":    {strings.Repeat("x", bearer.MaxLen+4097), osfile.ErrTooLarge},
		"one megabyte":                             {strings.Repeat("x", 1<<20), osfile.ErrTooLarge},
		"a token that is longer than one ought be": {token + "x", new(bearer.SyntaxError)},
	} {
		m := &machine{env: map[string]string{"BEARER_TOKEN_FILE": "/f"}, files: map[string]string{"/f": tt.text}}
		p := m.tokens()[4]
		var syntax *bearer.SyntaxError
		switch {
		case tt.want == nil:
			assert.NoError(t, p.Err, name)
		case errors.As(tt.want, &syntax):
			assert.ErrorAs(t, p.Err, &syntax, name)
		default:
			assert.ErrorIs(t, p.Err, tt.want, name)
		}
	}
}

func TestOfCertificatesAndNetrcAMegabyteIsRead(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]error{1 << 20: nil, 1<<20 + 1: osfile.ErrTooLarge} {
		text := strings.Repeat("#", size)
		m := &machine{
			env:   map[string]string{"X509_USER_PROXY": "/p", "X509_USER_CERT": "/small", "X509_USER_KEY": "/p", "NETRC": "/p"},
			files: map[string]string{"/p": text, "/small": "cert"},
		}
		for _, p := range []inventory.Place[string]{m.x509()[0], m.x509()[1], m.netrc()[0]} {
			if want == nil {
				assert.NoError(t, p.Err, p.Candidate)
			} else {
				assert.ErrorIs(t, p.Err, want, p.Candidate)
			}
		}
	}
}

func TestAPathInAVariableIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	// Where link is a symbolic link, link/.. is another folder than the one
	// that link stands in.
	const path = "/a/link/../file"
	m := &machine{env: map[string]string{
		"SCITOKEN_FILE": path, "BEARER_TOKEN_FILE": path, "X509_USER_PROXY": path, "X509_USER_CERT": path, "X509_USER_KEY": path, "NETRC": path,
	}}
	m.tokens()
	m.x509()
	m.netrc()
	named := slices.DeleteFunc(slices.Clone(m.opened), func(name string) bool { return !strings.HasSuffix(name, "file") })
	assert.Equal(t, []string{path, path, path, path, path}, named)
}

func TestWhereUsersHaveNoNumbersThePlacesWithOneDoNotExist(t *testing.T) {
	t.Parallel()
	m := everywhere()
	m.euid = -1
	m.files["/tmp/x509up_u1000"], m.files["/tmp/x509up_u-1"], m.files["/tmp/bt_u-1"] = "proxy", "proxy", "token"
	for _, p := range append(m.tokens()[6:], m.x509()[2]) {
		assert.Nil(t, p.Cred, p.Candidate)
		assert.True(t, p.Absent, p.Candidate)
		assert.Empty(t, p.Path)
		assert.ErrorIs(t, p.Err, places.ErrNoUID, "and the report says so")
	}
	for _, name := range m.opened {
		assert.NotContains(t, name, "_u", "nothing is even looked for")
	}
	assert.Len(t, m.tokens(), 8, "the other places are as ever")
	assert.Len(t, m.x509(), 5)
}

func TestWhoseNumberWasLookedForIsSaidOnlyWhereNothingWasFound(t *testing.T) {
	t.Parallel()
	m := everywhere()
	delete(m.files, "/run/user/1000/bt_u1000")
	m.files["/tmp/bt_u1000"] = "bad"
	m.env["BEARER_TOKEN_FILE"] = "/none"
	found := m.tokens()
	for i, want := range map[int]string{
		5: "file does not exist",
		6: "no such file, and its folder does not exist either (looked for effective uid 1000)",
		7: errTake.Error(),
	} {
		assert.EqualError(t, found[i].Err, want)
	}
	assert.ErrorIs(t, found[6].Err, osfile.ErrNoFolder)
	assert.ErrorIs(t, found[6].Err, fs.ErrNotExist)
}

func TestCertificatesAreLookedForInTheOrderOfTheDesign(t *testing.T) {
	t.Parallel()
	m := &machine{
		env: map[string]string{"X509_USER_CERT": "/c", "X509_USER_KEY": "/k", "X509_USER_PROXY": "/p"},
		files: map[string]string{
			"/c": "cert", "/k": "key", "/p": "proxy", "/tmp/x509up_u1000": "tmp",
			home + "/.globus/usercert.pem": "globus", home + "/.globus/userkey.pem": "globuskey", home + "/.globus/usercred.p12": "p12",
		},
	}
	assert.Equal(t, []seen{
		{"X509_USER_CERT", "/c", "/k", "cert+key"},
		{"X509_USER_PROXY", "/p", "", "proxy+"},
		{"/tmp", "/tmp/x509up_u1000", "", "tmp+"},
		{"~/.globus", home + "/.globus/usercert.pem", home + "/.globus/userkey.pem", "globus+globuskey"},
		{"~/.globus", home + "/.globus/usercred.p12", "", "p12+"},
	}, see(m.x509()))
}

func TestHalfAPairOfVariablesIsRejectedAndSaid(t *testing.T) {
	t.Parallel()
	for _, empty := range []bool{false, true} {
		cert := &machine{env: map[string]string{"X509_USER_CERT": "/c"}, files: map[string]string{"/c": "cert"}}
		key := &machine{env: map[string]string{"X509_USER_KEY": "/k"}, files: map[string]string{"/k": "key"}}
		if empty {
			cert.env["X509_USER_KEY"], key.env["X509_USER_CERT"] = "", ""
		}
		p := cert.x509()[0]
		require.ErrorIs(t, p.Err, places.ErrHalfSet)
		require.EqualError(t, p.Err, "X509_USER_CERT is set, but X509_USER_KEY is not")
		assert.Equal(t, "/c", p.Path)
		assert.False(t, p.Absent)
		assert.Nil(t, p.Cred)

		p = key.x509()[0]
		require.ErrorIs(t, p.Err, places.ErrHalfSet)
		require.EqualError(t, p.Err, "X509_USER_KEY is set, but X509_USER_CERT is not")
		assert.Equal(t, "/k", p.KeyPath)
		assert.False(t, p.Absent)
	}
}

func TestAPairOfFilesOfWhichOneIsMissing(t *testing.T) {
	t.Parallel()
	m := &machine{files: map[string]string{home + "/.globus/usercert.pem": "cert"}}
	p := m.x509()[3]
	require.ErrorIs(t, p.Err, fs.ErrNotExist)
	assert.EqualError(t, p.Err, "its key file: file does not exist")
	assert.False(t, p.Absent, "half a pair is something")
	assert.Nil(t, p.Cred)

	m = &machine{files: map[string]string{home + "/.globus/userkey.pem": "key"}}
	p = m.x509()[3]
	assert.EqualError(t, p.Err, "file does not exist")
	assert.True(t, p.Absent)
}

func TestWhatTheTakerSaysOfACertificateStands(t *testing.T) {
	t.Parallel()
	m := &machine{env: map[string]string{"X509_USER_PROXY": "/p"}, files: map[string]string{"/p": "bad"}, modes: map[string]fs.FileMode{"/p": 0o644}}
	p := m.x509()[1]
	assert.ErrorIs(t, p.Err, errTake)
	assert.True(t, p.Sound)
	assert.Empty(t, p.Warning, "of what is not used nothing more is said")
}

func TestACredentialThatOthersCanReadIsUsedWithAWarning(t *testing.T) {
	t.Parallel()
	const warning = "warning: others can read this file (chmod 600)"
	files := map[string]string{"/c": "cert", "/k": "key", "/p": "proxy", "/t": "token"}
	env := map[string]string{"X509_USER_CERT": "/c", "X509_USER_KEY": "/k", "X509_USER_PROXY": "/p", "BEARER_TOKEN_FILE": "/t"}
	for _, tt := range []struct {
		open                         fs.FileMode
		file                         string
		wantPair, wantProxy, wantTok string
	}{
		{0o644, "/c", "", "", ""}, // a certificate is public
		{0o644, "/k", warning, "", ""},
		{0o640, "/k", warning, "", ""},
		{0o644, "/p", "", warning, ""},
		{0o604, "/t", "", "", warning},
		{0o600, "/t", "", "", ""},
	} {
		m := &machine{env: env, files: files, modes: map[string]fs.FileMode{tt.file: tt.open}}
		x, tok := m.x509(), m.tokens()[4]
		for _, p := range []inventory.Place[string]{x[0], x[1], tok} {
			require.NotNil(t, p.Cred, p.Candidate)
		}
		assert.Equal(t, []string{tt.wantPair, tt.wantProxy, tt.wantTok}, []string{x[0].Warning, x[1].Warning, tok.Warning}, "%s %v", tt.file, tt.open)
	}
}

func TestWhereFilesHaveNoOwnerThatIsSaid(t *testing.T) {
	t.Parallel()
	const warning = "files have no owner here, so nobody has checked whose this one is"
	m := everywhere()
	m.noOwner, m.modes = true, map[string]fs.FileMode{"/f/bearer": 0o666}
	m.files["/tmp/x509up_u1000"] = "proxy"
	for _, p := range append(m.tokens(), m.x509()[2]) {
		require.NotNil(t, p.Cred, p.Candidate)
		if p.Path == "" {
			assert.Empty(t, p.Warning, p.Candidate)
		} else {
			assert.Equal(t, warning, p.Warning, p.Candidate)
		}
	}
}

func TestWhiteSpaceAloneIsToldFromABrokenToken(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": true, " \n\t": true, "bad": false, "two words": false, "token": false, "{}": false} {
		m := &machine{
			env:   map[string]string{"BEARER_TOKEN_FILE": "/f", "BEARER_TOKEN": text},
			files: map[string]string{"/f": text},
		}
		w := m.world()
		found := look(w, places.Tokens(w, func(raw, candidate, path string) (*string, error) {
			if raw == "" {
				return nil, errTake
			}
			return takeToken(raw, candidate, path)
		}))
		if text != "" { // that is an unset variable
			assert.Equal(t, want, found[3].Empty, "variable %q", text)
		}
		assert.Equal(t, want, found[4].Empty, "file %q", text)
		assert.Equal(t, text == "token", found[4].Cred != nil, "file %q", text)
		assert.False(t, found[4].Absent, "file %q", text)
	}
}

func TestAFileThatIsRefusedForItsOwnerOrModeIsNoPassingTrouble(t *testing.T) {
	t.Parallel()
	m := everywhere()
	m.files["/tmp/x509up_u1000"], m.files[home+"/.netrc"] = "proxy", "netrc"
	m.files["/tmp/key"], m.env["X509_USER_CERT"], m.env["X509_USER_KEY"] = "key", "/tmp/x509up_u1000", "/tmp/key"
	for path, place := range map[string]func() inventory.Place[string]{
		"/tmp/key":          func() inventory.Place[string] { return m.x509()[0] },
		"/tmp/bt_u1000":     func() inventory.Place[string] { return m.tokens()[7] },
		"/tmp/x509up_u1000": func() inventory.Place[string] { return m.x509()[2] },
		home + "/.netrc":    func() inventory.Place[string] { return m.netrc()[0] },
	} {
		m.theirs = path
		p := place()
		require.ErrorIs(t, p.Err, osfile.ErrOwner, path)
		assert.Nil(t, p.Cred, path)
		assert.True(t, p.Sound, "what %s held before is not kept", path)
		m.theirs = ""
		assert.False(t, place().Sound, path)
		text := m.files[path]
		m.files[path] = strings.Repeat("x", 2<<20)
		p = place()
		require.ErrorIs(t, p.Err, osfile.ErrTooLarge, path)
		assert.False(t, p.Sound, "%s may be written just now", path)
		m.files[path] = text
	}
	m.modes = map[string]fs.FileMode{home + "/.netrc": 0o640}
	p := m.netrc()[0]
	require.ErrorIs(t, p.Err, osfile.ErrMode)
	assert.True(t, p.Sound)
}

func TestOneNetrcFileIsRead(t *testing.T) {
	t.Parallel()
	const dot, underscore = home + "/.netrc", home + "/_netrc"
	tests := map[string]struct {
		netrc string // the variable
		files map[string]string
		want  []seen
	}{
		"the first of two":                        {"", map[string]string{dot: "one", underscore: "two"}, []seen{{"netrc", dot, "", "one"}}},
		"the second":                              {"", map[string]string{underscore: "two"}, []seen{{"netrc", dot, "", ""}, {"netrc", underscore, "", "two"}}},
		"a bad first ends the search":             {"", map[string]string{dot: "bad", underscore: "two"}, []seen{{"netrc", dot, "", ""}}},
		"the variable's":                          {"/n", map[string]string{"/n": "three", dot: "one"}, []seen{{"NETRC", "/n", "", "three"}}},
		"the variable's, which is bad":            {"/n", map[string]string{"/n": "bad", dot: "one"}, []seen{{"NETRC", "/n", "", ""}}},
		"the variable's, which is gone":           {"/n", map[string]string{dot: "one"}, []seen{{"NETRC", "/n", "", ""}}},
		"the variable's, at home":                 {"~/n", map[string]string{home + "/n": "four"}, []seen{{"NETRC", home + "/n", "", "four"}}},
		"of another user's home nothing is known": {"~joe/n", map[string]string{home + "/joe/n": "x", "/joe/n": "x"}, []seen{{"NETRC", "~joe/n", "", ""}}},
		"an empty file is a file":                 {"", map[string]string{dot: "", underscore: "two"}, []seen{{"netrc", dot, "", ""}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &machine{files: tt.files, env: map[string]string{}}
			if tt.netrc != "" {
				m.env["NETRC"] = tt.netrc
			}
			assert.Equal(t, tt.want, see(m.netrc()))
		})
	}
}

func TestANetrcFileThatOthersCanReadIsRejectedAndEndsTheSearch(t *testing.T) {
	t.Parallel()
	m := &machine{
		files: map[string]string{home + "/.netrc": "one", home + "/_netrc": "two"},
		modes: map[string]fs.FileMode{home + "/.netrc": 0o644},
	}
	found := m.netrc()
	require.Len(t, found, 1)
	assert.ErrorIs(t, found[0].Err, osfile.ErrMode)
	assert.Nil(t, found[0].Cred)
	assert.False(t, found[0].Absent)
}

func TestWithoutAHomeThePlacesInItAreAbsentAndTheOthersAreNot(t *testing.T) {
	t.Parallel()
	none := errors.New("$HOME is not defined")
	m := &machine{homeErr: none, files: map[string]string{"/n": "one"}, env: map[string]string{}}
	for _, p := range []inventory.Place[string]{m.x509()[3], m.netrc()[0]} {
		assert.ErrorIs(t, p.Err, none, p.Candidate)
		assert.True(t, p.Absent, p.Candidate)
	}
	m.env["NETRC"] = "/n"
	assert.Equal(t, []seen{{"NETRC", "/n", "", "one"}}, see(m.netrc()))
	m.env["NETRC"] = "~/n"
	assert.Equal(t, []seen{{"NETRC", "~/n", "", ""}}, see(m.netrc()))
}

func TestAHomeThatChangesIsNoticed(t *testing.T) {
	t.Parallel()
	m := &machine{env: map[string]string{"HOME": home}, files: map[string]string{"/new/.netrc": "new", "/new/.globus/usercert.pem": "c", "/new/.globus/userkey.pem": "k"}}
	w := m.world()
	w.Home = func() (string, error) { return m.env["HOME"], nil }
	alive := func(*string) bool { return true }
	netrc, x509 := places.Netrc(w, takeNetrc), places.X509(w, takeX509)
	n, x := inventory.Build(w.World, nil, netrc, alive), inventory.Build(w.World, nil, x509, alive)
	require.Nil(t, n.Places[0].Cred)
	m.env["HOME"] = "/new"
	n, x = inventory.Build(w.World, n, netrc, alive), inventory.Build(w.World, x, x509, alive)
	assert.Equal(t, []seen{{"netrc", "/new/.netrc", "", "new"}}, see(n.Places))
	assert.Equal(t, seen{"~/.globus", "/new/.globus/usercert.pem", "/new/.globus/userkey.pem", "c+k"}, see(x.Places)[3])
}
