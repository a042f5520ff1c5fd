// SPDX-License-Identifier: BSD-3-Clause

package pemkey

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
)

// readTraditional reads the header DEK-Info of RFC 1421, section 4.6.1.3: a cipher
// and its initialization vector.
func readTraditional(b *pem.Block) (*Sealed, error) {
	name, vector, _ := strings.Cut(b.Headers["DEK-Info"], ",")
	var blockSize int
	switch name {
	case "DES-CBC", "DES-EDE3-CBC":
		blockSize = 8
	case "AES-128-CBC", "AES-192-CBC", "AES-256-CBC":
		blockSize = 16
	case "":
		return nil, malformed("no DEK-Info")
	default:
		return nil, &UnsupportedError{Scheme: "another cipher than AES-CBC and DES-CBC", Legacy: true}
	}
	if iv, err := hex.DecodeString(vector); err != nil || len(iv) != blockSize {
		return nil, malformed("bad DEK-Info")
	}
	if !wholeBlocks(b.Bytes, blockSize) {
		return nil, malformed("no whole number of blocks")
	}
	return &Sealed{iterations: 1, decrypt: func(ctx context.Context, passphrase []byte) ([]byte, error) {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("not opened: %w", err)
		}
		//nolint:staticcheck // Deprecated so that nobody writes such files; people have them, and this reads them all.
		key, err := x509.DecryptPEMBlock(b, passphrase)
		if err != nil {
			return nil, ErrWrongPassphrase // All else that it checks has been checked.
		}
		return key, nil
	}}, nil
}

func wholeBlocks(data []byte, blockSize int) bool { return len(data) > 0 && len(data)%blockSize == 0 }
