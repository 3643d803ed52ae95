# Two commands do everything: `make run`, then `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SEED ?= 20261122
WORKERS ?= logical

.DEFAULT_GOAL := help
.PHONY: help run test lint types mypy pyright imports bench promises soak variants wheel clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.ready ## install, then auction the starter checklist: no key needed
	@$(BIN)/agora demo

test: $(VENV)/.ready-dev $(VENV)/.browser ## the whole suite, offline, a worker for each core (4 at most); WORKERS=0 for one process
	@$(BIN)/python -m pytest -q -n $(WORKERS) --maxprocesses 4 --dist worksteal

lint: $(VENV)/.ready-dev ## style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: mypy pyright ## mypy and pyright, both strict

mypy pyright: $(VENV)/.ready-dev
	@$(BIN)/$@

imports: $(VENV)/.ready-dev ## who may import whom
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/.ready-dev ## speed and memory, measured here
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

promises: $(VENV)/.ready-dev ## the tests that docs/promises.md names, and how long they take
	@$(BIN)/python -m pytest -q --durations=5 $$(grep -oE 'tests/[a-z_/]+\.py::[a-z_0-9]+' docs/promises.md | sort -u)

soak: $(VENV)/.ready-dev ## hours of kills, cancels, provider faults and outages; PARTS="kills faults" for some
	@$(BIN)/python benchmarks/soak.py $(PARTS)

variants: $(VENV)/.ready-dev ## each starter agent on a second task set, generated from a seed
	@$(BIN)/python benchmarks/variants.py --seed $(SEED)

wheel: $(VENV)/.ready-dev ## build the wheel into dist/
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean: ## remove what was made here, the shared memory left alone
	@rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@echo "making $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Agora needs Python 3.11 or newer: make run PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: pyproject.toml | $(BIN)/python
	@echo "installing (half a minute the first time)"
	@$(PIP) --editable '.[local,report,ui]'
	@$(BIN)/agora agents weights || echo "without the weights: the local model will be absent"
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	@echo "installing what the tests need"
	@$(PIP) --editable '.[local,dev]'
	@touch $@

$(VENV)/.browser: $(VENV)/.ready-dev
	@echo "looking for a browser to test pages in"
	@$(BIN)/python tests/browser.py
	@touch $@
