// SPDX-License-Identifier: BSD-3-Clause

// Package stock holds the tokens that discovery found, and an index of them by
// audience.
package stock

import (
	"time"

	"github.com/scicred/scicred/internal/fit"
	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/jwtclaims"
)

// Stock is what one look around found. It is immutable.
type Stock[T any] struct {
	*inventory.Inventory[T]
	index  *fit.Index
	claims []*jwtclaims.Claims
	until  time.Time // when the last of the tokens expires
	always bool      // one never does
}

// New indexes an inventory; claims gives those of a token, nil for an opaque
// one. It returns old if that is of the same inventory, and its index if that is
// of the same places.
func New[T any](inv *inventory.Inventory[T], old *Stock[T], claims func(*T) *jwtclaims.Claims) *Stock[T] {
	switch {
	case old == nil:
	case old.Inventory == inv:
		return old
	case len(inv.Places) > 0 && len(inv.Places) == len(old.Places) && &inv.Places[0] == &old.Places[0]:
		same := *old // another look has found the same
		same.Inventory = inv
		return &same
	}
	s := &Stock[T]{Inventory: inv, claims: make([]*jwtclaims.Claims, len(inv.Places))}
	for i := range inv.Places {
		if c := inv.Places[i].Cred; c != nil {
			s.note(i, claims(c))
		}
	}
	s.index = fit.NewIndex(s.claims)
	return s
}

func (s *Stock[T]) note(i int, c *jwtclaims.Claims) {
	s.claims[i] = c
	switch {
	case c == nil || !c.HasExpiry:
		s.always = true
	case c.Expiry.After(s.until):
		s.until = c.Expiry
	}
}

// Inventoried returns the inventory, nil for a nil Stock.
func (s *Stock[T]) Inventoried() *inventory.Inventory[T] {
	if s == nil {
		return nil
	}
	return s.Inventory
}

// ForAll reports whether no token names an audience, so that what fits one
// server fits all.
func (s *Stock[T]) ForAll() bool { return s.index.ForAll() }

// Usable reports whether there is any token that has not expired.
func (s *Stock[T]) Usable(now time.Time) bool { return s.always || now.Before(s.until) }

// Fitting returns the first token that fits and is valid for leeway to come, and
// notes that it is in use.
func (s *Stock[T]) Fitting(want *fit.Want, now time.Time, leeway time.Duration) *T {
	i := s.index.First(want, func(i int) bool {
		c := s.claims[i]
		return c != nil && fit.Time(c, now, leeway) == nil && fit.Target(c, want) == nil
	})
	if i < 0 {
		return nil
	}
	return s.use(i, leeway)
}

// use hands out the token of a place. That its file is to be watched is noted
// the first time only, so that requests do not write to the same memory.
func (s *Stock[T]) use(i int, leeway time.Duration) *T {
	p := &s.Places[i]
	if !p.InUse() {
		var until time.Time
		if c := s.claims[i]; c != nil && c.HasExpiry {
			until = c.Expiry.Add(-leeway)
		}
		p.Use(until)
	}
	return p.Cred
}

// Use notes that a token is in use which was found by going through the places;
// leeway is for how long it must be valid when it is handed out. What is not
// among them (any more) is passed over.
func (s *Stock[T]) Use(token *T, leeway time.Duration) {
	for i := range s.Places {
		if token != nil && s.Places[i].Cred == token {
			s.use(i, leeway)
			return
		}
	}
}

// Doubt makes the next look one at all files, for when a server has refused
// what was sent. A nil Stock has none.
func (s *Stock[T]) Doubt() {
	if s != nil {
		s.Inventory.Doubt()
	}
}

// NonEmpty returns what is in the first place that is not empty, usable or not,
// and notes that it is in use.
func (s *Stock[T]) NonEmpty() *T {
	for i := range s.Places {
		switch p := &s.Places[i]; {
		case p.Cred != nil:
			if !p.InUse() {
				p.Use(time.Time{}) // whether it has expired is not asked
			}
			return p.Cred
		case !p.Absent && !p.Empty:
			return nil
		}
	}
	return nil
}
