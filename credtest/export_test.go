// SPDX-License-Identifier: BSD-3-Clause

package credtest

import (
	"context"
	"net/http"
	"strings"
)

// Faults runs the contract test without a testing.T, which would fail, until it
// has found a fault that contains the text. It returns what it has found.
func Faults(ctx context.Context, until string, wrap func(base http.RoundTripper) http.RoundTripper, opts ...ContractOption) []string {
	var faults []string
	c := newContract(wrap, opts)
	for _, r := range rules() {
		if r.needsSound && c.touched || r.refusal && c.refusing == nil {
			continue
		}
		found := c.examine(ctx, r, "HTTP/1.1")
		faults = append(faults, found...)
		if until != "" && strings.Contains(strings.Join(found, "\n"), until) {
			break
		}
	}
	return faults
}
