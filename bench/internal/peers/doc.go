// SPDX-License-Identifier: BSD-3-Clause

// Package peers makes the RoundTrippers that the library is measured against:
// the limit, which is the least that an honest wrapper can do, and what other
// modules offer for the same purpose. Each peer gets the token in a file if it
// can read one, and is set up as its documentation says.
package peers
