# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that is killed half-way: the same call finishes what it began, and restarts nothing twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.host.modules.host_lock import MODULES, HostLock
from tests.host.shared_fleet import RehearsalHost
from tests.host.waiting import until

TWO = ("network-expert", "tdd-expert")
GATE = "/run/rollout-test-gate"


def flags(host: RehearsalHost) -> list[bool]:
    """Which files have the flag, and which processes run with it."""
    files = ["ENABLE_UNIFIED_SUBJECTS=true" in host.text(agent).splitlines() for agent in TWO]
    processes = ["SUBJECTS=true" in host.root(f"cat /proc/{host.pid(agent)}/environ || :") for agent in TWO]
    return files + processes


def kill_waiting_for_the_lock(host: RehearsalHost) -> list[bool]:
    with HostLock(host) as lock:
        running = host.begin("agent_change", arguments(host))
        lock.wait_for_module()
        kill(host)
        running.output()
    return flags(host)


def kill_between_writing_and_restarting(host: RehearsalHost) -> list[bool]:
    """The agent that stops last waits in its stop until the module is dead; systemd then goes on by itself."""
    override = "/run/systemd/system/agent-runtime@tdd-expert.service.d"
    gate = f"[Service]\nTimeoutStopSec=infinity\nExecStop=/bin/sh -c 'read go < {GATE}'\n"
    host.root(f"mkdir -p {override}; mkfifo {GATE}; cat > {override}/gate.conf; systemctl daemon-reload", gate.encode())
    running = host.begin("agent_change", arguments(host))
    until("it stops", lambda: host.fleet.property(host.name, "tdd-expert", "ActiveState") == "deactivating")
    kill(host)
    running.output()
    found = flags(host)
    host.root(f"rm -r {override}; systemctl daemon-reload; echo go > {GATE}; rm {GATE}")
    until("systemd is done", lambda: host.fleet.property(host.name, "tdd-expert", "Job") in ("", "0"))
    return found


def kill_while_settling(host: RehearsalHost) -> list[bool]:
    pids = [host.pid(agent) for agent in TWO]
    running = host.begin("agent_change", {**arguments(host), "settle": 600})
    until("both are new", lambda: not {"0", *pids} & {host.pid(agent) for agent in TWO})
    for agent in TWO:
        host.fleet.wait_for_line(host.name, agent, "is ready")
    kill(host)
    running.output()
    return flags(host)


def kill(host: RehearsalHost) -> None:
    host.root(f"kill -9 $({MODULES})")
    until("the module is gone", lambda: not host.root(f"{MODULES} || :").strip())


def arguments(host: RehearsalHost) -> dict[str, object]:
    return {"instances": [host.turned_on(agent) for agent in TWO]}


@pytest.mark.parametrize(
    ("kill_it", "left"),
    [
        (kill_waiting_for_the_lock, [False] * 4),
        (kill_between_writing_and_restarting, [True, True, None, False]),
        (kill_while_settling, [True] * 4),
    ],
)
def test_the_same_call_finishes_with_one_restart(
    host: RehearsalHost, kill_it: Callable[[RehearsalHost], list[bool]], left: list[bool | None]
) -> None:
    found = kill_it(host)
    assert [each for each, wanted in zip(found, left, strict=True) if wanted is not None] == [
        wanted for wanted in left if wanted is not None
    ]
    before = {agent: host.pid(agent) for agent in TWO}
    result = host.run("agent_change", arguments(host))
    assert {one["state"] for one in result["instances"].values()} == {"proven"}
    restarted = {agent for agent in TWO if host.pid(agent) != before[agent]}
    assert restarted == ({*TWO} if not any(left) else set())
    pids = {agent: host.pid(agent) for agent in TWO}
    assert host.run("agent_change", arguments(host))["changed"] is False
    assert {agent: host.pid(agent) for agent in TWO} == pids
