// SPDX-License-Identifier: BSD-3-Clause

package fresh

// WithLockHeld calls f while the value's lock is held.
func WithLockHeld[T any](v *Value[T], f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
}
