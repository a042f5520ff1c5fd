// SPDX-License-Identifier: BSD-3-Clause

//go:build darwin || freebsd || netbsd

package osfile

import (
	"syscall"
	"time"
)

func changed(st *syscall.Stat_t) time.Time {
	return time.Unix(int64(st.Ctimespec.Sec), int64(st.Ctimespec.Nsec)) //nolint:unconvert // the width differs between systems
}

func modified(st *syscall.Stat_t) time.Time {
	return time.Unix(int64(st.Mtimespec.Sec), int64(st.Mtimespec.Nsec)) //nolint:unconvert // the width differs between systems
}
