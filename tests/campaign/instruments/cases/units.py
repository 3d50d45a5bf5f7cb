# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd and /proc say nothing of a host's units and processes, or not all."""

from __future__ import annotations

from tests.campaign.instruments.case import Case
from tests.campaign.instruments.onhost import program, script

SOURCE = "processes"
SYSTEMCTL = "/usr/bin/systemctl"
AGENT = "agent-runtime@network-expert"


def wrapped(name: str, text: str, quick: bool = False) -> Case:
    blind, mend = program(SYSTEMCTL, text)
    return Case(SOURCE, name, blind, mend, quick=quick)


def without(name: str, words: str, quick: bool = False) -> Case:
    """systemctl's answer with its lines changed by sed."""
    return wrapped(name, f'$real "$@" | sed -E "{words}"; exit 0', quick)


#: The table of each agent is its own file, which /proc/net/tcp, that of the process which opens it, is not.
TABLES = "pids=$(systemctl show --property=MainPID --value 'agent-runtime@*' | grep -v '^0*$');"
CASES = [
    wrapped("systemctl prints nothing and ends well", "exit 0"),
    wrapped("systemctl ends with an error", "echo 'Failed to connect to bus: No such file or directory' >&2; exit 1"),
    wrapped("systemctl prints the first lines alone", '$real "$@" | head -n 3; exit 0'),
    wrapped("systemctl is killed", 'kill -9 $$'),
    without("no invocation is told", "/^InvocationID=/d", quick=True),
    without("every invocation is empty", "s/^InvocationID=.*/InvocationID=/"),
    without("no state is told", "/^(ActiveState|SubState)=/d"),
    without("a state that nobody knows", "s/^ActiveState=.*/ActiveState=somewhat/"),
    without("no main process is told", "/^MainPID=/d"),
    without("no restarts are told", "/^NRestarts=/d"),
    without("memory and CPU are not accounted", "s/^(MemoryCurrent|CPUUsageNSec)=.*/\\1=[not set]/; s/^MainPID=.*/MainPID=0/"),
    wrapped("one unit is left out", f'$real "$@" | awk -v RS= -v ORS="\\n\\n" \'!/{AGENT}/\'; exit 0'),
    Case(SOURCE, "no connection is listed",
         script(f"{TABLES} mkdir -p /run/seen-none; : > /run/seen-none/tcp; for pid in $pids; do mount --bind /run/seen-none /proc/$pid/net; done"),
         script(f"{TABLES} for pid in $pids; do umount /proc/$pid/net; done; true")),
]  # fmt: skip
