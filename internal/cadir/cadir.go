// SPDX-License-Identifier: BSD-3-Clause

// Package cadir reads the certificates of authorities: folders as OpenSSL's
// -CApath, X509_CERT_DIR and the grid have them, and files with one or many.
//
// In a folder the certificates are in files that are named by a hash of the
// subject and a number (1a2b3c4d.0), or *.pem. Grid folders hold each authority
// under the hash of OpenSSL 1.0 and under the older one, mostly as links to a
// *.pem: it counts once. What else is there is passed over, and so not enforced:
// revocation lists (1a2b3c4d.r0), .signing_policy and .namespaces, which say which
// names an authority may certify, and .info and .crl_url.
//
// Nothing is left out without a word: a file that cannot be read, and a
// certificate that Go does not parse, is a [Problem].
package cadir

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/scicred/scicred/internal/osfile"
)

// Bounds of what is read. The authorities of the grid are 100 in 1,000 files, all
// those of the web fill 300 kB.
const (
	// MaxNames is how many names a folder may have, certificates or not.
	MaxNames = 20_000
	// MaxFile is how many bytes one file may have.
	MaxFile = 16 << 20
	// MaxBytes is how many bytes the files of a folder may have together.
	MaxBytes = 64 << 20
	// MaxCertificates is how many certificates are taken, those that are there
	// twice counted once.
	MaxCertificates = 10_000
)

// Why nothing, or not all, could be read, beside the reasons of package osfile.
var (
	// ErrNone means that there is no certificate at all. It is the error of Folder
	// and File, and the problem of a file in a folder.
	ErrNone = errors.New("there is no certificate in it")
	// ErrTooMany means that a bound of this package was met.
	ErrTooMany = errors.New("too much for a folder of authorities")
	// ErrDamaged means that a PEM block begins and does not end well.
	ErrDamaged = errors.New("a certificate is garbled or cut short")
	// ErrTrustSettings means a TRUSTED CERTIFICATE, in which OpenSSL notes what the
	// authority is trusted for. To read the certificate alone could trust it for
	// more.
	ErrTrustSettings = errors.New("a certificate comes with trust settings of OpenSSL, which are not read")
)

// Problem is something that was left out.
type Problem struct {
	File string
	Err  error
}

// String names the file and says what is wrong.
func (p Problem) String() string { return p.File + ": " + p.Err.Error() }

// Set is what a folder or a file holds. It must not be changed; reading it from
// several goroutines is safe.
type Set struct {
	// Certificates are all that were read, each once, in the order of the file
	// names.
	Certificates []*x509.Certificate
	// Problems are what was left out, in that order.
	Problems []Problem
	// Stamp tells sets of other certificates apart: as long as it stays the same, so
	// may a pool that was made of them.
	Stamp [sha256.Size]byte

	path    string
	names   []string // of the folder, those that may be certificates
	version version  // of the folder
	again   bool     // it has to be listed next time, whatever its version
	files   map[string]*entry
}

// Pool returns the certificates as crypto/tls wants them. It takes some
// microseconds for each, so the result should be kept.
func (s *Set) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	s.AddTo(pool)
	return pool
}

// AddTo adds the certificates to a pool, to those of the system for instance.
func (s *Set) AddTo(pool *x509.CertPool) {
	for _, c := range s.Certificates {
		pool.AddCert(c)
	}
}

// Folder reads a folder. Given what an earlier call has read there, it reads only
// what has changed since: where nothing has, it asks the system once for each
// name. now is the time of the look. An error means that there is no certificate
// to be used; it wraps ErrNone, ErrTooMany, or what the system says about the
// folder, whose name is not in it.
//
// Whoever may write to the folder decides who is trusted. So in a folder that
// others may write, files, and links to them, must belong to the effective user or
// to root; and what a link in another folder leads to must belong to one of these
// or to the owner of the folder.
func Folder(ctx context.Context, fsys osfile.FS, now time.Time, dir string, old *Set) (*Set, error) {
	info, err := fsys.Stat(dir)
	if err != nil {
		return nil, bare(err)
	}
	l := newLook(fsys, now)
	l.owners(info)
	s := &Set{path: dir, version: l.versionOf(info)}
	s.again = s.version.fresh(now)
	if old != nil && (old.version.mode != s.version.mode || old.version.uid != s.version.uid) {
		old = nil // The rules of owners may be others now.
	}
	if old != nil && old.path == dir && old.version == s.version && !old.again {
		s.names = old.names
	} else if s.names, err = list(fsys, dir); err != nil {
		return nil, err
	}
	if err := s.read(ctx, l, old, func(name string) string { return filepath.Join(dir, name) }); err != nil {
		return nil, err
	}
	switch {
	case len(s.Certificates) > 0:
		return s, nil
	case len(s.Problems) > 0:
		p := s.Problems[0]
		return nil, fmt.Errorf("%w that can be read: %s: %w", ErrNone, p.File, p.Err)
	default:
		return nil, fmt.Errorf("%w (files named like 1a2b3c4d.0, or *.pem)", ErrNone)
	}
}

// File reads one file with any number of certificates, such as --cacert,
// X509_CERT_FILE and SSL_CERT_FILE name. It works as Folder does; whose file it is
// does not matter.
func File(ctx context.Context, fsys osfile.FS, now time.Time, name string, old *Set) (*Set, error) {
	s := &Set{path: name, names: []string{""}}
	if err := s.read(ctx, newLook(fsys, now), old, func(string) string { return name }); err != nil {
		return nil, err
	}
	switch {
	case len(s.Certificates) > 0:
		return s, nil
	case len(s.Problems) > 0:
		return nil, s.Problems[0].Err
	default:
		return nil, ErrNone
	}
}

// read reads the files that have changed since old, and gathers what there is.
func (s *Set) read(ctx context.Context, l *look, old *Set, path func(name string) string) error {
	if old == nil || old.path != s.path {
		old = &Set{}
	}
	s.files = make(map[string]*entry, len(s.names))
	seen := make(map[[sha256.Size]byte]bool, len(old.Certificates))
	told := make(map[*entry]bool, len(s.names))
	stamp := sha256.New()
	for _, name := range s.names {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		e, err := l.file(path(name), old.files[name])
		if err != nil {
			return err
		}
		s.files[name] = e
		if told[e] { // A file with three names is told of once.
			continue
		}
		told[e] = true
		for _, err := range e.problems {
			s.Problems = append(s.Problems, Problem{path(name), err})
		}
		for _, c := range e.certs {
			if !seen[c.sum] {
				seen[c.sum] = true
				s.Certificates = append(s.Certificates, c.Certificate)
				_, _ = stamp.Write(c.sum[:]) // It never fails.
			}
		}
		if len(s.Certificates) > MaxCertificates {
			return fmt.Errorf("%w: more than %d certificates", ErrTooMany, MaxCertificates)
		}
	}
	stamp.Sum(s.Stamp[:0])
	return nil
}
