# Two commands on a fresh machine: `make demo` and `make test`. Only python3 (3.11 or newer) with venv, and make, are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

.PHONY: install demo test check bench prove lock clean

install: $(VENV)/installed

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

demo: install
	rm -rf $(OUT)
	$(BIN)/waterbed demo --out $(OUT)

test: $(VENV)/installed-dev
	tests/offline/enter $(BIN)/python $(BIN)/python -m pytest

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	tests/offline/enter $(BIN)/python $(BIN)/python -m pytest -q tests/docs

bench: $(VENV)/installed-dev
	$(BIN)/python benchmarks/recheck.py
	$(BIN)/python benchmarks/dns.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/origins.py
	$(BIN)/python benchmarks/episodes.py
	$(BIN)/python benchmarks/survival.py
	$(BIN)/python benchmarks/displacement.py

prove: $(VENV)/installed-dev
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/kill.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/truth.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/registry.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/ranking.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/displacement.py --prove
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/episode_scenarios.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/coverage.py

lock: $(VENV)/installed-dev
	$(BIN)/uv pip compile $(LOCK) -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) $(OUT)
