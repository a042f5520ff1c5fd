// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"fmt"
	"log/slog"

	"github.com/scicred/scicred/internal/secret"
)

// Secret is a client secret, password or refresh token. It prints, logs and
// marshals as REDACTED. The zero value is none. It is safe for concurrent use.
type Secret struct{ text secret.Text }

// NewSecret returns s as a secret.
func NewSecret(s string) Secret { return Secret{secret.New(s)} }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return s.text.Reveal() }

// IsZero reports whether there is none.
func (s Secret) IsZero() bool { return s.text.IsZero() }

// String implements [fmt.Stringer].
func (s Secret) String() string { return s.text.String() }

// Format implements [fmt.Formatter], so that no verb gets around String.
func (s Secret) Format(f fmt.State, verb rune) { s.text.Format(f, verb) }

// MarshalJSON implements [encoding/json.Marshaler].
func (s Secret) MarshalJSON() ([]byte, error) { return s.text.MarshalJSON() }

// MarshalText implements [encoding.TextMarshaler].
func (s Secret) MarshalText() ([]byte, error) { return s.text.MarshalText() }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return s.text.LogValue() }
