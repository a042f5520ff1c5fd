// SPDX-License-Identifier: BSD-3-Clause

package jwtclaims

// The two readers behind Parse, to be held against each other.
var (
	ParseFast      = parseFast
	ParseCarefully = parseCarefully
)

// DecodeTo is a step of the fast reader.
var DecodeTo = decodeTo

// Limits of the fast reader.
const (
	MaxDepth  = maxDepth
	MaxNumber = maxNumber
	MaxItems  = len(spans{}.list)
	Padding   = padding
)
