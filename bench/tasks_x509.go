// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/bench/internal/measure"
	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/osfile"
	"github.com/scicred/scicred/internal/pemfile"
)

// Ways to load a certificate.
const (
	keyPair  = "os.ReadFile + tls.X509KeyPair"
	loading  = "scicred: read, check, parse"
	findX509 = "FindX509, all places"
	expired  = "FindX509, expired"
)

// loadX509 loads a proxy: certificate, key and chain in one file. What is judged
// is the loading of that file by the library's own parts: opened safely, whose it
// is, the dates of the whole chain, the key. FindX509, which looks at the other
// places too, has nothing beside it to be compared with, and is shown.
func loadX509(name, title string, key ...credtest.CertOption) measure.Task {
	return measure.Task{
		Name: "x509/" + name, Title: "load an X.509 proxy, " + title,
		Unit: "load", To: keyPair, Twin: loading, Show: measure.CPU,
		Prepare: func(s *measure.Stage) ([]measure.Contender, error) {
			user := credtest.NewCA("Bench CA").User("Albert Einstein", append(key, credtest.ExpiresIn(lifetime))...)
			h, err := newHome(s.Dir)
			if err != nil {
				return nil, err
			}
			file, err := h.put("proxy", user.Proxy(append(key, credtest.ExpiresIn(lifetime))...).PEM())
			if err != nil {
				return nil, err
			}
			h.env["X509_USER_PROXY"] = file
			late := &home{dir: h.dir, env: map[string]string{}}
			if late.env["X509_USER_PROXY"], err = h.put("expired", user.Proxy(append(key, credtest.Expired())...).PEM()); err != nil {
				return nil, err
			}
			system, lateSystem := h.system(), late.system()
			return []measure.Contender{
				{Name: keyPair, Run: times(func() error {
					content, err := os.ReadFile(file)
					if err != nil {
						return err
					}
					_, err = tls.X509KeyPair(content, content)
					return err
				})},
				{Name: loading, Run: times(func() error {
					content, _, err := files().NewReader().Read(file, osfile.Rule{Max: 1 << 20})
					if err != nil {
						return err
					}
					_, err = pemfile.ParsePair(content, nil, time.Now(), leeway)
					return err
				})},
				{Name: findX509, Run: times(func() error {
					found, err := system.FindX509(context.Background(), scicred.Target{})
					if err == nil && found.Path() != file {
						err = fmt.Errorf("found %s", found)
					}
					return err
				})},
				{Name: expired, Run: times(func() error {
					if _, err := lateSystem.FindX509(context.Background(), scicred.Target{}); !errors.Is(err, scicred.ErrExpired) {
						return fmt.Errorf("not refused as expired: %w", err)
					}
					return nil
				})},
			}, nil
		},
		Goals: []measure.Goal{{Of: loading, To: keyPair, Quantity: measure.CPU, AtMost: 1.1}},
	}
}

// leeway is for how long a discovered certificate must be valid.
const leeway = 10 * time.Minute

// files is this machine's file system, as the library uses it.
func files() osfile.FS {
	return osfile.FS{Open: osfile.Open, Stat: os.Stat, Lstat: os.Lstat, ReadDir: os.ReadDir, Identify: osfile.Identify, EUID: os.Geteuid()}
}

// x509Tasks load certificates.
func x509Tasks() []measure.Task {
	return []measure.Task{
		loadX509("rsa2048", "RSA 2048", credtest.RSAKey()),
		loadX509("p256", "ECDSA P-256"),
	}
}
