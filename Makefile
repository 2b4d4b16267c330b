# `make demo` and `make test` need only Python >= 3.11, git and make: they make the virtual environment themselves.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
# Python compiles what it imports, once; compiling every file of every package takes pip more than a minute. Where the
# caller forbids Python to keep what it compiled, each of many processes would do it anew.
unexport PYTHONDONTWRITEBYTECODE
PIP    := $(BIN)/python -m pip install --quiet --no-compile
# Extra flags for pip, e.g. an index with CPU-only builds of torch.
PIP_FLAGS ?=
WORKERS ?= 2

.PHONY: demo test lint clean help
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.breast ## Install, make the phantom cohort, run the breast study, write demo/run/report.html
	$(BIN)/presage demo breast --out demo --workers $(WORKERS)

test: $(VENV)/.dev ## Install, then run the whole test-suite
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_FLAGS)

lint: $(VENV)/.dev ## ruff, mypy and the import rules
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with PYTHON=/path/to/python"; exit 2; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; ok = v >= (3, 11); \
	print("" if ok else f"Presage needs Python 3.11 or newer, {sys.executable} is {v.major}.{v.minor}; name another with PYTHON=..."); \
	sys.exit(0 if ok else 2)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.breast: $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	$(PIP) $(PIP_FLAGS) -c constraints.txt -e '.[breast]'
	@touch $@

$(VENV)/.dev: $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	$(PIP) $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	$(BIN)/presage fetch face
	@touch $@ $(VENV)/.breast

clean: ## Remove the virtual environment and the demo
	rm -rf $(VENV) demo
