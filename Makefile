# Store Hub: `make run` starts a store, `make check` is what one runs all day, `make test` is everything.
.DEFAULT_GOAL := help
.PHONY: help run check test soak bench bench-barcodes bench-escrow messages lock format static system-run system-test clean
.DELETE_ON_ERROR:

LOCKS := $(wildcard deploy/locks/*.txt)
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# Half of the tests wait for processes and browsers: two cores carry three at a time.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n < 3 ? 3 : n > 4 ? 4 : n)))

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-15s %s\n", $$1, $$2}' Makefile

run: system-run .venv/.run  ## prepare everything and start the sample store (ARGS="--no-devices --port-base 9000")
	@exec $(BIN)/storehub demo $(ARGS)

check: .venv/.dev static  ## format, lint, types, import contracts and the fast tests
	@$(PYTEST) -q -n $(WORKERS) --dist worksteal -m "not slow and not browser and not kill and not soak and not bench" $(ARGS)

test: system-test .venv/.dev static  ## everything but soak and bench; ends with pytest's closing line
	@$(PYTEST) -q -n $(WORKERS) --dist worksteal $(ARGS)

soak: system-test .venv/.dev  ## the long part: properties with many examples, a day of trouble (SOAK_MINUTES)
	@HYPOTHESIS_PROFILE=soak $(PYTEST) -q -o timeout=1800 -m "soak or not (slow or browser or kill or bench)" $(ARGS)

bench: system-test .venv/.dev  ## the figures of docs/bench.md, as ratios beside a peer in the same run
	@$(BIN)/python -m tests.bench $(ARGS)

bench-barcodes: .venv/.dev  ## barcode photos and a film beside other decoders, about ten minutes
	@$(BIN)/python tests/bench/barcodes.py $(ARGS)
	@$(BIN)/python tests/bench/barcodes_video.py

bench-escrow: .venv/.dev  ## escrow beside other ways of promising one stock, ten minutes (ARGS=SEED)
	@$(BIN)/python -m tests.bench.escrow $(ARGS)

messages: .venv/.dev  ## gather the texts of screens and rules into kiosk_ui/locales (ARGS="fr": a new language)
	@$(BIN)/python -m kiosk_ui.languages.gathering $(ARGS)

lock: .venv/.dev  ## write deploy/locks anew (UPGRADE=1 for the newest versions)
	@deploy/setup/lock.sh

format: .venv/.dev  ## put the code into its format
	@$(BIN)/ruff format && $(BIN)/ruff check --fix-only

clean:  ## remove the environment and the caches, never the data
	@rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

static:
	@$(BIN)/ruff format --check --quiet || { echo 'Some files are not in format; run: make format.' >&2; exit 1; }
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

system-run:
	@deploy/setup/system.sh run

system-test:
	@deploy/setup/system.sh test

.venv/.run: pyproject.toml $(LOCKS) deploy/setup/environment.sh
	@deploy/setup/environment.sh run
	@touch $@

.venv/.dev: pyproject.toml $(LOCKS) deploy/setup/environment.sh
	@deploy/setup/environment.sh dev
	@touch .venv/.run $@
