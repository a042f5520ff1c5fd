// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/scicred/scicred/internal/cadir"
	"github.com/scicred/scicred/internal/human"
	"github.com/scicred/scicred/internal/osfile"
)

// trust is whom a command believes that a server is who it says.
type trust struct {
	pool *x509.CertPool // nil stands for the system's authorities
}

// roots returns the authorities that servers are verified by: those of --cacert
// and --capath alone if they are given, as curl has it, else the system's, with
// those that the environment names. nil stands for the system's, which Go loads
// when it verifies the first server: that takes longer than all else a command
// does. A command's flags stay as they are, so it reads them once.
func (p *program) roots(c *common) (*x509.CertPool, error) {
	if p.trust != nil {
		return p.trust.pool, nil
	}
	var pool *x509.CertPool
	switch {
	case c.caFile != "" || c.caPath != "":
		var err error
		if pool, err = p.rootsOfFlags(c); err != nil {
			return nil, err
		}
	case c.offline:
		return nil, nil
	default:
		pool = p.rootsOfEnvironment(c)
	}
	p.trust = &trust{pool}
	return pool, nil
}

// rootsOfFlags returns the authorities that the command line names. Each flag must
// name some: who sets one wants it to count.
func (p *program) rootsOfFlags(c *common) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for _, s := range []rootSource{
		{name: "--cacert", path: c.caFile},
		{name: "--capath", path: c.caPath, folder: true},
	} {
		if s.path == "" {
			continue
		}
		set, err := s.read()
		if err != nil {
			f := &failure{code: exitFailure, err: fmt.Errorf("%s %s: %w", s.name, s.path, err)}
			return nil, f.hint(s.advice(err)...)
		}
		set.AddTo(pool)
		p.tellRoots(c, set, s.path)
	}
	return pool, nil
}

// tellRoots says with -v what was taken from where, and what was not.
func (p *program) tellRoots(c *common, set *cadir.Set, from string) {
	if !c.verbose {
		return
	}
	p.note("* %d authorities from %s", len(set.Certificates), human.Printable(from))
	for _, problem := range set.Problems {
		p.noteLeftOut(problem.String())
	}
}

func (p *program) noteLeftOut(what string) { p.note("* left out: %s", human.Printable(what)) }

// rootSource is what names authorities: a flag or a variable of the environment.
type rootSource struct {
	name, path string
	folder     bool
}

// read reads the authorities. It cannot be called off: there are bounds on what is
// read, and named pipes are not opened.
func (s rootSource) read() (*cadir.Set, error) {
	read := cadir.File
	if s.folder {
		read = cadir.Folder
	}
	machine := osfile.FS{
		Open: osfile.Open, Stat: os.Stat, Lstat: os.Lstat, ReadDir: os.ReadDir,
		Identify: osfile.Identify, EUID: os.Geteuid(),
	}
	return read(context.Background(), machine, time.Now(), s.path, nil)
}

// advice says what to do about a flag that names no authority.
func (s rootSource) advice(err error) []string {
	switch {
	case errors.Is(err, cadir.ErrTrustSettings):
		return []string{"if you trust it for servers: openssl x509 -in FILE -out FILE.pem leaves the settings out"}
	case errors.Is(err, cadir.ErrDamaged):
		return []string{"get that file again from where it came from"}
	case errors.Is(err, cadir.ErrNone) && s.folder:
		return []string{"name a folder with certificates in PEM, in files called like 1a2b3c4d.0 (openssl rehash DIR makes these names) or *.pem"}
	case errors.Is(err, cadir.ErrNone):
		return []string{"name a file with certificates in PEM; openssl x509 -inform DER -in FILE -out FILE.pem makes one of DER"}
	case errors.Is(err, osfile.ErrNotRegular):
		return []string{"for a folder: --capath DIR; --cacert takes a regular file"}
	case errors.Is(err, syscall.ENOTDIR) && s.folder:
		return []string{"for one file: --cacert FILE"}
	case errors.Is(err, fs.ErrPermission):
		return []string{"you may not read it: ask who runs this machine, or name a copy of your own"}
	}
	return []string{"the authorities of the grid mostly are in /etc/grid-security/certificates; without " + s.name + " those of this machine are trusted"}
}
