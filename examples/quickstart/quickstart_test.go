// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/credtest"
)

// asMain makes this test's program the quickstart.
const asMain = "QUICKSTART_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// told returns the sentences of an account that begin with a word.
func told(account, word string) []string {
	var sentences []string
	for line := range strings.Lines(account) {
		if sentence, ok := strings.CutPrefix(line, word+"  "); ok {
			sentences = append(sentences, strings.TrimSpace(sentence))
		}
	}
	return sentences
}

// play gives the tour on a stage on which something is not as it should be.
func play(t *testing.T, spoil func(*testing.T, *stage)) (string, error) {
	t.Helper()
	s, err := newStage()
	require.NoError(t, err)
	defer s.close()
	if spoil != nil {
		spoil(t, s)
	}
	var out strings.Builder
	err = tour(t.Context(), &out, s)
	return out.String(), err
}

func TestEachClaimCanBeBroken(t *testing.T) {
	t.Parallel()
	spoilers := map[string]func(*testing.T, *stage){
		"the data server received the SciToken": func(t *testing.T, s *stage) {
			t.Helper()
			require.NoError(t, os.Remove(s.env["BEARER_TOKEN_FILE"]))
		},
		"the grid server was shown the proxy": func(t *testing.T, s *stage) {
			t.Helper()
			require.NoError(t, os.Remove(s.env["X509_USER_PROXY"]))
		},
		"the archive received the login": func(t *testing.T, s *stage) {
			t.Helper()
			netrc := "machine archive.example.net login albert.einstein password " + s.password
			require.NoError(t, os.WriteFile(filepath.Join(s.home, ".netrc"), []byte(netrc), 0o600))
		},
		"the data server redirected to a mirror": func(_ *testing.T, s *stage) {
			s.site.Handle(s.mirror+"/file", credtest.Answer(http.StatusNotFound, ""))
		},
		"the mirror received no token": func(_ *testing.T, s *stage) {
			s.more = []scicred.Option{scicred.WithTrustedHosts("*.example.net")}
		},
		"the file was rewritten": func(_ *testing.T, s *stage) {
			s.renew = func() error { // the server changes its mind, the file stays
				token := "another"
				s.token.Store(&token)
				return nil
			}
		},
		"with ForceNoAuth a server received nothing": func(t *testing.T, s *stage) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.public+"/file", nil)
			require.NoError(t, err)
			req.Header.Set("Authorization", "Bearer "+*s.token.Load())
			resp, err := s.site.Transport().RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
		},
		"this is the report": func(_ *testing.T, s *stage) {
			s.more = []scicred.Option{scicred.Without(scicred.KindX509)}
		},
		"this is the error": func(_ *testing.T, s *stage) {
			s.more = []scicred.Option{scicred.Without(scicred.KindToken)}
		},
		"no token, no password and no key": func(_ *testing.T, s *stage) {
			s.revoked = append(s.revoked, "BEARER_TOKEN_FILE") // is printed
		},
	}

	account, err := play(t, nil)
	require.NoError(t, err, account)
	claims := told(account, "ok")
	assert.Len(t, claims, len(spoilers))
	assert.Empty(t, told(account, "FAILED"))

	for _, claim := range claims {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			for begin, spoil := range spoilers {
				if !strings.HasPrefix(claim, begin) {
					continue
				}
				account, err := play(t, spoil)
				require.ErrorContains(t, err, "claims do not hold")
				assert.Contains(t, told(account, "FAILED"), claim)
				assert.NotContains(t, told(account, "ok"), claim)
				return
			}
			assert.Fail(t, "nobody breaks this claim")
		})
	}
}

func TestATokenThatIsNotReplacedIsNoRotation(t *testing.T) {
	t.Parallel()
	account, err := play(t, func(_ *testing.T, s *stage) { s.renew = func() error { return nil } })
	require.Error(t, err)
	assert.Contains(t, account, "the token was not replaced")
}

func TestEachKindOfSecretIsLookedFor(t *testing.T) {
	t.Parallel()
	s, err := newStage()
	require.NoError(t, err)
	defer s.close()
	old := *s.token.Load()
	require.NoError(t, s.rotate())
	require.NoError(t, s.noSecretIn("nothing"))
	for _, secret := range []string{old, *s.token.Load(), s.password, string(s.proxy.KeyPEM())} {
		require.Error(t, s.noSecretIn("before "+secret+" after"))
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	s, err := newStage()
	require.NoError(t, err)
	s.close()
	assert.NoDirExists(t, s.home)
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestAnAccountThatCannotBeWrittenIsAFailure(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run(t.Context(), fullDisk{}), "no space left")
}

func TestTheProgramExitsWithZeroOnlyIfAllHolds(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	var used time.Duration // of processors, since other programs may keep them busy
	start := func(env ...string) ([]byte, error) {
		child := exec.CommandContext(t.Context(), self)
		child.Env = append(os.Environ(), append(env, asMain+"=1")...)
		out, err := child.CombinedOutput()
		used = child.ProcessState.UserTime() + child.ProcessState.SystemTime()
		return out, err
	}

	// What the user has set does not matter.
	out, err := start("BEARER_TOKEN=garbage", "IGWN_AUTH_UTILS_FIND_SCITOKEN=no", "HOME=/nonexistent")
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "All 10 claims hold.")
	assert.Less(t, used, 5*time.Second)

	nowhere := filepath.Join(t.TempDir(), "none")
	out, err = start("TMPDIR="+nowhere, "TMP="+nowhere, "TEMP="+nowhere)
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "%s", out)
	assert.Equal(t, 1, exit.ExitCode())
	assert.Contains(t, string(out), "quickstart:")
}
