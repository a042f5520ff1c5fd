// SPDX-License-Identifier: BSD-3-Clause

// Package secret holds text that must never be printed.
//
// A String method alone does not keep a secret: fmt cannot call methods on
// unexported fields and then prints the raw string, and encoding/json walks
// exported ones. Text keeps its value behind a closure, which every printer
// can only show as an address, and adds the methods so that they say REDACTED.
package secret

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what every form of printing shows.
const Redacted = "REDACTED"

// Text is a secret string. The zero value is an empty secret. It is immutable
// and safe for concurrent use.
type Text struct {
	reveal func() string
}

// New returns s as a secret.
func New(s string) Text { return Text{reveal: func() string { return s }} }

// Reveal returns the secret itself.
func (t Text) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// IsZero reports whether the secret is empty.
func (t Text) IsZero() bool { return t.Reveal() == "" }

// String implements fmt.Stringer.
func (Text) String() string { return Redacted }

// GoString implements fmt.GoStringer.
func (Text) GoString() string { return Redacted }

// Format implements fmt.Formatter, so that no verb gets around String.
func (Text) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Redacted) }

// MarshalJSON implements json.Marshaler.
func (Text) MarshalJSON() ([]byte, error) { return json.Marshal(Redacted) }

// MarshalText implements encoding.TextMarshaler.
func (Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue implements slog.LogValuer.
func (Text) LogValue() slog.Value { return slog.StringValue(Redacted) }
