// SPDX-License-Identifier: BSD-3-Clause

package jwtclaims

// The two readers behind Parse, to be held against each other.
var (
	ParseFast      = parseFast
	ParseCarefully = parseCarefully
)

// Limits of the fast reader.
const (
	MaxDepth  = maxDepth
	MaxNumber = maxNumber
	MaxItems  = len(spans{}.list)
)
