# `make demo` and `make test` do all their own set-up: Python >= 3.11 is all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HPSEARCH_HOME ?= $(CURDIR)/var
# Many tests wait for servers and workers: one process more than there are cores keeps them busy.
# A file's tests stay together and share what it has made; tests/conftest.py says who begins.
PYTEST := -m pytest -n $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1))) --maxprocesses 5 \
  --dist loadfile --no-loadscope-reorder
# Hundreds of processes import the same modules; with bytecode at hand they need not compile them.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: demo serve test test-of docs properties screenshots bench-answers bench-dashboard mutants crash-points check format lint types imports cover torch mlflow chaos bench-engine bench-files bench-ingest bench-mnist bench-search bench-service agents fleets fuzz lab findings operate clean help
.DEFAULT_GOAL := help

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "hpsearch needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A stamp for each set of requirements; the larger one holds the smaller one.
$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "installing hpsearch into $(VENV) ..."
	@[ -e $(VENV)/.dev ] || $(PIP) --require-hashes -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "installing hpsearch and what its tests need into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run

$(VENV)/.docs: requirements/docs.txt pyproject.toml | $(BIN)/python
	@echo "installing what the documentation needs into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements/docs.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/.run  ## run a whole search on digits and show its result
	@$(BIN)/hpsearch demo

serve: $(VENV)/.run  ## keep the service up; its data lies in ./var
	@HPSEARCH_HOME="$(HPSEARCH_HOME)" $(BIN)/hpsearch serve

test: $(VENV)/.dev  ## run all tests, with real databases, brokers and workers
	@$(BIN)/python $(PYTEST)

test-of: $(VENV)/.dev  ## the own tests of some files, in seconds (FILE=hpsearch/space.py)
	@tests=$$(PYTHONPATH=tests $(BIN)/python -m support.own $(FILE)) && \
		$(BIN)/python -m pytest -q -n 0 -m "not slow" $$tests

screenshots: $(VENV)/.dev  ## take the pictures of docs/images anew (needs chromium)
	@SCREENSHOTS=1 $(BIN)/python -m pytest -n 0 -q tests/api/browser/test_dashboard_for_everybody.py

chaos: $(VENV)/.dev  ## break everything for ten minutes and look at what is left (SEED=1)
	@PYTHONPATH=tests $(BIN)/python -m chaos --mutant yes $(if $(SEED),--seed $(SEED))

operate: $(VENV)/.dev  ## a whole service under load, restarts, outages and wrong keys (ARGS="--help")
	@PYTHONPATH=tests $(BIN)/python -m operate $(ARGS)

mutants: $(VENV)/.dev  ## every seeded mistake, and the machine that notices it (minutes)
	@MUTANTS=all $(BIN)/python $(PYTEST) -q -rP tests/machines/test_mutants.py

crash-points: $(VENV)/.dev  ## a process killed at the edge of every commit, on both databases
	@CRASH_POINTS=all $(BIN)/python $(PYTEST) -q tests/machines/test_crash_points.py

properties: $(VENV)/.dev  ## every property-based test with 2,000 examples (many minutes)
	@$(BIN)/python $(PYTEST) -q -m hypothesis --hypothesis-profile thorough

docs: $(VENV)/.docs  ## build the documentation site into var/site; a broken link fails
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

check: $(VENV)/.dev format lint types imports  ## format, lint, types, import contracts

format: $(VENV)/.dev
	@$(BIN)/ruff format --check .

lint: $(VENV)/.dev
	@$(BIN)/ruff check .

types: $(VENV)/.dev
	@$(BIN)/mypy

imports: $(VENV)/.dev
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

cover: $(VENV)/.dev  ## run all tests and report branch coverage
	@$(BIN)/coverage erase
	@$(BIN)/coverage run $(PYTEST)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

torch: $(VENV)/.dev  ## install the reference that the engine is compared with
	@$(PIP) torch==2.13.0

mlflow: $(VENV)/.dev  ## install mlflow-skinny, which nothing else needs, and test the export to it
	@$(PIP) 'mlflow-skinny>=3'
	@$(BIN)/python $(PYTEST) -n 0 -q tests/api/test_api_mlflow.py

bench-engine: torch  ## engine against PyTorch and scikit-learn, as ratios in one run
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python benchmarks/engine.py

bench-search: torch  ## the search and its peers; the parts that docs/search-benchmarks.md marks (hours)
	@$(PIP) --editable '.[bench]'
	-@$(BIN)/python -m benchmarks.search.peers.install var/bench/venvs
	@$(BIN)/python -m benchmarks.search --cache var/bench --venvs var/bench/venvs \
	  --out var/bench/search.md --into docs/search-benchmarks.md

bench-answers: $(VENV)/.dev  ## baselines, null searches and conditional spaces beside peers (hours)
	-@$(BIN)/python -m benchmarks.search.peers.install var/bench/venvs --only optuna,smac,ax
	@$(BIN)/python -m benchmarks.answers.run --venvs var/bench/venvs
	@$(BIN)/python -m benchmarks.answers.page --into docs/answer-benchmarks.md

bench-files: $(VENV)/.dev  ## 78 public files, each by its parameters alone: taken, understood
	@$(BIN)/python -m benchmarks.files --cache var/files --out docs/file-benchmarks.md

bench-ingest: $(VENV)/.dev  ## a million rows beside polars (minutes)
	@$(PIP) polars==2.1.0
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONPATH=. $(BIN)/python benchmarks/ingest.py

bench-mnist: $(VENV)/.run  ## the MNIST search of docs/benchmarks.md
	@$(BIN)/python benchmarks/mnist.py

fleets: $(VENV)/.dev  ## tables of every kind, and killed workers, on 1, 2 and 4 workers and both databases
	@FLEETS=all $(BIN)/python $(PYTEST) -n 0 -v tests/worker/test_fleets_of_tables.py tests/worker/test_killed_fleets.py

agents: $(VENV)/.dev  ## 200 trials whose script fails in every way, with agents killed: one digest (minutes; TORCH=1)
	@AGENTS=$(if $(TORCH),torch,all) $(BIN)/python $(PYTEST) -n 0 -v tests/api/test_api_agent.py -k killed_agents

fuzz: $(VENV)/.dev  ## hostile requests, bytes and files against a server of its own (minutes)
	@PYTHONPATH="$(CURDIR)/tests:$(CURDIR)" $(BIN)/python -m fuzz $(FUZZ)

bench-service: $(VENV)/.dev  ## the service under load, with its own servers (about 10 minutes)
	@$(PIP) 'optuna>=4.5'
	@$(BIN)/python -m benchmarks.service

bench-dashboard: $(VENV)/.dev  ## first paint and live lag of a search's page, two workers busy
	@$(BIN)/python benchmarks/dashboard.py

lab: $(VENV)/.run  ## the experiments of a textbook's chapter, as lab.html
	@$(BIN)/hpsearch lab --output lab.html

findings:  ## surprises of other libraries, each shown again (NAME=numpy-fmax-zeros)
	@changed=0; for script in findings/$(or $(NAME),*).sh; do \
		echo "== $$script"; \
		if PYTHON="$(PYTHON)" bash $$script; then echo "as found"; else echo "changed"; changed=1; fi; \
	done; exit $$changed

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
