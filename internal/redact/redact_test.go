// SPDX-License-Identifier: BSD-3-Clause

package redact_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/scicred/scicred/internal/redact"
)

func TestURLHidesWhatMayBeSecret(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"plain URLs stay", "https://h.example/p?gps=1&site=H1&spin=0.5&design=3", "https://h.example/p?gps=1&site=H1&spin=0.5&design=3"},
		{"password", "https://u:s3cret@h.example/", "https://u:REDACTED@h.example/"},
		{"user name stays", "https://u@h.example/", "https://u@h.example/"},
		{"authz of XRootD", "https://h.example/f?authz=Bearer%20abc&x=1", "https://h.example/f?authz=REDACTED&x=1"},
		{"access_token, RFC 6750 section 2.3", "https://h.example/f?access_token=abc", "https://h.example/f?access_token=REDACTED"},
		{"percent-encoded name", "https://h.example/f?acc%65ss_tok%65n=abc", "https://h.example/f?acc%65ss_tok%65n=REDACTED"},
		{"Amazon's signature", "https://h.example/f?X-Amz-Signature=abc&X-Amz-Date=1", "https://h.example/f?X-Amz-Signature=REDACTED&X-Amz-Date=REDACTED"},
		{"Azure's signature", "https://h.example/f?sig=abc", "https://h.example/f?sig=REDACTED"},
		{"a JWT under any name", "https://h.example/f?q=eyJhbGciOi", "https://h.example/f?q=REDACTED"},
		{"a JWT without a name", "https://h.example/f?eyJhbGciOi", "https://h.example/f?REDACTED"},
		{"dCache transfer id", "https://h.example/f?dcache-http-uuid=abc", "https://h.example/f?dcache-http-uuid=REDACTED"},
		{"semicolons", "https://h.example/f?a=1;token=abc", "https://h.example/f?a=1&token=REDACTED"},
		{"a URL in a value", "https://h.example/f?url=https%3A%2F%2Fo%2F%3FX-Amz-Signature%3DS", "https://h.example/f?url=REDACTED"},
		{"a URL in a value, not encoded", "https://h.example/f?url=https://o/?sig=S", "https://h.example/f?url=https://o/&sig=REDACTED"},
		{"parameters in a value", "https://h.example/f?a=1%26sig=S", "https://h.example/f?a=REDACTED"},
		{"a name that is encoded twice", "https://h.example/f?%2574oken=S", "https://h.example/f?%2574oken=REDACTED"},
		{"Basic in a value", "https://h.example/f?h=Basic%20S", "https://h.example/f?h=REDACTED"},
		{"a macaroon in a value", "https://h.example/f?h=MDAxY2xvY2F0aW9u", "https://h.example/f?h=REDACTED"},
		{"names of several parts", "https://h.example/f?code_verifier=S&device_code=S&api_key_v2=S&x_sig=S", "https://h.example/f?code_verifier=REDACTED&device_code=REDACTED&api_key_v2=REDACTED&x_sig=REDACTED"},
		{"a session", "https://h.example/f?PHPSESSID=S&sid=S", "https://h.example/f?PHPSESSID=REDACTED&sid=REDACTED"},
		{"a token for a user name", "https://eyJhbGciOi@h.example/", "https://REDACTED@h.example/"},
		{"a token in the path", "https://h.example/p/eyJhbGciOi.x/f", "https://h.example/REDACTED"},
		{"a parameter of the path", "https://h.example/f;token=S", "https://h.example/REDACTED"},
		{"a query that became the path", "https://h.example/f%3Fauthz=S", "https://h.example/REDACTED"},
		{"a path with an equals sign stays", "https://h.example/run=7/f", "https://h.example/run=7/f"},
		{"no host at all", "https:S?x", "https:REDACTED?x"},
		{"fragment", "https://h.example/f#access_token=abc", "https://h.example/f#REDACTED"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(tt.in)
			require.NoError(t, err)
			before := *u
			assert.Equal(t, tt.want, redact.URL(u))
			assert.Equal(t, before, *u, "the URL itself stays as it is")
		})
	}
	assert.Empty(t, redact.URL(nil))
}

func TestScrubberHidesTheLongerSecretFirst(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "x REDACTED y REDACTED", redact.Scrubber("abcd", "abcdefgh", "z")("x abcdefgh y abcd"))
	assert.Equal(t, "x", redact.Scrubber()("x"))
}
