# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of ansible-playbook: the second is told of the first or takes over, and a killed one leaves the way free at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.module.nats.servers import HANGS_S
from tests.module.store.places import Place, at

ROOT = Path(__file__).resolve().parents[3]
#: Nobody waits for so long: whoever waits is ended before.
LONG_S = 36_000
AGENTS = ROOT / "inventories" / "dgx" / "group_vars" / "dgx" / "agents.csv"


class Runs:
    """Runs that hold a rollout's lease while they wait; no host is contacted."""

    def __init__(self, folder: Path, place: Place) -> None:
        self._folder, self._place = folder, place
        (folder / "hosts").write_text("[dgx]\ndgx-1 ansible_connection=local\n")

    def start(self, seconds: float, **given: object) -> subprocess.Popen[str]:
        until = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        tasks = [
            {"run_once": True, "cowboyai.rollout.wait": {"until": until, "label": "something"}},
            {"run_once": True, "cowboyai.rollout.conclude": {"of": "step"}},
        ]
        play = self._folder / f"play-{time.monotonic_ns()}.yml"
        play.write_text(json.dumps([{"hosts": "dgx", "gather_facts": False, "tasks": tasks}]))
        variables = {
            "rollout_plan": str(ROOT / "playbooks" / "plans" / "wave2.yml"), "rollout_agents_file": str(AGENTS),
            "rollout_monitoring_dir": str(self._place.folder), **self._place.variables, **given,
        }  # fmt: skip
        command = [str(Path(sys.executable).parent / "ansible-playbook"), str(play), "-i", str(self._folder / "hosts")]
        return subprocess.Popen(
            [*command, "-e", json.dumps(variables)], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, env={**os.environ, "ROLLOUT_LIVE": "false"},
        )  # fmt: skip

    def held_by(self) -> str:
        """Waits until a run has the lease; names it."""
        deadline = time.monotonic() + HANGS_S
        while time.monotonic() < deadline:
            store = self._place.store()
            entry = store.get("lease.wave2")
            store.close()
            if entry is not None and not entry.value["released"]:
                return str(entry.value["run"])
            time.sleep(0.2)
        raise AssertionError("nobody took the lease")


def said(run: subprocess.Popen[str]) -> str:
    out, _none = run.communicate(timeout=600)
    assert "Traceback" not in out
    return " ".join(out.split())


def test_a_second_run_is_told_one_that_takes_over_ends_the_first_and_a_killed_one_is_followed_at_once(
    tmp_path: Path, place: Place
) -> None:
    context = place.context(rollout="wave2")
    context.record("rollout.started", {"hosts": ["dgx-1"], "agents": [], "plan": {}}, at(0), attempt=1)
    runs, begun = Runs(tmp_path, place), []
    try:
        first = runs.start(LONG_S)
        begun.append(first)
        held = runs.held_by()
        second = runs.start(0)
        begun.append(second)
        told = said(second)
        assert second.returncode != 0
        assert "wave2 is being run by" in told and "rollout_takeover=true" in told
        assert runs.held_by() == held

        third = runs.start(LONG_S, rollout_takeover=True)
        begun.append(third)
        ended = said(first)
        assert first.returncode != 0
        assert "took over from this run" in ended
        held = runs.held_by()
    finally:
        for each in begun:
            if each.poll() is None:
                os.killpg(each.pid, signal.SIGKILL)
                each.communicate()
    fourth = runs.start(0)
    told = said(fourth)
    assert fourth.returncode == 0, told
    records = place.context("reader", rollout="wave2").records
    _over, taken = [record for record in records if record.kind == "lease.taken"]
    assert (taken.data["from"]["run"], taken.data["why"]) == (held, "its process has ended")
    store = place.store()
    entry = store.get("lease.wave2")
    assert entry is not None and entry.value["released"]
