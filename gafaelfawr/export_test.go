// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import "encoding/json"

// Links is links, to be fuzzed.
func Links(headers []string) map[string]string { return links(headers) }

// Members is eachMember, to be fuzzed.
func Members(data []byte, f func(name string, raw json.RawMessage) error) error {
	return eachMember(data, f)
}

// Elements is eachElement, to be fuzzed.
func Elements(data []byte, f func(raw json.RawMessage) error) error { return eachElement(data, f) }

// HideTokens is hideTokens, to be fuzzed.
func HideTokens(s string) string { return hideTokens(s) }
