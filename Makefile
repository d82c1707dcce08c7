# make run shows a lane at work, make test runs the tests, make help lists the rest.
# VENV, VENV_DEV: where the virtual environments stand. PYTHON: which Python they are made from.
# KIND: cpu or gpu, found out where it is not given; marketing or fleet: what the files and reports for marketing need.

VENV ?= .venv
VENV_DEV ?= .venv-dev
KIND ?= $(shell scripts/accelerator)
# Where `make install` installs; another folder than / is for trying it. What its options are: ARGS="--help"
ROOT ?= /
# Tests run in so many processes; WORKERS=0 runs them in one, where a debugger works.
WORKERS ?= 2
DEV := $(VENV_DEV)/bin
VIDEO ?= ../shared/video
AGES = $(VIDEO)/lane_ages
FILM = --source $(VIDEO)/lane_1080p15.mp4 --zones $(VIDEO)/lane_1080p15.zones.json

.DEFAULT_GOAL := help
.PHONY: help run venv install offline-bundle dev test check fix bench soak faults lock wheel clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

run: venv ## installs into .venv and shows the demo lane; DEMO="--camera 0" for a camera of yours
	@$(VENV)/bin/checkout-age demo $(DEMO)

venv: ## installs into .venv what running needs, with ONNX Runtime for this machine (KIND=cpu or gpu)
	@scripts/install $(VENV) requirements/$(KIND).txt

install: ## as administrator: puts this version onto this computer as a service; ROOT=/tmp/box tries it in a folder
	@scripts/install-service requirements/$(KIND).txt $(ROOT) $(ARGS)

offline-bundle: venv ## one archive in dist/ that installs on a Debian box without a network
	@scripts/offline-bundle $(VENV) requirements/$(KIND).txt dist

dev: ## installs into .venv-dev what tests and checks need
	@scripts/install $(VENV_DEV) requirements/dev.txt

test: dev ## installs what tests need (system packages too) and runs them; ARGS="tests/face -k crop" for some
	@scripts/install-test-system-packages
	$(DEV)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: dev ## lint, format, types, import rules; writes nothing
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
	$(DEV)/mypy
	$(DEV)/lint-imports

fix: dev ## lets the linter and the formatter write
	$(DEV)/ruff check --fix .
	$(DEV)/ruff format .

bench: dev ## the figures of docs/benchmarks.md, on this machine; fails where a ratio has become worse
	$(DEV)/checkout-age bench gate $(FILM)
	$(DEV)/checkout-age bench model --json
	$(DEV)/checkout-age bench pipeline $(AGES).mp4 --zones $(AGES).zones.json --json
	$(DEV)/checkout-age bench start --json
	$(DEV)/checkout-age bench live --clip $(AGES).mp4 --zones $(AGES).zones.json --lanes 4 --soak-minutes 10.2 --json
	$(DEV)/checkout-age bench alerts --json
	$(DEV)/checkout-age bench density $(FILM) --detector yunet --json
	$(DEV)/checkout-age bench density $(FILM) --detector mtcnn --json
	$(DEV)/checkout-age bench cost $(FILM) --json

soak: dev ## the long tests: hours of a lane, faults, fuzzing
	$(DEV)/python -m pytest -m soak $(ARGS)

faults: dev ## the figures of docs/reliability.md's table, from its tests; ARGS="-m soak" for the long ones of them
	@scripts/install-test-system-packages
	$(DEV)/python -m pytest -n $(WORKERS) --dist loadfile --junitxml build/faults.xml $(ARGS) \
	  $$($(DEV)/python -m tests.reliability.table --tests)
	$(DEV)/python -m tests.reliability.table build/faults.xml

lock: ## renews requirements/*.txt after a change in pyproject.toml; UPGRADE=1 takes newer versions
	@scripts/lock

wheel: dev ## builds the wheel into dist/: it alone runs a till box
	$(DEV)/python -m pip wheel -q --no-deps --no-build-isolation -w dist .
	@ls dist

clean: ## takes away the environments, caches and everything built
	rm -rf $(VENV) $(VENV_DEV) .venv-install build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find edge training export tests -name __pycache__ -type d -prune -exec rm -rf {} +
