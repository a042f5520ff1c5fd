// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/bench/internal/measure"
	"github.com/scicred/scicred/credtest"
)

// Ways to load a certificate.
const (
	keyPair  = "os.ReadFile + tls.X509KeyPair"
	findX509 = "FindX509"
	expired  = "FindX509, expired"
)

// loadX509 loads a proxy: certificate, key and chain in one file.
func loadX509(name, title string, key ...credtest.CertOption) measure.Task {
	return measure.Task{
		Name: "x509/" + name, Title: "load an X.509 proxy, " + title,
		Unit: "load", To: keyPair, Twin: findX509, Show: measure.CPU,
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
		Goals: []measure.Goal{{Of: findX509, To: keyPair, Quantity: measure.CPU, AtMost: 1.1}},
	}
}

// x509Tasks load certificates.
func x509Tasks() []measure.Task {
	return []measure.Task{
		loadX509("rsa2048", "RSA 2048", credtest.RSAKey()),
		loadX509("p256", "ECDSA P-256"),
	}
}
