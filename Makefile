# Everything works from a fresh clone with git, make and Python 3.11 to 3.13; `make` prints this help.

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
QUIX := .venv-quix
PROFILE ?= kills

.PHONY: help setup demo test check bench alert-quality fuzz chaos mutants simulate restore-drill outage-drill disk-drill lock reference clean

help: ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## install everything into .venv and fetch Kafka (verified by checksum; offline afterwards)

$(INSTALLED): requirements.lock pyproject.toml sdk/pyproject.toml
	@test -n "$(PYTHON)" || { echo "earwitness needs Python 3.11, 3.12 or 3.13 on the PATH; or say: make PYTHON=/path/to/python" >&2; exit 2; }
	@echo "setting up $(VENV) with $(PYTHON); the first time this downloads about 500 MB" >&2
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar on --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable sdk --editable .
	$(BIN)/python -m earwitness.devstack.downloads
	@touch $(INSTALLED)

demo: setup ## run a simulated day of a telephony platform through the real stack, and show what it found
	$(BIN)/earwitness demo

test: setup ## run the tests in two processes, each with a real Kafka and a real ClickHouse
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not alone"
	$(BIN)/python -m pytest -m alone

check: setup ## lint, types, import contracts, generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file sdk/mypy.ini
	$(BIN)/lint-imports
	$(BIN)/python -m earwitness.reference --check
	$(BIN)/earwitness policy check
	$(BIN)/earwitness alerts lint

bench: setup $(QUIX)/.installed ## measure events per second from topic to table, beside three other ways (BENCH="--events 50000 --rounds 1")
	$(BIN)/python -m benchmarks $(BENCH)

$(QUIX)/.installed: benchmarks/quix.lock | $(INSTALLED)
	$(PYTHON) -m venv $(QUIX)
	$(QUIX)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement benchmarks/quix.lock
	@touch $@

alert-quality: setup ## measure recall and precision of the alerts on three held-out made-up months (an hour); writes docs/reports/alert-quality.md
	$(BIN)/python -m benchmarks.alert_quality --report docs/reports/alert-quality.md

fuzz: setup ## have schemathesis ask the API of a stack of its own at length (EXAMPLES=200)
	$(BIN)/python -m tests.api.fuzzing --examples $(or $(EXAMPLES),200)

chaos: setup ## kill workers, servers and producers for hours, and count what is left; it goes on where it stopped (PROFILE=zombies: in other ways)
	$(BIN)/python -m benchmarks.chaos --profile $(PROFILE)

mutants: setup ## break the judge in every small way, and report which breaks its tests do not notice (half an hour)
	$(BIN)/python -m benchmarks.mutants --report docs/reports/mutation-of-the-judge.md

simulate: setup ## go through worlds in which workers die, sleep and are expelled, and report what was found (MINUTES=10)
	$(BIN)/python -m tests.simulation --minutes $(or $(MINUTES),10) --report docs/reports/simulation.md

restore-drill: setup ## lose ClickHouse under load, restore a backup, and complete it from Kafka; writes docs/reports/restore-drill.md
	$(BIN)/python -m benchmarks.drills.restore

outage-drill: setup ## outages, restarts in turn and poison on a real stack (15 minutes); writes docs/reports/outages.md
	$(BIN)/python -m benchmarks.drills.outages

disk-drill: setup ## full disks of ClickHouse and Kafka, as root (5 minutes); writes docs/reports/full-disks.md
	$(BIN)/python -m benchmarks.drills.disks

reference: setup ## write the generated documents anew
	$(BIN)/python -m earwitness.reference

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--all-extras --no-emit-package earwitness-sdk --custom-compile-command "make lock" \
		--output-file requirements.lock pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" --output-file benchmarks/quix.lock benchmarks/quix.in

clean: ## remove the virtual environment and caches; data folders stay
	rm -rf $(VENV) $(QUIX) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
