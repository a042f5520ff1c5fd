// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr_test

import (
	"crypto/sha256"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/gafaelfawr"
)

// warmClient returns a client that knows the user of a token, and that user by
// name.
func warmClient(tb testing.TB) (*gafaelfawr.Client, gafaelfawr.Token) {
	tb.Helper()
	asked := 0
	r := responder(func(req *http.Request) (*http.Response, error) {
		if asked++; asked > 2 {
			panic("a hit asks for nothing")
		}
		return answer(req, 200, `{"username":"u","uid":1,"groups":[{"name":"a","id":2}],"quota":{"api":{"tap":5}}}`)
	})
	client, err := gafaelfawr.New(gafaelfawr.WithHTTPClient(&http.Client{Transport: r}), gafaelfawr.WithAPIURL(apiURL))
	require.NoError(tb, err)
	token, err := gafaelfawr.ParseToken(aToken)
	require.NoError(tb, err)
	_, err = client.UserInfo(tb.Context(), token)
	require.NoError(tb, err)
	_, err = client.UserInfoByName(tb.Context(), token, "u")
	require.NoError(tb, err)
	return client, token
}

// A hit costs a hash of the token and a look into a map. What it returns is not
// copied: see UserInfo.Clone.
func TestAHitAllocatesNothing(t *testing.T) {
	client, token := warmClient(t)
	ctx := t.Context()
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		if info, err := client.UserInfo(ctx, token); err != nil || info.Username != "u" {
			panic("no hit")
		}
	}))
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		if info, err := client.UserInfoByName(ctx, token, "u"); err != nil || info.Username != "u" {
			panic("no hit")
		}
	}))
}

func BenchmarkHitByToken(b *testing.B) {
	client, token := warmClient(b)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.UserInfo(ctx, token); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor of a hit by token: its hash alone.
func BenchmarkFloorOfHitByToken(b *testing.B) {
	raw := []byte(aToken)
	for b.Loop() {
		_ = sha256.Sum256(raw)
	}
}

func BenchmarkHitByName(b *testing.B) {
	client, token := warmClient(b)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.UserInfoByName(ctx, token, "u"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHitByTokenOnAllProcessors(b *testing.B) {
	client, token := warmClient(b)
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := client.UserInfo(ctx, token); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// A service gets its tokens as text.
func BenchmarkParseAndHit(b *testing.B) {
	client, _ := warmClient(b)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		token, err := gafaelfawr.ParseToken(aToken)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := client.UserInfo(ctx, token); err != nil {
			b.Fatal(err)
		}
	}
}

// What a copy would cost that shares nothing.
func BenchmarkClone(b *testing.B) {
	info := someUser("u")
	b.ReportAllocs()
	for b.Loop() {
		_ = info.Clone()
	}
}
