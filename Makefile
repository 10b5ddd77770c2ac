# make app   set everything up and open the app
# make test  set everything up and pass every test
# make lint, make format, make clean
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

# uv takes torch's CPU build (pyproject.toml says so); plain pip takes what it finds.
UV := $(shell command -v uv 2>/dev/null)
ifdef UV
VENV_CREATE := uv venv --quiet --allow-existing --python $(PYTHON) $(VENV)
INSTALL := uv pip install --quiet --python $(BIN)/python
else
VENV_CREATE := $(PYTHON) -m venv $(VENV)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

.PHONY: app test lint format clean

app: $(VENV)/.app
	$(BIN)/python -m rhythmvae app --port $(PORT)

test: lint
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/bin/python:
	$(VENV_CREATE)

$(VENV)/.app: requirements.txt $(VENV)/bin/python
	$(INSTALL) -r requirements.txt
	touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.app
	$(INSTALL) -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
