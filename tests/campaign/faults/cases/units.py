# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that are masked, missing, don't start, don't stay, or are killed for their memory."""

from __future__ import annotations

from tests.campaign.faults.case import FIRST, FIRST_HOST, SECOND, SOAK, Case, Fault, at, change
from tests.campaign.faults.lane import Lane

HOST = FIRST_HOST
TEMPLATE = "/etc/systemd/system/agent-runtime@.service"
OFTEN = 9


def unit(lane: Lane, agent: str) -> str:
    return lane.story.unit.format(agent=agent)


def on_unit(agent: str, script: str) -> Fault:
    """A script on the host; `{unit}` is the agent's."""

    def act(lane: Lane) -> None:
        lane.story.on(HOST, script.replace("{unit}", unit(lane, agent)))

    return act


def dropped_in(agent: str, text: str) -> Fault:
    folder = "/run/systemd/system/{unit}.d"
    return on_unit(agent, f"mkdir -p {folder} && printf '{text}' > {folder}/fault.conf && systemctl daemon-reload")


def without(agent: str, more: str = "") -> Fault:
    return on_unit(
        agent,
        "rm -rf /run/systemd/system/{unit}.d; systemctl daemon-reload; systemctl reset-failed {unit} 2>/dev/null;"
        f" {more} systemctl start {{unit}}",
    )


def fault(agent: str, *words: str) -> Fault:
    def act(lane: Lane) -> None:
        lane.story.tool("fault", agent, *words)

    return act


def no_fault(agent: str) -> Fault:
    def act(lane: Lane) -> None:
        lane.story.tool("fault", "clear", agent)
        lane.story.on(
            HOST, f"systemctl reset-failed {unit(lane, agent)} 2>/dev/null; systemctl start {unit(lane, agent)}"
        )

    return act


CASES = [
    Case(
        "unit masked, before its change",
        at(change(FIRST, HOST), on_unit(FIRST, "systemctl mask --runtime {unit}")),
        without(FIRST, "systemctl unmask --runtime {unit};"),
        own_stops={FIRST: 1},
    ),
    Case(
        "unit missing, before its change",
        at(change(FIRST, HOST), on_unit(FIRST, f"mv {TEMPLATE} /run/template && systemctl daemon-reload")),
        on_unit(FIRST, f"mv /run/template {TEMPLATE}; systemctl daemon-reload; systemctl start {{unit}}"),
        own_stops={FIRST: 1},
    ),
    Case(
        "unit fails to start, with the change",
        at(change(FIRST, HOST), dropped_in(FIRST, "[Service]\\nExecStartPre=/bin/false\\n")),
        without(FIRST),
    ),
    Case(
        "unit fails to start, in the second phase",
        at(change(SECOND, HOST), dropped_in(SECOND, "[Service]\\nExecStartPre=/bin/false\\n")),
        without(SECOND),
    ),
    Case(
        "unit flapping, from its change on",
        at(change(FIRST, HOST), fault(FIRST, "crash_after=2")),
        no_fault(FIRST),
        own_stops={FIRST: OFTEN},
    ),
    Case(
        "unit flapping, from the soak on",
        at(SOAK, fault(FIRST, "crash_after=2", "--now")),
        no_fault(FIRST),
        own_stops={FIRST: OFTEN},
    ),
    Case(
        "start limit hit, before the change",
        at(change(FIRST, HOST), on_unit(FIRST, "for i in 1 2 3 4 5; do systemctl restart {unit}; done")),
        without(FIRST),
        own_stops={FIRST: 6},
    ),
    Case(
        "unit killed for its memory, after its change",
        at(SOAK, on_unit(FIRST, "systemctl set-property --runtime {unit} MemoryMax=4M 2>&1; true")),
        on_unit(
            FIRST,
            "systemctl set-property --runtime {unit} MemoryMax=8G; systemctl reset-failed {unit}; systemctl start {unit}",
        ),
        own_stops={FIRST: OFTEN},
    ),
]
