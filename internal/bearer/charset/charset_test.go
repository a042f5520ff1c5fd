// SPDX-License-Identifier: BSD-3-Clause

package charset_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/scicred/scicred/internal/bearer/charset"
)

const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	base64URL    = alphanumeric + "-_"
	token68      = alphanumeric + "-._~+/"
)

// Each of the 256 bytes is tried at each place of texts of each length up to
// some, with all others right.
func TestEveryByteAtEveryPlace(t *testing.T) {
	t.Parallel()
	for length := range 20 {
		text := []byte(base64URL[:length])
		for place := range text {
			was := text[place]
			for c := range 256 {
				text[place] = byte(c)
				char := string([]byte{byte(c)})
				if charset.Base64URL(string(text)) != strings.Contains(base64URL, char) {
					assert.Fail(t, "Base64URL", "%d of %d: %#x", place, length, c)
				}
				if charset.Token68(string(text)) != strings.Contains(token68, char) {
					assert.Fail(t, "Token68", "%d of %d: %#x", place, length, c)
				}
			}
			text[place] = was
		}
	}
}

func TestNothingIsInEverySet(t *testing.T) {
	t.Parallel()
	assert.True(t, charset.Base64URL(""))
	assert.True(t, charset.Token68(""))
}
