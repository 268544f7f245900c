# `make serve` and `make test` are all a newcomer needs, on a machine with Python >= 3.11 and make.
# ARGS is passed on:  make serve ARGS="--port 9000"   make test ARGS="tests/core -k recall"

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
BENCH := $(VENV)/.bench-installed
ARGS :=
LOCOMO ?=
# What talks to a server of ours runs a second time with the server's memories in PostgreSQL.
DOORS := $(addprefix tests/,native aimemory selfmemory mememory memanto memento)

.DEFAULT_GOAL := help
.PHONY: help setup serve test check fix bench lock

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(RUNTIME)  ## Create .venv and install what the server needs

serve: $(RUNTIME)  ## Run the server; every POLYMEM_* variable is honoured
	@exec $(BIN)/polymem serve $(ARGS)

test: $(DEV)  ## Run all tests
	@scripts/chromium
	@scripts/redis
	$(BIN)/python -m pytest --numprocesses auto $(ARGS)
	$(if $(ARGS),,$(BIN)/python -m pytest --numprocesses auto --database server $(DOORS))

check: $(DEV)  ## Check format, lint, types and the import law
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/check-deploy

fix: $(DEV)  ## Format, and repair what the linter can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(BENCH)  ## Run the benchmarks; LOCOMO=file adds retrieval quality
	$(BIN)/python -m bench $(if $(LOCOMO),--locomo $(LOCOMO)) $(ARGS)

lock:  ## Compile the lock files again; ARGS=--upgrade takes new versions
	scripts/lock $(ARGS)

# The larger locks contain the smaller, so one installation satisfies both stamps.
$(RUNTIME): requirements.lock pyproject.toml scripts/install
	@scripts/install requirements.lock
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml scripts/install
	@scripts/install requirements-dev.lock
	@touch $(RUNTIME) $@

$(BENCH): requirements-bench.lock pyproject.toml scripts/install
	@scripts/install requirements-bench.lock
	@touch $(RUNTIME) $@
