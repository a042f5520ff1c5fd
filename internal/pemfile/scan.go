// SPDX-License-Identifier: BSD-3-Clause

package pemfile

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"strings"
)

// block is a PEM block and its number in the file, counted from 1.
type block struct {
	*pem.Block
	number int
}

// blocks are the PEM blocks that matter, in the order of the file.
type blocks struct{ certs, keys []block }

// scan sorts the PEM blocks of a text. Text between blocks is ignored, and so
// are blocks of other types (EC PARAMETERS, for one). pem.Decode passes over
// blocks that are damaged without a word; here they are an error, since a chain
// with a gap fails only at the server, where nobody finds out why.
func scan(text []byte) (blocks, error) {
	var found blocks
	n, rest := 0, text
	for {
		next, after := pem.Decode(rest)
		passed := beginnings(rest[:len(rest)-len(after)])
		if next == nil {
			passed = beginnings(rest) + 1
		}
		n++
		switch {
		case passed > 1:
			return blocks{}, fmt.Errorf("PEM block %d: %w", n, ErrGarbled)
		case next == nil && n == 1:
			return blocks{}, notPEM(text)
		case next == nil:
			return found, nil
		case n > MaxBlocks:
			return blocks{}, fmt.Errorf("%w: more than %d", ErrTooManyBlocks, MaxBlocks)
		case next.Type == "CERTIFICATE", next.Type == "X509 CERTIFICATE": // The second is OpenSSL's old name for it.
			found.certs = append(found.certs, block{next, n})
		case next.Type == "PRIVATE KEY", strings.HasSuffix(next.Type, " PRIVATE KEY"):
			found.keys = append(found.keys, block{next, n})
			if len(found.keys) > maxKeys {
				return blocks{}, fmt.Errorf("%w: more than %d private keys", ErrTooManyBlocks, maxKeys)
			}
		}
		rest = after
	}
}

// beginnings counts the lines that begin a PEM block.
func beginnings(text []byte) int {
	n := bytes.Count(text, []byte("\n-----BEGIN "))
	if bytes.HasPrefix(text, []byte("-----BEGIN ")) {
		n++
	}
	return n
}

func notPEM(text []byte) error {
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return fmt.Errorf("%w: it is empty", ErrNotPEM)
	case text[0] == 0x30: // The tag of an ASN.1 sequence: certificates, keys and PKCS#12 begin so.
		return fmt.Errorf("%w: it may be DER or PKCS#12", ErrNotPEM)
	default:
		return ErrNotPEM
	}
}
