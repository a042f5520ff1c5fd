// SPDX-License-Identifier: BSD-3-Clause

package gafaelfawr

import (
	"encoding/json"
	"maps"
	"slices"
)

// UserInfo is what Gafaelfawr knows about a user. What it does not know is nil.
type UserInfo struct {
	Username string
	Name     *string
	Email    *string
	// UID is the user's number, GID that of the primary group.
	UID *int64
	GID *int64
	// Groups are the user's groups, in the order of the server.
	Groups []Group
	// Quota is nil if no quota applies at all. One without limits is that of a
	// user who is exempt from all quotas.
	Quota *Quota
}

// Group is a group of users.
type Group struct {
	Name string `json:"name"`
	ID   int64  `json:"id"` // its GID
}

// Groups are all groups that the server knows.
type Groups struct {
	User   []Group `json:"user,omitempty"`   // of users
	System []Group `json:"system,omitempty"` // of the site itself
}

// SupplementalGroups returns the GIDs of all groups, in their order. The primary
// group is among them, if the user is a member of it by name.
func (u UserInfo) SupplementalGroups() []int64 {
	ids := make([]int64, len(u.Groups))
	for i, g := range u.Groups {
		ids[i] = g.ID
	}
	return ids
}

// Group returns the user's group of that name, and false if the user is not a
// member of it.
func (u UserInfo) Group(name string) (Group, bool) {
	i := slices.IndexFunc(u.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return Group{}, false
	}
	return u.Groups[i], true
}

// Clone returns a copy that shares nothing with u. A [Client] hands out what it
// keeps in its cache, so whoever wants to change more than the fields of the
// struct itself needs one.
func (u UserInfo) Clone() UserInfo {
	u.Name, u.Email, u.UID, u.GID = clonePointer(u.Name), clonePointer(u.Email), clonePointer(u.UID), clonePointer(u.GID)
	u.Groups = slices.Clone(u.Groups)
	if u.Quota != nil {
		u.Quota = new(u.Quota.Clone())
	}
	return u
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}

// MarshalJSON writes the form of the route user-info: what is nil is left out,
// groups are always there, and a quota has all its maps.
func (u UserInfo) MarshalJSON() ([]byte, error) {
	groups := u.Groups
	if groups == nil {
		groups = []Group{}
	}
	return json.Marshal(struct {
		Username string  `json:"username"`
		Name     *string `json:"name,omitempty"`
		Email    *string `json:"email,omitempty"`
		UID      *int64  `json:"uid,omitempty"`
		GID      *int64  `json:"gid,omitempty"`
		Groups   []Group `json:"groups"`
		Quota    *Quota  `json:"quota,omitempty"`
	}{u.Username, u.Name, u.Email, u.UID, u.GID, groups, u.Quota})
}

// UnmarshalJSON reads any form in which a server writes it.
func (u *UserInfo) UnmarshalJSON(data []byte) error {
	var out UserInfo
	err := object(
		data, required("username", text(&out.Username)), nullable("name", value(&out.Name)), nullable("email", value(&out.Email)),
		nullable("uid", value(&out.UID)), nullable("gid", value(&out.GID)),
		optional("groups", listOf(&out.Groups)), nullable("quota", value(&out.Quota)),
	)
	if err == nil {
		*u = out
	}
	return err
}

// CompactUserInfo writes itself as the routes users and users/{username} write
// a UserInfo: everything that has its default value is left out, empty groups
// too, and true for the permission to spawn.
type CompactUserInfo UserInfo

// MarshalJSON writes the compact form.
func (u CompactUserInfo) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Username string        `json:"username"`
		Name     *string       `json:"name,omitempty"`
		Email    *string       `json:"email,omitempty"`
		UID      *int64        `json:"uid,omitempty"`
		GID      *int64        `json:"gid,omitempty"`
		Groups   []Group       `json:"groups,omitempty"`
		Quota    *compactQuota `json:"quota,omitempty"`
	}{u.Username, u.Name, u.Email, u.UID, u.GID, u.Groups, (*compactQuota)(u.Quota)})
}

// UnmarshalJSON reads any form in which a server writes it.
func (u *CompactUserInfo) UnmarshalJSON(data []byte) error { return (*UserInfo)(u).UnmarshalJSON(data) }

// UnmarshalJSON reads a group, whose name and number must both be there.
func (g *Group) UnmarshalJSON(data []byte) error {
	var out Group
	err := object(data, required("name", text(&out.Name)), required("id", value(&out.ID)))
	if err == nil {
		*g = out
	}
	return err
}

// UnmarshalJSON reads both lists, each of which is empty if it is absent.
func (g *Groups) UnmarshalJSON(data []byte) error {
	var out Groups
	err := object(data, optional("user", listOf(&out.User)), optional("system", listOf(&out.System)))
	if err == nil {
		*g = out
	}
	return err
}

// Clone returns a copy that shares nothing with q.
func (q Quota) Clone() Quota {
	q.API, q.Disk, q.Tap = maps.Clone(q.API), maps.Clone(q.Disk), maps.Clone(q.Tap)
	q.Notebook = clonePointer(q.Notebook)
	return q
}
