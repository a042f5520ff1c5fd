// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"errors"
	"flag"
)

// help prints the manual, or that of one command.
func (p *program) help(args []string) error {
	if len(args) == 0 {
		return p.print(manual)
	}
	if text := manualOf(args[0]); text != "" {
		return p.print(text)
	}
	return usage("there is no command %q", args[0]).hint("scicred help")
}

// orHelp turns the request for help that a flag set finds into help.
func (p *program) orHelp(err error, command string) error {
	if errors.Is(err, flag.ErrHelp) {
		return p.help([]string{command})
	}
	return err
}

func manualOf(command string) string {
	switch command {
	case "discover":
		return discoverManual + commonFlags
	case "get":
		return getManual + commonFlags
	case "token":
		return tokenManual + commonFlags
	case "whoami":
		return whoamiManual + commonFlags
	case "proxy-info":
		return proxyInfoManual
	case "inspect":
		return inspectManual
	}
	return ""
}

const manual = `scicred finds the credentials that you already have on this machine (tokens,
certificates and proxies, logins) and uses them where they fit.

  scicred discover [URL]   show what you have, and what would go to that server
  scicred get URL          fetch a file; every credential that fits goes along
  scicred token [URL]      print the token that a request to that server would carry
  scicred proxy-info       show your proxy, as voms-proxy-info does
  scicred inspect FILE     show what is in a token, certificate or PKCS#12 file
  scicred whoami           show who a Rubin site says you are
  scicred help COMMAND     all about one command, with its flags

Examples:
  scicred discover https://data.example.org
  scicred get https://data.example.org/run7/file.h5 -o file.h5
  export BEARER_TOKEN="$(scicred token --url https://data.example.org)"

Where it looks. In each column, the first that fits wins:
  tokens                        certificates                    logins
  --token-file FILE             --cert FILE [--key FILE]        --netrc-file FILE
  $SCITOKEN                     $X509_USER_CERT and             $NETRC
  $SCITOKEN_FILE                  $X509_USER_KEY                ~/.netrc
  $_CONDOR_CREDS/*.use          $X509_USER_PROXY                ~/_netrc
  $BEARER_TOKEN                 /tmp/x509up_u<your uid>
  $BEARER_TOKEN_FILE            ~/.globus/usercert.pem and
  $XDG_RUNTIME_DIR/bt_u<uid>      ~/.globus/userkey.pem
  /tmp/bt_u<your uid>           ~/.globus/usercred.p12
A token fits if it has not expired and its audience is that server. A certificate
is offered to every https server you ask. Both go along if you have both. A login
goes only to the host that it is for, and only if no token fits.
Nothing goes over plain http, nor to another server that redirects you somewhere
else (--trust-host HOST allows that one).

Other variables:
  IGWN_AUTH_UTILS_FIND_SCITOKEN   0: look for no token; 1: fail if there is none
  IGWN_AUTH_UTILS_FIND_X509       the same for certificates
  X509_CERT_DIR, X509_CERT_FILE   a folder and a file of authorities (--capath and
                                  --cacert), trusted beside those of this machine
  SSL_CERT_FILE, SSL_CERT_DIR     authorities in place of those of this machine;
                                  beside them on Windows and macOS
  HTTPS_PROXY, NO_PROXY           as everywhere

Exit codes:
  0  found, or fetched            3  no usable credential
  1  network, TLS or file error  22  the server refused (status 400 or more)
  2  mistake on the command line

Nothing ever prompts. A secret is printed by "scicred token" alone.
`

const discoverManual = `scicred discover [URL] shows every place where a credential may be, and what
became of it. Nothing is sent.

  scicred discover                             what there is, for any server
  scicred discover https://data.example.org    what would go there, and why the rest would not
  scicred discover --audience https://data.example.org
                                               which token is for that audience
  scicred discover --json | jq .token.expires  for scripts

OUTCOME says:
  attached    goes with a request (a certificate: is offered)
  shadowed    good, but another one takes its place in the request
  withheld    good, but must not go there; DETAIL says why
  rejected    there, and of no use: expired, for another server, broken
  not found   nothing is there
  skipped     switched off
  not asked   not looked at, since an earlier one is good

The URL may have any scheme, such as root:// or davs://. Exit code 0 if anything
good was found, else 3; with --fail-if-noauth also 3 if nothing would be attached.

Flags:
  --json    one JSON object: token, x509, basic, attached, rejected
`

const getManual = `scicred get URL fetches a URL with the credentials that fit it, and follows
redirects. The body goes to standard output.

  scicred get https://data.example.org/file.h5 -o file.h5
  scicred get https://data.example.org/big.tar -o big.tar -C -    again after it broke off
  scicred get -v https://data.example.org/file.h5 -o file.h5      what goes along, and why
  scicred get https://data.example.org/new.h5 -X PUT -d @new.h5   upload

If the server refuses, it says what was sent, what was not, and why.

Flags:
  -o FILE       write to FILE; it appears when it is complete
  -C -          with -o: go on where FILE ends, and keep what has come if it breaks
                off. .FILE.scicred-etag remembers which version it is of, until it is
                complete
  -H 'K: V'     add a header; repeatable. An Authorization of your own is left alone
  -X METHOD     instead of GET (or POST, with -d)
  -d DATA       send DATA; @FILE sends a file and @- standard input, as they are
  -v            also shows each request and answer, without secrets
A redirect that is not followed, or turns a PUT into a GET, ends with exit code 1.
`

const tokenManual = `scicred token [URL] prints exactly the token that a request to that server would
carry, and nothing else. Without a URL: the first token that has not expired.

  scicred token --url https://data.example.org
  export BEARER_TOKEN="$(scicred token --audience https://data.example.org)"

If there is none, it says where it looked, and the exit code is 3.

Flags:
`

const commonFlags = `
Which credentials:
  --url URL             the server, instead of the argument; https if it has no scheme
  --audience AUD        the token is for AUD, instead of for the URL; repeatable, one will do
  --scope SCOPE         the token must cover SCOPE; repeatable, or several in quotes; all count
  --issuer URL          the token must come from there; repeatable, one will do
                        (also --token-audience, --token-scope, --token-issuer)
  --token-file FILE     take the token from FILE; - is standard input
  --cert FILE           take the certificate from FILE, in PEM
  --key FILE            and its key from FILE, if it is not in the same one
  --netrc-file FILE     take logins from FILE
                        What you name goes to the URL's host alone. If it is broken
                        or has expired, nothing is sent (exit code 3); if it is for
                        another server, it stays behind.
  --no-token --no-x509 --no-netrc
                        without that kind
  --force-noauth        without any
  --fail-if-noauth      exit code 3 if none fits; =token,x509 if one of these does not
  --trust-host HOST     credentials may follow a redirect to HOST, HOST:PORT or
                        '*.example.org'; repeatable
Whom to trust, instead of the authorities of this machine and of the environment:
  --cacert FILE         certificates of authorities in PEM
  --capath DIR          a folder of them, such as /etc/grid-security/certificates
                        (files named like 1a2b3c4d.0, and *.pem). Revocation lists
                        and signing policies in it are not enforced.
And:
  -v                    say more on standard error
`
