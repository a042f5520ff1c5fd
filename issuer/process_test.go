// SPDX-License-Identifier: BSD-3-Clause

package issuer_test

import (
	"context"
	"crypto/x509"
	"errors"

	"github.com/scicred/scicred/issuer"
)

// findKey is what a program that runs for a moment does.
func findKey(name string, caPEM []byte, cacheDir string) error {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(caPEM) {
		return errors.New("no authority in the file")
	}
	keys, err := issuer.New(issuer.Config{Issuers: []string{name}, RootCAs: pool, CacheDir: cacheDir})
	if err != nil {
		return err
	}
	_, err = keys.Key(context.Background(), name, "ES256", "es256")
	return err
}
