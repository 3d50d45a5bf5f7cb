# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches of wave 2 that have nothing to do, a stop and its lift, all without a host: those of this inventory don't exist."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Ledger
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import load_plan

from tests.rollout.scenario.story import ROOT

ROLLOUT, RUN, LABEL = "wave2", "0123456789ab", "the end of the freeze nights"


class Launches:
    """A rollout whose last launch waits for an hour from now."""

    def __init__(self, folder: Path) -> None:
        self.monitoring = folder / "monitoring"
        self.ledger = Ledger(self.monitoring / "ledger" / f"{ROLLOUT}.jsonl")
        plan = load_plan(str(ROOT / "playbooks" / "plans" / f"{ROLLOUT}.yml"))
        start = {
            "title": "", "hosts": ["dgx-1", "dgx-2", "dgx-3"], "agents": plan.agents(), "control": [], "plan_path": plan.path,
            "plan_digest": plan.digest, "plan": plan.to_dict(), "time_scale": 1.0, "rehearsal": True, "shadow": False,
        }  # fmt: skip
        self.add("rollout.started", **start)
        self.note = self.monitoring / "keys" / f"tick.{ROLLOUT}.json"
        self.note.parent.mkdir()
        self.next_due = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        noted = {
            "run": RUN,
            "next_due": iso(self.next_due),
            "label": LABEL,
            "seq": 1,
            "process": "another",
            "concluded": 1,
        }
        self.note.write_text(json.dumps(noted))

    def add(self, kind: str, **data: Any) -> None:
        self.ledger.append(
            rollout=ROLLOUT, attempt=1, run=RUN, by="me@here", kind=kind, data=data, now=datetime.now(UTC)
        )

    def written(self) -> dict[Path, bytes]:
        """All that a launch could change, but for who has the lease."""
        found = self.monitoring.rglob("*.json*")
        return {path: path.read_bytes() for path in found if not path.name.startswith("lease.")}

    def kinds(self) -> list[str]:
        return [record.kind for record in self.ledger.read()]

    def run(self, playbook: str | Path, **extra: Any) -> tuple[int, str]:
        """(exit status, output)"""
        path = playbook if isinstance(playbook, Path) else f"playbooks/{playbook}.yml"
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "ROLLOUT_"))}
        done = subprocess.run(
            [
                str(ROOT / ".venv" / "bin" / "ansible-playbook"), "-i", "inventories/rehearsal", str(path),
                "-e", json.dumps({"rollout_monitoring_dir": str(self.monitoring), **extra}),
            ],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
            env={**kept, "ROLLOUT_FLEET": "not-up", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(self.monitoring.parent / "home")},
            check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def launch(self) -> tuple[int, str]:
        return self.run(ROLLOUT, rollout_wait=False)


@pytest.fixture
def launches(tmp_path: Path) -> Launches:
    return Launches(tmp_path)


def test_a_launch_that_comes_too_early_says_until_when_and_touches_nothing(launches: Launches) -> None:
    before = launches.written()
    status, output = launches.launch()
    assert status == 0, output
    assert f"wave2 waiting until {launches.next_due:%Y-%m-%d %H:%M:%S}Z for {LABEL}" in output
    assert "unreachable" not in output.lower()
    assert launches.written() == before
    # It had the rollout for itself meanwhile, and gave it back.
    lease = json.loads((launches.monitoring / "keys" / f"lease.{ROLLOUT}.json").read_text())
    assert lease["released"]


def test_the_status_of_a_rollout_that_no_process_waits_for_says_what_for(launches: Launches) -> None:
    status, output = launches.run("status", rollout=ROLLOUT, live=False)
    assert status == 0, output
    assert LABEL in output
    assert f"{launches.next_due:%H:%M:%S}Z" in output


def test_a_stop_ends_the_wait_holds_every_launch_and_its_lift_wakes_the_rollout(launches: Launches) -> None:
    status, output = launches.run("stop", rollout=ROLLOUT, reason="errors in the shop")
    assert status == 0, output
    assert "wave2: STOPPED, by " in output
    for _time in range(2):
        status, output = launches.launch()
        assert status == 2, output
        assert "DECISION HOLD wave2: " in output
        assert "stopped the line: errors in the shop" in output
    assert launches.kinds() == ["rollout.started", "line.stopped"]
    status, output = launches.run("stop", rollout="all", lift="true", reason="it was the CDN", stop_with="")
    assert status == 0, output
    status, output = launches.launch()
    # It is awake long before its time, and would go on; its hosts don't exist.
    assert launches.kinds()[2:] == ["line.lifted", "preflight.failed", "gate.decided"]
    assert "preflight found" in output
    assert status == 2
    # The hold of a gate binds the launches after it as well.
    assert launches.launch()[0] == 2
    assert len(launches.kinds()) == 5
    assert {record.run for record in launches.ledger.read() if not record.kind.startswith("line.")} == {RUN}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no reason": ({"rollout": ROLLOUT}, "why stop the line? Say -e reason=..."),
    "empty answers": ({"rollout": ROLLOUT, "reason": "", "stop_with": ""}, "why stop the line?"),
    "no way to stop": ({"rollout": ROLLOUT, "reason": "x", "stop_with": "no_go"}, "expected hold or rollback"),
    "unknown": ({"rollout": "wave3", "reason": "x"}, "wave3 has no ledger"),
    "nothing to lift": (
        {"rollout": ROLLOUT, "reason": "x", "lift": True},
        "nothing holds it; it stands at IN PROGRESS",
    ),
    "nothing to lift in all": ({"rollout": "all", "reason": "x", "lift": True}, "no rollout with a ledger"),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the role says to each of them, in one run."""
    launches = Launches(tmp_path_factory.mktemp("refused"))
    answers = launches.monitoring.parent / "answers.json"
    tasks: list[dict[str, Any]] = [{"ansible.builtin.set_fact": {"answers": {}}}]
    for name, (given, _said) in REFUSED.items():
        answer = {"answers": f"{{{{ answers | combine({{'{name}': ansible_failed_result.msg}}) }}}}"}
        role = {"ansible.builtin.include_role": {"name": "cowboyai.rollout.stop"}, "vars": given}
        tasks.append({"block": [role], "rescue": [{"ansible.builtin.set_fact": answer}]})
    tasks.append({"ansible.builtin.copy": {"content": "{{ answers | to_json }}", "dest": str(answers), "mode": "0600"}})
    playbook = launches.monitoring.parent / "refused.yml"
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    playbook.write_text(json.dumps([play]))
    status, output = launches.run(playbook)
    assert status == 0, output
    assert launches.kinds() == ["rollout.started"]
    return {name: str(said) for name, said in json.loads(answers.read_text()).items()}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(refused: dict[str, str], name: str) -> None:
    assert REFUSED[name][1] in " ".join(refused[name].split())


def test_a_stop_that_is_refused_ends_badly(launches: Launches) -> None:
    status, output = launches.run("stop", rollout=ROLLOUT)
    assert status == 2
    assert REFUSED["no reason"][1] in " ".join(output.split())
    assert launches.kinds() == ["rollout.started"]
