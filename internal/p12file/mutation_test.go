// SPDX-License-Identifier: BSD-3-Clause

package p12file_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/scicred/scicred/credtest"
	"github.com/scicred/scicred/internal/p12file"
)

// mutants are the files that are changed at random.
func mutants(tb testing.TB) [][]byte {
	tb.Helper()
	user := credtest.NewCA("Root").Intermediate("Issuing CA").User("User")
	cert := certBag(tb, user.Cert.Raw)
	return [][]byte{
		export(tb, pkcs12.LegacyRC2, user, secret),
		export(tb, pkcs12.LegacyDES, user, secret),
		export(tb, pkcs12.Modern2023, user, secret),
		export(tb, pkcs12.Modern2026, user, secret),
		export(tb, pkcs12.Modern2023, user, ""),
		export(tb, pkcs12.Passwordless, user, ""),
		indefinite(tb, export(tb, pkcs12.LegacyDES, user, secret), 1), // No lengths hold it together.
		unauthenticated(tb, sealed(tb, secret, cert), plain(tb, shrouded(tb, secret, user.Key))),
		unauthenticated(tb, plain(tb, cert, keyBag(tb, user.Key))),
	}
}

// mutate changes a copy in one to three places, in the ways that disks, editors
// and attackers do.
func mutate(r *rand.Rand, data []byte) []byte {
	out := bytes.Clone(data)
	for range 1 + r.IntN(3) {
		if len(out) < 2 {
			break
		}
		at := r.IntN(len(out))
		if r.IntN(2) == 0 {
			at = r.IntN(min(len(out), 120)) // Where the structure is.
		}
		switch r.IntN(7) {
		case 0:
			out[at] ^= 1 << r.IntN(8)
		case 1:
			out[at] = byte(r.IntN(256))
		case 2:
			out = out[:at]
		case 3:
			out = slices.Insert(out, at, byte(r.IntN(256)))
		case 4:
			out = slices.Delete(out, at, min(len(out), at+1+r.IntN(20)))
		case 5:
			out = slices.Insert(out, at, bytes.Clone(out[at:min(len(out), at+1+r.IntN(200))])...)
		case 6:
			if last := bytes.LastIndex(out, []byte{0x02, 0x01, 0x02}); last >= 0 { // The MAC's count.
				out = slices.Replace(out, last, last+3, 0x02, 0x04, 0x7f, 0xff, 0xff, 0xff)
			}
		}
	}
	return out
}

// The work that a changed file can cause is counted, not timed: machines differ,
// iterations do not. 300,000 take 25 ms (of the key derivation of PKCS#12) to
// 100 ms (of PBKDF2) on one of 2023.
func TestAChangedFileIsAnErrorAndCostsLittle(t *testing.T) {
	t.Parallel()
	const files, maxWork = 20_000, 300_000
	var opened, bombs, wrong int
	var slowest time.Duration
	r := rand.New(rand.NewPCG(7, 92))
	base := mutants(t)
	for i := range files {
		data := mutate(r, base[i%len(base)])
		if work, err := p12file.Work(data); err == nil && work > maxWork {
			t.Errorf("file %d asks for %d iterations", i, work)
			continue
		}
		began := time.Now()
		c, err := p12file.Parse(t.Context(), data, answering(secret), began, 0)
		slowest = max(slowest, time.Since(began))
		switch {
		case (c == nil) == (err == nil):
			t.Fatalf("file %d: either a credential or an error", i)
		case err == nil:
			opened++ // The change was undone, or hit a name.
		case errors.Is(err, p12file.ErrIterations):
			bombs++
		case errors.Is(err, p12file.ErrPassphrase):
			wrong++
		}
	}
	t.Logf("%d files: %d open, %d would take too long, %d wrong passphrase; slowest %s", files, opened, bombs, wrong, slowest)
	require.Less(t, opened, files/4, "most changes must have been noticed")
	require.Greater(t, bombs, 50, "some changes must have hit a count")
	require.Greater(t, wrong, files/40, "some must have come to the MAC")
}

// FuzzParse checks that whatever opens is a key with its certificate, and that
// what has opened is recognised. Files that ask for much work are passed over,
// for the fuzzer's sake.
func FuzzParse(f *testing.F) {
	for _, data := range mutants(f) {
		f.Add(data)
	}
	for _, name := range []string{"nss.p12", "gnutls-no-passphrase.p12", "gnutls-empty-passphrase.p12"} {
		f.Add(stored(f, name))
	}
	now := time.Now()
	f.Fuzz(func(t *testing.T, data []byte) {
		work, err := p12file.Work(data)
		if work > 10_000 {
			return
		}
		c, parseErr := p12file.Parse(t.Context(), data, answering(secret), now, 0)
		if (c == nil) == (parseErr == nil) {
			t.Fatal("either a credential or an error")
		}
		if err != nil && parseErr == nil {
			t.Error("it was opened without being read")
		}
		if _, err := p12file.Certificates(t.Context(), data, answering(secret)); parseErr == nil && err != nil {
			t.Error("the certificates alone do not open:", err)
		}
		if parseErr == nil && !p12file.Looks(data) {
			t.Error("it does not look like what it is")
		}
		if der, err := p12file.ToDER(data); err == nil {
			again, err := p12file.ToDER(der)
			if err != nil || !bytes.Equal(der, again) {
				t.Error("DER does not stay the same")
			}
		}
	})
}
