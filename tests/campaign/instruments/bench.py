# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout on the rehearsal fleet that stands before its checkpoint, and that checkpoint, taken once for each blinded instrument."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable

from tests.campaign.instruments import plan
from tests.campaign.instruments.case import BROKEN, ROLL_BACK, Case, Row, outcome_of
from tests.campaign.instruments.veil import Veil, veiled
from tests.host.shared_fleet import SharedFleet
from tests.rollout.scenario import plans, small
from tests.rollout.scenario.story import ROOT, Story, StoryError

OUT = ROOT / "build" / "instruments"
RATE = 20
#: A host that says nothing is given up after so many seconds of a few probes, not after 45.
IMPATIENT = {
    "ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o ServerAliveInterval=5 -o ServerAliveCountMax=2 -o ConnectTimeout=5"
}


class Bench:
    """`begin`, then `gate` as often as wanted: each begins with the monitoring folder as the rollout left it."""

    def __init__(self, fleet: SharedFleet) -> None:
        self.fleet = fleet
        self.story = Story("instruments", fleet=fleet.name, out=OUT)
        self.ways = veiled(self.story.addresses)
        path = plans.write(self.story.out, plan.asking())
        self.extra = {
            "rollout_plan": str(path),
            "instruments_ways": {host: way.address for host, way in self.ways.items()},
            "rollout_nats_url": "nats://{{ instruments_ways[inventory_hostname] }}:4222",
            **plan.EXTRA,
        }
        self.begun = self.story.out / "begun"

    def begin(self) -> None:
        """Hosts as seeded, and a rollout until its checkpoint is due. Raises StoryError when it doesn't come to it."""
        self.fleet.reset()
        self.fleet.run("traffic", "start", "--rate", str(RATE))
        for folder in (self.story.monitoring, self.begun):
            shutil.rmtree(folder, ignore_errors=True)
        self.story.run("begun", "tests/campaign/instruments/begun.yml", extra=self.extra, deadline_s=1800)
        if not self.story.passed(small.ROLLOUT, "verify-first"):
            raise StoryError(f"the rollout did not come to its checkpoint: see {self.story.out / 'begun.log'}")
        shutil.copytree(self.story.monitoring, self.begun)

    def gate(self, case: Case) -> Row:
        """The checkpoint, with the instrument blinded; it is mended afterwards, whatever happened."""
        began = time.monotonic()
        shutil.rmtree(self.story.monitoring)
        shutil.copytree(self.begun, self.story.monitoring)
        label = f"{case.source} {case.name}".replace(" ", "-").replace("/", "-")
        for way in self.ways.values():
            way.veil = case.veil() if case.veil else Veil()
        try:
            case.blind(self)
            extra = {**self.extra, **case.variables}
            with self.story.running(
                label, "tests/campaign/instruments/gate.yml", extra=extra, env=IMPATIENT, deadline_s=1800
            ) as run:
                run.wait()
            decided = [
                record["data"]
                for record in self.story.records(small.ROLLOUT)[self._recorded() :]
                if record["kind"] == "gate.decided"
            ]
            said = (self.story.out / f"{label}.log").read_text(errors="replace")
            outcome, why = outcome_of(int(run.returncode), said, decided)
        except StoryError as error:
            outcome, why = BROKEN, f"could not be blinded: {error}"
        finally:
            left = self._mended(case)
        if left:
            outcome, why = BROKEN, f"could not be mended: {left}"
        if case.lasting or left or outcome == ROLL_BACK:
            # What was rolled back runs no more as it was changed: each gate after it would say so.
            self.begin()
        return Row(case.source, case.name, outcome, why, round(time.monotonic() - began, 1))

    def _mended(self, case: Case) -> str:
        """What is left blind, in words; nothing as a rule."""
        left = ""
        try:
            case.mend(self)
        except StoryError as error:
            left = str(error)
        for way in self.ways.values():
            way.hang_up()
        return left

    def _recorded(self) -> int:
        return len((self.begun / "ledger" / f"{small.ROLLOUT}.jsonl").read_text().splitlines())

    def close(self) -> None:
        for way in self.ways.values():
            way.close()
        self.fleet.run("traffic", "stop")


def write(rows: list[Row]) -> None:
    """build/instruments.json: source, case, outcome, and why."""
    target = ROOT / "build" / "instruments.json"
    target.write_text(json.dumps({"cases": [vars(row) for row in rows]}, indent=1) + "\n")


Say = Callable[[str], None]
