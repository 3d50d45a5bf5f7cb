# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When what happens in a rollout, in minutes from the start of its baseline: changes, looks, gates. Taken from the plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

    from tests.bench.judge.fleet import Array

STAGGER = "stagger"
# Between the baseline and the first batch lies the backup of every host.
BACKUP_MINUTES = 2
# Phase two begins when phase one has soaked and its gate has passed.
BETWEEN_PHASES = 10
# Of a stagger, what its probe leaves for its own start and for the tasks before it.
START_OF_A_PROBE_S = 4.0


@dataclass(frozen=True)
class Phase:
    """`proven`: host -> the minute of its proof; `deployed`: that of the last one; `staggers`: (begin, end) between two batches."""

    name: str
    agents: tuple[str, ...]
    proven: dict[str, float]
    deployed: float
    staggers: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Gate:
    """`at`: the minute at which it is judged first; `window`: minutes of NATS measurement that end then (0: none)."""

    kind: str
    name: str
    at: int
    window: int = 0


@dataclass(frozen=True)
class Timetable:
    baseline: int
    phases: tuple[Phase, ...]
    gates: tuple[Gate, ...]
    minutes: int
    every: int
    requests_of_a_stagger: int
    look_again: int
    look_again_every: int

    @property
    def deployed(self) -> float:
        """The minute from which checkpoints count."""
        return self.phases[-1].deployed

    def phase_of(self, agent: str) -> Phase | None:
        return next((phase for phase in self.phases if agent in phase.agents), None)

    def windows(self, requests: int) -> dict[int, int]:
        """minute -> requests per agent, of the minutes in which the baseline or a gate's first attempt measures NATS."""
        found = dict.fromkeys(range(self.baseline), requests // self.baseline)
        for gate in (gate for gate in self.gates if gate.window):
            found.update(dict.fromkeys(range(gate.at - gate.window, gate.at), requests // gate.window))
        return found

    def asked(self, slots: int) -> Array:
        """Whether the low-rate probe asks in a slot [minute, slot].

        Not during the backup and while batches are at work, but for the beginning of every stagger between them. Between
        a look and the next probe a request is left out.
        """
        found = np.ones((self.minutes, slots), dtype=bool)
        found[:: self.every, 0] = False
        found[self.baseline : self.baseline + BACKUP_MINUTES] = False
        for phase in self.phases:
            found[int(min(phase.proven.values())) - 1 : int(phase.deployed) + 1] = False
            for begin, _end in phase.staggers:
                first = math.ceil(begin * slots)
                found.reshape(-1)[first : first + self.requests_of_a_stagger] = True
        return found

    def changed(self, agent: str, host: str) -> float | None:
        """The minute of an instance's proof, None for control."""
        phase = self.phase_of(agent)
        return phase.proven[host] if phase else None


def timetable(plan: Plan, hosts: tuple[str, ...], *, together: bool = False) -> Timetable:
    """The plan's own times: stagger between hosts (`together`: none), soak, looks, checkpoints, and looking again on hold."""
    baseline = round(plan.baseline.window / 60.0)
    now = float(baseline + BACKUP_MINUTES)
    every = round(plan.watch.every / 60.0)
    window = round((plan.sample.window if plan.sample else 300.0) / 60.0)
    phases: list[Phase] = []
    gates: list[Gate] = []
    for phase in plan.phases:
        if phases:
            now = phases[-1].deployed + (plan.phases[0].soak or 0.0) / 60.0 + BETWEEN_PHASES
        proven: dict[str, float] = {}
        staggers: list[tuple[float, float]] = []
        for host in hosts:
            now += 0.0 if together and proven else 0.4  # restart and proof
            proven[host] = now
            if not together and phase.stagger and host != hosts[-1]:
                staggers.append((now, now + phase.stagger / 60.0))
                now = staggers[-1][1]
        deployed = max(proven.values())
        phases.append(Phase(phase.name, tuple(phase.agents), proven, deployed, tuple(staggers)))
        gates.append(Gate("verify", f"verify-{phase.name}", int(deployed) + 2, round(plan.verify.window / 60.0)))
    deployed = phases[-1].deployed
    checkpoints = [
        Gate("checkpoint", checkpoint.name, int(deployed + checkpoint.offset_s / 60.0) + 1 + window, window)
        for checkpoint in plan.checkpoint_list()
    ]
    gates += checkpoints
    last = checkpoints[-1].at
    # Every stagger ends with a look, here with the minute that it ends in.
    ends = {math.ceil(end) for phase in phases for _begin, end in phase.staggers}
    gates += [Gate("look", STAGGER, at) for at in sorted(ends)]
    taken = {gate.at for gate in gates}
    at = int(phases[0].deployed) + 1 + every
    while at < last:
        busy = any(gate.at - gate.window < at <= gate.at for gate in gates)
        # While the batches of a phase are at work nobody looks but at the end of a stagger.
        deploying = any(min(phase.proven.values()) - 1 <= at <= phase.deployed for phase in phases)
        if at not in taken and not busy and not deploying:
            gates.append(Gate("look", "look", at))
        at += every
    again = plan.checkpoints.look_again
    return Timetable(
        baseline=baseline,
        phases=tuple(phases),
        gates=tuple(sorted(gates, key=lambda gate: gate.at)),
        minutes=last + (again.times + 1) * round(again.every / 60.0) + 1,
        every=every,
        requests_of_a_stagger=_requests_of_a_stagger(plan),
        look_again=again.times,
        look_again_every=round(again.every / 60.0),
    )


def _requests_of_a_stagger(plan: Plan) -> int:
    """Rounds of the low-rate probe that end, with the time for their answers, within a stagger."""
    if plan.probe is None or not plan.watch.probe_every:
        return 0
    shortest = min((phase.stagger for phase in plan.phases), default=0.0)
    return max(int((shortest - plan.probe.timeout - START_OF_A_PROBE_S) / plan.watch.probe_every), 0)
