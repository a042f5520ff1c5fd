// SPDX-License-Identifier: BSD-3-Clause

package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/secret"
)

func TestNoFormOfPrintingShowsTheSecret(t *testing.T) {
	t.Parallel()
	const hidden = "hunter2-hunter2"
	type holder struct {
		Public  secret.Text
		private secret.Text
		Pointer *secret.Text
	}
	s := secret.New(hidden)
	values := []any{s, &s, holder{s, s, &s}, &holder{s, s, &s}, []secret.Text{s}, map[string]secret.Text{"k": s}}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T", "%X", "% x"} {
			out := fmt.Sprintf(verb, v)
			assert.NotContains(t, out, hidden, verb)
			assert.NotContains(t, out, fmt.Sprintf("%x", hidden), verb)
		}
		j, err := json.Marshal(v)
		require.NoError(t, err)
		assert.NotContains(t, string(j), hidden)
		var buf bytes.Buffer
		slog.New(slog.NewTextHandler(&buf, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&buf, nil)).Info("m", "v", v)
		assert.NotContains(t, buf.String(), hidden)
	}
	x, err := xml.Marshal(holder{s, s, &s})
	require.NoError(t, err)
	assert.NotContains(t, string(x), hidden)
}

func TestRevealGivesTheSecretBack(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "x", secret.New("x").Reveal())
	assert.Empty(t, secret.Text{}.Reveal())
	assert.True(t, secret.Text{}.IsZero())
	assert.False(t, secret.New("x").IsZero())
}
