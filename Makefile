PY := .venv/bin/python
# A negative slide that the shipped model calls NILM: `make test-slow PART=specimens` shows it.
NILM_SEED := 9007
# Bindings of TensorRT without its libraries, to compare their calls with ours.
BINDINGS := 10 11
# `make install`: where to (a packager's staging folder), what for (gpu, serial), by which systemd.
DESTDIR ?=
WITH ?=
SYSTEMD ?= $(shell systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
DROP_INS := $(WITH) $(shell [ "0$(SYSTEMD)" -ge 254 ] && echo back-off)
DEMO ?= --specimen negative --seed $(NILM_SEED)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check test-slow test-gpu bench schemas lock package install settings

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
	.venv/bin/uv pip compile pyproject.toml --extra daemon --constraint requirements.lock --universal --python-version 3.11 --generate-hashes --quiet --no-header -o requirements-daemon.lock

settings: setup ## Write systemd/cytoedge.toml from edge/settings.py
	$(PY) -c 'from edge.commands.sampling import toml; from edge.settings import Settings; print(toml(Settings()), end="")' > systemd/cytoedge.toml

install: ## The service, on this machine or into DESTDIR (WITH="gpu serial")
	$(if $(DESTDIR),,python3 -m venv /opt/cytoedge)
	$(if $(DESTDIR),,/opt/cytoedge/bin/pip install --quiet --no-deps --require-hashes -r requirements-daemon.lock)
	$(if $(DESTDIR),,/opt/cytoedge/bin/pip install --quiet --no-deps .)
	install -Dm644 systemd/cytoedge.service $(DESTDIR)/etc/systemd/system/cytoedge.service
	rm -f $(foreach name,back-off gpu serial,$(DESTDIR)/etc/systemd/system/cytoedge.service.d/$(name).conf)
	$(foreach name,$(DROP_INS),install -Dm644 systemd/cytoedge.service.d/$(name).conf -t $(DESTDIR)/etc/systemd/system/cytoedge.service.d &&) true
	install -Dm644 systemd/cytoedge.sysusers $(DESTDIR)/etc/sysusers.d/cytoedge.conf
	install -Dm644 systemd/cytoedge.tmpfiles $(DESTDIR)/etc/tmpfiles.d/cytoedge.conf
	install -Dm644 systemd/60-cytoedge.rules -t $(DESTDIR)/etc/udev/rules.d
	install -Dm644 docs/operating.md -t $(DESTDIR)/usr/local/share/doc/cytoedge
	[ -e $(DESTDIR)/etc/cytoedge/cytoedge.toml ] || install -Dm644 systemd/cytoedge.toml -t $(DESTDIR)/etc/cytoedge
	$(if $(DESTDIR),,systemd-sysusers && systemd-tmpfiles --create cytoedge.conf && udevadm control --reload)
	$(if $(DESTDIR),,systemctl daemon-reload && systemctl enable --now cytoedge.service)

package: setup ## A wheel and a source archive in dist/
	.venv/bin/uv build --quiet
