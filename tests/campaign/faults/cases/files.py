# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files and backups that somebody else touches between backup, change and rollback."""

from __future__ import annotations

from tests.campaign.faults.case import FIRST, FIRST_HOST, SOAK, Case, Fault, at, change
from tests.campaign.faults.cases.units import fault, no_fault
from tests.campaign.faults.lane import Lane

HOST = FIRST_HOST
BACKUP_OF_FIRST = "$(find /opt/cim-dgx/configs/backups -name '*{agent}*' -type f | head -1)"


def on_file(script: str) -> Fault:
    """A script on the host; `$f` is the first agent's environment file, `$b` its backup."""

    def act(lane: Lane) -> None:
        names = f"f={lane.story.env_file.format(agent=FIRST)}; b={BACKUP_OF_FIRST.format(agent=FIRST)};"
        lane.story.on(HOST, f"set -e; {names} {script}")

    return act


def then(*faults: Fault) -> Fault:
    """One after the other."""

    def act(lane: Lane) -> None:
        for each in faults:
            each(lane)

    return act


KEEP = "cp -p $f /run/file.kept; cp -p $b /run/backup.kept; "
FILE_AGAIN = "rm -f $f; cp -p /run/file.kept $f"
BACKUP_AGAIN = "cp -p /run/backup.kept $(cat /run/backup.name)"
NAMED = KEEP + "echo $b > /run/backup.name; "
BAD = fault(FIRST, "errors=50%", "--now")
HERE = frozenset({f"{FIRST}@{HOST}"})

CASES = [
    Case(
        "environment file edited by hand, between backup and change",
        at(change(FIRST, HOST), on_file(KEEP + "echo 'EDITED=by hand' >> $f")),
        on_file(FILE_AGAIN),
        foreign=HERE,
    ),
    Case(
        "environment file replaced by a symlink, between backup and change",
        at(change(FIRST, HOST), on_file(KEEP + "cp -p $f /run/elsewhere; rm $f; ln -s /run/elsewhere $f")),
        on_file(FILE_AGAIN),
        foreign=HERE,
    ),
    Case(
        "backup deleted, before the change",
        at(change(FIRST, HOST), on_file(NAMED + "rm $b")),
        on_file(BACKUP_AGAIN),
    ),
    Case(
        "backup altered, before the change",
        at(change(FIRST, HOST), on_file(NAMED + "echo X=1 >> $b")),
        on_file("cat /run/backup.kept > $(cat /run/backup.name)"),
    ),
    Case(
        "backup replaced by a symlink, before the change",
        at(change(FIRST, HOST), on_file(NAMED + "rm $b; ln -s /etc/shadow $b")),
        on_file("rm -f $(cat /run/backup.name); " + BACKUP_AGAIN),
    ),
    Case(
        "backup deleted, before a rollback",
        at(SOAK, then(on_file(NAMED + "rm $b"), BAD)),
        then(no_fault(FIRST), on_file(BACKUP_AGAIN)),
    ),
    Case(
        "backup altered, before a rollback",
        at(SOAK, then(on_file(NAMED + "echo X=1 >> $b"), BAD)),
        then(no_fault(FIRST), on_file("cat /run/backup.kept > $(cat /run/backup.name)")),
    ),
    Case(
        "environment file replaced by a symlink, before a rollback",
        at(SOAK, then(on_file(KEEP + "cp -p $f /run/elsewhere; rm $f; ln -s /run/elsewhere $f"), BAD)),
        then(no_fault(FIRST), on_file("test -L $f && rm $f && cp -p /run/elsewhere $f; true")),
        foreign=HERE,
    ),
]
