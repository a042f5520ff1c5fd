#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# fuzz.sh [TIME]: runs every fuzz target for that time (20s), one after another,
# since each keeps all cores busy.
#
# An input that makes a target fail is left in the package's testdata/fuzz:
# commit it with the repair, and go test will try it for ever.
set -euo pipefail
cd "$(dirname "$0")/.."
duration=${1:-20s}

# "go test -list" prints a package's targets and then "ok PACKAGE TIME".
targets=$(go test -list '^Fuzz' ./... | awk '
  /^Fuzz/ { names[++n] = $1 }
  /^ok/   { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }')
if [ -z "$targets" ]; then
  echo 'fuzz: no target found' >&2
  exit 1
fi

failed=()
while read -r package name; do
  printf '\n-- %s %s\n' "${package#github.com/scicred/scicred/}" "$name"
  go test -run '^$' -fuzz "^$name\$" -fuzztime "$duration" "$package" </dev/null || failed+=("$package $name")
done <<<"$targets"

if [ "${#failed[@]}" -ne 0 ]; then
  printf '\nfuzz: failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
printf '\nfuzz: %d targets, %s each\n' "$(wc -l <<<"$targets")" "$duration"
