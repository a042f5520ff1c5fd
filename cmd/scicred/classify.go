// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/scicred/scicred"
)

// classify gives the library's and the network's errors their exit codes.
func classify(err error) error {
	var chain *scicred.ChainError
	var kind scicred.Error
	switch {
	case errors.As(err, &chain):
		r := translated(chain.Report)
		return (&failure{code: exitNoCredential, err: &scicred.ChainError{Report: r}}).hint(advice(r)...)
	case errors.As(err, &kind):
		return &failure{code: exitNoCredential, err: reworded{withoutSecrets(err)}}
	}
	return (&failure{code: exitFailure, err: withoutSecrets(err)}).hint(networkAdvice(err)...)
}

// withoutSecrets takes the URL out of an error of net/http, which quotes it with
// its query, and says it in a form without secrets.
func withoutSecrets(err error) error {
	var outer *url.Error
	if !errors.As(err, &outer) {
		return err
	}
	what := strings.ToUpper(outer.Op)
	if u, parseErr := url.Parse(outer.URL); parseErr == nil {
		what += " " + scicred.RedactURL(u)
	}
	// These two quote a URL that cannot be parsed, and so not be redacted.
	for _, quoting := range []string{"failed to parse Location header", "invalid proxy address"} {
		if strings.HasPrefix(outer.Err.Error(), quoting) {
			return fmt.Errorf("%s: %s: it is no URL", what, quoting)
		}
	}
	return fmt.Errorf("%s: %w", what, outer.Err)
}
