// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawrtest_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/gafaelfawr"
	"github.com/scicred/scicred/gafaelfawr/gafaelfawrtest"
)

func TestTheServerInMemoryPassesTheSuite(t *testing.T) {
	t.Parallel()
	server := gafaelfawrtest.NewServer()
	t.Cleanup(server.Close)
	admin := server.CreateToken("admin", gafaelfawrtest.TokenOptions{Scopes: []string{gafaelfawr.ScopeAdminToken}})
	server.SetGroups(&gafaelfawr.Groups{User: []gafaelfawr.Group{{Name: "g", ID: 1}}})
	gafaelfawrtest.TestServer(t, gafaelfawrtest.Target{APIURL: server.URL, AdminToken: admin})
}

// TestAServerByURLPassesTheSuite runs only if somebody names a server.
func TestAServerByURLPassesTheSuite(t *testing.T) {
	t.Parallel()
	api, raw := os.Getenv("GAFAELFAWR_TEST_URL"), os.Getenv("GAFAELFAWR_TEST_TOKEN")
	if api == "" {
		return
	}
	admin, err := gafaelfawr.ParseToken(raw)
	require.NoError(t, err)
	gafaelfawrtest.TestServer(t, gafaelfawrtest.Target{APIURL: api, AdminToken: admin})
}
