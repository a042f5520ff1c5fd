// SPDX-License-Identifier: BSD-3-Clause

//go:build linux || openbsd || dragonfly || solaris || illumos || aix

package osfile

import (
	"syscall"
	"time"
)

func changed(st *syscall.Stat_t) time.Time {
	return time.Unix(int64(st.Ctim.Sec), int64(st.Ctim.Nsec)) //nolint:unconvert // the width differs between systems
}

func modified(st *syscall.Stat_t) time.Time {
	return time.Unix(int64(st.Mtim.Sec), int64(st.Mtim.Nsec)) //nolint:unconvert // the width differs between systems
}
