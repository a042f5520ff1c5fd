// SPDX-License-Identifier: BSD-3-Clause

package pemkey

import (
	"context"
	"crypto/hmac"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// often is after how many iterations the context is looked at: some hundred
// microseconds.
const often = 1024

// derive is PBKDF2. That of the standard library cannot be called off, and the
// iterations allowed here may take seconds.
func (d *derivation) derive(ctx context.Context, passphrase []byte, length int) ([]byte, error) {
	prf := hmac.New(d.hash, passphrase)
	key := make([]byte, 0, length+prf.Size()) // No copy of it is left behind by growing.
	for block := uint32(1); len(key) < length; block++ {
		_, _ = prf.Write(d.salt) // Never fails.
		_, _ = prf.Write(binary.BigEndian.AppendUint32(nil, block))
		u := prf.Sum(nil)
		sum := append([]byte(nil), u...)
		for i := 1; i < d.iterations; i++ {
			if i%often == 0 && ctx.Err() != nil {
				break
			}
			prf.Reset()
			_, _ = prf.Write(u)
			u = prf.Sum(u[:0])
			subtle.XORBytes(sum, sum, u)
		}
		prf.Reset()
		key = append(key, sum...)
		clear(sum)
		clear(u)
		if err := ctx.Err(); err != nil {
			clear(key)
			return nil, fmt.Errorf("not opened: %w", err)
		}
	}
	clear(key[length:])
	return key[:length:length], nil
}
