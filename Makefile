# Both commands of the README, `make demo` and `make test`, set up all they need: Python (3.10 or later) and make do.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEVELOPMENT := $(VENV)/.development
LEARNERS := $(VENV)/.learners
SITE := $(VENV)/.site
# A build for CPUs only: the others bring gigabytes of CUDA.
TORCH ?= torch==2.13.0+cpu
# Requires PyTorch, and would bring a build for GPUs if there were none yet.
LIGHTNING ?= pytorch-lightning>=2.4

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# uv takes a fraction of the time of pip, which does it where there is no uv or where uv does not find a package.
UV := $(BIN)/python -m uv pip install --quiet --python $(BIN)/python
install = $(UV) $(1) 2>/dev/null || $(PIP) $(1)
# A demo compiles what it imports, which takes a tenth as long as everything. Tests are many processes, which would all
# compile the same at once; pip compiles anyway.
compiled = $(UV) --compile-bytecode $(1) 2>/dev/null || $(PIP) $(1)
# In a variable, as make ends an argument of a call at a comma.
EVERYTHING = --editable '.[dev,docs,learners]' --editable examples/ssh_place
# Our modules and the tests are compiled once, not in each process, also where this is set to something else.
export PYTHONDONTWRITEBYTECODE =
# Tests mostly wait: for processes, for servers, for containers.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 3)))

.DEFAULT_GOAL := help
.PHONY: help demo docs lint types unit everything check test bench bench-short seams clean

help:
	@echo 'make demo       train the breast-cancer example and show its MLflow run'
	@echo 'make check      check style and types and run the quick tests'
	@echo 'make test       check style and types and run all tests'
	@echo 'make docs       build the site of docs/ in build/site'
	@echo 'make bench      measure what is claimed to be fast, against what others take; writes benchmarks/RESULTS.md'
	@echo 'make seams      let each call of a launcher go wrong in five ways, and write what becomes of the runs'
	@echo 'make clean      remove the environment and all that was made'

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo '$(PYTHON) is older than Python 3.10; name a newer one: make PYTHON=python3.12 ...'; exit 1; }
	@echo 'Making the virtual environment $(VENV)'
	@$(PYTHON) -m venv $(VENV) || \
		{ echo 'no virtual environment can be made; on Debian: apt-get install python3-venv'; exit 1; }
	@$(PIP) uv 2>/dev/null || echo 'uv is not to be had here: pip installs, which takes some minutes'
	@echo 'Installing tg-mlflow and what a run needs (about a minute, once)'
	@$(call install,--editable .)
	@touch $@

$(DEVELOPMENT): $(INSTALLED)
	@echo 'Installing what checks and tests need'
	@$(call compiled,--editable '.[dev]' --editable examples/ssh_place)
	@touch $@

$(LEARNERS): $(DEVELOPMENT)
	@echo 'Installing the libraries that are tested besides scikit-learn'
	@$(call compiled,$(EVERYTHING))
	@if $(BIN)/python -c 'import torch' 2>/dev/null || $(PIP) '$(TORCH)'; then \
		$(call compiled,'$(LIGHTNING)'); \
	else \
		echo '$(TORCH) is not to be had here: the tests of PyTorch, Keras and skorch are skipped, and say so'; \
	fi
	@touch $@

demo: $(INSTALLED)
	@echo 'Preparing the data of examples/breast_cancer'
	@$(BIN)/python examples/breast_cancer/prepare_data.py
	@echo 'Training: mlflow run examples/breast_cancer --backend tg-process'
	@$(BIN)/mlflow run examples/breast_cancer --backend tg-process

$(SITE): $(INSTALLED)
	@echo 'Installing what the site is built with'
	@$(call install,--editable '.[docs]')
	@touch $@

# Its theme would write about itself.
docs: $(SITE)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo 'Open build/site/index.html or, to search it, http://localhost:8000 after: python3 -m http.server -d build/site'

lint: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEVELOPMENT)
	$(BIN)/mypy

unit: $(DEVELOPMENT)
	$(BIN)/python -m pytest -m 'not starts_process' -n auto --dist worksteal

# Collected once before: otherwise each of the workers would rewrite and compile all tests at the same time.
everything: $(LEARNERS)
	@$(BIN)/python -m pytest --collect-only -qq >/dev/null || true # the workers say what cannot be collected
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope

# The check of types needs a core for most of a minute, so it goes on beside the tests.
check: $(DEVELOPMENT)
	@$(MAKE) --no-print-directory --jobs 3 lint types unit

test: $(LEARNERS)
	@$(MAKE) --no-print-directory --jobs 3 lint types everything

bench: $(LEARNERS)
	$(BIN)/python benchmarks

# Fails if a ratio has become more than 1.5 times worse than in benchmarks/RESULTS.md.
bench-short: $(LEARNERS)
	$(BIN)/python benchmarks --short

# The table is in test-artifacts/seams.md; it grows by what is visited again.
seams: $(LEARNERS)
	@mkdir -p test-artifacts
	TG_SEAMS_TABLE=$(CURDIR)/test-artifacts/seams.md $(BIN)/python -m pytest tests/integration/seams \
		tests/integration/docker/test_seams.py tests/integration/aws/test_seams.py

clean:
	rm -rf $(VENV) build dist mlruns mlartifacts mlflow.db* examples/*/datasets .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		examples/notebook/executed.ipynb test-artifacts
