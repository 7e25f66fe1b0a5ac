# Everything a person does with this tree. `make` alone lists the targets.

PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
# A file's tests stay together in one of the processes, and the longest files begin.
PYTEST := $(PY) -m pytest --cov --numprocesses=auto --dist=loadfile --no-loadscope-reorder \
	--max-worker-restart=0
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup web demo test test-all lab board-truth check format bench lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: .venv/.installed ## make .venv with everything locked, and agentd itself
	@:

.venv/.installed: requirements-dev.lock pyproject.toml tools/setup.sh
	@./tools/setup.sh

web: setup ## build the pages into agentd/static (only when they changed)
	@$(PY) tools/web.py build

demo: web ## a moving wallboard: the embedded PBX plays calls, the URL is printed
	@$(BIN)/agentd demo

test: web ## all tests; suites whose programs are missing are named at the end
	@$(PY) tools/web.py test
	@$(PYTEST)

test-all: web ## all tests; a suite that cannot run is a failure
	@$(PY) tools/web.py test
	@AGENTD_REQUIRE_BROWSER=1 AGENTD_REQUIRE_BROKER=1 AGENTD_REQUIRE_LAB=1 $(PYTEST)

lab: web ## a real Asterisk with phones and callers, in Docker or natively
	@$(PY) -m asterisk_lab up

board-truth: web ## ten minutes of real calls, every figure on the board compared (MINUTES=, SEED=)
	@MINUTES=$(or $(MINUTES),10) AGENTD_REQUIRE_BROWSER=1 AGENTD_REQUIRE_LAB=1 \
		$(PY) -m pytest -q tests/lab/test_board_truth.py

check: web ## format, lint, types, import contracts, the tree's own rules, the pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PY) tools/check_tree.py
	$(PY) tools/web.py check

format: setup ## bring the Python sources into shape
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

bench: setup ## our pipeline against panoramisk's parser, as a ratio
	@$(PY) -m benchmarks

lock: setup ## write the lock files anew (make lock UPGRADE=1: with the newest versions)
	@./tools/lock.sh $(if $(UPGRADE),--upgrade)

clean: ## remove what was built, but not .venv
	rm -rf agentd/static dist web/dist web/node_modules htmlcov .coverage .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
