// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"net/url"
	"slices"
	"strings"

	"github.com/scicred/scicred"
)

// common is what every command that looks for credentials can be told.
type common struct {
	url                             string
	audience, scope, issuer, trust  []string
	tokenFile, cert, key, netrcFile string
	caFile, caPath                  string
	noToken, noX509, noNetrc        bool
	forceNoAuth                     bool
	fail                            demand
	verbose                         bool
	http2                           bool // speak nothing else; no flag sets it
	offline                         bool // no server is asked; no flag sets it
}

func (c *common) register(f flags) {
	f.text(&c.url, "url")
	f.list(&c.audience, "audience", "token-audience")
	f.list(&c.scope, "scope", "token-scope")
	f.list(&c.issuer, "issuer", "token-issuer")
	f.list(&c.trust, "trust-host")
	f.text(&c.tokenFile, "token-file")
	f.text(&c.cert, "cert")
	f.text(&c.key, "key")
	f.text(&c.netrcFile, "netrc-file")
	f.text(&c.caFile, "cacert")
	f.text(&c.caPath, "capath")
	f.BoolVar(&c.noToken, "no-token", false, "")
	f.BoolVar(&c.noX509, "no-x509", false, "")
	f.BoolVar(&c.noNetrc, "no-netrc", false, "")
	f.BoolVar(&c.forceNoAuth, "force-noauth", false, "")
	f.Var(&c.fail, "fail-if-noauth", "")
	f.BoolVar(&c.verbose, "v", false, "")
	f.BoolVar(&c.verbose, "verbose", false, "")
}

// target checks what the flags say together, and returns the URL: that of --url
// or the one argument. It is nil if there is none.
func (c *common) target(args []string) (*url.URL, error) {
	switch {
	case len(args) > 1:
		return nil, usage("one URL at a time, please: there are %d arguments that are no flags", len(args))
	case len(args) == 1 && c.url != "":
		return nil, usage("the URL is given twice, as an argument and with --url")
	case len(args) == 1:
		c.url = args[0]
	}
	switch {
	case c.forceNoAuth && c.fail.on:
		return nil, usage("--force-noauth and --fail-if-noauth contradict each other")
	case slices.ContainsFunc(c.fail.kinds, c.off):
		return nil, usage("--fail-if-noauth demands a kind that is switched off")
	case c.key != "" && c.cert == "":
		return nil, usage("--key needs --cert")
	case c.url == "" && len(args) == 0:
		return nil, nil
	}
	return parseURL(c.url)
}

// parseURL reads a URL; one without a scheme is https. What is wrong with it is
// not quoted: there may be a password in it.
func parseURL(s string) (*url.URL, error) {
	if !hasScheme(s) {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || strings.ContainsAny(u.Host, " <>\""):
		return nil, usage("this is not a URL").hint("put it in quotes, and write special characters in it as %20 and the like")
	case u.Hostname() == "":
		return nil, usage("the URL names no host")
	}
	return u, nil
}

// hasScheme reports whether the text begins with a scheme (RFC 3986 section
// 3.1) and "://". To compile a regular expression for that takes longer than to
// read the token.
func hasScheme(s string) bool {
	scheme, _, found := strings.Cut(s, "://")
	return found && scheme != "" && strings.Trim(scheme[:1], letters) == "" && strings.Trim(scheme, letters+digits+"+.-") == ""
}

const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// options returns the library's options for the flags that name no file.
func (c *common) options() []scicred.Option {
	var opts []scicred.Option
	if len(c.audience) > 0 {
		opts = append(opts, scicred.WithAudience(c.audience...))
	}
	if len(c.scope) > 0 {
		opts = append(opts, scicred.WithScope(c.scope...))
	}
	if len(c.issuer) > 0 {
		opts = append(opts, scicred.WithIssuer(c.issuer...))
	}
	if len(c.trust) > 0 {
		opts = append(opts, scicred.WithTrustedHosts(c.trust...))
	}
	if c.forceNoAuth {
		opts = append(opts, scicred.ForceNoAuth())
	}
	if c.fail.on {
		opts = append(opts, scicred.FailIfNoAuth(c.fail.kinds...))
	}
	return opts
}

// off reports whether a kind is switched off.
func (c *common) off(k scicred.Kind) bool {
	switch k {
	case scicred.KindToken:
		return c.noToken
	case scicred.KindX509:
		return c.noX509
	case scicred.KindBasic:
		return c.noNetrc
	}
	return false
}

// disable switches a kind off.
func (c *common) disable(k scicred.Kind) {
	switch k {
	case scicred.KindToken:
		c.noToken = true
	case scicred.KindX509:
		c.noX509 = true
	case scicred.KindBasic:
		c.noNetrc = true
	}
}
