# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs of the campaign: every trigger of wave 2 with the fault that trips it, and what must not trip any."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.campaign.triggers.plan import (
    APPROVAL,
    CHECKPOINTS,
    CONTROL,
    FIRST,
    HOSTS,
    SOAK,
    STAGGER,
    USUAL_PACE,
    Pace,
)

#: What a trigger is noticed within, in looks and gates since its fault began.
TWO_LOOKS = 2

EVERYWHERE = frozenset(f"{FIRST}@{host}" for host in HOSTS)


@dataclass(frozen=True)
class Fault:
    """A fault of agents (`agent` set) or a trouble of hosts, in the fleet command's words; `host`: of one host only."""

    words: tuple[str, ...]
    agent: str = ""
    host: str = ""

    @property
    def said(self) -> str:
        where = f" on {self.host}" if self.host else ""
        return f"{' '.join(self.words)}{where}"

    @property
    def lies_ready(self) -> bool:
        """No fault yet but what an agent is like before the change."""
        return self.words[0].startswith("work=") and len(self.words) == 1


@dataclass(frozen=True)
class Case:
    """One run. `names`: who the trigger's verdict must name as its cause (instances, agents or hosts).

    `before`: what the hosts are like before the rollout begins; `thresholds`: see plan.small, `here` stands for what
    the machine has now; `without`: triggers that the plan leaves out, because the same fault trips them first;
    `variables`: extra variables of the run; `within_looks`: more than two for metrics that must be sure before they
    speak, over all looks of a rollout together (docs/judgement.md). `quick`: one of the few that a short test runs.
    """

    trigger: str
    state: str
    fault: Fault
    names: frozenset[str]
    before: tuple[Fault, ...] = ()
    thresholds: dict[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    pace: Pace = USUAL_PACE
    within_looks: int = TWO_LOOKS
    variables: dict[str, object] = field(default_factory=dict)
    variant: str = ""
    quick: bool = False

    @property
    def name(self) -> str:
        return "_".join([self.trigger, *self.state.split(), *([self.variant] if self.variant else [])])


def _of_change(*words: str, host: str = "") -> Fault:
    return Fault(words, FIRST, host)


def _at(*hosts: str) -> frozenset[str]:
    return frozenset(f"{FIRST}@{host}" for host in hosts)


#: So much that it is surely more than control's, at once: a few lost answers wait for the looks after them.
DROP = _of_change("drop=50%")
CRASH = _of_change("crash_after=0", host="dgx-1")
#: So much of the machine's memory more than it uses before the rollout trips, and so far above that it is brought (percent).
MEMORY_MARGIN, MEMORY_ABOVE = 6.0, 3.0
#: Each answer takes this long anyway: 30 % more is then more than the plan's ignore_under.
USUAL = tuple(Fault(("work=40ms",), agent) for agent in (FIRST, *CONTROL))
#: A shift is compared with the buckets before the change: the more there are, the sooner it is sure.
SURE = Pace(baseline="30m", soak="6h", looks=24)
#: A trend needs twelve looks, and six hours of plan time.
TREND = Pace(soak="12h", looks=24)
#: So little that this leak fills it within the plan's seven days, whether a look takes two seconds or twenty.
ROOM = (Fault(("limit", FIRST, "512MB"), host="dgx-1"),)
LIMITS = tuple(Fault(("limit", FIRST, "64MB"), host=host) for host in HOSTS)

CASES = (
    Case("message_loss", SOAK, DROP, frozenset({FIRST})),
    Case("error_rate", SOAK, _of_change("errors=20%"), EVERYWHERE),
    # In so young a rollout every burst is a lot of the whole as well.
    Case("error_burst", SOAK, _of_change("errors=20%"), EVERYWHERE, without=("error_rate",)),
    Case(
        "error_peak", SOAK, _of_change("errors=20%"), frozenset({FIRST}), pace=SURE, without=("error_rate", "error_burst"),
        within_looks=24,
    ),
    Case("silent_agent", SOAK, _of_change("drop=100%"), frozenset({FIRST}), without=("message_loss",)),
    Case("agent_crash", SOAK, CRASH, _at("dgx-1")),
    Case("much_slower", SOAK, _of_change("late=80ms"), frozenset({FIRST})),
    Case(
        "slower_than_baseline", SOAK, _of_change("late=80ms"), frozenset({FIRST}), variant="by_80ms", pace=SURE,
        without=("much_slower",), within_looks=24,
    ),
    Case(
        "slower_than_baseline", SOAK, _of_change("work=40ms", "late=30%"), frozenset({FIRST}), before=USUAL,
        variant="by_30_percent", pace=SURE, within_looks=24,
    ),
    Case("nats_unstable", SOAK, _of_change("nats_closed", host="dgx-2"), _at("dgx-2")),
    Case("system_unstable", SOAK, Fault(("reboot",), host="dgx-2"), frozenset({"dgx-2"})),
    Case("memory_exhausted", SOAK, _of_change("fill=56MB", host="dgx-3"), _at("dgx-3"), before=LIMITS),
    Case("memory_leak", SOAK, _of_change("leak=1MB/s", host="dgx-1"), _at("dgx-1"), before=ROOM, pace=TREND, within_looks=24),
    Case(
        "host_memory_exhausted", SOAK, Fault(("memory", "here"), host="dgx-2"), frozenset(HOSTS),
        thresholds={"host_memory_exhausted": "here"},
    ),
    Case(
        "disk_exhausted", SOAK, Fault(("disk", "97%"), host="dgx-3"), frozenset({"dgx-3"}),
        variables={"rollout_disk_paths": ["/opt/cim-dgx", "/opt/cim-dgx/spool"]}, quick=True,
    ),
    Case("state_corrupted", SOAK, _of_change("corrupt", host="dgx-2"), _at("dgx-2")),
    Case("message_loss", STAGGER, DROP, frozenset({FIRST})),
    Case("message_loss", CHECKPOINTS, DROP, frozenset({FIRST})),
    Case("message_loss", APPROVAL, DROP, frozenset({FIRST}), quick=True),
    Case("agent_crash", STAGGER, CRASH, _at("dgx-1"), quick=True),
    Case("agent_crash", CHECKPOINTS, CRASH, _at("dgx-1"), quick=True),
    Case("agent_crash", APPROVAL, CRASH, _at("dgx-1")),
)  # fmt: skip


@dataclass(frozen=True)
class Neighbour:
    """A run in whose soak something happens that is not the change's: nothing may be rolled back.

    `looks`: after so many it is ended again (0: it ends by itself). `cut`: the measurer loses NATS for that long.
    """

    name: str
    faults: tuple[Fault, ...]
    looks: int = 0
    cut: bool = False
    quick: bool = False


NEIGHBOURS = (
    Neighbour("nats_restarted_everywhere", (Fault(("nats",)),)),
    Neighbour(
        "same_errors_in_control", tuple(Fault(("always", "errors=5%"), agent) for agent in (FIRST, *CONTROL)), looks=2
    ),
    Neighbour("all_agents_of_one_host_restarted", (Fault(("agents",), host="dgx-2"),)),
    Neighbour("one_noisy_look", (Fault(("late=300ms",), FIRST),), looks=1),
    Neighbour("measurer_without_nats", (), looks=1, cut=True, quick=True),
)
