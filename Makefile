# `make demo` and `make test` do all the set-up themselves: they need Python 3.11 or later, git and make.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --require-hashes
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help demo test control-plane prometheus lint format lock wheel bench screenshots clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed; set PYTHON=/path/to/python3." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV) …"
	$(INSTALL) -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.developing: requirements-dev.lock $(VENV)/.installed
	@echo "installing what the tests need …"
	$(INSTALL) -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.installed ## the console on the embedded practice cluster
	@$(BIN)/releaseconsole demo $(ARGS)

# The tests on a real control plane share one, and so do those on a real Prometheus: hence `--dist loadgroup`.
test: $(VENV)/.developing ## every test; some need what `make control-plane` and `make prometheus` bring
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

control-plane: $(VENV)/.developing ## build a real Kubernetes control plane for the tests (needs Go; minutes, once)
	@$(BIN)/python tests/cluster/binaries.py

prometheus: ## install Prometheus and promtool for the tests (Debian's package, as root) or say how
	@$(PYTHON) tests/metrics/prom_programs.py

lint: $(VENV)/.developing ## ruff, mypy, import-linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.developing ## ruff's formatting and safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/.developing ## new lock files from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" --group build --group dev pyproject.toml -o requirements-dev.lock

wheel: $(VENV)/.developing ## a wheel in dist/
	$(PIP) wheel --quiet --no-deps --no-build-isolation -w dist .

bench: $(VENV)/.developing ## the figures of benchmarks/ (the long ones: ARGS=scale)
	$(BIN)/python -m benchmarks $(ARGS)

screenshots: $(VENV)/.installed ## the pictures of the README, drawn by the program itself
	$(BIN)/python docs/screenshots.py

clean: ## remove the environment and what was built
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
