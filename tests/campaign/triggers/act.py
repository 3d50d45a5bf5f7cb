# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acts out one run: prepares hosts, starts the rollout, and makes something go wrong while it is in a chosen state."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.campaign.triggers import plan
from tests.campaign.triggers.cases import MEMORY_ABOVE, MEMORY_MARGIN, Case, Fault, Neighbour
from tests.campaign.triggers.gateway import Gateway
from tests.rollout.scenario import boundaries, plans
from tests.rollout.scenario.story import ROOT, Story, StoryError

from rehearsal import troubles  # isort: skip  (the story's import has made the fleet's own modules findable)

OUT = ROOT / "build" / "triggers"
SERVICES = "ssh.service nats-server.service"


@dataclass(frozen=True)
class Begun:
    """When the fault began: by the clock of the host on which that was last, and after which record of the ledger."""

    at: datetime
    seq: int


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
        trips_at = memory_used()[0] + MEMORY_MARGIN
        thresholds = {n: f"{trips_at:.1f}%" if value == "here" else value for n, value in case.thresholds.items()}
        for fault in case.before:
            self._begin(story, fault)
        story.look("before")
        content = plan.small(case.state, thresholds, case.without, case.pace)
        place = plan.look_in(case.state)
        with self._running(story, content, case.pace, [place], case.variables) as run:
            run.comes_to(place)
            fault = case.fault
            if "here" in fault.words:
                fault = dataclasses.replace(fault, words=(fault.words[0], _megabytes_above(trips_at)))
            begun = self._begun(story, self._begin(story, fault), fault.said)
            run.goes_on()
        return begun

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
        first, after = (plan.look_in(plan.SOAK, number) for number in (1, 1 + neighbour.looks))
        try:
            with self._running(story, plan.small(plan.WHOLE), plan.WHOLE_PACE, [first, after], variables) as run:
                run.comes_to(first)
                moments = [moment for fault in neighbour.faults for moment in self._begin(story, fault)]
                for gateway in gateways.values():
                    gateway.cut()
                    moments.append(datetime.now(UTC))
                begun = self._begun(story, moments, neighbour.name)
                run.goes_on()
                if neighbour.looks:
                    run.comes_to(after)
                    for gateway in gateways.values():
                        gateway.mend()
                    for fault in neighbour.faults:
                        troubles.put_fault(story.fleet, fault.agent, [], story.hosts, now=True)
                    run.goes_on()
        finally:
            for gateway in gateways.values():
                gateway.close()
        return begun

    def _story(self, name: str) -> Story:
        story = Story("triggers", fleet=self.fleet, out=OUT / name)
        story.say(f"{name} on {self.fleet}")
        story.tool("reset")
        return story

    @contextlib.contextmanager
    def _running(
        self, story: Story, content: dict[str, Any], pace: plan.Pace, at: list[boundaries.Boundary], more: dict[str, Any]
    ) -> Iterator[boundaries.Run]:  # fmt: skip
        extra = {"rollout_plan": str(plans.write(story.out, content)), **pace.skipping, **more}
        try:
            with boundaries.running(story, "run", plan.PLAYBOOK, at, extra=extra) as run:
                yield run
        finally:
            self._tidy(story)

    def _begun(self, story: Story, moments: list[datetime], fault: str) -> Begun:
        begun = Begun(max(moments), story.records(plan.ROLLOUT)[-1]["seq"])
        story.note("begun", {"at": begun.at.isoformat(), "seq": begun.seq, "fault": fault})
        return begun

    def _begin(self, story: Story, fault: Fault) -> list[datetime]:
        """Begin now; since when, by each host's clock, where it acts. What it does at once is done when this returns."""
        where = [fault.host] if fault.host else story.hosts
        if not fault.agent:
            done = troubles.make_trouble(story.fleet, fault.words[0], list(fault.words[1:]), where)
            if fault.words[0] == "reboot":
                for host in where:
                    self._is_up(story, host)
            return [at for at, _words in done.values()]
        rows = troubles.put_fault(story.fleet, fault.agent, list(fault.words), where, now=True)
        acting = [row for row in rows if row.acts]
        if not acting and not fault.lies_ready:
            raise StoryError(f"{fault.said} acts nowhere")
        if "crash_after=0" in fault.words:
            for row in acting:
                self._has_crashed(story, row.agent, row.host)
        return [row.at for row in acting]

    @staticmethod
    def _is_up(story: Story, host: str) -> None:
        ask = f"systemctl is-active {SERVICES}"
        up = ["active"] * len(SERVICES.split())
        story.wait_for(f"{host} has started anew", lambda: story.on(host, ask, check=False).split() == up)

    @staticmethod
    def _has_crashed(story: Story, agent: str, host: str) -> None:
        ask = f"systemctl show {story.unit.format(agent=agent)} --property=NRestarts --value"
        story.wait_for(f"{agent} has crashed on {host}", lambda: int(story.on(host, ask)) > 0)

    @staticmethod
    def _tidy(story: Story) -> None:
        """What the hosts are now, and then the end of what was made to go wrong: memory is the machine's."""
        try:
            story.look("after")
        finally:
            troubles.put_fault(story.fleet, troubles.EVERYONE, [], story.hosts, now=False)
            troubles.make_trouble(story.fleet, "clear", [], story.hosts)


def _megabytes_above(percent: float) -> str:
    """So much memory that the machine is well above that share of it."""
    used, total = memory_used()
    return f"{int(total * (percent - used + MEMORY_ABOVE) / 100 / 1024**2)}MB"
