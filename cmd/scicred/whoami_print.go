// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/scicred/scicred/gafaelfawr"
	"github.com/scicred/scicred/internal/human"
)

// describeUser returns what is known about a user as a table for people.
func describeUser(info gafaelfawr.UserInfo) string {
	groups := make([]string, len(info.Groups))
	for i, g := range info.Groups {
		groups[i] = fmt.Sprintf("%s (%d)", g.Name, g.ID)
	}
	var rows [][]string
	for _, part := range []struct {
		name  string
		lines []string
		empty string
	}{
		{"username", []string{info.Username}, ""},
		{"name", known(info.Name), "not known"},
		{"email", known(info.Email), "not known"},
		{"uid", known(info.UID), "not known"},
		{"gid", known(info.GID), "not known"},
		{"groups", groups, "none"},
		{"quota", describeQuota(info.Quota), "no limits"},
	} {
		lines := part.lines
		if len(lines) == 0 {
			lines = []string{part.empty}
		}
		for i, line := range lines {
			name := part.name
			if i > 0 {
				name = "" // It stands above.
			}
			rows = append(rows, []string{name, line})
		}
	}
	return human.Table(rows) + "\n"
}

func known[T any](value *T) []string {
	if value == nil {
		return nil
	}
	return []string{fmt.Sprint(*value)}
}

// describeQuota returns a line for each limit, and none if there is no limit.
func describeQuota(q *gafaelfawr.Quota) (lines []string) {
	if q == nil {
		return nil
	}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, name := range slices.Sorted(maps.Keys(q.API)) {
		if !q.MayUse(name) {
			add("api %s: locked out", name)
			continue
		}
		add("api %s: %s per minute", name, count(q.API[name], "request"))
	}
	for _, mount := range slices.Sorted(maps.Keys(q.Disk)) {
		add("disk %s: %s", mount, byteCount(q.Disk[mount]))
	}
	if n := q.Notebook; n != nil {
		not := ""
		if !q.MaySpawn() {
			not = ", but may not be started"
		}
		add("notebook: CPU %s, memory %s GiB%s", number(n.CPU), number(n.Memory), not)
	}
	for _, name := range slices.Sorted(maps.Keys(q.Tap)) {
		add("tap %s: %s at once", name, count(q.Tap[name].Concurrent, "query"))
	}
	return lines
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func count(n int64, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "query":
		what = "querie"
	}
	return strconv.FormatInt(n, 10) + " " + what + "s"
}
