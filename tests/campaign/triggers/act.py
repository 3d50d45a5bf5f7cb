# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acts out one run: prepares hosts, starts the rollout, and makes something go wrong while it is in a chosen state."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.campaign.triggers import plan
from tests.campaign.triggers.cases import MEMORY_MARGIN, MEMORY_TAKEN, Case, Fault, Neighbour
from tests.campaign.triggers.gateway import Gateway
from tests.rollout.scenario import plans
from tests.rollout.scenario.story import ROOT, Story

from rehearsal import troubles  # isort: skip  (the story's import has made the fleet's own modules findable)

PLAYBOOK = "tests/campaign/triggers/rollout.yml"
OUT = ROOT / "build" / "triggers"
RUN_WITHIN_S = 540.0
#: Into the soak, or past the checkpoint: not in the gate that has just ended.
INTO_STATE_S = 3.0


@dataclass(frozen=True)
class Begun:
    """When the fault began: by the clock of the host on which that was last."""

    at: datetime


def memory_used() -> tuple[float, int]:
    """(percent of the machine's memory in use, bytes that there are)."""
    rows = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(rows[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    return 100.0 * (total - available) / total, total


class Actor:
    """Runs of one fleet, one after the other."""

    def __init__(self, fleet: str) -> None:
        self.fleet = fleet

    def case(self, case: Case) -> Begun:
        """Run a case; what it left is in build/triggers/<case>. Raises StoryError when its state never came."""
        story = self._story(case.name)
        used, total = memory_used()
        here = {"host_memory_exhausted": f"{used + MEMORY_MARGIN:.1f}%"}
        thresholds = {name: here[name] if value == "here" else value for name, value in case.thresholds.items()}
        for fault in case.before:
            self._begin(story, fault)
        story.look("before")
        fault = case.fault
        if "here" in fault.words:
            size = f"{int(total * MEMORY_TAKEN / 100 / 1024**2)}MB"
            fault = Fault(tuple(size if word == "here" else word for word in fault.words), fault.agent, fault.host)
        begun: list[datetime] = []
        content = plan.small(case.state, thresholds, case.without, case.pace)
        variables = self._variables(story, content, case.pace, case.variables)
        try:
            with story.running("run", PLAYBOOK, extra=variables, deadline_s=RUN_WITHIN_S) as process:
                self._wait_for(story, case.state, case.pace, process)
                begun = self._begin(story, fault)
                story.note("begun", {"at": max(begun).isoformat(), "fault": fault.said})
        finally:
            self._tidy(story)
        return Begun(max(begun))

    def neighbour(self, neighbour: Neighbour) -> Begun:
        """A whole rollout, in whose soak something happens that is not the change's."""
        story = self._story(neighbour.name)
        story.look("before")
        gateways: dict[str, Gateway] = {}
        for number, (host, address) in enumerate(story.addresses.items() if neighbour.cut else ()):
            gateways[host] = Gateway(f"127.0.77.{number + 1}", address)
        variables: dict[str, Any] = {}
        if gateways:
            variables["triggers_ways"] = {host: gateway.address for host, gateway in gateways.items()}
            variables["rollout_nats_url"] = "nats://{{ triggers_ways[inventory_hostname] }}:4222"
        begun: list[datetime] = []
        try:
            extra = self._variables(story, plan.small(plan.WHOLE), plan.USUAL_PACE, variables)
            with story.running("run", PLAYBOOK, extra=extra, deadline_s=RUN_WITHIN_S) as process:
                self._wait_for(story, plan.SOAK, plan.USUAL_PACE, process)
                begun = [moment for fault in neighbour.faults for moment in self._begin(story, fault)]
                for gateway in gateways.values():
                    gateway.cut()
                    begun.append(datetime.now().astimezone())
                story.note("begun", {"at": max(begun).isoformat(), "fault": neighbour.name})
                if neighbour.lasts_s:
                    time.sleep(neighbour.lasts_s)
                    for gateway in gateways.values():
                        gateway.mend()
                    for fault in neighbour.faults:
                        troubles.put_fault(story.fleet, fault.agent, [], story.hosts, now=True)
        finally:
            self._tidy(story)
            for gateway in gateways.values():
                gateway.close()
        return Begun(max(begun))

    def _story(self, name: str) -> Story:
        story = Story("triggers", fleet=self.fleet, out=OUT / name)
        story.say(f"{name} on {self.fleet}")
        story.tool("reset")
        return story

    @staticmethod
    def _variables(story: Story, content: dict[str, Any], pace: plan.Pace, more: dict[str, Any]) -> dict[str, Any]:
        path = plans.write(story.out, content)
        paced = {"rollout_time_scale": pace.scale, "triggers_checkpoints": pace.checkpoints}
        return {"rollout_plan": str(path), **paced, **more}

    @staticmethod
    def _begin(story: Story, fault: Fault) -> list[datetime]:
        """Begin now; since when, by each host's clock, where it acts."""
        where = [fault.host] if fault.host else story.hosts
        if fault.agent:
            rows = troubles.put_fault(story.fleet, fault.agent, list(fault.words), where, now=True)
            return [row.at for row in rows if row.acts]
        done = troubles.make_trouble(story.fleet, fault.words[0], list(fault.words[1:]), where)
        return [at for at, _words in done.values()]

    @staticmethod
    def _wait_for(story: Story, state: str, pace: plan.Pace, process: subprocess.Popen[bytes]) -> None:
        def kind(name: str) -> bool:
            return name in story.kinds(plan.ROLLOUT)

        conditions: dict[str, tuple[str, Callable[[], bool]]] = {
            plan.STAGGER: ("the first batch is proven", lambda: kind("batch.done")),
            plan.SOAK: ("the first phase is verified", lambda: story.passed(plan.ROLLOUT, "verify-first")),
            plan.CHECKPOINTS: (
                "the first checkpoint has passed",
                lambda: story.passed(plan.ROLLOUT, pace.checkpoints[0]),
            ),
            plan.APPROVAL: ("an approval is awaited", lambda: kind("approval.requested")),
        }
        story.wait_for(*conditions[state], process, within_s=RUN_WITHIN_S)
        time.sleep(INTO_STATE_S)

    @staticmethod
    def _tidy(story: Story) -> None:
        """What the hosts are now, and then the end of what was made to go wrong: memory is the machine's."""
        try:
            story.look("after")
        finally:
            troubles.put_fault(story.fleet, troubles.EVERYONE, [], story.hosts, now=False)
            troubles.make_trouble(story.fleet, "clear", [], story.hosts)
