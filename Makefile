# make demo    index the example corpus, ask about an example patient, write an HTML page
# make test    every test         make check   ruff and mypy
# make bench   the measurements of docs/, on this machine (minutes; BENCH=--quick for a short form)

PYTHON ?= python3
PYTEST ?= -n logical --dist loadfile
VENV ?= .venv
BIN := $(VENV)/bin
DEMO := out/demo
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check format bench clean

demo: $(VENV)/core
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	$(BIN)/medllm index build examples/patients.jsonl --kind patients --to $(DEMO)/idx
	$(BIN)/medllm index add $(DEMO)/idx examples/articles.jsonl --kind articles
	$(BIN)/medllm ask examples/note.txt --index $(DEMO)/idx --model extractive --html $(DEMO)/answer.html
	@echo
	@echo "The same as a page, to open in a browser: $(DEMO)/answer.html"

test: $(VENV)/dev
	$(BIN)/python -m pytest $(PYTEST)

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev
	$(BIN)/python -m benchmarks.run_all $(BENCH)

clean:
	rm -rf $(VENV) out

$(VENV)/pip:
	$(PYTHON) -c "import sys; sys.exit('medllm needs Python 3.11 or later' if sys.version_info < (3, 11) else 0)"
	$(PYTHON) -m venv $(VENV)
	$(PIP) -c constraints.txt pip
	@touch $@

$(VENV)/core: $(VENV)/pip pyproject.toml constraints.txt
	$(PIP) -c constraints.txt -e .
	@touch $@

# torch first and by itself: another resolver, or no pin, brings gigabytes of CUDA packages.
$(VENV)/dev: $(VENV)/core
	$(PIP) -c constraints.txt torch
	$(PIP) -c constraints.txt -e ".[all]" --group dev
	@touch $@
