// SPDX-License-Identifier: BSD-3-Clause

// Package places knows where credentials are looked for, and in which order.
//
// What is found is handed to a function of the caller's, so that this package
// knows nothing of credentials, and the order stands in one place.
package places

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/bearer"
	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/osfile"
)

// How much of a file is read.
const (
	maxTokenFile = bearer.MaxLen + 4096 // the token, and white space or JSON around it
	maxFile      = 1 << 20
)

// Why a place is empty.
var (
	ErrNotSet  = errors.New("not set")
	ErrEmpty   = errors.New("set, but empty")
	ErrNoUse   = errors.New("the folder holds no *.use file")
	ErrHalfSet = errors.New("set, but its other half is not")
	ErrNoUID   = errors.New("users have no numbers on this system, so there is no such place")
)

// Warnings: the credential is used all the same.
const (
	warnOpen      = "warning: others can read this file (chmod 600)"
	warnOwnerless = "files have no owner here, so nobody has checked whose this one is"
)

// World is where credentials are looked for.
type World struct {
	inventory.World
	Home func() (string, error)
	Temp string // /tmp
	EUID int    // -1 where users have no numbers; then the places that carry one do not exist
	// Elapsed is how long the world has been there. It costs half as much as Now,
	// and does not jump when the clock is set; it stands still in a suspend.
	Elapsed func() time.Duration
}

// Machine is what else the outside world supplies. A field that is nil means this
// machine.
type Machine struct {
	LookupEnv func(string) (string, bool)
	HomeDir   func() (string, error)
	TempDir   func() string
	EUID      func() int
	Now       func() time.Time
}

// NewWorld returns a world of these files, of which a nil function means this
// machine's too, as does a nil one of the machine.
func NewWorld(files osfile.FS, m Machine) *World {
	files.Open, files.Stat = or(files.Open, osfile.Open), or(files.Stat, os.Stat)
	files.Lstat, files.ReadDir = or(files.Lstat, os.Lstat), or(files.ReadDir, os.ReadDir)
	files.Identify, files.EUID = or(files.Identify, osfile.Identify), or(m.EUID, os.Geteuid)()
	w := &World{Home: or(m.HomeDir, os.UserHomeDir), Temp: or(m.TempDir, func() string { return "/tmp" })(), EUID: files.EUID}
	w.World = inventory.World{FS: files, LookupEnv: or(m.LookupEnv, os.LookupEnv), Now: or(m.Now, time.Now)}
	begun := w.Now()
	w.Elapsed = func() time.Duration { return time.Since(begun) }
	if m.Now != nil {
		w.Elapsed = func() time.Duration { return m.Now().Sub(begun) }
	}
	return w
}

// or returns the given function, or the standard one in place of nil.
func or[F any](given, standard F) F {
	if reflect.ValueOf(given).IsNil() {
		return standard
	}
	return given
}

// home returns the home directory, and notes the variables that it goes by, so
// that a change of them is seen.
func (w World) home(l *looker) (string, error) {
	for _, name := range [...]string{"HOME", "USERPROFILE"} { // as os.UserHomeDir does
		l.Env(name)
	}
	return w.Home()
}

// Names of places that are not those of variables.
const (
	NameGlobus = "~/.globus"
	NameNetrc  = "netrc"
)

type looker = inventory.Looker

// variable returns the value of an environment variable; an empty one counts
// as unset.
func variable(l *looker, name string) (string, error) {
	value, ok := l.Env(name)
	switch {
	case value != "":
		return value, nil
	case ok:
		return "", ErrEmpty
	}
	return "", ErrNotSet
}

func absent[C any](candidate, path string, err error) []inventory.Place[C] {
	return []inventory.Place[C]{{Candidate: candidate, Path: path, Absent: true, Err: err}}
}

// nowhere is a place that does not exist on this system.
func nowhere[C any](name string) inventory.Candidate[C] {
	return inventory.Candidate[C]{Name: name, Look: func(*looker) []inventory.Place[C] { return absent[C](name, "", ErrNoUID) }}
}

func openWarning(info osfile.Info) string {
	switch {
	case info.OpenToOthers:
		return warnOpen
	case info.Ownerless:
		return warnOwnerless
	}
	return ""
}

// TakeToken makes a credential of a token's text, which has no white space around
// it. It says what is wrong with a text that is none: nobody has checked it. It
// must be safe for concurrent use.
type TakeToken[C any] func(raw, candidate, path string) (*C, error)

// Tokens lists the places of tokens in the order of discovery: SciTokens and
// HTCondor first, as igwn-auth-utils has it, then WLCG Bearer Token Discovery.
// All four WLCG places get their turn, so that a stale token in one does not
// hide a good one in the next.
func Tokens[C any](w World, take TakeToken[C]) []inventory.Candidate[C] {
	text := func(name string) inventory.Candidate[C] {
		return inventory.Candidate[C]{Name: name, Look: func(l *looker) []inventory.Place[C] {
			raw, err := variable(l, name)
			if err != nil {
				return absent[C](name, "", err)
			}
			p := inventory.Place[C]{Candidate: name}
			raw = bearer.Trim(raw)
			if p.Cred, err = take(raw, name, ""); err != nil {
				p.Cred, p.Err, p.Empty = nil, err, raw == ""
			}
			return []inventory.Place[C]{p}
		}}
	}
	file := func(name, base string) inventory.Candidate[C] {
		return inventory.Candidate[C]{Name: name, Look: func(l *looker) []inventory.Place[C] {
			path, err := variable(l, name)
			if err != nil {
				return absent[C](name, "", err)
			}
			if base == "" {
				return []inventory.Place[C]{TokenFile(l, name, path, take)}
			}
			return byUID(w, TokenFile(l, name, join(path, base), take))
		}}
	}
	list := []inventory.Candidate[C]{
		text("SCITOKEN"),
		file("SCITOKEN_FILE", ""),
		{Name: condorName, Folder: &inventory.Folder[C]{List: condor[C], File: func(l *looker, path string) inventory.Place[C] {
			return TokenFile(l, condorName, path, take)
		}}},
		text("BEARER_TOKEN"),
		file("BEARER_TOKEN_FILE", ""),
	}
	if w.EUID < 0 {
		return append(list, nowhere[C]("XDG_RUNTIME_DIR"), nowhere[C](w.Temp))
	}
	base := "bt_u" + strconv.Itoa(w.EUID)
	return append(list, file("XDG_RUNTIME_DIR", base), inventory.Candidate[C]{Name: w.Temp, Look: func(l *looker) []inventory.Place[C] {
		return byUID(w, TokenFile(l, w.Temp, filepath.Join(w.Temp, base), take))
	}})
}

// join names a file in a folder that a variable names. [filepath.Join] would
// resolve .. without regard to links, and so name one in another folder.
func join(dir, base string) string {
	if strings.Contains(dir, "..") {
		return dir + string(filepath.Separator) + base
	}
	return filepath.Join(dir, base)
}

const condorName = "_CONDOR_CREDS"

// condor lists the tokens that HTCondor hands to a job, in name order: the order
// of the folder differs from machine to machine.
func condor[C any](l *looker) (paths []string, instead []inventory.Place[C]) {
	const suffix = ".use"
	dir, err := variable(l, condorName)
	if err != nil {
		return nil, absent[C](condorName, "", err)
	}
	names, err := l.List(dir)
	if err != nil {
		p := absent[C](condorName, dir, err)
		p[0].Absent = errors.Is(err, fs.ErrNotExist)
		return nil, p
	}
	slices.Sort(names)
	prefix := strings.TrimSuffix(join(dir, suffix), suffix)
	for _, n := range names {
		if strings.HasSuffix(n, suffix) && n != suffix {
			paths = append(paths, prefix+n)
		}
	}
	if len(paths) == 0 {
		return nil, absent[C](condorName, dir, ErrNoUse)
	}
	return paths, nil
}

// TokenFile reads a token from a file, which may hold JSON with an
// access_token, as Pelican's do.
func TokenFile[C any](l *looker, candidate, path string, take TakeToken[C]) inventory.Place[C] {
	p := inventory.Place[C]{Candidate: candidate, Path: path}
	data, info, err := l.Read(path, osfile.Rule{Max: maxTokenFile, Borrow: true})
	var raw string
	if err == nil {
		data = bearer.Trim(data)
		if p.Empty = len(data) == 0; len(data) > 0 && data[0] == '{' {
			raw, err = bearer.FromFile(data)
		} else {
			raw = string(data)
		}
	}
	if err == nil {
		p.Cred, err = take(raw, candidate, path)
	}
	if err != nil {
		p.Cred, p.Err, p.Absent, p.Sound = nil, err, errors.Is(err, fs.ErrNotExist), insecure(err)
		return p
	}
	p.Warning = openWarning(info)
	return p
}

// TakeX509 makes a credential of certificates and a key; key is nil where one
// file holds both. If the answer can change by time alone, or the
// files are sound and of no use, the place says so itself.
type TakeX509[C any] func(p *inventory.Place[C], l *looker, cert, key []byte)

// X509 lists the places of certificates in the order of discovery, that of
// igwn-auth-utils. The others in the field look at X509_USER_PROXY first.
func X509[C any](w World, take TakeX509[C]) []inventory.Candidate[C] {
	one := func(p inventory.Place[C]) []inventory.Place[C] { return []inventory.Place[C]{p} }
	list := []inventory.Candidate[C]{
		{Name: "X509_USER_CERT", Look: func(l *looker) []inventory.Place[C] {
			const certName, keyName = "X509_USER_CERT", "X509_USER_KEY"
			cert, certErr := variable(l, certName)
			key, keyErr := variable(l, keyName)
			switch {
			case certErr != nil && keyErr != nil:
				return absent[C](certName, "", certErr)
			case certErr != nil:
				return one(inventory.Place[C]{Candidate: certName, KeyPath: key, Err: halfSet(keyName, certName)})
			case keyErr != nil:
				return one(inventory.Place[C]{Candidate: certName, Path: cert, Err: halfSet(certName, keyName)})
			}
			return one(X509Files(l, certName, cert, key, take))
		}},
		{Name: "X509_USER_PROXY", Look: func(l *looker) []inventory.Place[C] {
			path, err := variable(l, "X509_USER_PROXY")
			if err != nil {
				return absent[C]("X509_USER_PROXY", "", err)
			}
			return one(X509Files(l, "X509_USER_PROXY", path, "", take))
		}},
	}
	if w.EUID < 0 {
		list = append(list, nowhere[C](w.Temp))
	} else {
		list = append(list, inventory.Candidate[C]{Name: w.Temp, Look: func(l *looker) []inventory.Place[C] {
			return byUID(w, X509Files(l, w.Temp, filepath.Join(w.Temp, "x509up_u"+strconv.Itoa(w.EUID)), "", take))
		}})
	}
	globus := func(cert, key string) inventory.Candidate[C] {
		return inventory.Candidate[C]{Name: NameGlobus, Look: func(l *looker) []inventory.Place[C] {
			home, err := w.home(l)
			if err != nil {
				return absent[C](NameGlobus, "", err)
			}
			dir, keyPath := filepath.Join(home, ".globus"), ""
			if key != "" {
				keyPath = filepath.Join(dir, key)
			}
			return one(X509Files(l, NameGlobus, filepath.Join(dir, cert), keyPath, take))
		}}
	}
	return append(list, globus("usercert.pem", "userkey.pem"), globus("usercred.p12", ""))
}

// uidError says for whom a place was looked up that goes by the user's number:
// in a container that is often another than people think.
type uidError struct {
	error
	uid int
}

func (e *uidError) Error() string {
	return fmt.Sprintf("%v (looked for effective uid %d)", e.error, e.uid)
}
func (e *uidError) Unwrap() error { return e.error }

func byUID[C any](w World, p inventory.Place[C]) []inventory.Place[C] {
	if p.Absent {
		p.Err = &uidError{p.Err, w.EUID}
	}
	return []inventory.Place[C]{p}
}

type halfSetError struct{ set, missing string }

func halfSet(set, missing string) error    { return &halfSetError{set, missing} }
func (e *halfSetError) Error() string      { return e.set + " is set, but " + e.missing + " is not" }
func (*halfSetError) Is(target error) bool { return target == ErrHalfSet }

// X509Files reads a certificate and its key; an empty keyPath means that one
// file holds both.
func X509Files[C any](l *looker, candidate, certPath, keyPath string, take TakeX509[C]) inventory.Place[C] {
	p := inventory.Place[C]{Candidate: candidate, Path: certPath, KeyPath: keyPath}
	cert, info, err := l.Read(certPath, osfile.Rule{Max: maxFile})
	var key []byte
	if err == nil && keyPath != "" {
		var keyInfo osfile.Info
		key, keyInfo, err = l.Read(keyPath, osfile.Rule{Max: maxFile})
		info = keyInfo
		if err != nil {
			p.Err, p.Sound = &keyError{err}, insecure(err)
			return p
		}
	}
	if err != nil {
		p.Err, p.Absent, p.Sound = err, errors.Is(err, fs.ErrNotExist), insecure(err)
		return p
	}
	take(&p, l, cert, key)
	if p.Cred != nil && p.Warning == "" {
		p.Warning = openWarning(info)
	}
	return p
}

type keyError struct{ error }

func (e *keyError) Error() string { return "its key file: " + e.error.Error() }
func (e *keyError) Unwrap() error { return e.error }

// TakeNetrc makes a credential of a netrc file's text.
type TakeNetrc[C any] func(data []byte) (*C, error)

// Netrc lists the one netrc file that is read: $NETRC if it is set, else
// ~/.netrc, else ~/_netrc. A bad one ends the search.
func Netrc[C any](w World, take TakeNetrc[C]) []inventory.Candidate[C] {
	return []inventory.Candidate[C]{{Name: NameNetrc, Look: func(l *looker) []inventory.Place[C] {
		home, homeErr := w.home(l)
		if path, err := variable(l, "NETRC"); err == nil {
			if rest, ok := strings.CutPrefix(path, "~/"); ok && homeErr == nil {
				path = filepath.Join(home, rest)
			}
			return []inventory.Place[C]{NetrcFile(l, "NETRC", path, take)}
		}
		if homeErr != nil {
			return absent[C](NameNetrc, "", homeErr)
		}
		var found []inventory.Place[C]
		for _, base := range []string{".netrc", "_netrc"} {
			p := NetrcFile(l, NameNetrc, filepath.Join(home, base), take)
			found = append(found, p)
			if !p.Absent {
				break
			}
		}
		return found
	}}}
}

// NetrcFile reads a netrc file, which must be the user's alone, as safe_netrc
// demands.
func NetrcFile[C any](l *looker, candidate, path string, take TakeNetrc[C]) inventory.Place[C] {
	p := inventory.Place[C]{Candidate: candidate, Path: path}
	data, _, err := l.Read(path, osfile.Rule{Max: maxFile, Private: true})
	if err == nil {
		p.Cred, err = take(data)
	}
	if err != nil {
		p.Cred, p.Err, p.Absent, p.Sound = nil, err, errors.Is(err, fs.ErrNotExist), insecure(err)
	}
	return p
}

// insecure reports whether a file is refused for whose it is or who may read
// it. That is no trouble of a moment, so what it held before is not kept.
func insecure(err error) bool {
	return errors.Is(err, osfile.ErrOwner) || errors.Is(err, osfile.ErrMode)
}
