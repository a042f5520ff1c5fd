// SPDX-License-Identifier: BSD-3-Clause

package bearer_test

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"

	"github.com/scicred/scicred/internal/bearer"
)

func TestTheHeaderOfATokenIsMadeOnce(t *testing.T) {
	t.Parallel()
	text := bearer.NewText("abc")
	assert.Equal(t, "abc", text().Reveal())
	first := text().Header()
	assert.Equal(t, "Bearer abc", first)
	assert.Equal(t, unsafe.StringData(first), unsafe.StringData(text().Header()), "it is the same piece of memory")
}

func TestNoFormatPrintsATokensText(t *testing.T) {
	t.Parallel()
	holder := struct{ Text func() *bearer.Text }{bearer.NewText("geheim")}
	holder.Text().Header()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, holder), "geheim")
	}
}
