# Two commands matter: `make run` starts the desk, `make test` proves it.
PY ?= python3
BIN := .venv/bin
ROOMS := domain guardrails loopback venues memory tools desk agent_graph app cli
INSTALL := $(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build --require-hashes --compile-bytecode
PIP := $(BIN)/pip install -q --no-deps --only-binary :all: --require-hashes

.PHONY: setup run test check bench soak lock browser clean

setup: .venv/.ready

# uv reads no pip settings; where it cannot reach an index, pip installs the very same hashes.
.venv/.ready: requirements/uv.txt requirements/runtime.txt scripts/link_sources.py
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; set PY=/path/to/python3.11" >&2; exit 1; }
	@$(PY) -c 'import ensurepip' || { echo "error: Python cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PY) -m venv .venv
	$(PIP) -r requirements/uv.txt
	$(INSTALL) -r requirements/runtime.txt || $(PIP) -r requirements/runtime.txt
	$(PY) scripts/link_sources.py .venv
	touch $@

.venv/.ready-dev: .venv/.ready requirements/dev.txt
	$(INSTALL) -r requirements/dev.txt || $(PIP) -r requirements/dev.txt
	touch $@

run: setup
	$(BIN)/matrix up

browser: .venv/.ready-dev
	$(BIN)/python scripts/ensure_browser.py

test: browser
	$(BIN)/python -m pytest tests -n 2 --dist loadfile

check: .venv/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_docstrings.py -q $(ROOMS) || { $(BIN)/python scripts/check_docstrings.py -vv $(ROOMS); exit 1; }
	$(BIN)/vulture
	$(BIN)/deptry .
	$(BIN)/codespell
	$(BIN)/python scripts/check_secrets.py

bench: .venv/.ready-dev
	$(BIN)/python -m benchmarks

soak: browser
	$(BIN)/python -m pytest tests --soak

lock: .venv/.ready
	cd requirements && ../$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --overrides overrides.txt runtime.in dev.in -o .all.txt
	cd requirements && for g in runtime dev; do ../$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --overrides overrides.txt -c .all.txt $$g.in -o $$g.txt; done
	rm requirements/.all.txt

clean:
	rm -rf .venv build
