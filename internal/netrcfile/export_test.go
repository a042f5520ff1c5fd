// SPDX-License-Identifier: BSD-3-Clause

package netrcfile

import "github.com/jdx/go-netrc"

// LookupWith is Lookup with another library.
func (f *File) LookupWith(q Query, parseLibrary func(string) (*netrc.Netrc, error)) (Entry, bool, error) {
	return f.read().lookup(q, parseLibrary)
}
