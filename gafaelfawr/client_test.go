// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/gafaelfawr"
	"github.com/scicred/scicred/gafaelfawr/gafaelfawrtest"
)

func newServer(t *testing.T) *gafaelfawrtest.Server {
	t.Helper()
	server := gafaelfawrtest.NewServer()
	t.Cleanup(server.Close)
	return server
}

func newClient(t *testing.T, server *gafaelfawrtest.Server, opts ...gafaelfawr.Option) *gafaelfawr.Client {
	t.Helper()
	client, err := server.NewClient(opts...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// someUser is a user about whom everything is known.
func someUser(name string) gafaelfawr.UserInfo {
	return gafaelfawr.UserInfo{
		Username: name, Name: new("Some User"), Email: new("some@example.com"), UID: new(int64(4123)), GID: new(int64(4124)),
		Groups: []gafaelfawr.Group{{Name: "g_users", ID: 4124}, {Name: "g_ops", ID: 5001}},
		Quota: &gafaelfawr.Quota{
			API: map[string]int64{"tap": 10, "sia": 0}, Disk: map[string]int64{"/home": 1 << 40},
			Notebook: &gafaelfawr.NotebookQuota{CPU: 1.5, Memory: 6.5, Spawn: true}, Tap: map[string]gafaelfawr.TapQuota{"qserv": {Concurrent: 4}},
		},
	}
}

func TestWithoutArgumentsTheEnvironmentLeadsToTheServer(t *testing.T) {
	server := newServer(t)
	t.Setenv(gafaelfawr.BaseURLVariable, server.DiscoveryURL+"//")
	token := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{})
	info := someUser("someuser")
	require.NoError(t, server.SetUserInfo("someuser", &info))
	client, err := gafaelfawr.New()
	require.NoError(t, err)
	defer client.Close()

	got, err := client.UserInfo(t.Context(), token)
	require.NoError(t, err)
	assert.Equal(t, info, got)
	requests := server.Requests()
	require.Len(t, requests, 2)
	assert.Equal(t, gafaelfawrtest.Request{Method: http.MethodGet, Path: "/repertoire/discovery"}, requests[0], "discovery needs no token and gets none")
	assert.Equal(t, gafaelfawrtest.Request{Method: http.MethodGet, Path: "/auth/api/v1/user-info", Key: token.Key()}, requests[1])
}

func TestTheLifetimeOfUserInformationIsNotThatOfDiscovery(t *testing.T) {
	server := newServer(t)
	t.Setenv(gafaelfawr.BaseURLVariable, server.DiscoveryURL)
	token := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{})
	server.SetQuota("someuser", nil)
	client, err := gafaelfawr.New(gafaelfawr.WithCacheLifetime(0))
	require.NoError(t, err)
	defer client.Close()
	for range 3 {
		_, err := client.UserInfo(t.Context(), token)
		require.NoError(t, err)
	}
	assert.Equal(t, 3, server.Count("/user-info"))
	assert.Equal(t, 1, server.Count("/discovery"))
}

func TestTheURLOfTheAPIIsThatOfDiscoveryOrOfTheOption(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	found, err := newClient(t, server).APIURL(t.Context())
	require.NoError(t, err)
	assert.Equal(t, server.URL, found)
	named := withResponder(t, nil)
	found, err = named.APIURL(t.Context())
	require.NoError(t, err)
	assert.Equal(t, apiURL, found)
	lost, err := gafaelfawr.NewDiscovery(server.URL)
	require.NoError(t, err)
	client, err := gafaelfawr.New(gafaelfawr.WithDiscovery(lost))
	require.NoError(t, err)
	_, err = client.APIURL(t.Context())
	as[*gafaelfawr.DiscoveryError](t, err)
	_, err = gafaelfawr.New(gafaelfawr.WithAPIURL("https://h/?a=b"))
	require.ErrorIs(t, err, gafaelfawr.ErrInvalidArgument)
	assert.Equal(t, "gafaelfawr: invalid argument: WithAPIURL: https://h/?a=b has a query or a fragment, and nothing can be appended to it", err.Error())
}

func TestErrorsHaveTheirTypes(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	token := server.CreateToken("someuser", gafaelfawrtest.TokenOptions{})

	_, err := client.UserInfo(t.Context(), token)
	var missing *gafaelfawr.NotFoundError
	require.ErrorAs(t, err, &missing)
	var web *gafaelfawr.WebError
	require.ErrorAs(t, err, &web)
	assert.Equal(t, http.StatusNotFound, web.Status)
	assert.Equal(t, "status 404 from GET "+server.URL+"/user-info: path.user-info No user information found (not_found)", err.Error())
}
