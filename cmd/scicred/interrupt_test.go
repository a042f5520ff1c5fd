// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endsWith is a body that ends as if it were whole, after f.
type endsWith struct {
	io.Reader
	f func()
}

func (b *endsWith) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil {
		b.f()
	}
	return n, err
}

// A server that sees the client go may end what it sends in good order, and that
// may still arrive.
func TestABodyThatEndsWithTheInterruptIsNotWhole(t *testing.T) {
	t.Parallel()
	p, _ := inProcess(false)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://data.example.org/", http.NoBody)
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "file")
	out, err := p.openOutput(&getFlags{output: name})
	require.NoError(t, err)
	resp := &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(&endsWith{strings.NewReader("half"), cancel}), ContentLength: -1}
	_, err = out.begin(resp)
	require.NoError(t, err)
	err = p.copy(&download{req: req, out: out}, resp)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, out.close(false))
	_, err = os.Stat(name)
	assert.ErrorIs(t, err, os.ErrNotExist)
}
