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
# make judge-bench ROLLOUTS=2400 SEED=2 JOBS=2
ROLLOUTS ?= 2400
SEED ?= 1
JOBS ?= 2

.PHONY: help bootstrap demo test test-all bench judge-bench lint format unit fuzz sanity module playbook host rollout report triggers faults instruments recorded molecule fleet-up fleet-down \
	fleet-status coverage repeat mutations clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

bootstrap: ## install what is missing: Debian packages (as root), .venv from pinned requirements
	@./bootstrap

demo: bootstrap ## wave 2 on three container hosts, from backup to decision (DEMO=bad: a faulty change, rolled back; DEMO=whole: wave 1 first)
	@$(IN_VENV) tests/demo/run '$(DEMO)'

test: ## all that CI runs: lint, unit, sanity, module, playbook, report, host, rollout, molecule deploy
	@./bootstrap --for-tests
	@$(PYTHON) -m tests.quality.everything

test-all: ## make test with every long test, and the campaigns, all of molecule, mutations, fuzz and the judge's bench
	@./bootstrap --for-tests
	@$(PYTHON) -m tests.quality.everything --all

lint: ## every check that only reads, the slowest where something changed (CHECK=name for one of them, ARGS=--all for all)
	@./bootstrap --without-docker
	@$(PYTHON) -m tests.quality.lint $(ARGS) $(CHECK)

format: ## lay out the Python files as make lint wants them
	@./bootstrap --without-docker
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --select I --fix .

unit: ## unit and property tests on all processors (ARGS='-k ledger -x' goes to pytest, ARGS=--long adds the long ones)
	@./bootstrap --without-docker
	@$(PYTHON) -m tests.quality.suite unit $(ARGS)

fuzz: ## a million harmed inputs to everything that reads others' words, into build/fuzz.json (ARGS='--within 300'; again: goes on)
	@./bootstrap --without-docker
	@PYTHONPATH=collections:. $(PYTHON) -m tests.campaign.fuzz $(ARGS)

sanity: ## build the artifact, install it, there the plugins' unit tests and ansible-test sanity on changed files (ARGS=--all)
	@./bootstrap --without-docker
	@$(PYTHON) -m tests.quality.sanity $(ARGS)

module: ## modules and stores against real servers on this machine (ARGS to pytest)
	@./bootstrap --without-docker
	@$(PYTHON) -m tests.quality.suite module $(ARGS)

playbook: ## playbooks on this machine, with hosts that answer as a test tells them (ARGS to pytest)
	@./bootstrap --for-tests
	@$(PYTHON) -m tests.quality.suite playbook $(ARGS)

host: bootstrap ## modules and the rehearsal fleet itself on container hosts (ARGS to pytest)
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(PYTHON) -m tests.quality.suite host $(ARGS)

rollout: bootstrap ## whole rollouts on container hosts (ARGS to pytest)
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(PYTHON) -m tests.quality.suite rollout $(ARGS)

report: ## the HTML report in a headless Chromium (ARGS to pytest)
	@./bootstrap --for-tests
	@$(PYTHON) -m tests.quality.suite report $(ARGS)

triggers: bootstrap ## every rollback trigger with its fault on two fleets, into build/bench/triggers.json (ARGS=--quick, ARGS=disk)
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(PYTHON) -m tests.campaign.triggers.campaign $(ARGS)

faults: ## wave 2 killed at every task boundary and struck by 60 faults, into build/faults.json (ARGS=--quick; again: goes on)
	@./bootstrap --for-tests
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(PYTHON) -m tests.campaign.faults.campaign $(ARGS)

instruments: bootstrap ## blind every instrument in turn: no gate may pass or roll back for it, into build/instruments.json (ARGS=--quick)
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(PYTHON) -m tests.campaign.instruments $(ARGS)

recorded: bootstrap ## record whole rollouts on a fleet as fixtures of the unit tests (ARGS=hold for one, ARGS=--results after a meant change)
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(PYTHON) -m tests.campaign.recorded $(ARGS)

molecule: bootstrap ## molecule's scenarios on container hosts (SCENARIO=deploy for one of them)
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(PYTHON) -m tests.quality.scenarios $(SCENARIO)

bench: bootstrap ## measure against ssh scripts and a loop role, into build/bench/SUITE.json
	@$(IN_VENV) tests/fleet/fleet docker-start
	@$(IN_VENV) tests/bench/run '$(SUITE)'

judge-bench: ## measure the judge on made-up rollouts, into build/bench/judge.json and judge.md (ROLLOUTS, SEED, JOBS)
	@./bootstrap --without-docker
	@$(PYTHON) -m tests.bench.judge --rollouts '$(ROLLOUTS)' --seed '$(SEED)' --jobs '$(JOBS)'

coverage: ## lines and branches of plugins/ that tests of unit, module and playbook run, into build/coverage.json (ARGS=unit)
	@./bootstrap --for-tests
	@$(PYTHON) -m tests.quality.coverage $(ARGS)

repeat: ## tests many times in a row, every second time beside busy processes, into build/repeat.json (ARGS='--times 20 --busy 4 host')
	@./bootstrap --for-tests
	@$(PYTHON) -m tests.quality.repeat $(ARGS)

mutations: ## deliberate faults in central mechanisms, each of which tests must find, into build/mutations.json (ARGS=fence)
	@./bootstrap --without-docker
	@$(PYTHON) -m tests.quality.mutations $(ARGS)

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
