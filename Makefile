# Everything a newcomer types. Each target does its own set-up.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo demo-undo test crash-matrix faults lint lock audit
setup: .venv/.installed
	@$(BIN)/qlift engine

.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("qlift needs Python 3.11 or newer (this is %d.%d); choose one with: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@echo "Installing Python packages into .venv; the first time this takes one to three minutes ..."
	@test -f $@ || $(PYTHON) -m venv --clear .venv # an interrupted installation is begun anew
	@rm -f $@
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	@$(BIN)/qlift demo up

demo-undo: setup
	@$(BIN)/qlift demo down

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup lint
	$(BIN)/python -m pytest -n auto --dist worksteal

# A run is killed at each of its writes, and recovered: 600 cases, two hours on two cores. Goes on where it stopped. A
# shard waits now and then, so there is one more of them than there are cores.
SHARDS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
crash-matrix: setup
	@seq 0 $$(($(SHARDS) - 1)) | xargs -P $(SHARDS) -I N \
	  $(BIN)/python -m tests.crash_matrix --shards $(SHARDS) --shard N || true # the summary below decides
	@$(BIN)/python -m tests.crash_matrix --summary

# Random plans, edits of others, faults and kills: 50,000 lives of a stack, new ones each time; a failure names its seed.
faults: setup
	QLIFT_FAULTS_CASES=50000 QLIFT_FAULTS_SEED=$${QLIFT_FAULTS_SEED:-$$(date +%s)} \
	  $(BIN)/python -m pytest -n auto --timeout 0 tests/faults

# Pin every package with its hash; names no download address.
COMPILE = $(BIN)/python -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-annotate \
  --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-options
lock:
	$(COMPILE) --extra dev --output-file requirements.lock pyproject.toml
	$(COMPILE) --output-file .ci/moto.lock .ci/moto.in

# Whether a pinned package has a known vulnerability: asks osv.dev, and says so where that cannot be reached.
audit: .venv/.installed
	@$(BIN)/python -m tests.audit
