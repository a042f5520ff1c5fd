// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"encoding/json"
	"log/slog"
	"math"
	"strconv"
	"strings"
)

// Quota is what a user may use. A service or place that is not in a map is not
// limited; zero means that nothing is allowed.
type Quota struct {
	API      map[string]int64    // requests per minute, by service
	Disk     map[string]int64    // bytes, by mount point
	Notebook *NotebookQuota      // nil: no limit
	Tap      map[string]TapQuota // by service
}

// NotebookQuota limits a user's notebook.
type NotebookQuota struct {
	CPU    float64 `json:"cpu"`    // in units of one processor
	Memory float64 `json:"memory"` // in GiB; see [NotebookQuota.MemoryBytes]
	Spawn  bool    `json:"spawn"`  // whether the user may start a notebook at all
}

// TapQuota limits a user's queries of a TAP service.
type TapQuota struct {
	Concurrent int64 `json:"concurrent"` // queries at once
}

// QuotaConfig says which quotas apply to whom. Those that a server is given
// while it runs are its quota overrides.
type QuotaConfig struct {
	Default Quota            // for everybody
	Groups  map[string]Quota // added for members of a group
	Bypass  []string         // groups whose members have no limits
}

// APILimit returns how many requests per minute a user may make to a service,
// and false if there is no limit. Zero requests means that the user is locked
// out. It works on nil.
func (q *Quota) APILimit(service string) (perMinute int64, limited bool) {
	if q == nil {
		return 0, false
	}
	perMinute, limited = q.API[service]
	return perMinute, limited
}

// DiskLimit returns how many bytes a user may keep below a mount point, and false
// if there is no limit. It works on nil.
func (q *Quota) DiskLimit(mount string) (size int64, limited bool) {
	if q == nil {
		return 0, false
	}
	size, limited = q.Disk[mount]
	return size, limited
}

// TapLimit returns how many queries of a TAP service a user may run at once, and
// false if there is no limit. It works on nil.
func (q *Quota) TapLimit(service string) (concurrent int64, limited bool) {
	if q == nil {
		return 0, false
	}
	t, limited := q.Tap[service]
	return t.Concurrent, limited
}

// MayUse reports whether a user may make any request to a service at all. It
// works on nil.
func (q *Quota) MayUse(service string) bool {
	n, limited := q.APILimit(service)
	return !limited || n > 0
}

// MaySpawn reports whether a user may start a notebook. It works on nil.
func (q *Quota) MaySpawn() bool { return q == nil || q.Notebook == nil || q.Notebook.Spawn }

// MemoryBytes returns the memory in bytes, without a fraction.
func (n NotebookQuota) MemoryBytes() int64 {
	switch b := n.Memory * (1 << 30); {
	case b >= math.MaxInt64:
		return math.MaxInt64
	case b > 0:
		return int64(b)
	default:
		return 0
	}
}

// LogValue logs the quota as Gafaelfawr's own client does: memory with its unit,
// and the permission to spawn only if it is missing.
func (n NotebookQuota) LogValue() slog.Value {
	memory := strconv.FormatFloat(n.Memory, 'f', -1, 64)
	if !strings.Contains(memory, ".") {
		memory += ".0"
	}
	attrs := []slog.Attr{slog.Float64("cpu", n.CPU), slog.String("memory", memory+" GiB")}
	if !n.Spawn {
		attrs = append(attrs, slog.Bool("spawn", false))
	}
	return slog.GroupValue(attrs...)
}

// LogValue logs the quota as Gafaelfawr's own client does.
func (t TapQuota) LogValue() slog.Value {
	return slog.GroupValue(slog.Int64("concurrent", t.Concurrent))
}

// MarshalJSON writes the form of the routes user-info and quota-overrides: all
// maps are there, empty or not, and a notebook quota if there is one.
func (q Quota) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		API      map[string]int64    `json:"api"`
		Disk     map[string]int64    `json:"disk"`
		Notebook *NotebookQuota      `json:"notebook,omitempty"`
		Tap      map[string]TapQuota `json:"tap"`
	}{orEmpty(q.API), orEmpty(q.Disk), q.Notebook, orEmpty(q.Tap)})
}

// UnmarshalJSON reads any form in which a server writes it.
func (q *Quota) UnmarshalJSON(data []byte) error {
	var out Quota
	err := object(
		data, optional("api", dictOf(&out.API)), optional("disk", dictOf(&out.Disk)),
		nullable("notebook", value(&out.Notebook)), optional("tap", dictOf(&out.Tap)),
	)
	if err == nil {
		*q = out
	}
	return err
}

// compactQuota is written without what has its default value.
type compactQuota Quota

func (q compactQuota) MarshalJSON() ([]byte, error) {
	type notebook struct {
		CPU    float64 `json:"cpu"`
		Memory float64 `json:"memory"`
		Spawn  *bool   `json:"spawn,omitempty"`
	}
	var n *notebook
	if q.Notebook != nil {
		n = &notebook{CPU: q.Notebook.CPU, Memory: q.Notebook.Memory}
		if !q.Notebook.Spawn {
			n.Spawn = new(false)
		}
	}
	return json.Marshal(struct {
		API      map[string]int64    `json:"api,omitempty"`
		Disk     map[string]int64    `json:"disk,omitempty"`
		Notebook *notebook           `json:"notebook,omitempty"`
		Tap      map[string]TapQuota `json:"tap,omitempty"`
	}{q.API, q.Disk, n, q.Tap})
}

// UnmarshalJSON reads a quota, in which only the permission to spawn may be
// absent: it is there by default.
func (n *NotebookQuota) UnmarshalJSON(data []byte) error {
	out := NotebookQuota{Spawn: true}
	err := object(data, required("cpu", value(&out.CPU)), required("memory", value(&out.Memory)), optional("spawn", value(&out.Spawn)))
	if err == nil {
		*n = out
	}
	return err
}

// UnmarshalJSON reads a quota, whose number must be there.
func (t *TapQuota) UnmarshalJSON(data []byte) error {
	var out TapQuota
	err := object(data, required("concurrent", value(&out.Concurrent)))
	if err == nil {
		*t = out
	}
	return err
}

// MarshalJSON writes all three parts, empty or not.
func (c QuotaConfig) MarshalJSON() ([]byte, error) {
	bypass := c.Bypass
	if bypass == nil {
		bypass = []string{}
	}
	return json.Marshal(struct {
		Default Quota            `json:"default"`
		Groups  map[string]Quota `json:"groups"`
		Bypass  []string         `json:"bypass"`
	}{c.Default, orEmpty(c.Groups), bypass})
}

// UnmarshalJSON reads a configuration, every part of which may be absent.
func (c *QuotaConfig) UnmarshalJSON(data []byte) error {
	var out QuotaConfig
	err := object(data, optional("default", value(&out.Default)), optional("groups", dictOf(&out.Groups)), optional("bypass", listOf(&out.Bypass)))
	if err == nil {
		*c = out
	}
	return err
}
