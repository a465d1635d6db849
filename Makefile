# Two commands do everything: `make demo` and `make test`. Python 3.11+, git and make are all they need.
PYTHON ?= python3
VENV := .venv
LOCALES := plumbing/web/locales
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help demo demo-check test check static coverage outside docs postgres bench format locks browser-check wheel-check units words clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/' | awk -F: '{printf "  make %-12s %s\n", $$1, $$2}'

# ALBUM=/path uses your own files; HOSTS=ports uses plain localhost, where *.localhost cannot be resolved.
STORY = $(if $(ALBUM),--album "$(ALBUM)") $(if $(HOSTS),--hosts "$(HOSTS)")

demo: $(VENV)/run.stamp ## Install, start every service, tell the listener's story, stay up (ALBUM=/path uses your own files)
	@$(BIN)/handstamp demo $(STORY)

demo-check: $(VENV)/run.stamp ## The same story without staying up; exit code 0 or 1
	@$(BIN)/handstamp demo --check $(STORY)

test: $(VENV)/dev.stamp ## Install and run the tests (but the slow ones over processes)
	@$(BIN)/python tests/run.py

check: static coverage ## Format, lint, types, import rules, coverage of the tests that are not `outside`

static: $(VENV)/dev.stamp ## Format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage: $(VENV)/dev.stamp ## The tests that are not `outside`, with coverage of branches
	$(BIN)/python tests/run.py --coverage

outside: $(VENV)/dev.stamp ## What is slow, in a browser or in Node.js, properties, and the flows across services
	@$(BIN)/python tests/run.py --outside

postgres: $(VENV)/dev.stamp ## The tests that use a database once more, on PostgreSQL
	@$(BIN)/python tests/run.py --postgresql

docs: $(VENV)/dev.stamp ## Build the documentation site into docs/_build/html (diagrams are drawn where npm is there)
	@$(BIN)/python docs/diagrams.py
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

bench: $(VENV)/dev.stamp ## Measure, each figure beside its limit; writes benchmarks/RESULTS.md
	@$(BIN)/python benchmarks/run.py

format: $(VENV)/dev.stamp ## Put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel-check: $(VENV)/dev.stamp ## Build the wheel, install it into an empty environment, run it from there
	@$(BIN)/python tests/wheel_check.py

units: $(VENV)/dev.stamp ## Follow docs/operations.md on a machine of its own, with systemd (needs root)
	@$(BIN)/python -m tests.machine.page_check

locks: $(VENV)/dev.stamp ## Resolve the dependencies anew (needs uv)
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml --extra audio --group build -o requirements/run.lock
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml --extra audio --extra tracing --group dev -o requirements/dev.lock

words: $(VENV)/dev.stamp ## Gather the words of all pages and bring every language's catalogue up to date
	$(BIN)/pybabel --quiet extract -F $(LOCALES)/babel.toml -o $(LOCALES)/messages.pot --add-location=file --sort-output --width=120 --omit-header plumbing issuer verifier trackserver
	$(BIN)/pybabel --quiet update -i $(LOCALES)/messages.pot -d $(LOCALES) --ignore-pot-creation-date --ignore-obsolete --no-fuzzy-matching --width=120
	$(BIN)/pybabel --quiet compile -d $(LOCALES)

clean: ## Remove the environment and what the demo left
	rm -rf $(VENV) .demo dist docs/_build

# dev.lock holds everything of run.lock, so an environment made for the tests serves the demo too.
$(VENV)/run.stamp: requirements/run.lock pyproject.toml
	@$(MAKE) --no-print-directory install LOCK=run
	@touch $@

$(VENV)/dev.stamp: requirements/dev.lock pyproject.toml
	@$(MAKE) --no-print-directory install LOCK=dev
	@touch $@ $(VENV)/run.stamp

.PHONY: install
install:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Handstamp needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing; on Debian: apt install python3-venv"; rm -rf $(VENV); exit 1; }
	@echo "Installing into $(VENV) (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$(LOCK).lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
