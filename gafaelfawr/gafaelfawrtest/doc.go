// SPDX-License-Identifier: BSD-3-Clause

// Package gafaelfawrtest has a Gafaelfawr server for tests, in memory, and a test
// of any Gafaelfawr server.
//
// A [Server] speaks http on this machine, or https ([NewTLSServer]), with a service
// discovery of its own. What it knows, and what fails, is up to the test:
//
//	server := gafaelfawrtest.NewServer()
//	defer server.Close()
//	token := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{})
//	server.SetUserInfo("someuser", &gafaelfawr.UserInfo{Username: "someuser", UID: new(int64(4123))})
//	client, err := server.NewClient()
//
// [Server.FailOn] lets what a user does fail with status 500; [Server.Intercept]
// answers in any other way, such as 429, or late.
//
// Programs that read the environment find it through
// t.Setenv(gafaelfawr.BaseURLVariable, server.DiscoveryURL).
//
// It does what Gafaelfawr's own mock does, and keeps tokens, their history and
// quota overrides besides. It checks less than a real server: any scope may be
// granted, and names may be anything. Where both refuse, their statuses may
// differ: an unknown token is 403 here and 401 there.
//
// [TestServer] puts a client through every operation against any server.
package gafaelfawrtest
