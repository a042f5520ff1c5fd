// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/scicred/scicred/internal/human"
)

// What is read of authorities, at most. All those of the web fill 300 kB, and
// grid folders hold some hundred files.
const (
	maxRootFile   = 16 << 20 // bytes
	maxRootFolder = 20_000   // files
)

// roots returns the authorities that servers are verified by: those of --cacert
// and --capath in place of the system's, as curl has it. nil stands for the
// system's.
func (p *program) roots(c *common) (*x509.CertPool, error) {
	if c.caFile == "" && c.caPath == "" {
		return nil, nil
	}
	r := rootReader{pool: x509.NewCertPool(), seen: map[[sha256.Size]byte]bool{}}
	if c.caFile != "" {
		if err := r.file(c.caFile); err != nil {
			return nil, fmt.Errorf("--cacert %s: %w", c.caFile, bareFile(err))
		}
		if len(r.seen) == 0 {
			return nil, fmt.Errorf("--cacert %s: there is no certificate in it", c.caFile)
		}
	}
	if c.caPath != "" {
		before := len(r.seen)
		if err := r.folder(c.caPath); err != nil {
			return nil, fmt.Errorf("--capath %s: %w", c.caPath, bareFile(err))
		}
		if len(r.seen) == 0 {
			return nil, fmt.Errorf("--capath %s: there is no certificate in it (files named like 1a2b3c4d.0, or *.pem)", c.caPath)
		}
		if c.verbose {
			p.note("* %d authorities from %s", len(r.seen)-before, human.Printable(c.caPath))
		}
	}
	if c.verbose {
		for _, problem := range r.problems {
			p.note("* left out: %s", human.Printable(problem))
		}
	}
	return r.pool, nil
}

// rootReader collects certificates. The same one often is there twice: grid
// folders have it under two hashes.
type rootReader struct {
	pool     *x509.CertPool
	seen     map[[sha256.Size]byte]bool
	problems []string
}

// folder reads a folder as OpenSSL's -CApath has it: the certificates are in
// files named by a hash, beside which there are revocation lists and policies.
// Files that end in .pem are read too.
func (r *rootReader) folder(dir string) error {
	entries, err := listRoots(dir, maxRootFolder)
	if err != nil {
		return err
	}
	wanted := regexp.MustCompile(`^([0-9a-fA-F]{8}\.[0-9]+|.*\.pem)$`)
	for _, e := range entries {
		if !wanted.MatchString(e.Name()) {
			continue
		}
		name := filepath.Join(dir, e.Name())
		if err := r.file(name); err != nil {
			r.problems = append(r.problems, fmt.Sprintf("%s: %v", name, bareFile(err)))
		}
	}
	return nil
}

// listRoots returns what is in a folder, by name, if it is no more than that.
func listRoots(dir string, most int) ([]os.DirEntry, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(most + 1)
	switch {
	case errors.Is(err, io.EOF): // It is empty.
		return nil, nil
	case err != nil:
		return nil, err
	case len(entries) > most:
		return nil, fmt.Errorf("there are more than %d files in it", most)
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// file reads the certificates in one PEM file. The folder holds anybody's
// certificates: one that Go cannot read takes no other with it.
func (r *rootReader) file(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("is not a regular file") // opening a named pipe would wait for ever
	}
	data, err := readRoots(name, info.Size())
	if err != nil {
		return err
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" && block.Type != "X509 CERTIFICATE" {
			continue
		}
		sum := sha256.Sum256(block.Bytes)
		if r.seen[sum] { // To parse it takes longer than to read it.
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			r.problems = append(r.problems, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		r.seen[sum] = true
		r.pool.AddCert(cert)
	}
	return nil
}

// readRoots reads all of a file that is not too large, and about that long.
func readRoots(name string, size int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var data bytes.Buffer
	data.Grow(int(min(size, maxRootFile)) + bytes.MinRead)
	_, err = data.ReadFrom(io.LimitReader(f, maxRootFile+1))
	if err == nil && data.Len() > maxRootFile {
		err = fmt.Errorf("is larger than %s", byteCount(maxRootFile))
	}
	return data.Bytes(), err
}

// bareFile removes the file's name from the operating system's error.
func bareFile(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
