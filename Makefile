# Every task of the project. "make" alone lists them.

# The interpreter for .venv; and for test-every-python, more interpreters than those it finds itself.
PYTHON ?= python3
PYTHONS ?=
# Arguments for pytest and for the benchmark runner, such as: make test-python ARGS="-k window -x"
ARGS ?=

BIN := .venv/bin
SETUP := PYTHON="$(PYTHON)" scripts/setup.sh
# One set of extras for all tasks, so that one task does not undo another's set-up.
TOOLS := test lint docs webui

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-python test-native test-webui test-every-python \
	lint format docs benchmark webui dist clean distclean

help: ## show this list
	@echo "memlyze: what make can do"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## create .venv, with memlyze and all tools of the project in it
	@$(SETUP) $(TOOLS)

demo: ## record a real program, and explain it
	@$(SETUP)
	@scripts/demo.sh

test: setup ## run every check and every test of the project
	@$(MAKE) --no-print-directory lint docs test-native test-webui test-python

test-python: setup ## the Python tests alone
	@scripts/test_python.sh $(ARGS)

test-native: setup ## the C tests alone, under the address and undefined-behaviour sanitizers
	@scripts/test_native.sh

test-webui: setup ## the web UI's tests alone, in a browser too where there is one
	cd webui && npm run --silent check && npm run --silent test && npm run --silent test:browser

test-every-python: setup ## the Python tests on each CPython 3.8 to 3.15 found here (more: PYTHONS="path path")
	@$(BIN)/python scripts/test_every_python.py $(PYTHONS)

lint: setup ## check formatting, types and file lists
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/check_sources.py
	$(BIN)/python scripts/write_web_forms.py --check
	$(BIN)/python scripts/lint_native.py

format: setup ## format all sources in place
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/python scripts/write_sql_reference.py
	$(BIN)/python scripts/check_sources.py --write
	$(BIN)/python scripts/write_json_reference.py
	$(BIN)/python scripts/write_web_forms.py
	$(BIN)/python scripts/lint_native.py --fix

docs: setup ## build the documentation into docs/_build/html; warnings are errors
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "the documentation is in docs/_build/html/index.html"

benchmark: setup ## measure overhead, sizes and speed, and write the table of docs/performance.md
	$(BIN)/python benchmarks/run.py $(ARGS)

webui: ## build the web UI into memlyze/web/static
	$(PYTHON) scripts/build_webui.py

dist: setup ## build sdist and wheel into dist/
	$(BIN)/python -m pip --quiet install build
	$(BIN)/python -m build

clean: ## remove what was built
	rm -rf build dist docs/_build memlyze/web/static .mypy_cache .pytest_cache .ruff_cache .hypothesis

distclean: clean ## remove the virtual environments and node_modules too
	rm -rf .venv .venvs webui/node_modules
