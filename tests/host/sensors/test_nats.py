# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a prober and a sampler see of agents that are late, lose messages, answer with errors, or publish only once."""

from __future__ import annotations

import csv
import json
import sys
from typing import Any

import pytest

from tests.host.shared_fleet import HOSTS, ROOT, SharedFleet, result_of
from tests.host.waiting import until

LATE, LOSING, SILENT, FAILING, SOUND = "graph-expert", "qa-expert", "nats-expert", "git-expert", "org-expert"
AGENTS_FILE = ROOT / "inventories" / "rehearsal" / "group_vars" / "dgx" / "agents.csv"
COUNT = 10


def target(agent: str) -> dict[str, Any]:
    return {
        "agent": agent,
        "subject": f"agent.to.{agent}.from.rollout.question",
        "payload": {"task": "test"},
        "expected": len(HOSTS),
    }


def measure(fleet: SharedFleet, module: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Result of a module that measures NATS from here."""
    return result_of(
        fleet.ansible.begin(
            [
                "localhost", "-i", "localhost,", "-c", "local",
                "-e", json.dumps({"ansible_python_interpreter": sys.executable}), "-m", f"cowboyai.rollout.{module}",
                "-a", json.dumps({"server": f"nats://{fleet.addresses()['dgx-2']}:4222", **arguments}),
            ]
        )
    )  # fmt: skip


def probe(fleet: SharedFleet, *agents: str, **more: float) -> dict[str, Any]:
    arguments = {"targets": [target(agent) for agent in agents], "count": COUNT, "timeout": 60, **more}
    found = measure(fleet, "nats_probe", arguments)["probe"]
    assert (found["reason"], found["partial"]) == (None, False), found
    return dict(found["agents"])


def test_messages_that_are_lost_and_answers_that_are_errors(fleet: SharedFleet) -> None:
    every = len(HOSTS) * COUNT
    fleet.fault(LOSING, "always", "drop=50%", host="dgx-1")
    fleet.fault(SILENT, "always", "drop=100%")
    fleet.fault(FAILING, "always", "errors=50%", host="dgx-1")
    # Asked within a second, so that all that never comes is waited for together.
    found = probe(fleet, LOSING, SILENT, FAILING, SOUND, over=1, timeout=10)
    names = ("expected", "delivered", "lost", "errors", "silent")
    assert {agent: [row[name] for name in names] for agent, row in found.items()} == {
        LOSING: [every, every - COUNT // 2, COUNT // 2, 0, False],
        SILENT: [every, 0, every, 0, True],
        FAILING: [every, every, 0, COUNT // 2, False],
        SOUND: [every, every, 0, 0, False],
    }


def test_late_answers(fleet: SharedFleet) -> None:
    """Never sooner than they are late; the peer's are sooner, unless the machine was that slow in all rounds."""
    fleet.fault(LATE, "always", "late=150ms")

    def the_peer_is_quicker() -> bool:
        found = probe(fleet, LATE, SOUND)
        assert found[LATE]["p50_ms"] >= 150 and found[LATE]["delivered_pct"] == 100
        return bool(found[SOUND]["p99_ms"] < 150)

    until("the answers of an agent that is not late come sooner", the_peer_is_quicker)


@pytest.mark.parametrize("legacy_only", [False, True])
def test_publications_that_lack_their_partner(fleet: SharedFleet, legacy_only: bool) -> None:
    changed = ("tdd-expert", "network-expert")
    for agent in changed:
        fleet.turn_on(agent, *HOSTS)
    if legacy_only:
        fleet.fault("tdd-expert", "legacy_only", host="dgx-1")
    with AGENTS_FILE.open(newline="") as stream:
        known = [{"agent": row["agent"], "agent_id": row["agent_id"]} for row in csv.DictReader(stream)]
    until("all instances answer", lambda: {row["delivered_pct"] for row in probe(fleet, *changed).values()} == {100.0})
    arguments = {
        "patterns": {"legacy": ["cim-agent.>", "agent.to.>"], "unified": ["cim.agent.>", "agent.*.*.*.command.>"]},
        "window": 60,
        "ends_with_probe": True,
        "agents": [row for row in known if row["agent"] in changed],
        "match": {
            "legacy": "legacy",
            "unified": "unified",
            "publications": ["agent.to.*.from.*.response", "cim.agent.>"],
        },
        "monitor_url": f"http://{fleet.addresses()['dgx-2']}:8222",
        "probe": {"targets": [target(agent) for agent in changed], "count": COUNT, "timeout": 30},
    }
    sample = measure(fleet, "nats_sample", arguments)["sample"]
    assert (sample["reason"], sample["lossless"]) == (None, True), sample
    every = len(HOSTS) * COUNT
    rows = {agent: sample["dual"]["agents"][agent] for agent in changed}
    assert {agent: (row["legacy"], row["unified"]) for agent, row in rows.items()} == {
        "network-expert": (every, every),
        "tdd-expert": (every, every - COUNT if legacy_only else every),
    }
    assert rows["network-expert"]["success_pct"] == 100
    # Those right before the end are not judged: it needn't be two of three to the last one.
    assert rows["tdd-expert"]["success_pct"] < 80 if legacy_only else rows["tdd-expert"]["success_pct"] == 100


def test_a_measurer_without_nats(fleet: SharedFleet) -> None:
    fleet.root("dgx-2", "systemctl stop nats-server")
    found = measure(fleet, "nats_probe", {"targets": [target(SOUND)], "count": 1, "timeout": 30})["probe"]
    assert found["reason"] == "nats_unreachable"
    fleet.root("dgx-2", "systemctl start nats-server")
