# SPDX-License-Identifier: BSD-3-Clause

.DEFAULT_GOAL := help
.PHONY: help test test-fast integration vet lint fuzz cross tidy clean

# How long each fuzz target runs.
FUZZTIME ?= 20s

LINTER := bin/golangci-lint

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## Run every test, with the race detector, then those against real servers.
	scripts/setup-debian.sh || [ "$(CI)" != true ]
	@failed=; \
	go test -race -shuffle=on ./... || failed=yes; \
	scripts/integration.sh || failed=yes; \
	[ -z "$$failed" ] # Both run, whatever becomes of the first.

test-fast: ## Run the tests that need nothing but Go.
	go test ./...

integration: ## Run the tests against real servers alone.
	scripts/integration.sh

vet: ## Run go vet, also on the tests against real servers.
	go vet ./...
	go vet -tags integration ./integration/...

lint: $(LINTER) ## Run the linters.
	$(LINTER) run

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
