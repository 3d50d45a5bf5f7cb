# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a host gives nothing, or not all."""

from __future__ import annotations

import shlex

from tests.campaign.instruments.case import Case
from tests.campaign.instruments.onhost import Step, program, script

SOURCE = "journal"
JOURNALCTL = "/usr/bin/journalctl"
RESTARTED = "systemctl restart systemd-journald"
#: Where a setting for journald alone is put. Of two files the later name wins: before the host's own it would change nothing.
SETTING = "/run/systemd/journald.conf.d/zz-instruments.conf"


def setting(*lines: str) -> tuple[Step, Step]:
    """(blind, mend): journald with these settings from now on."""
    text = "\\n".join(("[Journal]", *lines))
    return (
        script(f"mkdir -p $(dirname {SETTING}) && printf '{text}\\n' > {SETTING} && {RESTARTED}"),
        script(f"rm -f {SETTING} && {RESTARTED}"),
    )


def wrapped(name: str, text: str, quick: bool = False) -> Case:
    blind, mend = program(JOURNALCTL, text)
    return Case(SOURCE, name, blind, mend, quick=quick)


def set_to(name: str, *lines: str) -> Case:
    blind, mend = setting(*lines)
    return Case(SOURCE, name, blind, mend)


AGENT = "agent-runtime@network-expert"
#: Run among the processes of a changed agent, and wait until the journal has what it says.
AMONG = """
    group=$(systemctl show --property=ControlGroup --value {agent})
    for root in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
        test ! -d $root$group || echo $$ > $root$group/cgroup.procs
    done
    seen() {{ journalctl --sync; journalctl --all --output=cat --unit={agent} --lines=50 | grep -aq '{words}'; }}
    {{ printf '{text}{words}\\n'; for _ in $(seq 100); do seen && break; done; }} | systemd-cat
    seen
"""


def said(name: str, text: str, words: str) -> Case:
    """A changed agent logs a line of `text`, which is printf's, and `words`."""
    spoken = AMONG.format(agent=AGENT, text=text, words=words)
    return Case(SOURCE, name, script(f"sh -ec {shlex.quote(spoken)}"), lasting=True)


#: A small disk over the folder, full to its last byte.
FULL = "mount -t tmpfs -o size=64k,mode=755 tmpfs /var/log/journal && (cat /dev/zero > /var/log/journal/.full; true)"
DAMAGED = """
    journalctl --rotate
    for f in /var/log/journal/*/*@*.journal; do
        dd if=/dev/zero of=$f bs=4096 seek=1 count=200 conv=notrunc status=none
    done
"""
CASES = [
    wrapped("journalctl prints nothing and ends well", "exit 0", quick=True),
    wrapped("journalctl ends with an error", "echo 'Failed to open journal: Permission denied' >&2; exit 1"),
    wrapped("journalctl warns of a file that it leaves out", 'echo "Journal file x is truncated, ignoring file." >&2; exec $real "$@"'),
    wrapped("journalctl prints the first entries alone", '$real "$@" | head -n 2; exit 0'),
    wrapped("journalctl prints half an entry at the end", '$real "$@" | head -c 2000; exit 0'),
    wrapped("journalctl prints no entry of the units", '$real "$@" | grep -v agent-runtime; exit 0'),
    wrapped("journalctl is killed", 'kill -9 $$'),
    Case(SOURCE, "journalctl is gone", script(f"mv {JOURNALCTL} {JOURNALCTL}.real"), script(f"mv {JOURNALCTL}.real {JOURNALCTL}")),
    set_to("journald stores nothing", "Storage=none"),
    said("an agent logs one line in a shape that nobody knows", "could not ", "publish"),
    said("an agent logs bytes that are no text", r"\377\376 ", "shouted"),
    set_to("journald stores emergencies alone", "MaxLevelStore=emerg"),
    Case(SOURCE, "journald stands still", script("systemctl kill -s STOP systemd-journald"),
         script("systemctl kill -s CONT systemd-journald")),
    Case(SOURCE, "the journal was vacuumed", script("journalctl --rotate && journalctl --vacuum-time=1us"), lasting=True),
    Case(SOURCE, "archived journal files are damaged", script(DAMAGED), script("rm -f /var/log/journal/*/*@*.journal"), lasting=True),
    Case(SOURCE, "the journal's folder was emptied", script("rm -rf /var/log/journal/*"), script(RESTARTED), lasting=True),
    Case(SOURCE, "the journal's disk is full", script(f"{FULL} && {RESTARTED}"),
         script(f"umount -l /var/log/journal && {RESTARTED}"), lasting=True),
]  # fmt: skip
