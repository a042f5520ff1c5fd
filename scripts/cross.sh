#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# cross.sh [OS/ARCH…]: builds everything, and vets it with its tests, for systems
# that are not this one.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off # What we ship, with the versions of its own go.mod.
[ $# -gt 0 ] || set -- darwin/arm64 windows/amd64 linux/arm64

for platform in "$@"; do
  echo "-- $platform"
  GOOS=${platform%/*} GOARCH=${platform#*/} CGO_ENABLED=0 go build ./...
  GOOS=${platform%/*} GOARCH=${platform#*/} CGO_ENABLED=0 go vet ./...
done
