# SPDX-License-Identifier: BSD-3-Clause

.DEFAULT_GOAL := help
.PHONY: help test test-fast integration vet lint bench fuzz cross tidy clean

# How long each fuzz target runs.
FUZZTIME ?= 20s

LINTER := bin/golangci-lint

# "./..." sees no nested module: each is named to the go command by itself.
NESTED := $(patsubst %/go.mod,./%/...,$(wildcard bench/go.mod server/go.mod))

# The workspace gives all modules the newest version that any of them requires.
# What we ship is built and tested with those of its own go.mod.
ALONE := GOWORK=off

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## Run every test, with the race detector, then those against real servers.
	scripts/setup-debian.sh || [ "$(CI)" != true ]
	@failed=; \
	$(ALONE) go test -race -shuffle=on ./... || failed=yes; \
	go test -race -shuffle=on $(NESTED) || failed=yes; \
	scripts/integration.sh || failed=yes; \
	[ -z "$$failed" ] # All run, whatever becomes of the first.

test-fast: ## Run the tests that need nothing but Go.
	$(ALONE) go test ./...
	go test $(NESTED)

integration: ## Run the tests against real servers alone.
	scripts/integration.sh

vet: ## Run go vet, also on the tests against real servers.
	$(ALONE) go vet ./...
	$(ALONE) go vet -tags integration ./integration/...
	go vet $(NESTED)

lint: $(LINTER) ## Run the linters.
	$(LINTER) run ./... $(NESTED)

bench: ## Measure beside floors and peers (WRITE=1: into docs/; BENCH=flags).
	go run ./bench $(if $(WRITE),-write docs) $(BENCH)

fuzz: ## Run each fuzz target for FUZZTIME (20s).
	scripts/fuzz.sh $(FUZZTIME)

cross: ## Build and vet for other systems.
	scripts/cross.sh

tidy: ## Tidy go.mod of every module.
	scripts/tidy.sh

clean: ## Remove built tools.
	rm -rf bin

# The linter has a module of its own, so that its hundreds of dependencies are
# not ours.
$(LINTER): tools/go.mod tools/go.sum
	GOWORK=off go build -C tools -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@
