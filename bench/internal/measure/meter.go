// SPDX-License-Identifier: BSD-3-Clause

//go:build unix

package measure

import (
	"runtime"
	"syscall"
	"time"
)

// meters are the readings of all meters at one moment.
type meters struct {
	at             time.Time
	self, children time.Duration
	memory         runtime.MemStats
}

// start reads the meters: memory first, which stops the world, then the clocks.
func start() (*meters, error) {
	m := &meters{}
	runtime.ReadMemStats(&m.memory)
	return m, m.clocks()
}

// costs returns what has been spent since m was read.
func (m *meters) costs() (Costs, error) {
	now := &meters{}
	if err := now.clocks(); err != nil {
		return Costs{}, err
	}
	runtime.ReadMemStats(&now.memory)
	return Costs{
		CPU:      float64(now.self - m.self),
		Wall:     float64(now.at.Sub(m.at)),
		Children: float64(now.children - m.children),
		Allocs:   float64(now.memory.Mallocs - m.memory.Mallocs),
		Bytes:    float64(now.memory.TotalAlloc - m.memory.TotalAlloc),
	}, nil
}

func (m *meters) clocks() error {
	var err error
	if m.self, err = used(syscall.RUSAGE_SELF); err != nil {
		return err
	}
	if m.children, err = used(syscall.RUSAGE_CHILDREN); err != nil {
		return err
	}
	m.at = time.Now()
	return nil
}

// used returns processor time, of the user and of the system together.
func used(who int) (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
