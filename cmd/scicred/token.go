// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"fmt"

	"github.com/scicred/scicred"
)

// token prints the token that a request would carry, and nothing else.
func (p *program) token(ctx context.Context, args []string) error {
	c := common{offline: true}
	f := newFlags("token")
	c.register(f)
	rest, err := f.parse(args)
	if err != nil {
		return p.orHelp(err, "token")
	}
	u, err := c.target(rest)
	if err != nil {
		return err
	}
	p.hidden.addURL(u)
	list := p.named(&c)
	if err := unusable(list); err != nil && !c.forceNoAuth {
		return err
	}
	t, err := p.transport(&c, u, list)
	if err != nil {
		return err
	}
	creds, err := t.Credentials(ctx, u)
	if err != nil {
		return classify(err)
	}
	r := translated(creds.Report)
	if c.verbose {
		p.note("%s", r)
	}
	if creds.Token == nil {
		tokens := ofKind(r, scicred.KindToken)
		return (&failure{
			code: exitNoCredential,
			err:  fmt.Errorf("no usable token%s:\n%s", forURL(r), tokens),
		}).hint(advice(tokens)...)
	}
	return p.print(creds.Token.Reveal() + "\n")
}
