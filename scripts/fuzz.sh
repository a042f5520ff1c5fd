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

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz PACKAGE NAME: runs one target.
fuzz() {
  printf '\n-- %s %s\n' "${1#github.com/scicred/scicred/}" "$2"
  go test -run '^$' -fuzz "^$2\$" -fuzztime "$duration" "$1" </dev/null 2>&1 | tee "$log"
}

# cut_off NAME: whether the last run failed for no other reason than that its time
# was up. Go before 1.27 sometimes takes the end of -fuzztime for a failure
# (https://go.dev/issue/75804): the message is then the whole of the failure, and
# no input is written.
cut_off() {
  ! grep -Eq 'Failing input|panic:|fatal error:|_test\.go:[0-9]+:' "$log" &&
    grep -A1 "^--- FAIL: $1 " "$log" | grep -qx '    context deadline exceeded'
}

failed=()
while read -r package name; do
  fuzz "$package" "$name" && continue
  if cut_off "$name"; then
    echo 'fuzz: its time ran out while an input was on its way (https://go.dev/issue/75804): once more'
    fuzz "$package" "$name" && continue
  fi
  failed+=("$package $name")
done <<<"$targets"

if [ "${#failed[@]}" -ne 0 ]; then
  printf '\nfuzz: failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
printf '\nfuzz: %d targets, %s each\n' "$(wc -l <<<"$targets")" "$duration"
