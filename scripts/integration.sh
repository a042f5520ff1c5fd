#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# integration.sh: runs the tests that need real servers.
#
# It installs what is missing if it may. Where something stays missing it says
# so, loudly, and skips the tests; with CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin # Some users' PATH has no daemons in it.

banner() { printf '\n======== %s ========\n\n' "$*"; }

# skip WHY: what happens where the tests cannot run.
skip() {
  if [ "${CI:-}" = true ]; then
    banner "FAILED: the integration tests cannot run: $1"
    exit 1
  fi
  banner "SKIPPED: the integration tests did not run: $1"
  exit 0
}

scripts/setup-debian.sh || skip 'something is missing, see above'
[ "$(id -u)" = 0 ] || skip 'they start servers under accounts and in namespaces of their own, and only root can do that'

# version COMMAND…: the first line that it prints about itself.
version() { "$@" 2>&1 | sed -n 1p; }

go test -race -count=1 -shuffle=on -tags integration ./integration/...

echo
echo 'Exercised servers and tools:'
printf '  %-16s %s\n' \
  XRootD "$(version xrootd -v)" \
  nginx "$(version nginx -v)" \
  grid-proxy-init "$(version grid-proxy-init -version)" \
  SciTokens "$(version dpkg-query -W libscitokens0 || echo unknown)" \
  OpenSSL "$(version openssl version)"
