# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the ledger of a rollout that is on its way, with times around now, so that what shows it can be tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import write_json
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger

ROOT = Path(__file__).resolve().parents[3]
HOSTS = ["dgx-1", "dgx-2", "dgx-3"]
AGENTS = ["network-expert", "tdd-expert"]
NAMES = [f"{agent}@{host}" for agent in AGENTS for host in HOSTS]


def reading(name: str, kind: str, text: str, value: float | None, unit: str, verdict: str = "pass") -> dict[str, Any]:
    return {"name": name, "kind": kind, "text": text, "value": value, "unit": unit, "verdict": verdict}


LOOK = [
    reading("error_rate", "trigger", "above 1%", 0.02, "percent"),
    reading("agent_crash", "trigger", "above 0", 0.0, "count"),
    reading("error_rate", "alert", "above 1%", 0.02, "percent"),
    reading("error_rate", "alert", "above 0.1%", 0.02, "percent"),
    reading("system_load", "alert", "above 2", 2.4, "number", "fail"),
    reading("memory_lasts", "trigger", "below 7d", None, "duration", "inconclusive"),
]
CHECKPOINT = [
    reading("agent_uptime", "primary", "above 99.9%", 100.0, "percent"),
    reading("latency_p99", "primary", "below 200ms", 0.0123, "duration"),
    reading("message_delivery", "primary", "equals 100%", 100.0, "percent"),
    reading("publish_time", "secondary", "below 10ms", 0.0171, "duration", "fail"),
]


class Told:
    """A rollout in `monitoring`, told from `start` on; `now` moves with `wait`."""

    def __init__(
        self, monitoring: Path, rollout: str = "wave2", start: datetime | None = None, run: str = "told"
    ) -> None:
        self.monitoring, self.rollout, self.run = monitoring, rollout, run
        self.now = start or datetime.now(UTC) - timedelta(hours=4)
        self.ledger = Ledger(monitoring / "ledger" / f"{rollout}.jsonl")

    def add(self, kind: str, **data: Any) -> Told:
        self.now += timedelta(seconds=1)
        self.ledger.append(
            rollout=self.rollout, attempt=1, run=self.run, by="me@here", kind=kind, data=data, now=self.now
        )
        return self

    def wait(self, seconds: float) -> Told:
        self.now += timedelta(seconds=seconds)
        return self

    def prepared(self, **start: Any) -> Told:
        plan = yaml.safe_load((ROOT / "playbooks" / "plans" / "wave2.yml").read_text())
        begun = {
            # This loader reads YAML 1.1, where an unquoted `on` is a boolean, which JSON can't have for a key.
            "plan": {str(key): value for key, value in plan.items()}, "hosts": HOSTS, "agents": AGENTS, "title": plan["title"],
            "time_scale": 1.0, "rehearsal": False, "plan_digest": "0" * 64,
        }  # fmt: skip
        self.add("rollout.started", **{**begun, **start})
        self.add("preflight.passed", accepted=[], nats_groups=[])
        self.add("baseline.taken", evidence="checkpoints/wave2/baseline/evidence.json")
        return self.add("backup.done", directory="/b", hosts={host: {} for host in HOSTS}, accounting={"text": "all"})

    def deployed(self, agent: str) -> Told:
        for host in HOSTS:
            name = f"{agent}@{host}"
            self.add("batch.started", phase=agent, hosts=[host], instances=[name])
            proof = {name: {"since": self.now.isoformat(), "invocation_id": name}}
            self.add(
                "batch.done", phase=agent, hosts=[host], proven=proof, phase_complete=host == HOSTS[-1],
                accounting={"text": "expected 1 = 1 good + 0 bad + 0 unreachable + 0 skipped"},
            ).wait(30)  # fmt: skip
        return self.gate("verify", f"verify-{agent}", "go", phase=agent)

    def gate(self, kind: str, name: str, decision: str, why: str = "all 7 criteria pass", **more: Any) -> Told:
        folder = self.monitoring / "checkpoints" / self.rollout / name
        write_json(folder / "summary.json", {"decision": {"decision": decision, "why": why}, "criteria": CHECKPOINT})
        return self.add(
            "gate.decided", gate=kind, name=name, decision=decision, why=why, stops=decision != "go",
            evidence=f"checkpoints/{self.rollout}/{name}/evidence.json",
            accounting={"text": "expected 6 = 6 good + 0 bad + 0 unreachable + 0 skipped"}, **more,
        )  # fmt: skip

    def look(self, label: str = "checkpoint T+6h", **more: Any) -> Told:
        told = {"label": label, "fired": [], "asked": [], "gaps": {}, "readings": LOOK}
        return self.add(
            "look.taken", **{**told, **more}, accounting="expected 6 = 6 good + 0 bad + 0 unreachable + 0 skipped"
        )

    def alert(self) -> Told:
        return self.add(
            "alert.opened", id="system_load>2", name="system_load", metric="system_load", severity="warning",
            text="system_load 2.4 (trips at above 2): dgx-2 2.4", instances=["dgx-2"], value=2.4,
            action="Check resource usage of the host",
        )  # fmt: skip

    def between_checkpoints(self) -> Told:
        """Both phases deployed, T+1h taken, on the way to T+6h with an open alert: what a run waits in for hours."""
        self.prepared().deployed("network-expert").look("soak").wait(7200).add("soak.done", phase="network-expert")
        self.deployed("tdd-expert").wait(3600).gate("checkpoint", "T+1h", "go")
        return self.wait(300).look().alert()
