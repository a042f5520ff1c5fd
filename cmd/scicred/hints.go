// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"cmp"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/scicred/scicred"
	"github.com/scicred/scicred/internal/origin"
	"github.com/scicred/scicred/internal/osfile"
)

// rule is one piece of advice: the library states facts, this program says what
// may help. In the text, AUDIENCE, FILE and HOST stand for those of the case.
type rule struct {
	kind scicred.Kind // 0: any
	err  error        // what the attempt's error must be
	word string       // what its text must hold besides
	say  string
}

// rules are tried in this order; the first that fits is said.
func rules() []rule {
	const token, cert, login = scicred.KindToken, scicred.KindX509, scicred.KindBasic
	return []rule{
		{token, scicred.ErrExpired, "", "get a new token with htgettoken (kinit first, if it wants Kerberos) or oidc-token"},
		{cert, scicred.ErrExpired, "", "renew the certificate with voms-proxy-init or grid-proxy-init"},
		{0, scicred.ErrNotYetValid, "", "check that this machine's clock is right (date -u)"},
		{cert, scicred.ErrEncrypted, "", "make a proxy, which needs no passphrase, with voms-proxy-init or grid-proxy-init; it is found by itself"},
		{0, osfile.ErrMode, "", "chmod 600 FILE"},
		{0, scicred.ErrInsecure, "", "FILE may have been put there by somebody else; remove it, or name the file that is yours (scicred help)"},
		{token, scicred.ErrMismatch, "its scope", "ask for a token with that scope: htgettoken --scopes=SCOPE, or oidc-token --scope=SCOPE"},
		{token, scicred.ErrMismatch, "its issuer", "ask that issuer for a token, or leave --issuer out"},
		{token, scicred.ErrMismatch, "no JWT", "if you know for which server this token is, give it with --token-file"},
		{token, scicred.ErrMismatch, "audience", "ask for a token for this server: htgettoken --audience=AUDIENCE, or oidc-token --aud=AUDIENCE"},
		{token, scicred.ErrMalformed, "", "get a new token with htgettoken or oidc-token; its file must hold the token and nothing else"},
		{cert, scicred.ErrMalformed, "", "make a new proxy with voms-proxy-init or grid-proxy-init, or name the files with --cert and --key"},
		{login, scicred.ErrMalformed, "", "a netrc file has lines like: machine HOST login NAME password SECRET"},
		{0, fs.ErrNotExist, "", "check the name FILE"},
		{0, fs.ErrPermission, "", "chmod 600 FILE, if it is yours"},
		{0, scicred.ErrNotSent, "only https", "use an https URL"},
		{0, scicred.ErrNotSent, "http would", "use an https URL"},
	}
}

// adviceOn returns what may help with candidates that were not used.
func adviceOn(attempts []scicred.Attempt) []string { return about(attempts, nil) }

func about(attempts []scicred.Attempt, u *url.URL) (hints []string) {
	for i := range attempts {
		a := &attempts[i]
		if a.Outcome != scicred.Rejected && a.Outcome != scicred.Withheld {
			continue
		}
		for _, r := range rules() {
			if (r.kind == 0 || r.kind == a.Kind) && errors.Is(a.Err, r.err) && strings.Contains(a.Err.Error(), r.word) {
				if h := fill(r.say, a, u); !slices.Contains(hints, h) {
					hints = append(hints, h)
				}
				break
			}
		}
	}
	return hints
}

// fill puts the facts of the case in.
func fill(say string, a *scicred.Attempt, u *url.URL) string {
	audience, host := "AUDIENCE", "HOST"
	if o := originOf(u); pasteable(o) {
		audience, host = o.String(), o.HostPort()
	}
	file := "FILE"
	if a != nil {
		file = cmp.Or(a.Path, a.Candidate)
	}
	return strings.NewReplacer("AUDIENCE", audience, "HOST", host, "FILE", file).Replace(say)
}

func originOf(u *url.URL) origin.Origin {
	if u == nil {
		return origin.Origin{}
	}
	return origin.Of(u)
}

// pasteable reports whether the origin can be given to a shell as it is: people
// copy advice, and a server chooses where it redirects to.
func pasteable(o origin.Origin) bool {
	return regexp.MustCompile(`^[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+$`).MatchString(o.String())
}

// advice returns what may help to have a credential for a target.
func advice(r *scicred.Report) []string {
	u, err := url.Parse(r.URL)
	if r.URL == "" || err != nil {
		u = nil
	}
	attached := r.Attached()
	others := slices.DeleteFunc(slices.Clone(r.Attempts), func(a scicred.Attempt) bool { return slices.Contains(attached, a.Kind) })
	hints := about(others, u)
	if len(hints) == 0 && len(attached) == 0 {
		hints = nothingFound(others, u)
	}
	return hints
}

// nothingFound says how to get the first credential.
func nothingFound(attempts []scicred.Attempt, u *url.URL) (hints []string) {
	looked := func(k scicred.Kind) bool {
		return slices.ContainsFunc(attempts, func(a scicred.Attempt) bool { return a.Kind == k && a.Outcome == scicred.NotFound })
	}
	if looked(scicred.KindToken) {
		hints = append(hints, "get a token with htgettoken or oidc-token, or set BEARER_TOKEN_FILE to the file that holds one")
	}
	if looked(scicred.KindX509) {
		hints = append(hints, "make a proxy with voms-proxy-init or grid-proxy-init, or set X509_USER_PROXY to the file that holds one")
	}
	if looked(scicred.KindBasic) {
		hints = append(hints, fill("if HOST wants a password: put the line machine HOST login NAME password SECRET into ~/.netrc, and chmod 600 ~/.netrc", nil, u))
	}
	return hints
}

// statusAdvice returns what may help where a server refuses: asked is what the
// user asked for, and answered what refused, after redirects.
func statusAdvice(e *scicred.StatusError, asked, answered origin.Origin) (hints []string) {
	if e.StatusCode != http.StatusUnauthorized && e.StatusCode != http.StatusForbidden || e.Report == nil {
		return nil
	}
	attached := e.Report.Attached()
	token, cert := slices.Contains(attached, scicred.KindToken), slices.Contains(attached, scicred.KindX509)
	switch {
	case asked != answered && len(attached) == 0 && pasteable(answered):
		return []string{"if you trust " + answered.HostPort() + " with your credentials: --trust-host " + answered.HostPort()}
	case token && cert:
		hints = append(hints, "try with the certificate alone: --no-token")
	case token:
		hints = append(hints, "the token may need another scope (htgettoken --scopes=SCOPE), or you the right to do this: ask who runs the server")
	}
	hints = append(hints, advice(e.Report)...)
	if pasteable(asked) {
		hints = append(hints, "scicred discover --url "+asked.String()+" shows where credentials were looked for")
	}
	return hints
}

// networkAdvice returns what may help where no answer came.
func networkAdvice(err error) []string {
	var authority x509.UnknownAuthorityError
	var op *net.OpError
	switch {
	case errors.As(err, &authority):
		return []string{"if the server's certificate comes from a grid authority: --capath /etc/grid-security/certificates, or --cacert FILE"}
	case errors.As(err, &op) && op.Op == "remote error": // a TLS alert of the server's
		return []string{"the server broke off the TLS handshake, which is what servers do that want a certificate: scicred discover shows yours"}
	}
	return nil
}
