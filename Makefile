# `make demo` and `make test` need only make and python3 (3.11 or newer) with venv; they install what they use into .venv.
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test lint types tests docs clean

help:
	@echo "make demo    search on a small real data set, about three minutes"
	@echo "make test    everything that CI checks: lint, types, tests, documentation"
	@echo "make clean   remove .venv, caches and runs/demo"

$(READY): pyproject.toml constraints.txt
	python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $(READY)

demo: $(READY)
	rm -rf runs/demo
	$(BIN)/nasturtium search examples/demo.toml --out runs/demo

test: lint types tests

lint: $(READY)
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench

types: $(READY)
	$(BIN)/mypy

# A process for each core, and one thread for each process: more only wait for each other.
tests: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --maxprocesses=8 --dist loadscope

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis runs/demo
