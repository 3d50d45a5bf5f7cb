# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that goes away, stands still, starts anew, is full, read-only, or lets nobody in."""

from __future__ import annotations

from tests.campaign.faults import plan
from tests.campaign.faults.case import (
    BACKUP,
    FIRST,
    FIRST_HOST,
    SECOND,
    SOAK,
    SOAK_SEEN,
    Case,
    Fault,
    at,
    change,
    counted,
    while_changing,
)
from tests.campaign.faults.lane import Lane

HOST = FIRST_HOST
CONFIGS = "/opt/cim-dgx/configs"
GUARDS = "/var/lib/cowboyai-rollout"
#: A host waits in real time, as long as in production: its deadline is moved into the past, and its timer's service started.
FIRE = f"""
sed -i 's/"deadline_monotonic": [0-9.]*/"deadline_monotonic": 1.0/' {GUARDS}/wave2/guard.json
systemctl start $(systemctl list-timers --all --no-legend 'cowboyai-rollout-guard-*' | grep -o 'cowboyai[^ ]*service')
"""
EVERY_AGENT = dict.fromkeys(plan.AGENTS, 1)


def cut(lane: Lane) -> None:
    lane.cut(HOST)


def join(lane: Lane) -> None:
    lane.join(HOST)


def freeze(lane: Lane) -> None:
    lane.engine("pause", lane.container(HOST))


def thaw(lane: Lane) -> None:
    lane.engine("unpause", lane.container(HOST))


def frozen_until_the_end(lane: Lane) -> None:
    """The run has to end without the host; only then is it let go on, and with it whatever it was doing."""
    while_changing(HOST, SECOND, freeze)(lane)
    thaw(lane)


def reboot(lane: Lane) -> None:
    lane.engine("restart", "--time", "15", lane.container(HOST))


def agents_up(lane: Lane) -> None:
    """What a person does after a reboot: agents that are not enabled stay down."""
    for agent in plan.AGENTS:
        lane.story.on(HOST, f"systemctl start {lane.story.unit.format(agent=agent)}")


def close_ssh(lane: Lane) -> None:
    lane.story.cut_ssh(HOST)


def open_ssh(lane: Lane) -> None:
    lane.story.mend_ssh(HOST)


def no_sudo(lane: Lane) -> None:
    lane.story.on(HOST, "mv /usr/bin/sudo /usr/bin/sudo.away")


def sudo_again(lane: Lane) -> None:
    lane.story.on(HOST, "mv /usr/bin/sudo.away /usr/bin/sudo")


def full_disk(folder: str) -> Fault:
    """A small disk with what was in the folder, filled to its last byte."""

    def fill(lane: Lane) -> None:
        lane.story.on(
            HOST,
            f"mkdir -p {folder} && cp -a {folder} /run/held && mount -t tmpfs -o size=256k,mode=755 tmpfs {folder}"
            f" && cp -a /run/held/. {folder}/ && rm -r /run/held && (cat /dev/zero > {folder}/.full; true)",
        )

    return fill


def emptied(folder: str) -> Fault:
    def empty(lane: Lane) -> None:
        lane.story.on(HOST, f"rm -f {folder}/.full")

    return empty


def read_only(lane: Lane) -> None:
    lane.story.on(HOST, f"mount --bind {CONFIGS} {CONFIGS} && mount -o remount,bind,ro {CONFIGS}")


def writable(lane: Lane) -> None:
    lane.story.on(HOST, f"umount {CONFIGS}")


def journal_full(lane: Lane) -> None:
    lane.story.on(
        HOST,
        "mount -t tmpfs -o size=64k,mode=755 tmpfs /var/log/journal && (cat /dev/zero > /var/log/journal/.full; true)"
        " && systemctl restart systemd-journald",
    )


def journal_again(lane: Lane) -> None:
    lane.story.on(HOST, "umount -l /var/log/journal && systemctl restart systemd-journald")


def puts_itself_back(lane: Lane) -> None:
    """The host stays cut off until its own way back has fired, as its timer will make it; then it is let in again."""
    with lane.change_of(HOST, FIRST) as changed, lane.running("first") as run:
        changed(run)
        cut(lane)
        lane.strike()
    lane.story.on(HOST, FIRE)
    fired = f"test -e {GUARDS}/wave2/reverted.json && echo yes; true"
    lane.story.wait_for("the host puts itself back", lambda: lane.story.on(HOST, fired).strip() == "yes")


CASES = [
    Case("host cut off before its change, for good", at(change(FIRST, HOST), cut), join),
    Case("host cut off before its change, for a while", at(change(SECOND, HOST), cut, join, counted(SECOND, HOST))),
    Case("host cut off during its change, until it puts itself back", puts_itself_back, join),
    Case("host cut off during its change, for good", while_changing(HOST, SECOND, cut), join),
    Case("host cut off during its change, for a while", while_changing(HOST, FIRST, cut, join, counted(FIRST, HOST))),
    Case("host cut off after its change, for good", at(counted(FIRST, HOST), cut), join, quick=True),
    Case("host cut off after its change, for a while", at(SOAK, cut, join, SOAK_SEEN)),
    Case("host frozen before its change, for a while", at(change(FIRST, HOST), freeze, thaw, counted(FIRST, HOST))),
    Case("host frozen during its change, for a while", while_changing(HOST, FIRST, freeze, thaw, counted(FIRST, HOST))),
    Case("host frozen during its change, for good", frozen_until_the_end),
    Case("host frozen after its change, for a while", at(SOAK, freeze, thaw, SOAK_SEEN)),
    Case("host rebooted, before its change", at(change(FIRST, HOST), reboot), agents_up, own_stops=EVERY_AGENT),
    Case("host rebooted, during its change", while_changing(HOST, FIRST, reboot), agents_up, own_stops=EVERY_AGENT),
    Case("host rebooted, after its change", at(SOAK, reboot), agents_up, own_stops=EVERY_AGENT),
    Case("disk full, at backup", at(BACKUP, full_disk(f"{CONFIGS}/backups")), emptied(f"{CONFIGS}/backups")),
    Case("disk full, at write", at(change(FIRST, HOST), full_disk(CONFIGS)), emptied(CONFIGS)),
    Case(
        "disk full, where guards are kept",
        at(change(FIRST, HOST), full_disk(GUARDS)),
        emptied(GUARDS),
    ),
    Case("disk full, at journal", at(change(SECOND, HOST), journal_full), journal_again),
    Case("configuration folder read-only", at(change(FIRST, HOST), read_only), writable),
    Case("sudo gone, before the change", at(change(FIRST, HOST), no_sudo), sudo_again),
    Case("sudo gone, after the change", at(SOAK, no_sudo), sudo_again),
    Case("sshd gone, before the change", at(change(SECOND, HOST), close_ssh), open_ssh),
    Case("sshd gone, during the change", while_changing(HOST, FIRST, close_ssh), open_ssh),
    Case("sshd gone, after the change", at(SOAK, close_ssh, open_ssh, SOAK_SEEN)),
]
