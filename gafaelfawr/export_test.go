// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

// Links is links, to be fuzzed.
func Links(headers []string) map[string]string { return links(headers) }

// HideTokens is hideTokens, to be fuzzed.
func HideTokens(s string) string { return hideTokens(s) }
