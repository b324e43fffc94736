PY := .venv/bin/python
# A negative slide that the shipped model calls NILM: `make test-slow PART=specimens` shows it.
NILM_SEED := 9004
# Bindings of TensorRT without its libraries, to compare their calls with ours.
BINDINGS := 10 11
DEMO ?= --specimen negative --seed $(NILM_SEED)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check test-slow test-gpu bench schemas lock package

help: ## These targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.ready ## Make .venv and install the project into it

.venv/.ready: pyproject.toml requirements.lock $(BINDINGS:%=tests/engines/tensorrt/bindings-%.txt)
	python3.11 -m venv .venv
	.venv/bin/pip install --quiet --no-deps --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --no-deps --no-build-isolation -e .
	$(foreach major,$(BINDINGS),.venv/bin/pip install --quiet --no-deps --require-hashes --upgrade \
	  --target .venv/tensorrt-$(major) -r tests/engines/tensorrt/bindings-$(major).txt &&) true
	touch $@

demo: setup ## A negative simulated slide, streamed to its verdict (DEMO="--specimen hsil")
	@$(if $(findstring file,$(origin DEMO)),echo "A negative slide whose verdict was shown to be NILM. Another: make demo DEMO='--specimen hsil'")
	.venv/bin/cytoedge demo $(DEMO)

test: setup ## All tests that a machine without a GPU can run
	$(PY) -m pytest -m "not slow"

check: setup ## Format, lint, types, imports, generated documents
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) -m drivers.scanner.document --check

test-slow: setup ## The long proofs; PART=name runs one
	$(PY) -m pytest -m slow $(if $(PART),-k $(PART))

test-gpu: setup ## What needs a GPU, TensorRT and pycuda or cuda-bindings
	$(PY) -m pytest -m gpu

bench: setup ## What the daemon costs beside a bare engine
	.venv/bin/cytoedge bench stream

schemas: setup ## Write docs/schemas and the tables of docs/protocol.md from the models
	$(PY) -m drivers.scanner.document

lock: setup ## Resolve the dependencies again, with hashes
	.venv/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --quiet --no-header -o requirements.lock

package: setup ## A wheel and a source archive in dist/
	.venv/bin/uv build --quiet
