# `make demo` runs the main job, `make test` the tests; each makes the environment when it is missing.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH ?= .venv-bench
BENCH_READY := $(BENCH)/.ready

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test check format lint types proofs proofs-long soak validate-statistics bench results lock helm-tools helm-values schema clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-21s %s\n", $$1, $$2}'

setup: $(READY) ## the environment: everything pinned with hashes, byte-compiled

demo: $(READY) ## compare two architectures on real data, from config to report
	$(BIN)/archduel run configs/iris.yaml

test: $(READY) ## the tests, in two processes
	$(BIN)/python -m pytest -m "not slow and not long" --numprocesses 2 --dist loadfile

check: lint types test ## what CI runs: format, lint, strict types, tests

format: $(READY) ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

proofs: $(READY) ## proofs that take minutes: five deaths of a driver, one worker against two
	$(BIN)/python -m pytest -m slow

proofs-long: $(READY) ## proofs that take half an hour each: 2,000 architectures in a worker, all pairs on JAX
	$(BIN)/python -m pytest -m long

soak: $(READY) ## 200 experiments while everything is killed, again and again; ARGS="--experiments 20 --rounds 7" for less
	$(BIN)/python -m tests.soak $(ARGS)

validate-statistics: $(READY) ## measure the error rates of the verdicts; writes docs/calibration.md
	$(BIN)/python -m service.stats.validation --replications 20000 --seed 1 --out docs/calibration.md

bench: $(BENCH_READY) ## time everything beside its peers; CASE=warm for one; writes docs/benchmarks.md
	$(BENCH)/bin/python -m tests.benchmarks $(CASE)

results: $(READY) ## run all laptop configs and the quick guide; writes docs/results.md
	$(BIN)/python -m tests.results

lock: $(READY) ## resolve the dependencies anew
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --upgrade \
	    --no-emit-index-url --no-header --no-annotate --quiet \
	    --extra tensorflow --extra jax --extra data --extra dev pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	    --constraint requirements.lock --no-emit-index-url --no-header --no-annotate --quiet \
	    --extra tensorflow --extra jax --extra data --extra bench pyproject.toml \
	    -o requirements-bench.lock
	for flavour in "cpu --extra tensorflow --extra jax" "gpu --extra tensorflow-gpu --extra jax-gpu"; do \
	    set -- $$flavour; lock=docker/$$1.lock; shift; \
	    $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	        --constraint requirements.lock --no-emit-index-url --no-header --no-annotate --quiet \
	        $$@ --extra data pyproject.toml -o $$lock || exit 1; \
	done

helm-tools: ## the helm and kubectl that the chart's tests use, by their hash, into .tools
	@$(PYTHON) tests/helm/tools.py

helm-values: $(READY) ## the table of values in the chart's README
	$(BIN)/python helm/values_table.py

schema: $(READY) ## publish the JSON Schema of configs
	$(BIN)/python -m service.plan.schema

clean: ## remove the environment and all caches
	rm -rf $(VENV) $(BENCH) .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info build dist

# uv installs in parallel and byte-compiles; where it cannot reach what pip is set up to reach
# (a company's mirror), pip does the same slowly.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "archduel needs Python 3.11 or newer; choose one with make PYTHON=..."; exit 2; }
	@$(PYTHON) -m venv $(VENV) >/dev/null \
	    || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv \
	         && $(PYTHON) -m venv $(VENV); } \
	    || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 2; }
	@echo "installing $$(grep -c '==' requirements.lock) pinned packages into $(VENV) ..."
	@awk '/^[^ ]/ {mine = /^uv==/} mine' requirements.lock > $(VENV)/uv.txt
	@$(BIN)/python -m pip install --quiet --require-hashes -r $(VENV)/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock \
	    || { echo "once more, with pip ..."; $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock; }
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

# The peers have an environment of their own; what they share with archduel has the same versions.
$(BENCH_READY): $(READY) requirements-bench.lock pyproject.toml
	@$(PYTHON) -m venv $(BENCH)
	@$(BIN)/uv pip install --quiet --python $(BENCH)/bin/python --require-hashes --compile-bytecode -r requirements-bench.lock \
	    || $(BENCH)/bin/python -m pip install --quiet --require-hashes -r requirements-bench.lock
	@$(BENCH)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(BENCH_READY)
