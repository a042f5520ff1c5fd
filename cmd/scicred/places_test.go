// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/credtest"
)

func TestEveryPlaceIsOpenedOnce(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	site.Handle("/token", credtest.RequireToken(func(string) bool { return true }, credtest.Answer(200, content)))
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, site.CA.CertPEM(), 0o600))
	token := credtest.NewIssuer("https://issuer.example.org").SciToken(credtest.Claims{"aud": site.Origin})
	for name, args := range map[string][]string{
		"in silence": nil,
		"with -v":    {"-v"},
		"with -o":    {"-o", filepath.Join(t.TempDir(), "file")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, stderr := inProcess(false)
			world := credtest.NewWorld()
			p.system = world.System()
			world.Put("/home/user/token", token)
			world.SetEnv("BEARER_TOKEN_FILE", "/home/user/token")
			require.Equal(t, exitOK, p.run(t.Context(), append([]string{"get", site.Origin + "/token", "--cacert", ca}, args...)), stderr)
			opened := map[string]int{}
			for _, call := range world.Calls() {
				if strings.HasPrefix(call, "open ") {
					opened[call]++
				}
			}
			assert.Equal(t, map[string]int{
				"open /home/user/token": 1, "open /tmp/bt_u1000": 1,
				"open /tmp/x509up_u1000": 1, "open /home/user/.globus/usercert.pem": 1, "open /home/user/.globus/usercred.p12": 1,
				"open /home/user/.netrc": 1, "open /home/user/_netrc": 1,
			}, opened)
		})
	}
}

func TestNoPlaceIsLookedAtForKindsThatAreSwitchedOff(t *testing.T) {
	t.Parallel()
	site := credtest.NewSite()
	t.Cleanup(site.Close)
	site.Handle("/data", credtest.Answer(200, content))
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, site.CA.CertPEM(), 0o600))
	p, stderr := inProcess(false)
	world := credtest.NewWorld()
	p.system = world.System()
	args := []string{"get", site.Origin + "/data", "--cacert", ca, "--no-token", "--no-x509", "--no-netrc"}
	require.Equal(t, exitOK, p.run(t.Context(), args), stderr)
	assert.Empty(t, world.Calls())
}
