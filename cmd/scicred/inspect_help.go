// SPDX-License-Identifier: BSD-3-Clause

package main

const inspectManual = `scicred inspect [FILE|-] shows what is in a file, told by its content: a token, or
certificates, a proxy or a key in PEM, DER or PKCS#12. Secrets are never shown.

  scicred inspect ~/.globus/usercred.p12 --passphrase-file pass
  scicred inspect /tmp/bt_u1000
  scicred token https://data.example.org | scicred inspect
  scicred inspect t --verify --issuer https://cilogon.org/igwn

Of a token it shows the claims, with dates, and what it would be good for: at which
servers, to do what. That is what the token says; --verify asks its issuer for the
key and says whether the signature is good. Nobody is asked but the issuers that you
name. Of certificates it shows what "scicred proxy-info" does, and the chain.
Without FILE, and for -, it reads standard input.

Flags:
  --json                  one JSON object
  --verify                say whether the signature of the token is good
  --issuer URL            whose keys to believe, as the token names it; repeatable
  --passphrase-file FILE  what opens a PKCS#12 file or an encrypted key
  --cacert FILE, --capath DIR
                          whom to trust when the issuer is asked, instead of the
                          authorities of this machine and of the environment

Exit codes:
  0  shown; with --verify: the signature is good
  1  not readable, or the issuer cannot be asked
  2  mistake on the command line
  3  with --verify: the signature is not good
`
