# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long judging T+24h of a large fleet takes, and how much memory: `python -m tests.bench.judge.speed 93`.

In a process of its own. Making the evidence up is not part of the time; the evidence itself is part of the memory, as it
is when a gate judges.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

    Document = dict[str, Any]

ROOT = Path(__file__).resolve().parents[3]
#: name -> (agents, hosts, points in arrays). Ten thousand instances keep their points in arrays: as lists of a JSON document they
#: would fill three gigabytes before anybody judged them.
SIZES = {"93": (31, 3, False), "10000": (100, 100, True)}


def measure() -> dict[str, Any]:
    """size -> {instances, seconds, again_seconds, evidence_mib, peak_mib, decision}; each in a fresh process."""
    found = {}
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'collections'}{os.pathsep}{ROOT}"}
    for name in SIZES:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.bench.judge.speed", name],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if ran.returncode:
            sys.stderr.write(ran.stderr)
            continue
        found[name] = json.loads(ran.stdout.splitlines()[-1])
    return found


def enlarge(document: Document, agents: int, hosts: int, arrays: bool) -> None:
    """Make many agents of the few that the document has, each with points of its own."""
    few = list(document["series"]["agents"])
    instances, series = document["instances"], document["series"]
    names = [(few[number % len(few)], f"{few[number % len(few)]}-{number}") for number in range(agents)]
    places = sorted({item["host"] for item in instances.values()})[:hosts]
    document["instances"] = {
        f"{new}@{host}": {**_own(instances[f"{old}@{host}"]), "agent": new} for old, new in names for host in places
    }
    for earlier in (document["baseline"], document["previous"]):
        known = earlier["instances"]
        earlier["instances"] = {
            f"{new}@{host}": {**_own(known[f"{old}@{host}"]), "agent": new} for old, new in names for host in places
        }
        _more_answers(earlier["nats"], names)
    _more_answers(document["nats"], names)
    document["published"] = {
        new: dict(document["published"][old]) for old, new in names if old in document["published"]
    }
    series["instances"] = {
        f"{new}@{host}": {**_points(series["instances"][f"{old}@{host}"], arrays), "agent": new}
        for old, new in names
        for host in places
    }
    series["agents"] = {new: {**_points(series["agents"][old], arrays), "agent": new} for old, new in names}


def _own(item: Document) -> Document:
    return {key: dict(value) if isinstance(value, dict) else value for key, value in item.items()}


def _more_answers(groups: list[Document], names: list[tuple[str, str]]) -> None:
    for group in groups:
        for part in (group["probe"]["agents"], group["sample"]["agents"], group["sample"]["dual"]["agents"]):
            new_part = {new: dict(part[old]) for old, new in names}
            part.clear()
            part.update(new_part)


def _points(entry: Document, arrays: bool) -> Document:
    import numpy as np

    def copied(key: str, value: Any) -> Any:
        if not isinstance(value, list) or key in ("hosts", "watched"):
            return value
        if key == "latency":
            # Pairs that are alike are one object, as in the product's own series.
            return [[index, list(sketch)] for index, sketch in value]
        return np.array(value, dtype=float).reshape(len(value), 2) if arrays else [list(point) for point in value]

    return {key: copied(key, value) for key, value in entry.items()}


def _document(plan: Plan, hosts: int) -> Document:
    """T+24h of a clean rollout of the plan's own agents on so many hosts."""
    import dataclasses

    import numpy as np

    from tests.bench.judge import fleet as fleets
    from tests.bench.judge import history as histories
    from tests.bench.judge.account import Account
    from tests.bench.judge.timetable import timetable

    rng = np.random.default_rng(7)
    drawn = fleets.draw(rng, tuple(plan.agents()), tuple(plan.control.agents), 1700)
    fleet = dataclasses.replace(drawn, hosts=tuple(f"host-{number}" for number in range(hosts)))
    # All hosts at once: the change of a hundred hosts one by one would take longer than a fleet's day.
    times = timetable(plan, fleet.hosts, together=True)
    world = histories.calm(fleet, times, 6)
    history = histories.unfold(
        rng, fleet, times, world, slots=6, timeout_s=5.0, requests_of_a_gate=plan.probe.count if plan.probe else 0, seed=(7,)
    )  # fmt: skip
    account = Account(history, plan, whole_documents=True)
    account.measure_baseline()
    for gate in times.gates:
        if gate.kind != "look":
            document = account.document(gate.kind, gate.name, gate.at, gate.at - gate.window)
        if gate.name == "T+12h":
            account.remember(document)
    return document


def main(name: str) -> None:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._gating import judge_gate
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series import _columns

    from tests.bench.judge.run import plan

    agents, hosts, arrays = SIZES[name]
    wave = plan()
    document = _document(wave, hosts)
    enlarge(document, agents, hosts, arrays)
    before = _resident_mib()
    took = []
    for _turn in range(2):
        _columns._known.clear()
        began = time.perf_counter()
        judged = judge_gate(wave, "checkpoint", "T+24h", document, [])
        took.append(time.perf_counter() - began)
    print(
        json.dumps(
            {
                "instances": len(document["instances"]),
                "verdicts": len(judged.verdicts),
                "decision": judged.decision.decision,
                "why": judged.decision.why[:300],
                "seconds": round(took[0], 3),
                "again_seconds": round(took[1], 3),
                "evidence_mib": round(before, 1),
                "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0, 1),
            }
        )
    )


def _resident_mib() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024.0
    return 0.0


if __name__ == "__main__":
    main(sys.argv[1])
