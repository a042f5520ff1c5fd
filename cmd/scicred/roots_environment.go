// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// rootsOfEnvironment returns the system's authorities with those that the
// environment names: a machine of the grid talks to servers of the web too. If it
// names none that can be used, that is nil, so that Go loads the system's if they
// are wanted. What is wrong there is said with -v and is no error: who runs the
// machine has set the variables, for other programs.
func (p *program) rootsOfEnvironment(c *common) *x509.CertPool {
	var pool *x509.CertPool
	ours, systems := p.rootVariables(runtime.GOOS)
	if c.verbose {
		p.tellMissing(systems)
	}
	for _, s := range ours {
		set, err := s.read()
		if err != nil {
			if c.verbose {
				p.noteLeftOut(s.name + " " + s.path + ": " + err.Error())
			}
			continue
		}
		if pool == nil {
			pool = p.systemRoots(c)
		}
		set.AddTo(pool)
		p.tellRoots(c, set, s.path+" ("+s.name+")")
	}
	return pool
}

// tellMissing says what Go will not find, for it does not: a variable that is left
// from an earlier installation takes all authorities away.
func (p *program) tellMissing(list []rootSource) {
	for _, s := range list {
		if _, err := os.Stat(s.path); err != nil {
			p.noteLeftOut(s.name + " " + s.path + ": " + bareFile(err).Error())
		}
	}
}

// systemRoots returns a copy of the system's authorities, empty if there are none.
func (p *program) systemRoots(c *common) *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err == nil {
		return pool
	}
	if c.verbose {
		p.noteLeftOut("the authorities of this machine: " + err.Error())
	}
	return x509.NewCertPool()
}

// rootVariables returns what the environment names, for this program to read and
// for Go. SSL_CERT_FILE and SSL_CERT_DIR take the place of the system's authorities
// where Go looks for those in files (crypto/x509.SystemCertPool), and are not read
// a second time. Elsewhere the system is asked, and they add to what it says.
func (p *program) rootVariables(goos string) (ours, systems []rootSource) {
	ours = slices.Concat(p.rootVariable("X509_CERT_DIR", true), p.rootVariable("X509_CERT_FILE", false))
	systems = slices.Concat(p.rootVariable("SSL_CERT_FILE", false), p.rootVariable("SSL_CERT_DIR", true))
	switch goos {
	case "darwin", "ios", "windows":
		return append(ours, systems...), nil
	}
	return ours, systems
}

// rootVariable returns what a variable names: one file, or folders. X509_CERT_DIR
// is one folder; its readers do not split it.
func (p *program) rootVariable(name string, folder bool) (list []rootSource) {
	paths := []string{p.env(name)}
	if name == "SSL_CERT_DIR" {
		paths = filepath.SplitList(paths[0])
	}
	for _, path := range paths {
		if path != "" {
			list = append(list, rootSource{name, path, folder})
		}
	}
	return list
}

// env returns the value of a variable of the environment in which credentials are
// looked for.
func (p *program) env(name string) string {
	lookup := os.LookupEnv
	if p.system != nil && p.system.LookupEnv != nil {
		lookup = p.system.LookupEnv
	}
	value, _ := lookup(name)
	return value
}
