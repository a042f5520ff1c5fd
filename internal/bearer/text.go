// SPDX-License-Identifier: BSD-3-Clause

package bearer

import "sync/atomic"

// Text is the text of a token. It shows itself only through its methods: keep it
// behind a function, as a field of a type that may be printed.
type Text struct {
	raw   string
	value atomic.Pointer[string]
}

// NewText returns the text of a token behind a function, which no form of
// printing looks into.
func NewText(raw string) func() *Text {
	t := &Text{raw: raw}
	return func() *Text { return t }
}

// Reveal returns the text itself.
func (t *Text) Reveal() string { return t.raw }

// Header returns the value of an Authorization header (RFC 6750 section 2.1). It
// is made when it is first asked for, since of ten thousand tokens one is sent.
func (t *Text) Header() string {
	v := t.value.Load()
	if v == nil {
		made := "Bearer " + t.raw
		v = &made
		t.value.Store(v) // of two callers at once one's is lost
	}
	return *v
}
