# The doors. Each builds .venv from nothing; nothing else on the machine is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
RUN    := $(VENV)/.run-stamp
DEV    := $(VENV)/.dev-stamp

.PHONY: help demo test check docs bench crash soak agents format clean

help:
	@echo "make demo    ask, kill -9 in the middle of the answer, start again, read the answer"
	@echo "             DEMO=--play: a page in the browser, where you kill it yourself"
	@echo "make test    the whole suite"
	@echo "make check   lint, types, layers, docs"
	@echo "make docs    the docs as a site, in build/site"
	@echo "make bench   the numbers, as one table and JSON"
	@echo "make soak    3,000 messages on three platforms while the gateway is killed 200 times; a quarter of an hour"
	@echo "make agents  real agents, installed by npm, with a local model: killed, and asked what they remember"
	@echo "make crash   kill the gateway at every system call of a conversation"

# Half an environment, as Debian makes without its package python3-venv, would be taken for a whole one.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Carryon needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(BIN)/carryon: $(RUN)

$(RUN): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $(RUN) $@

demo: $(RUN)
	@$(BIN)/carryon demo $(DEMO)

test: $(DEV)
	@$(BIN)/python -m compileall -q gateway adapters tests  # it starts hundreds of processes
	$(BIN)/python -m pytest -n 4 --dist worksteal

check: $(DEV)
	$(BIN)/ruff format --check -q .
	$(BIN)/ruff check -q .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m tools.diagrams --check
	$(BIN)/python -m tools.schema --check
	$(BIN)/python -m tools.reference --check
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs: $(DEV)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "built: build/site/index.html"

bench: $(RUN)
	$(BIN)/python -m bench

soak: $(DEV)
	$(BIN)/python -m tests.crash.soak

agents: $(DEV)
	$(BIN)/python -m tests.agents.install
	$(BIN)/python -m pytest tests/agents -o 'norecursedirs=.*' --timeout 240 -n 2 -rs

crash: $(DEV)
	$(BIN)/python -m tests.crash.sweep

format: $(DEV)
	$(BIN)/ruff format -q .
	$(BIN)/ruff check -q --fix .
	$(BIN)/python -m tools.diagrams
	$(BIN)/python -m tools.schema
	$(BIN)/python -m tools.reference

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
