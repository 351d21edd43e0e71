# Everything a person types. `make run` and `make test` install what they need by themselves.
.POSIX:

PYTHON ?= python3
BIN = .venv/bin
JOBS ?= 2
ARGS ?=
SEED ?= 1
MINUTES ?= 10

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(ARGS)

.PHONY: help run test lint check bench faults up lock clean FORCE

help: ## show this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/'

run: .venv/.prod ## start everything in one process, with the sandbox business (ARGS="--port 9000")
	@$(BIN)/python -m console_api up $(ARGS)

test: .venv/.dev ## run the whole suite against real servers and a real browser (JOBS=0 ARGS="-k ledger")
	@$(BIN)/python -m tools.browser --quiet || true
	@$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

lint: .venv/.dev ## format, lint, types and import contracts, without tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## lint, then the fast tests: what to run before every commit
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow" $(ARGS)

bench: .venv/.dev ## run the benchmarks, each beside its peer or its limit
	@$(BIN)/python -m console_api bench $(ARGS)

faults: .venv/.dev ## break things on purpose, for long (SEED=7 MINUTES=60)
	@BOS_FAULTS_SEED=$(SEED) BOS_FAULTS_MINUTES=$(MINUTES) \
		$(BIN)/python -m pytest -n 0 --timeout 0 -m faults $(ARGS)

up: ## start the production roles with Docker Compose
	@sh deploy/make-secrets.sh
	docker compose up --build --wait $(ARGS)

lock: .venv/.dev ## pin requirements/ anew (ARGS=--upgrade for newer versions)
	echo uv | $(COMPILE) - --output-file requirements/bootstrap.txt
	$(COMPILE) pyproject.toml --extra dev --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --constraint requirements/dev.txt --output-file requirements/prod.txt

clean: ## remove what was installed and downloaded; data/ stays
	rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist

# The hash of the lock decides, not its date: bootstrap.py answers at once when nothing changed.
.venv/.prod: FORCE
	@$(PYTHON) tools/bootstrap.py prod

.venv/.dev: FORCE
	@$(PYTHON) tools/bootstrap.py dev

FORCE:
