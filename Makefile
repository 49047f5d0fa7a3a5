# The one list of commands. On a fresh Debian or Ubuntu machine, as root, nothing but git and make is needed beforehand.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
VENV ?= .venv
PY := $(VENV)/bin/python
PYTEST := $(PY) -m pytest
TARGET_PYTHON ?= 3.9
export TARGET_PYTHON BUNDLE_URL ORIGIN PUBLIC_KEY POLICY WAIT REGION FILE SEED MINUTES
PACKAGES := python3 python3-venv mmdebstrap qemu-system-x86 qemu-utils e2fsprogs util-linux shellcheck openssl ca-certificates debian-archive-keyring
APT_INSTALL := apt-get -q update >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends
SYSTEM_RING := tests/system -n 2 --dist loadfile
VM_RING := tests/vm -n 2 --dist loadscope --ignore tests/vm/test_tour.py --ignore tests/vm/test_speed.py
SHELL_FILES := lifecycle/*.sh packaging/completions/fsmount tests/vm/guest/*.sh .ci/run

.PHONY: help deps packages python demo shell bundle check hooks schema test lint unit unit39 system vm speed vm39 soak format clean

help: ## these commands
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: deps ## a simulated notebook instance, from on-create to stop and start
	@$(PY) -m demo.tour

shell: deps ## a shell as ec2-user in such a notebook
	@$(PY) -m demo.shell

bundle: python ## the bundle for the notebook's Python (TARGET_PYTHON=3.9), in dist/
	@$(PY) packaging/build_bundle.py --python "$$TARGET_PYTHON" --output dist

hooks: python ## the two lifecycle scripts, into dist/ (README.md: BUNDLE_URL, ORIGIN, PUBLIC_KEY, POLICY, WAIT)
	@if [ -z "$$BUNDLE_URL" ]; then echo "make hooks: say where the bundle is: BUNDLE_URL=s3://..." >&2; exit 2; fi
	@digest="dist/$${BUNDLE_URL##*/}.sha256"; if [ ! -f "$$digest" ]; then \
	  echo "make hooks: $$digest is not here: run \`make bundle\` first; BUNDLE_URL must end with the name of the file that it makes" >&2; \
	  exit 2; fi; \
	$(PY) packaging/render_hooks.py --bundle-url "$$BUNDLE_URL" --bundle-sha256 "$$(cut -c 1-64 "$$digest")" \
	  --config-origin "$${ORIGIN:-file:}" --public-key "$${PUBLIC_KEY:-}" $${POLICY:+--policy "$$POLICY"} \
	  --wait "$${WAIT:-60}" --aws-region "$${REGION:-}" --output dist

check: python ## every mistake in a configuration: make check FILE=mounts.yaml
	@if [ -z "$$FILE" ]; then echo "make check: say which file: make check FILE=mounts.yaml" >&2; exit 2; fi
	@$(VENV)/bin/fsmount check "$$FILE"

test: deps ## linters and all rings; 0 only if all of them ran and passed
	@$(MAKE) --no-print-directory lint unit unit39 system vm speed vm39
	@echo "make test: linters and all three rings passed"

lint: deps ## ruff, mypy (strict) and shellcheck
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy -p fsmount
	$(VENV)/bin/mypy --python-version 3.10 tests demo bench packaging/*.py
	shellcheck -s bash -x $(SHELL_FILES)

unit: deps ## the unit ring, on the newest Python here (ARGS for pytest)
	$(PYTEST) tests/unit $(ARGS)

unit39: deps ## the unit ring on Python 3.9, in the Debian 11 root file system
	$(PY) -m tests.unit39 $(ARGS)

system: deps ## the system ring (root): real processes, tmpfs, stuck FUSE (ARGS: only these)
	$(PYTEST) $(or $(ARGS),$(SYSTEM_RING))

vm: deps ## the VM ring: real kernel, systemd and NFS servers (ARGS: only these)
	IMAGE=bookworm $(PYTEST) $(or $(ARGS),$(VM_RING))

speed: deps ## the VM ring's measurements, alone on the machine, with their figures
	IMAGE=bookworm $(PYTEST) tests/vm/test_speed.py -s $(ARGS)

vm39: deps ## a tour of the main job on Debian 11's user land (Python 3.9, systemd 247)
	@if $(PY) -m tests.vm.have bullseye; then IMAGE=bullseye $(PYTEST) tests/vm/test_tour.py $(ARGS); fi

soak: deps ## random faults of every kind for MINUTES=30, from a SEED that is printed
	IMAGE=bookworm $(PY) -m tests.vm.soak

schema: python ## write config/mounts.schema.json anew, after a change of config/schema.py
	$(PY) -m fsmount check --schema >config/mounts.schema.json

format: python ## format the Python
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

clean: ## everything made here; the images stay in their cache (~/.cache/fsmount)
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache agent/*.egg-info

deps: packages python

packages: # what the VM needs, with apt
	@missing=""; for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing ..."; $(APT_INSTALL) $$missing >/dev/null; fi

python: $(VENV)/.ready

$(VENV)/.ready: setup.cfg pyproject.toml tests/constraints.txt
	@if ! python3 -c 'import ensurepip' 2>/dev/null; then echo "installing python3-venv ..."; \
	  $(APT_INSTALL) python3 python3-venv >/dev/null; fi
	@echo "Python environment in $(VENV) ..."
	@$$(tests/newest-python) -m venv --clear $(VENV)
	@$(PY) -m pip install -q --disable-pip-version-check -c tests/constraints.txt -e '.[test]'
	@touch $@
