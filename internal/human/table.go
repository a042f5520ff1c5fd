// SPDX-License-Identifier: BSD-3-Clause

package human

import (
	"strings"
	"text/tabwriter"
)

// Table aligns rows of cells in columns. Cells are made printable; no line ends
// in blanks.
func Table(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				_, _ = w.Write([]byte{'\t'})
			}
			_, _ = w.Write([]byte(Printable(cell)))
		}
		_, _ = w.Write([]byte{'\n'})
	}
	_ = w.Flush() // a strings.Builder does not fail
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
