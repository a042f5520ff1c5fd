// SPDX-License-Identifier: BSD-3-Clause

// Package stock holds the tokens that discovery found, and an index of them by
// audience.
package stock

import (
	"time"

	"github.com/scicred/scicred/internal/fit"
	"github.com/scicred/scicred/internal/inventory"
	"github.com/scicred/scicred/internal/jwtclaims"
	"github.com/scicred/scicred/internal/origin"
)

// Stock is what one look around found. It is immutable.
type Stock[T any] struct {
	*inventory.Inventory[T]
	index  *fit.Index
	claims []*jwtclaims.Claims
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
			s.claims[i] = claims(c)
		}
	}
	s.index = fit.NewIndex(s.claims)
	return s
}

// Inventoried returns the inventory, nil for a nil Stock.
func (s *Stock[T]) Inventoried() *inventory.Inventory[T] {
	if s == nil {
		return nil
	}
	return s.Inventory
}

// ForAll reports whether no token names an audience, so that what fits one
// server fits all. A nil Stock has no token.
func (s *Stock[T]) ForAll() bool { return s == nil || s.index.ForAll() }

// Names reports whether any token names an audience of this origin. A nil Stock
// has none.
func (s *Stock[T]) Names(o origin.Origin) bool { return s != nil && s.index.Names(o) }

// Offers reports whether there is a token that fits and is valid for leeway to
// come.
func (s *Stock[T]) Offers(want *fit.Want, now time.Time, leeway time.Duration) bool {
	return s.first(want, now, leeway) >= 0
}

func (s *Stock[T]) first(want *fit.Want, now time.Time, leeway time.Duration) int {
	return s.index.First(want, func(i int) bool {
		c := s.claims[i]
		return c != nil && fit.Time(c, now, leeway) == nil && fit.Target(c, want) == nil
	})
}

// Fitting returns the first token that fits and is valid for leeway to come, and
// notes that it is in use.
func (s *Stock[T]) Fitting(want *fit.Want, now time.Time, leeway time.Duration) *T {
	i := s.first(want, now, leeway)
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
