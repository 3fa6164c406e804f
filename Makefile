# Chorale: `make demo` shows it at work, `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.lock-installed
DOCS ?=
T ?=
WHO ?= exploitant
# A folder that takes longer is stopped and counts as failed (seconds). These are limits against what hangs, about twice
# what a folder takes on two cores with nothing beside: all of it is meant to stay near 18 minutes.
BUDGET_unit := 240
BUDGET_contracts := 120
BUDGET_integration := 1200
BUDGET_e2e := 480
BUDGET_chaos := 360
BUDGET_fuzz := 240
BUDGET_corpus := 60
BUDGET_browser := 600
FOLDERS := unit contracts integration e2e browser chaos fuzz corpus

FIND_PYTHON = for candidate in "$${PYTHON:-}" python3.11 python3.12 python3.13 python3.14 python3; do \
	  [ -n "$$candidate" ] && "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	    && { echo "$$candidate"; exit 0; } || true; \
	done; \
	echo "Python 3.11 or newer was not found: type 'apt-get install -y python3.11 python3.11-venv' (Debian, Ubuntu)" \
	  "or 'brew install python@3.11' (macOS)." >&2; exit 1

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## The Python environment in .venv, made again only when requirements.lock changes

$(STAMP): requirements.lock
	@python=$$($(FIND_PYTHON)); \
	if ! "$$python" -m venv --clear $(VENV); then \
	  echo "$$python cannot make a virtual environment: type 'apt-get install -y python3-venv' (Debian, Ubuntu)." >&2; \
	  exit 1; \
	fi; \
	echo "Installing what requirements.lock names into $(VENV) ..."; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock; \
	touch $@

lock: venv ## Write requirements.lock again from requirements.in and requirements-dev.in
	@$(BIN)/python -m venv .local/lock && .local/lock/bin/pip install --quiet --disable-pip-version-check pip-tools
	@.local/lock/bin/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-header --no-annotate \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements.lock requirements-dev.in

servers: venv ## Fetch what the servers need once (Kafka's jars); the other servers come with the environment
	@$(BIN)/python -m deploy.local fetch

demo: venv ## The whole way of real PDF invoices, then a readable result; DOCS=folder takes yours
	@$(BIN)/python -m deploy.demo $(DOCS)

scenarios: venv ## Whole lives of invoices on the whole platform, time moved; T=word plays those whose name has it
	@$(BIN)/python -m tests.scenarios $(T)

up: venv ## Run everything behind one address, with people and a year behind them, until Ctrl-C; the data stay
	@exec $(BIN)/python -m deploy.local up

code: venv ## The one-time code of an account of the demo: WHO=exploitant, WHO=administration
	@$(BIN)/python -m deploy.local code $(WHO)

reset: venv ## Remove the data that `make up` keeps
	@$(BIN)/python -m deploy.local reset

browser: venv ## Debian's Chromium for the browser tests, installed where it is missing and that is possible
	@$(BIN)/python -m tests.browser.chromium

firefox: venv ## Debian's Firefox for the long browser tests, installed where it is missing and that is possible
	@$(BIN)/python -m tests.browser.firefox install

screens: browser ## A picture of every page, narrow and wide, light and dark, to .local/screens; T=word takes some
	@$(BIN)/python -m tests.browser.screens $(T)

help-pictures: venv ## The pictures of the help pages, from those of `make screens`; T=word takes some
	@$(BIN)/python -m tests.browser.help_pictures $(T)

test: venv browser ## Every test that is not long, folder by folder, each within its time budget
	@$(BIN)/python -m tests.run $(foreach folder,$(FOLDERS),$(folder)=$(BUDGET_$(folder)))

test-long: venv browser firefox ## The tests marked long
	@$(BIN)/python -m pytest tests -m long --timeout 3600

check: venv ## Style, types, import rules, contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m contracts.compat --all

audit: venv ## Known vulnerabilities of what requirements.lock names (asks pypi.org; what cannot be asked is a failure)
	@$(BIN)/python -m venv .local/audit && .local/audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	@.local/audit/bin/pip-audit --requirement requirements.lock --disable-pip --strict --progress-spinner off

chaos: venv ## The long chaos run in the background: one line a round in .local/chaos.jsonl
	@$(BIN)/python -m tests.chaos

bench: venv ## All benchmarks, or one: T=pipeline
	@$(BIN)/python -m tests.bench $(T)

contracts: venv ## Write schemas and asyncapi.yaml again from the code
	@$(BIN)/python -m contracts.export

.PHONY: help venv lock servers demo scenarios up code reset test test-long check chaos bench contracts audit browser \
  firefox screens help-pictures
