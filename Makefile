# Two commands on a fresh machine: `make demo` and `make test`. Only python3 (3.11 or newer) with venv, make, git, bash and
# coreutils are needed. `make test T=tests/pages` runs some of the tests, with whatever else pytest is to be told; the
# long ones, which `make test` leaves out, run with T="-m long".
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo
T ?=
# twice as many as processors: tests wait for servers, other programs and each other
WORKERS ?= $(shell expr 2 \* $$(nproc))
# tests keep their files in memory where 4 GB of it are free: a busy disk makes them wait
MEMORY := $(shell test "$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print $$4}')" -ge 4000000 2>/dev/null && ! grep -q ' /dev/shm .*noexec' /proc/mounts && echo /dev/shm)
PYTEST = kept=$$(mktemp -d $(MEMORY:%=-p %)) && trap 'rm -rf "$$kept"' EXIT INT TERM HUP && \
	tests/offline/enter $(BIN)/python $(BIN)/python -m pytest --basetemp="$$kept/tests"
APART := .venv-intelmq/installed .venv-crate/installed .venv-s3/installed
READERS := tests/graphology/node_modules/installed tests/browser/node_modules/installed
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

.PHONY: install demo tools test check docs pictures study bench prove lock newest dist notes clean

install: $(VENV)/installed

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

# other people's programs that the tests need and that pin libraries which we have in other versions; IntelMQ is AGPL
.venv-%/installed: tests/%/requirements.lock
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/pip install --quiet --require-hashes -r tests/$*/requirements.lock
	touch $@

# Node.js with npm, Java, Chromium and R, each only where this machine has none
tools: $(VENV)/installed-dev
	$(BIN)/python -m tests.tools

tests/%/node_modules/installed: tests/%/package-lock.json | tools
	cd tests/$* && PATH="$(CURDIR)/$(VENV)/tools/bin:$$PATH" npm ci --silent --no-audit --no-fund --ignore-scripts
	touch $@

demo: install
	rm -rf $(OUT)
	$(BIN)/waterbed demo --out $(OUT)

test: tools $(APART) $(READERS)
	$(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not long" $(T)

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) -q -n $(WORKERS) --dist loadfile tests/docs --ignore=tests/docs/tours

# a site of docs/ in site/, with a search that needs no network
docs: $(VENV)/installed-dev
	$(BIN)/sphinx-build -q -W --keep-going -b html -c docs . site

# takes the pictures in docs/img anew
pictures: tools $(READERS)
	WATERBED_PICTURES=docs/img tests/offline/enter $(BIN)/python $(BIN)/python -m pytest -q tests/browser/test_pages.py -k picture

# the worked study in docs/study anew, from the data that WATERBED_REALDATA names
study: $(VENV)/installed-dev
	$(BIN)/python docs/study/make.py

# all in one run, with its table in benchmarks/results.md; pyasn needs a C compiler, nginx and nsd are Debian packages
bench: $(VENV)/installed-dev
	$(BIN)/pip install --quiet --no-build-isolation -e '.[bench]'
	$(BIN)/python benchmarks/suite.py

# long campaigns; the property tests with examples not drawn before
prove: $(VENV)/installed-dev
	WATERBED_FUZZ_EXAMPLES=40 tests/offline/enter $(BIN)/python $(BIN)/python -m pytest -q -m hypothesis --hypothesis-profile=prove
	WATERBED_WORLDS=50 tests/offline/enter $(BIN)/python $(BIN)/python -m pytest -q -n $(WORKERS) tests/publish/test_differencing.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/cuts.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/fuzz.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/faults.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/strikes.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/year.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/truth.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/registry.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/domains.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/ranking.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/displacement.py --prove
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/scenarios.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/windows.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/coverage.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/hop_worlds.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/api.py
	tests/offline/enter $(BIN)/python $(BIN)/python benchmarks/shared_chance.py --studies 200 --results $$(mktemp)

lock: $(VENV)/installed-dev
	$(BIN)/uv pip compile $(LOCK) --extra all --extra build -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --extra all --extra build --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	for apart in intelmq crate s3 tools/node tools/java; do $(BIN)/uv pip compile $(LOCK) -o tests/$$apart/requirements.lock tests/$$apart/requirements.in || exit 1; done

# the newest releases that pyproject.toml allows, in place of the locks', until `make clean`
newest: $(VENV)/installed-dev
	$(BIN)/pip install --quiet --upgrade --upgrade-strategy eager --no-build-isolation -e '.[all,spark,dev]'

# the wheel, and beside it all that an image is built from: `podman build --tag waterbed dist`
dist: $(VENV)/installed
	rm -rf dist build
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	cp Containerfile requirements.lock dist

# what CHANGELOG.md says of a version, for its release: of the one that this is, or `make notes V=0.2.0`
V = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
notes:
	@awk '/^## / {its = index($$0, "## [$(V)]") == 1} its' CHANGELOG.md

clean:
	rm -rf dist build $(VENV) $(dir $(APART)) $(dir $(READERS)) $(OUT)
