# Everything that people run; CI runs `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST_ARGS ?=

.PHONY: demo test check evidence bench lab clean help

help: ## Show what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV) \
	  || { echo "venv is missing: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[embedded,dev]'
	@touch $@

demo: $(STAMP) ## Set up and run the main job: a playbook through the broker to a lab of devices, twice
	@$(BIN)/python tools/demo.py

lab: ## As root: install FRRouting and OpenSSH for the tests with real devices
	@tools/install-lab.sh

test: $(STAMP) lab check ## Set up and pass all tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(STAMP) ## Lint, format and types
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

evidence: $(STAMP) lab ## The long forms of the tests, and the tables that they print
	NETPULSE_EVIDENCE=1 $(BIN)/python -m pytest -m 'evidence or not evidence' -rA -s tests/evidence
	$(MAKE) bench

bench: $(STAMP) lab ## Benchmarks: ratios measured side by side in one run
	@$(BIN)/python -m tests.bench

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
