# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal of waves 1 and 2 recorded (without names and paths of its machine), and builders for the rest."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _state
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger, Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._orders import View
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan, load_plan, plan_from_dict

from tests.unit.plugins.plugin_utils.made_series import Made

FIXTURES = Path(__file__).resolve().parent / "fixtures"
PLANS = Path(__file__).resolve().parents[4] / "playbooks" / "plans"
HOSTS = ["dgx-1", "dgx-2", "dgx-3"]
START = datetime(2026, 1, 23, 12, 0, tzinfo=UTC)
HOUR = 3600.0
PHASES = {"network-expert": ["network-expert"], "tdd-expert": ["tdd-expert"]}


@functools.cache
def _evidence_text(name: str) -> str:
    return (FIXTURES / "evidence" / f"{name}.json").read_text(encoding="utf-8")


def evidence(name: str = "wave2_T+6h") -> dict[str, Any]:
    """A recorded evidence document with a quiet series beside it, a fresh copy each time. It was measured in scaled time."""
    document: dict[str, Any] = json.loads(_evidence_text(name))
    document["series"] = json.loads(_quiet_series())
    return document


def evidence_of_now() -> dict[str, Any]:
    """The same as this version writes it, of a rehearsal that skips its waits."""
    document = evidence()
    del document["time_scale"]
    return {**document, "skips_waits": True}


@functools.cache
def _quiet_series() -> str:
    return json.dumps(Made().document)


def ledger_path(rollout: str) -> Path:
    return FIXTURES / "ledger" / f"{rollout}.jsonl"


def records(rollout: str) -> list[Record]:
    return Ledger(ledger_path(rollout)).read()


def looks(host: str = "dgx-1") -> list[dict[str, Any]]:
    lines = (FIXTURES / "looks" / f"wave2_{host}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def plan(rollout: str = "wave2", **sections: Any) -> Plan:
    """A shipped plan, with sections replaced (None: removed)."""
    data = copy.deepcopy(_shipped(rollout).to_dict())
    for name, value in sections.items():
        if value is None:
            data.pop(name, None)
        else:
            data[name] = value
    return plan_from_dict(data)


@functools.cache
def _shipped(rollout: str) -> Plan:
    return load_plan(str(PLANS / f"{rollout}.yml"))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Story:
    """A ledger told step by step; every record is one second after the one before unless `at` says otherwise."""

    def __init__(self, rollout: str = "wave2", hosts: Iterable[str] = tuple(HOSTS)) -> None:
        self.rollout, self.hosts = rollout, list(hosts)
        self.records: list[Record] = []
        self.now = 0.0
        self.run = "run-1"
        self.attempt = 1

    def add(self, kind: str, **data: Any) -> Story:
        self.now += 1.0
        self.records.append(
            Record(
                len(self.records) + 1, iso(at(self.now)), self.rollout, self.attempt, self.run, "me@here", kind, data
            )
        )
        return self

    def wait(self, seconds: float) -> Story:
        self.now += seconds
        return self

    def another_run(self, name: str = "run-2") -> Story:
        self.run = name
        return self.add("run.resumed", after="", was="")

    def started(self, **more: Any) -> Story:
        start = {"hosts": self.hosts, "skips_waits": False, "rehearsal": False, "title": "", "agents": list(PHASES)}
        return self.add("rollout.started", **{**start, **more})

    def prepared(self) -> Story:
        """Started, preflight, baseline, backup."""
        self.started().add("preflight.passed", accepted=[], nats_groups=[{"name": "cim", "hosts": self.hosts}])
        self.add("baseline.taken", evidence="checkpoints/wave2/baseline/evidence.json")
        manifests = {host: {"manifest": "/b/manifest.json", "sha256": "0" * 64} for host in self.hosts}
        return self.add("backup.done", directory="/b", hosts=manifests, accounting={"text": "all"})

    def batch(self, phase: str, host: str, proven: bool = True, complete: bool = False) -> Story:
        names = [f"{agent}@{host}" for agent in PHASES.get(phase, [phase])]
        self.add("batch.started", phase=phase, hosts=[host], instances=names)
        proof = (
            {
                name: {"since": iso(at(self.now)), "invocation_id": name, "main_pid": 7, "sha256": "f" * 64}
                for name in names
            }
            if proven
            else {}
        )
        done = {"hosts": [host], "proven": proof, "phase_complete": complete, "accounting": {"text": "batch"}}
        return self.add("batch.done", phase=phase, **done)

    def deployed(self, phase: str) -> Story:
        for host in self.hosts:
            self.batch(phase, host, complete=host == self.hosts[-1])
        return self

    def verified(self, phase: str) -> Story:
        return self.deployed(phase).gate("verify", f"verify-{phase}", "go", phase=phase)

    def soaked(self, phase: str) -> Story:
        return self.verified(phase).wait(2 * HOUR).add("soak.done", phase=phase)

    def both_phases(self) -> Story:
        return self.prepared().soaked("network-expert").verified("tdd-expert")

    def gate(self, kind: str, name: str, decision: str, why: str = "because", **more: Any) -> Story:
        stops = more.pop("stops", decision != "go")
        return self.add("gate.decided", gate=kind, name=name, decision=decision, why=why, stops=stops, **more)

    def rolled_back(self, expected: Iterable[str], restored: Iterable[str] | None = None) -> Story:
        expected = list(expected)
        back = expected if restored is None else list(restored)
        self.add("rollback.started", instances=expected, why="bad")
        return self.add(
            "rollback.done", why="bad", expected=expected, restored={name: {"changed": True} for name in back},
            complete=set(back) >= set(expected), accounting={"text": f"{len(back)} of {len(expected)}", "why": {}},
        )  # fmt: skip

    def state(self) -> _state.RolloutState:
        return _state.fold(self.rollout, self.records)

    def view(self, plan_: Plan | None = None, **more: Any) -> View:
        """What orders see at this moment of the story."""
        seen = View(
            plan=plan_ or plan(self.rollout),
            state=self.state(),
            hosts=self.hosts,
            in_play=self.hosts,
            batch=self.hosts[:1],
            run=self.run,
            now=at(self.now),
        )
        return replace(seen, **more)


ALL_INSTANCES = [f"{agent}@{host}" for agent in PHASES for host in HOSTS]
