// SPDX-License-Identifier: BSD-3-Clause

package bearer_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/scicred/scicred/internal/bearer"
)

func TestTheHeaderOfATokenIsMadeOnce(t *testing.T) {
	t.Parallel()
	text := bearer.NewText("abc")
	assert.Equal(t, "abc", text().Reveal())
	first := text().Header()
	assert.Equal(t, []string{"Bearer abc"}, first)
	assert.Same(t, &first[0], &text().Header()[0])
	longer := append(first, "x") //nolint:gocritic // what a RoundTripper may do to a header
	assert.NotSame(t, &first[0], &longer[0], "nobody appends to what is shared")
}

func TestNoFormatPrintsATokensText(t *testing.T) {
	t.Parallel()
	holder := struct{ Text func() *bearer.Text }{bearer.NewText("geheim")}
	holder.Text().Header()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, holder), "geheim")
	}
}
