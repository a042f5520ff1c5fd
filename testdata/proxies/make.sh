#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# make.sh DIR [voms]: makes the certificates of this folder, or those with VOMS
# attributes alone, anew in DIR, with openssl, grid-proxy-init (Debian:
# globus-proxy-utils) and voms-proxy-fake (voms-clients). The private keys are
# thrown away: what is here can be looked at, not used. The tests run it where the
# tools are, and read what lies here besides.
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"

# voms-proxy-fake wants key identifiers in the certificates.
cat >"$work/conf" <<'END'
[req]
distinguished_name = dn
prompt = no
[dn]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[user]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[host]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
new() { # NAME SUBJECT
  openssl req -new -newkey rsa:2048 -nodes -keyout "$work/$1.key" -out "$work/$1.csr" -subj "$2" -config "$work/conf" 2>/dev/null
}
sign() { # NAME SERIAL
  openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -set_serial "$2" -days 365 \
    -extfile "$work/conf" -extensions "$1" -out "$work/$1.pem" 2>/dev/null
}
new ca '/DC=org/DC=scicred-test/CN=Test CA'
openssl x509 -req -in "$work/ca.csr" -signkey "$work/ca.key" -days 365 -extfile "$work/conf" -extensions ca -out "$work/ca.pem" 2>/dev/null
new user '/DC=org/DC=scicred-test/CN=Test User'
sign user 0x1001
new host '/DC=org/DC=scicred-test/CN=voms.example.org'
sign host 0x1002
mkdir "$work/certs"
cp "$work/ca.pem" "$work/certs/$(openssl x509 -in "$work/ca.pem" -noout -hash).0"

keep() { # FILE: keeps the certificates of a proxy, without the key
  awk '/-----BEGIN CERT/,/-----END CERT/' "$work/$1" >"$1"
}
grid() { # FILE OPTIONS
  out=$1
  shift
  grid-proxy-init -q -cert "$work/user.pem" -key "$work/user.key" -certdir "$work/certs" -valid 24:00 -bits 2048 -out "$work/$out" "$@"
  keep "$out"
}
all() {
  grid rfc.pem -rfc
  grid rfc-limited.pem -rfc -limited
  grid rfc-independent.pem -rfc -independent
  grid rfc-path-3.pem -rfc -path-length 3
  grid draft.pem -draft
  grid draft-limited.pem -draft -limited
  grid draft-path-3.pem -draft -path-length 3
  grid old.pem -old
  grid old-limited.pem -old -limited
  grid-proxy-init -q -cert "$work/rfc.pem" -key "$work/rfc.pem" -certdir "$work/certs" -valid 12:00 -rfc -limited -out "$work/nested.pem"
  keep nested.pem
}
[ "${2-}" = voms ] || all

fake() { # FILE OPTIONS
  out=$1
  shift
  voms-proxy-fake -q -rfc -cert "$work/user.pem" -key "$work/user.key" -certdir "$work/certs" -hours 24 -bits 2048 \
    -hostcert "$work/host.pem" -hostkey "$work/host.key" -voms test.vo -uri voms.example.org:15000 -out "$work/$out" "$@"
  keep "$out"
}
fake voms.pem -newformat -fqan /test.vo/Role=NULL/Capability=NULL -fqan /test.vo/group/Role=production/Capability=NULL \
  -ga 'nickname=tester (test.vo)'
fake voms-oldformat.pem -fqan /test.vo
