// SPDX-License-Identifier: BSD-3-Clause

package login

import "context"

// Fetcher is one way to get tokens. It must be safe for concurrent use.
//
// A Fetcher keeps nothing: [Cached] does, and calls a Fetcher in a way that many
// processes can share what it gets.
type Fetcher interface {
	// Fetch gets tokens anew. If About says that it is interactive it talks to
	// the user, and is called only when that is wanted.
	Fetch(ctx context.Context) (*TokenData, error)
	// Refresh gets new tokens with the help of old ones, and never talks to the
	// user. The error wraps [ErrNoRefresh] if the old ones are of no help, and
	// [ErrInvalidGrant] if the provider does not accept them any more.
	Refresh(ctx context.Context, old *TokenData) (*TokenData, error)
	// About says whose tokens these are.
	About() About
}

// About says whose tokens a [Fetcher] gets, from where and what for. Tokens of
// Fetchers with the same About can take each other's place. It holds no secret.
type About struct {
	Issuer      string   // the provider's name, or a file or command
	ClientID    string   //
	User        string   // the user name, where one logs in with a password
	Grant       string   // how they are got, such as "device"
	Scopes      []string //
	Audience    []string //
	Resource    []string //
	Interactive bool     // Fetch needs a person
}

// about says what all grants of a client have in common.
func (c *Client) about(grant string) About {
	a := About{ClientID: c.ID, Grant: grant, Scopes: c.Scopes, Audience: c.Audience, Resource: c.Resource}
	if c.Provider != nil {
		a.Issuer = c.Provider.Name()
	}
	return a
}
