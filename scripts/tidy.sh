#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# tidy.sh: go mod tidy for each module.
#
# A nested module requires the root module at a version that no proxy may have
# yet, and has no replace of its own (see go.work): it gets one for as long as
# tidy runs.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off

go mod tidy
go -C tools mod tidy
for module in server bench; do
  [ -f "$module/go.mod" ] || continue
  (
    cd "$module"
    go mod edit -replace github.com/scicred/scicred@v0.1.0=../
    trap 'go mod edit -dropreplace github.com/scicred/scicred@v0.1.0' EXIT
    go mod tidy
  )
done
