#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# setup-debian.sh: makes sure that what the tests need is installed.
#
# As root on Debian it installs the packages that are missing, and only those,
# without letting any of them start a daemon. Elsewhere it installs nothing and
# says what is missing.
#
# Exit status: 0 if the integration tests can run, 1 if something is missing or
# could not be installed. Whoever calls it decides what that means.
set -euo pipefail

# What is needed, as "package=proof": the proof is a command, or a file name
# pattern of a plug-in, that shows the package is there on any distribution.
needed=(
  make=make
  gcc=gcc                                                   # The race detector needs cgo.
  libc6-dev=/usr/include/stdlib.h
  git=git
  xrootd-server=xrootd
  xrootd-server-plugins=libXrdHttp-5.so                     # Speaks HTTP.
  xrootd-plugins=libXrdCryptossl-5.so                       # Reads X.509 proxies.
  xrootd-scitokens-plugins=libXrdAccSciTokens-5.so          # Reads tokens.
  scitokens-cpp=scitokens-create                            # And scitokens-verify.
  globus-proxy-utils=grid-proxy-init
  voms-clients=voms-proxy-fake
  nginx-light=nginx
  openssl=openssl
  openjdk-17-jre-headless=keytool                           # Writes PKCS#12 in a way of its own.
  ca-certificates=/etc/ssl/certs/ca-certificates.crt
  util-linux=unshare
)

say() { printf 'setup: %s\n' "$*"; }

# found PROOF: is the command, the file or the plug-in there?
found() {
  case $1 in
    /*) [ -e "$1" ] ;;
    *.so) compgen -G "/usr/lib*/$1" >/dev/null || compgen -G "/usr/lib/*/$1" >/dev/null ;;
    *) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ;;
  esac
}

# list_missing: sets the array "missing" to the packages whose proof is absent.
list_missing() {
  missing=()
  local entry
  for entry in "${needed[@]}"; do
    found "${entry#*=}" || missing+=("${entry%%=*}")
  done
}

policy=/usr/sbin/policy-rc.d
policy_is_ours=

# remove_policy: runs however the script ends.
remove_policy() {
  [ -z "$policy_is_ours" ] || rm -f "$policy"
}

# install_missing: Debian starts a service as soon as its package is installed,
# unless policy-rc.d forbids it (exit 101). A policy that is there already is the
# administrator's and stays as it is.
install_missing() {
  trap remove_policy EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # With noclobber the shell makes the file only if it does not exist.
  if (set -o noclobber && printf '#!/bin/sh\nexit 101\n' >"$policy") 2>/dev/null; then
    policy_is_ours=yes
    chmod 755 "$policy"
  else
    say "$policy exists and is left as it is"
  fi
  local apt=(apt-get -y -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
  export DEBIAN_FRONTEND=noninteractive
  # Joined by &&, since "if ! install_missing" takes the -e from the function.
  "${apt[@]}" update </dev/null && "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null
}

list_missing
if [ "${#missing[@]}" -eq 0 ]; then
  say "everything that the tests need is installed"
  exit 0
fi

say "missing: ${missing[*]}"
if ! [ -e /etc/debian_version ] || ! command -v apt-get >/dev/null; then
  say "this is not Debian: install what matches these Debian packages by hand"
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  say "only root can install them: apt-get install --no-install-recommends ${missing[*]}"
  exit 1
fi

say "installing"
log=$(mktemp)
if ! install_missing >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  say "apt-get failed; its whole output is in $log"
  exit 1
fi
rm -f "$log"

list_missing
if [ "${#missing[@]}" -ne 0 ]; then
  say "apt-get succeeded, and still missing: ${missing[*]}"
  exit 1
fi
say "installed"
