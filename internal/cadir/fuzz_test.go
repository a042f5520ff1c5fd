// SPDX-License-Identifier: BSD-3-Clause

package cadir_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/cadir"
)

// FuzzFile checks that a file gives certificates or an error, and that reading it
// twice gives the same.
func FuzzFile(f *testing.F) {
	ca := credtest.NewCA("One")
	f.Add(ca.CertPEM())
	f.Add(bytes.Join([][]byte{ca.CertPEM(), ca.User("User").PEM()}, []byte("text\n")))
	f.Add(bytes.ReplaceAll(ca.CertPEM(), []byte("CERTIFICATE"), []byte("TRUSTED CERTIFICATE")))
	f.Add(ca.CertPEM()[:200])
	name := filepath.Join(f.TempDir(), "ca.pem")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := cadir.File(t.Context(), machine().FS, later(), name, nil)
		if (s == nil) == (err == nil) {
			t.Fatal("either a set or an error")
		}
		if err != nil {
			return
		}
		again, err := cadir.File(t.Context(), machine().FS, later(), name, s)
		if err != nil || again.Stamp != s.Stamp || len(again.Certificates) != len(s.Certificates) {
			t.Error("the second look differs:", err)
		}
		if begun := bytes.Count(data, []byte("CERTIFICATE-----")); len(s.Certificates)+len(s.Problems) > begun+1 {
			t.Error("there are more than begun")
		}
	})
}
