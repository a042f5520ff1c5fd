// SPDX-License-Identifier: BSD-3-Clause

// Package page puts generated parts into a page that people write. A part stands
// between two marks, which are comments of Markdown:
//
//	<!-- bench: warm/3 -->
//	…
//	<!-- end -->
//
// What is between them is replaced, and everything else is left as it is.
package page

import (
	"fmt"
	"strings"
)

const (
	begin    = "<!-- bench: "
	beginEnd = " -->"
	end      = "<!-- end -->"
)

// Fill replaces all parts of a page. A mark that names no part, a part without an
// end, and a part that is nowhere on the page are errors: else a figure could be
// left to grow old, or be lost.
func Fill(text string, parts map[string]string) (string, error) {
	var out strings.Builder
	used := map[string]bool{}
	for {
		before, rest, ok := strings.Cut(text, begin)
		out.WriteString(before)
		if !ok {
			break
		}
		name, rest, ok := strings.Cut(rest, beginEnd)
		if !ok {
			return "", fmt.Errorf("page: a mark is not closed")
		}
		part, ok := parts[name]
		if !ok {
			return "", fmt.Errorf("page: there is nothing to put at %q", name)
		}
		old, rest, ok := strings.Cut(rest, end)
		if !ok || strings.Contains(old, begin) {
			return "", fmt.Errorf("page: the part %q has no end", name)
		}
		used[name] = true
		fmt.Fprintf(&out, "%s%s%s\n\n%s\n\n%s", begin, name, beginEnd, strings.TrimSpace(part), end)
		text = rest
	}
	for name := range parts {
		if !used[name] {
			return "", fmt.Errorf("page: there is no place for %q", name)
		}
	}
	return out.String(), nil
}
