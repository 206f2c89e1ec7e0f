# make run    start Controlwatch (needs Python 3.11 or newer, and nothing else)
# make test   lint, types, import contracts and every test
# make help   the rest

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run venv venv-dev check test coverage fmt lock screenshots dashboards servers clean

pip := .venv/bin/python -m pip --disable-pip-version-check --quiet install
# The checkout's own packages are imported in place, by a plain path: a finder would add half to a bare interpreter's start.
editable := --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: venv ## start Controlwatch: on ./controlwatch.toml if there is one, else on the demo estate
	@.venv/bin/controlwatch $(if $(wildcard controlwatch.toml),,demo)

venv: .venv/run.stamp ## make .venv with what running needs

venv-dev: .venv/dev.stamp ## make .venv with what developing needs

check: venv-dev ## the fast part: lint, format, types, import contracts
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

test: check ## everything: the fast part, then all tests
	.venv/bin/python -m pytest

coverage: venv-dev ## all tests, with branch coverage
	.venv/bin/coverage erase
	.venv/bin/coverage run -m pytest
	.venv/bin/coverage combine --quiet
	.venv/bin/coverage report

fmt: venv-dev ## format, and mend what lint can mend
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

lock: venv-dev ## write the hashed requirements from pyproject.toml (ARGS=--upgrade for the newest)
	scripts/lock.sh $(ARGS)

screenshots: venv-dev ## take the pictures of the docs from the demo estate
	PYTHONPATH=. .venv/bin/python scripts/screenshots.py

dashboards: venv-dev ## write the Grafana dashboards and the mixin's rules that are shipped
	.venv/bin/python -m scripts.dashboards.write

servers: ## install the real programs that tests run against (Debian packages)
	scripts/install-test-servers.sh

clean: ## remove .venv, caches and builds
	rm -rf .venv build dist *.egg-info htmlcov .coverage .coverage.*
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

# A stamp is younger than all that it was made from, or make does its work again.
.venv/run.stamp: requirements.txt pyproject.toml | .venv/bin/python
	@echo "installing what running needs"
	@$(pip) --require-hashes --requirement requirements.txt
	@$(pip) $(editable)
	@touch $@

.venv/dev.stamp: requirements-dev.txt .venv/run.stamp
	@echo "installing what developing needs"
	@$(pip) --require-hashes --requirement requirements-dev.txt
	@touch $@

.venv/bin/python:
	@python=$$(PYTHON='$(PYTHON)' scripts/find-python.sh) && echo "making .venv with $$python" && "$$python" -m venv .venv
