// SPDX-License-Identifier: BSD-3-Clause

package main

const whoamiManual = `scicred whoami --gafaelfawr [URL] asks the Gafaelfawr of a Rubin site who the user
behind your token is: name, groups, quota.

  scicred whoami --gafaelfawr https://data.example.org --token-file ~/.rubin-token
  scicred whoami --gafaelfawr https://data.example.org --token-file ~/.rubin-token --json
  printenv ACCESS_TOKEN | scicred whoami --gafaelfawr --token-file -    in a notebook

URL is that of the site or, if it has a path, of its service discovery (Repertoire).
Without one: $REPERTOIRE_BASE_URL. The token must be given, since nothing in it says
for which server it is. It goes to the URL's host alone: if the site's Gafaelfawr is
on another one, --trust-host HOST lets it go there.

Flags:
  --gafaelfawr  ask this service; --gafaelfawr=URL does as well
  --json        one JSON object: username, name, email, uid, gid, groups, quota;
                what is not known is left out
`
