// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"encoding/json"
	"strings"
)

// Error is the type of the errors to test for with [errors.Is].
type Error string

// Error implements error.
func (e Error) Error() string { return string(e) }

// What can be wrong before anything is sent.
const (
	// ErrInvalidToken means that a text is no Gafaelfawr token.
	ErrInvalidToken Error = "no valid Gafaelfawr token"
	// ErrInvalidArgument means that an option or argument makes no sense.
	ErrInvalidArgument Error = "invalid argument"
)

// ErrorDetail is one thing that a server says is wrong with a request.
type ErrorDetail struct {
	Message string `json:"msg"`
	Type    string `json:"type"` // such as permission_denied; "" if it is not said
	// Loc leads to the part of the request: path, query, header or body, then
	// names as strings and positions as ints. It is nil if it is the whole.
	Loc []any `json:"loc,omitempty"`
}

// ErrorBody is the body of a failure. Servers write it in two shapes, a list of
// details and, where nobody is logged in, one detail; their framework adds a
// third, a text.
type ErrorBody struct {
	Detail []ErrorDetail `json:"detail"`
}

// UnmarshalJSON reads any of the shapes.
func (b *ErrorBody) UnmarshalJSON(data []byte) error {
	var out ErrorBody
	err := object(data, required("detail", func(raw json.RawMessage) error {
		var message string
		if json.Unmarshal(raw, &message) == nil {
			out.Detail = []ErrorDetail{{Message: message}}
			return nil
		}
		if strings.HasPrefix(string(raw), "{") {
			out.Detail = make([]ErrorDetail, 1)
			return json.Unmarshal(raw, &out.Detail[0])
		}
		return listOf(&out.Detail)(raw)
	}))
	if err == nil {
		*b = out
	}
	return err
}

// UnmarshalJSON reads a detail. What servers add to it is not kept: it repeats
// the request, secrets and all.
func (d *ErrorDetail) UnmarshalJSON(data []byte) error {
	var out ErrorDetail
	err := object(data, required("msg", value(&out.Message)), optional("type", value(&out.Type)), nullable("loc", listOf(&out.Loc)))
	if err != nil {
		return err
	}
	for i, place := range out.Loc {
		if n, ok := place.(float64); ok {
			out.Loc[i] = int(n)
		} else if _, ok := place.(string); !ok {
			return &FieldError{Path: []any{"loc", i}, Problem: "is neither a name nor a number"}
		}
	}
	*d = out
	return nil
}
