// SPDX-License-Identifier: BSD-3-Clause

package main

const proxyInfoManual = `scicred proxy-info [FILE] shows your proxy: whose it is, of what kind, what it may do,
for how long, and which groups and roles of a virtual organisation (VOMS) are in it.

  scicred proxy-info                                     the one that discovery finds
  scicred proxy-info --exists --valid 12:00 || voms-proxy-init --voms VO
  scicred proxy-info --timeleft                          seconds
  scicred proxy-info --json | jq -r .identity            for scripts

Without FILE it looks at $X509_USER_PROXY, then at /tmp/x509up_u<your uid>, and shows
the first that is good for ten minutes, or else the first that can be read: an expired
proxy is shown as such. A key is never shown.

What VOMS has put in is not verified: servers do that. The type is given in the words
of voms-proxy-info besides. The identity is that of the user, also for a proxy of a
proxy, where voms-proxy-info names the proxy before.

Flags:
  --exists      print nothing; the exit code tells whether there is a good proxy
  --valid H:M   exit code 1 if it is not good for so many hours and minutes
  --timeleft    print how many seconds are left, and nothing else; 0 if expired
  --json        one JSON object

Exit codes, as voms-proxy-info has them:
  0  shown; with --exists or --valid: good
  1  no proxy; with --exists or --valid: expired, not good for so long, or without
     its key
  2  mistake on the command line
`
