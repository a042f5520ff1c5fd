// SPDX-License-Identifier: BSD-3-Clause

package login

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/scicred/scicred/internal/human"
)

// Prompt is what a person needs to log in with a code (RFC 8628 section 3.3).
type Prompt struct {
	UserCode        string
	VerificationURI string
	CompleteURI     string    // has the code in it; often ""
	Expires         time.Time // of the code
}

// Prompter shows a [Prompt] to the user. It must not wait for the user: the
// provider is asked when Prompt returns. An error ends the login.
type Prompter interface {
	Prompt(ctx context.Context, p Prompt) error
}

// PrompterFunc is a function that is a [Prompter].
type PrompterFunc func(ctx context.Context, p Prompt) error

// Prompt calls f.
func (f PrompterFunc) Prompt(ctx context.Context, p Prompt) error { return f(ctx, p) }

// TextPrompter writes a Prompt as a few lines of text. The zero value writes to
// standard error, since standard output may be read by another program.
type TextPrompter struct {
	Writer io.Writer // nil: standard error
}

// Prompt implements [Prompter]. The code is shown even where an address has it
// inside: the user shall compare it with what the page shows, since somebody
// else may have sent the address (RFC 8628 section 5.4).
func (t TextPrompter) Prompt(_ context.Context, p Prompt) error {
	w := t.Writer
	if w == nil {
		w = os.Stderr
	}
	var b strings.Builder
	uri, code := human.Printable(p.VerificationURI), human.Printable(p.UserCode)
	fmt.Fprintf(&b, "To log in, open this page in a browser, on any device:\n\n    %s\n\nand enter the code\n\n    %s\n\n", uri, code)
	if p.CompleteURI != "" {
		fmt.Fprintf(&b, "Or open this address and check that it shows that code:\n\n    %s\n\n", human.Printable(p.CompleteURI))
	}
	if !p.Expires.IsZero() {
		fmt.Fprintf(&b, "The code expires in %s.\n", human.Duration(time.Until(p.Expires)))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("the code cannot be shown: %w", err)
	}
	return nil
}
