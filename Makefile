# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every command that this repository offers; `make help` lists them. The recipes only name scripts, by relative paths,
# so that a clone works in any directory, one with spaces in its name included.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
# Scripts that begin with "env python3" and what they call: out of .venv.
IN_VENV := PATH="$$PWD/.venv/bin:$$PATH"
# make demo DEMO=bad, make bench SUITE=hosts, make lint CHECK=mypy, make unit ARGS='-k ledger', make molecule SCENARIO=deploy
DEMO ?= good
SUITE ?= hosts
CHECK ?=
ARGS ?=
SCENARIO ?=

.PHONY: help bootstrap demo test bench lint format unit sanity fleet-tests integration molecule fleet-up fleet-down \
	fleet-status clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

bootstrap: ## install what is missing: Debian packages (as root), .venv from pinned requirements
	@./bootstrap

demo: bootstrap ## wave 2 on three container hosts, from backup to decision (DEMO=bad: a faulty change, rolled back)
	@$(IN_VENV) tests/demo/run '$(DEMO)'

test: bootstrap ## everything below, from lint to molecule, and what of it ran
	@$(PYTHON) -m tests.quality.everything

lint: ## every check that only reads (CHECK=name for one of them)
	@./bootstrap --without-docker
	@$(PYTHON) -m tests.quality.lint $(CHECK)

format: ## lay out the Python files as make lint wants them
	@./bootstrap --without-docker
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --select I --fix .

unit: ## unit and property tests (ARGS='-k ledger -x' goes to pytest)
	@./bootstrap --without-docker
	@$(PYTHON) -m tests.quality.suite unit $(ARGS)

sanity: ## build the artifact, install it, run ansible-test sanity and units there
	@./bootstrap --without-docker
	@$(PYTHON) -m tests.quality.sanity

fleet-tests: bootstrap ## tests of the rehearsal fleet itself (ARGS to pytest)
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(PYTHON) -m tests.quality.suite fleet $(ARGS)

integration: bootstrap ## modules and playbooks against a rehearsal fleet (ARGS to pytest)
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(PYTHON) -m tests.quality.suite integration $(ARGS)

molecule: bootstrap ## molecule's scenarios on container hosts (SCENARIO=deploy for one of them)
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(PYTHON) -m tests.quality.scenarios $(SCENARIO)

bench: bootstrap ## measure against ssh scripts and a loop role, into build/bench/SUITE.json
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(IN_VENV) tests/bench/run '$(SUITE)'

fleet-up: bootstrap ## start the rehearsal fleet: dgx-1..3 with systemd, NATS and agents
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(IN_VENV) tests/fleet/fleet up $(ARGS)

fleet-down: bootstrap ## take the rehearsal fleet away, with everything it left
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(IN_VENV) tests/fleet/fleet down $(ARGS)

fleet-status: bootstrap ## what runs of the rehearsal fleet
	@$(IN_VENV) tests/fleet/fleet status $(ARGS)

clean: ## remove everything that was made here: all fleets and their images, build, .venv
	@$(MAKE) --no-print-directory fleet-down ARGS=--all
	@rm -rf build .venv .ansible monitoring
