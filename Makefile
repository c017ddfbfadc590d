# make demo    the main job: a search of nb201 on handwritten digits
# make test    the test suite
# make test-all    the test suite with what is slow: long sweeps, long simulations, every kill
# make lint    ruff, ruff format --check, mypy (strict), import-linter
# make notebooks   executes the notebooks, and keeps what they show (about two minutes)
# make pictures    the README's pictures, from two searches (about three minutes; needs chromium for the screenshot)
# make mutants   changes the code in 130 places, one at a time, and tells which changes no test notices
# make bench   the measurements of tests/benchmarks, one after another
# make clean   removes .venv and every cache; runs/ stays
#
# PYTHON=python3.12 make demo    picks the interpreter (3.11 or newer) that .venv is made from.
# Each set of packages leaves a stamp in .venv, so that a second call installs nothing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
BENCHMARKS := $(sort $(filter-out tests/benchmarks/_% tests/benchmarks/conftest.py,$(wildcard tests/benchmarks/*.py)))

.DEFAULT_GOAL := demo
.DELETE_ON_ERROR:
.PHONY: demo test test-all tests-of-ray other-tests lint notebooks docs pictures mutants bench clean

demo: $(VENV)/.stamp-core
	$(BIN)/nas-tune search notebooks/digits.toml --new

# Tests of Ray mostly wait for processes, so they run beside the rest, and show their output when they are over. Ray's
# workers are nice by themselves; here the rest gives way to them, or they would be last.
RAY_TESTS := $(shell grep -rlE 'mark\.ray' tests --include='test_*.py')
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest

test: $(VENV)/.stamp-test
	@$(MAKE) --no-print-directory -k -j 2 tests-of-ray other-tests SPEED='and not slow'

test-all: $(VENV)/.stamp-test
	@$(MAKE) --no-print-directory -k -j 2 tests-of-ray other-tests

tests-of-ray:
	@log=$$(mktemp); RAY_worker_niceness=0 $(PYTEST) -q -p no:cacheprovider -m "ray $(SPEED)" $(RAY_TESTS) > $$log 2>&1; \
	    status=$$?; cat $$log; rm -f $$log; exit $$status

other-tests:
	@nice -n 5 $(PYTEST) -n auto --maxprocesses 8 --dist loadfile -m "not ray $(SPEED)"

lint: $(VENV)/.stamp-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

notebooks: $(VENV)/.stamp-test
	$(BIN)/python -m tests.notebooks.execution

# A warning is an error; -E reads every page again, because the reference is made from the program.
docs: $(VENV)/.stamp-docs
	rm -rf build/docs
	$(BIN)/python -m sphinx -b html -q -W --keep-going -E -d build/doctrees notebooks build/docs
	@echo "the site: build/docs/index.html"

pictures: $(VENV)/.stamp-core
	rm -rf runs/pictures
	$(BIN)/nas-tune search notebooks/digits.toml --set run_dir=runs/pictures/digits
	$(BIN)/nas-tune search notebooks/two_objectives.toml --set run_dir=runs/pictures/two_objectives
	$(BIN)/nas-tune best runs/pictures/digits -k 1 --draw notebooks/pictures/cell.svg
	$(BIN)/nas-tune best runs/pictures/two_objectives --front --plot notebooks/pictures/front.png
	$(BIN)/nas-tune report runs/pictures/digits
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1400,1165 \
	    --screenshot=notebooks/pictures/report.png "file://$(CURDIR)/runs/pictures/digits/report.html" 2>/dev/null

bench: $(VENV)/.stamp-test
	@set -e; for file in $(BENCHMARKS); do echo "== $$file"; $(BIN)/python "$$file"; done

mutants: $(VENV)/.stamp-test
	$(PIP_INSTALL) -q -e '.[mutants]'
	$(BIN)/python -m tests.mutants

clean:
	rm -rf $(VENV) .mutants build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "$(PYTHON) is $$($(PYTHON) --version 2>&1); Python 3.11 or newer is needed:" \
	         "make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The dev, docs and test sets stand on the core set. Changed requirements install again.
$(VENV)/.stamp-core: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing nas-tune and what it needs into $(VENV) (once; torch is large)" >&2
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.stamp-test: $(VENV)/.stamp-core
	$(PIP_INSTALL) -q -e '.[test]'
	@touch $@

$(VENV)/.stamp-docs: $(VENV)/.stamp-core
	$(PIP_INSTALL) -q -e '.[docs]'
	@touch $@

$(VENV)/.stamp-dev: $(VENV)/.stamp-core
	$(PIP_INSTALL) -q -e '.[dev]'
	@touch $@
