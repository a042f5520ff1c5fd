// SPDX-License-Identifier: BSD-3-Clause

// Package floor does tasks of the library with the least work that does them.
// These are bounds, not parsers to use: they trust their input, know no escapes,
// comments or quotes, check no owner, and cannot say what is wrong.
package floor
