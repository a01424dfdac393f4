# liveseg from a fresh clone: `make demo` and `make test` need python3, make and a package registry, no more.
# Written for GNU make 3.81 (macOS) and later. On Windows: see CONTRIBUTING.md.

PYTHON ?= python3
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# What decides which packages are installed: a stamp older than one of these is made again.
RECIPE := pyproject.toml constraints.txt src/liveseg/_version.py

.DEFAULT_GOAL := help
.PHONY: help demo test test-long soak lint clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s%s\n", $$1, $$2 }'

demo: $(VENV)/.core ## install liveseg into .venv and segment the samples of input/
	@$(BIN)/liveseg demo

test: lint ## install what the tests need, then check style, types and floors, and run the tests
	$(BIN)/python -m pytest -n auto -m "not long" $(PYTEST_ARGS)

test-long: $(VENV)/.dev ## run the tests that take minutes
	$(BIN)/python -m pytest -m long $(PYTEST_ARGS)

soak: $(VENV)/.dev ## run an hour of a live stream and see that nothing grows (LIVESEG_SOAK_SECONDS: for how long)
	@$(BIN)/python -m pytest -s -m soak tests/endurance $(PYTEST_ARGS)

lint: $(VENV)/.dev ## check style, types and floors only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/page/check.py

clean: ## remove the virtual environment, builds and caches; results in outputs/ stay
	rm -rf $(VENV) build dist tools/page/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "liveseg needs Python 3.11 or later, and '$(PYTHON)' is none: try PYTHON=python3.12 or another" >&2; \
	  exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.core: $(VENV)/.made $(RECIPE)
	@echo "Installing liveseg into $(VENV) (about a minute the first time)"
	@$(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.made $(RECIPE)
	@echo "Installing liveseg and what its tests need into $(VENV) (some minutes the first time)"
	@$(PIP) -c constraints.txt -e '.[dev]'
	@touch $(VENV)/.core $@
