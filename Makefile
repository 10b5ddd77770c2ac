# make app        set everything up and open the app
# make test       set everything up and pass every test
# make test-fast  what one minute can tell
# make lint, make format, make figures, make wheel, make clean
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
JS := "rhythmvae/**/*.js"

# uv takes torch's CPU build (pyproject.toml says so); plain pip takes what its registry has for this system.
UV := $(shell command -v uv 2>/dev/null)
ifdef UV
VENV_CREATE := uv venv --quiet --allow-existing --python $(PYTHON) $(VENV)
INSTALL := uv pip install --python $(BIN)/python
else
# From 25.1 on, pip shows a bar while it unpacks, which takes longer than the download.
VENV_CREATE := $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip --disable-pip-version-check install --quiet "pip>=25.1"
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --progress-bar on
endif

# Values and what is read from them: nothing is trained, no page is run, no browser is started.
FAST := $(addprefix tests/,test_architecture.py test_groove.py test_kit.py test_share.py analysis data midi sound) \
	$(addprefix rhythmvae/,errors.py groove.py kit.py share.py svg.py text.py analysis data midi sound)

.PHONY: app test test-fast lint format figures wheel clean

app: $(VENV)/.app
	@$(BIN)/python -m rhythmvae app --port $(PORT)

test: lint
	$(BIN)/python -m pytest -n auto --dist worksteal

test-fast: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto $(FAST)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint rhythmvae
	$(BIN)/oxfmt --check $(JS)
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/oxlint --fix rhythmvae
	$(BIN)/oxfmt $(JS)

figures: $(VENV)/.dev
	$(BIN)/python -m benchmarks.figures

wheel: $(VENV)/.dev
	$(BIN)/python -m pip --disable-pip-version-check wheel --no-deps --no-build-isolation --wheel-dir dist .

$(VENV)/bin/python:
	@echo "Making an environment in $(VENV)/ for $(PYTHON)."
	@$(VENV_CREATE)

$(VENV)/.app: requirements.txt $(VENV)/bin/python
	@echo "Installing what the app needs: Streamlit, torch and a dozen others. This happens once and takes about"
	@echo "three minutes; torch is the largest (200 MB; on Linux without uv, pip may take its CUDA build, 3 GB)."
	@$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.app
	@echo "Installing what the tests need beside it: about half a minute."
	@$(INSTALL) -e ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
