# Two commands do everything: `make serve` and `make test`. Both need only make and Python 3.11 or newer.
.DEFAULT_GOAL := help
.PHONY: help install serve test train evaluate lock clean

# The first of these that is Python 3.11+ and can make virtual environments; override with PYTHON=/path/to/python.
FIND_PYTHON = for p in python3 python3.15 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done
PYTHON ?= $(shell $(FIND_PYTHON))

BIN := .venv/bin
# One thread for the linear algebra: small matrices gain nothing from more, and sums keep one order of addition.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:
	@echo 'make serve     install and serve on 127.0.0.1:$${PORT:-8000} (Ctrl-C stops it)'
	@echo 'make test      install and run every check: lint, types, import contracts, tests'
	@echo 'make install   make .venv from requirements.lock; .venv/bin/tagger is the command line'
	@echo 'make train     rebuild the release in models/ from training/corpus'
	@echo 'make evaluate  score the champion on the held-out split of the corpus'
	@echo 'make lock      refresh requirements.lock from pyproject.toml (needs uv)'
	@echo 'make clean     remove .venv and caches'

install: .venv/installed

# The stamp is written last: an interrupted install starts afresh. A changed lock file makes a fresh environment.
.venv/installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo 'No Python 3.11 or newer with venv was found: install it, or run make PYTHON=/path/to/python3'; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	$(BIN)/python -m tagger.kernel >/dev/null
	@touch $@

serve: install
	@exec $(BIN)/tagger serve

test: install
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest

train: install
	$(BIN)/python -m training run

evaluate: install
	$(BIN)/python -m training evaluate

lock:
	uv pip compile pyproject.toml --extra training --group test --universal --generate-hashes \
		--python-version 3.11 --no-emit-index-url --no-header --quiet --upgrade -o requirements.lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
