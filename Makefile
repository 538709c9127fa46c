# What a person guesses: demo, test, lint, compile.
VENV ?= .venv
PYTHON ?= python3.11
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-long test-fast lint format compile image retrain ci clean help
.DEFAULT_GOAL := help

help:  ## Show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

SCHEMAS := tests/manifests/requirements.txt

$(READY): pyproject.toml $(SCHEMAS)
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) not found; name a Python 3.11 or later with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(VENV)/schemas --requirement $(SCHEMAS)
	@touch $@

demo: $(READY)  ## Run the whole pipeline on the bundled digits, from data to a registered sparse model
	$(BIN)/safs run

test: $(READY)  ## Check the house and run the tests
	$(MAKE) lint
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not long"

test-long: $(READY)  ## Run the tests that take several pipeline runs each
	$(BIN)/pytest -m long

test-fast: $(READY)  ## Run the unit tests only
	$(BIN)/pytest -m "not integration and not service and not container"

lint: $(READY)  ## Check style, types and floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)  ## Bring the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

compile: $(READY)  ## Compile the pipeline and the MLproject into their files
	$(BIN)/python -m pipelines.compile
	$(BIN)/python -m mlflow_projects.generate

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
BUILD = docker build $(BUILD_ARGS) --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD)

image:  ## Build both images with Docker; BUILD_ARGS names another base, index or build of torch
	$(BUILD) -f containers/component.Dockerfile -t safs-pipelines:$(VERSION) .
	$(BUILD) -f containers/serving.Dockerfile -t safs-serving:$(VERSION) .

RETRAIN ?=
export KUBEFLOW_HOST COMPONENT_IMAGE REASON
retrain: $(READY)  ## Start a training if the rules ask for one (on KUBEFLOW_HOST, or here)
	$(BIN)/safs retrain --host "$$KUBEFLOW_HOST" --image "$$COMPONENT_IMAGE" --reason "$$REASON" $(RETRAIN)

ci: lint test-fast retrain  ## What the GitHub workflow does, for any other CI

clean:  ## Remove what was made, but for runs
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
