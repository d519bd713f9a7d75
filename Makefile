# make install  the program, in .venv: everything `edge` needs
# make demo   the whole service on a rendered clip (ONCE=1: wait for the hit, then stop)
# make test   set up and run the tests, two at a time (WORKERS=N: N at a time)
# make check  the developer's gate: format, lint, types, import rules, tests (CHECK=fast leaves the tests out)
# make e2e    the page in a real browser, the service and the demo as processes
# make camera-test  cameras on a whole Debian of their own: picamera2 on libcamera, V4L2 unplugged in an emulator (root)
# make deploy-lint  the installer's role: lint and syntax
# make deploy-test  the role on a folder and on a booted machine, from a blank box to an empty one (root)
# make docs   the pages of docs/ as a site, in build/site
# make screenshots  the pictures of README and docs made anew, by the real service in a real browser
# make client-test  a client made from openapi.json by a generator, used against a box
# make bench  speed, as ratios against peers in the same run
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: client-test install demo test check e2e screenshots camera-test deploy-lint deploy-test docs bench lock clean
.DELETE_ON_ERROR:

# An archive that is unpacked over the folder brings files that are older than .venv: what is in them counts, too.
PINNED := cat requirements.lock pyproject.toml | cksum
_ := $(shell $(PINNED) | cmp -s - $(VENV)/.run || rm -f $(VENV)/.run)

$(VENV)/.run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(PINNED) >$@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.run
	@echo "$(BIN)/edge is installed; next: $(BIN)/edge setup"

demo: $(VENV)/.run
	$(BIN)/edge demo $(if $(ONCE),--once)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

check: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" tools/check $(CHECK)

e2e: $(VENV)/.dev
	EDGE_TEST_LOOKS=all $(BIN)/python -m pytest tests/e2e

screenshots: $(VENV)/.dev
	EDGE_TEST_SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/e2e/test_screenshots.py

build/docs/.done: docs/requirements.txt
	$(PYTHON) -m venv build/docs
	build/docs/bin/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	@touch $@

docs: build/docs/.done
	NO_MKDOCS_2_WARNING=1 build/docs/bin/mkdocs build --strict --quiet
	@echo "build/site/index.html"

camera-test: $(VENV)/.dev
	@[ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends debootstrap qemu-system-x86 gstreamer1.0-tools gstreamer1.0-plugins-base >/dev/null || \
		echo "not all packages could be installed: what needs them is skipped by name"
	EDGE_TEST_CAMERAS=1 $(BIN)/python -m pytest tests/cameras tests/capture/devices/test_gstreamer.py

bench: $(VENV)/.dev
	$(BIN)/python -m tools.bench

build/ansible/.done: deploy/ansible/requirements.txt
	$(PYTHON) -m venv build/ansible
	build/ansible/bin/python -m pip install --quiet --disable-pip-version-check -r deploy/ansible/requirements.txt
	@touch $@

deploy-lint: $(VENV)/.run build/ansible/.done
	$(BIN)/python -m tools.deploy_test --lint

deploy-test: $(VENV)/.dev build/ansible/.done
	$(BIN)/python -m tools.deploy_test

build/openapi/.done: tools/central/requirements.txt
	$(PYTHON) -m venv build/openapi
	build/openapi/bin/python -m pip install --quiet --disable-pip-version-check -r tools/central/requirements.txt
	@touch $@

client-test: $(VENV)/.dev build/openapi/.done
	$(BIN)/python -m pytest tests/serve/api/test_generated_client.py

lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --extra demo -o requirements.lock
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --extra demo --extra dev -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist
