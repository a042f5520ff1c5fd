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
// one. It returns old if that is of the same inventory.
func New[T any](inv *inventory.Inventory[T], old *Stock[T], claims func(*T) *jwtclaims.Claims) *Stock[T] {
	if old != nil && old.Inventory == inv {
		return old
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

// Fitting returns the first token that fits and is valid for leeway to come.
func (s *Stock[T]) Fitting(want *fit.Want, now time.Time, leeway time.Duration) *T {
	i := s.index.First(want, func(i int) bool {
		c := s.claims[i]
		return c != nil && fit.Time(c, now, leeway) == nil && fit.Target(c, want) == nil
	})
	if i < 0 {
		return nil
	}
	return s.Places[i].Cred
}

// NonEmpty returns what is in the first place that is not empty, usable or not.
func (s *Stock[T]) NonEmpty() *T {
	for i := range s.Places {
		if p := &s.Places[i]; p.Cred != nil || !p.Absent && !p.Empty {
			return p.Cred
		}
	}
	return nil
}
