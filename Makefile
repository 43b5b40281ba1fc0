# The developer's front door. `make help` lists what there is; continuous integration calls the same through ./check.
.DEFAULT_GOAL := help
.PHONY: help setup try check test test-all lint format types images bench bench-judging quality docs clean
RUN := .venv/bin/

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make this computer ready: packages, Python environment, guest images
	./setup.sh

try: ## analyse the shipped sample and show the report
	./try

check: ## everything that must hold, as continuous integration does it
	./check

test: ## the quick tests, which need no machine (under 2 minutes)
	$(RUN)pytest -n auto -m 'not machine and not slow'

test-all: ## all tests; they really detonate
	$(RUN)pytest -n auto --maxprocesses 4 --dist loadfile

lint: ## style, import directions, types
	$(RUN)ruff check
	$(RUN)ruff format --check
	$(RUN)lint-imports
	$(RUN)mypy

format: ## lay out the code and mend what can be mended by rule
	$(RUN)ruff check --fix
	$(RUN)ruff format

images: ## build the guest images whose recipe changed
	$(RUN)lazaretto image build

bench: ## measure restore and detonation times, print the table of docs/benchmarks.md
	$(RUN)python -m lazaretto.testing.bench

bench-judging: ## measure how long it takes to judge without running
	$(RUN)python -m lazaretto.testing.bench_judging

quality: ## measure recall, false alarms, stability and robustness, print the tables of docs/quality.md
	$(RUN)python -m lazaretto.testing.quality

docs: ## write the tables of docs/ that are made from the code, and the schema of the report
	$(RUN)python -m lazaretto.cli.reference docs/cli.md
	$(RUN)python -m lazaretto.testing.schema docs/schema
	$(RUN)python -m lazaretto.testing.engine_table docs/judging

clean: ## remove caches; guest images stay (lazaretto image remove)
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
