// SPDX-License-Identifier: BSD-3-Clause

package human_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/scicred/scicred/internal/human"
)

func TestDurationHasTwoUnits(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "less than 1s", time.Second: "1s", -45 * time.Second: "45s", 90 * time.Second: "1m30s", time.Minute: "1m",
		2*time.Hour + 13*time.Minute + 9*time.Second: "2h13m", 24 * time.Hour: "1d", 76 * time.Hour: "3d4h", 400 * 24 * time.Hour: "400d",
	} {
		assert.Equal(t, want, human.Duration(d))
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	assert.Equal(t, "expires in 11h", human.Expiry(now.Add(11*time.Hour), now))
	assert.Equal(t, "expired 2h13m ago", human.Expiry(now.Add(-2*time.Hour-13*time.Minute), now))
}

func TestPrintableStopsTerminalEscapes(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a\uFFFD[31mb", human.Printable("a\x1b[31mb"))
	assert.Equal(t, "a\uFFFDb", human.Printable("a\u202eb"))
	assert.Equal(t, "Jörg", human.Printable("Jörg"))
}
