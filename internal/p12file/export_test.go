// SPDX-License-Identifier: BSD-3-Clause

package p12file

// Of the inner rules that are tested by themselves.
var ToDER = toDER

// Work returns how many iterations the key derivations of a file have together.
func Work(data []byte) (int, error) {
	f, err := read(data)
	if err != nil {
		return 0, err
	}
	return f.guard.work, nil
}
