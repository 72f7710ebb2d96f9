# Both commands of the README, `make demo` and `make test`, set up all they need: Python (3.10 or later) and make do.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LEARNERS := $(VENV)/.learners
# A build for CPUs only: the others bring gigabytes of CUDA.
TORCH ?= torch==2.13.0+cpu

.DEFAULT_GOAL := help
.PHONY: help demo test lint benchmark clean

help:
	@echo 'make demo       train the breast-cancer example and show its MLflow run'
	@echo 'make test       check style and types and run all tests'
	@echo 'make benchmark  measure what is claimed to be fast'
	@echo 'make clean      remove the environment and all that was made'

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo '$(PYTHON) is older than Python 3.10; name a newer one: make PYTHON=python3.12 ...'; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo 'no virtual environment can be made; on Debian: apt-get install python3-venv'; exit 1; }
	@echo 'Installing tg-mlflow and what it needs into $(VENV) (a few minutes, once)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(LEARNERS): $(INSTALLED)
	@echo 'Installing the libraries that are tested besides scikit-learn'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,learners]'
	@$(BIN)/python -c 'import torch' 2>/dev/null || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(TORCH)' || \
		echo '$(TORCH) is not to be had here: the tests of PyTorch, Keras and skorch are skipped, and say so'
	@touch $@

demo: $(INSTALLED)
	@$(BIN)/python examples/breast_cancer/prepare_data.py
	@$(BIN)/mlflow run examples/breast_cancer --backend tg-process

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint $(LEARNERS)
	$(BIN)/python -m pytest -n auto --dist worksteal

benchmark: $(INSTALLED)
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean:
	rm -rf $(VENV) build dist mlruns mlartifacts mlflow.db* examples/*/datasets .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		test-artifacts
