// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawrtest_test

import (
	"testing"

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
