# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _command, _journal_files

HEADER = """\
File path: /var/log/journal/m/system.journal
State: ONLINE
Tail realtime timestamp: Mon 2026-11-30 19:59:16 UTC (40)

File path: /var/log/journal/m/system@1.journal
State: ARCHIVED
Tail realtime timestamp: Mon 2026-11-30 19:59:15 UTC (20)

File path: /var/log/journal/m/user-1000@2.journal~
State: ONLINE
Tail realtime timestamp: Mon 2026-11-30 19:59:15 UTC (30)

File path: /var/log/journal/m/system@0.journal
State: ARCHIVED
Tail realtime timestamp: Mon 2026-11-30 19:59:15 UTC (10)
"""
CLOSED = ["/var/log/journal/m/user-1000@2.journal~", "/var/log/journal/m/system@1.journal"]


class Machine:
    """journalctl with damaged files, and a clock that goes on by a second a file."""

    def __init__(self, damaged=(), words="FAIL: {0} (Bad message)", status=1, seconds=1.0):
        self.damaged, self.words, self.status, self.seconds = damaged, words, status, seconds
        self.verified, self.now = [], 0.0

    def clock(self):
        return self.now

    def run(self, argv, timeout):
        if "--header" in argv:
            return _command.Outcome(0, HEADER, "")
        path = argv[-1].partition("=")[2]
        self.verified.append(path)
        self.now += self.seconds
        if path in self.damaged:
            return _command.Outcome(self.status, "", "0000: Invalid object\n" + self.words.format(path) + "\n")
        return _command.Outcome(0, "", "PASS: " + path)


def damage(machine, start=0x15):
    return _journal_files.damage(start, "", machine.run, machine.clock)


def test_closed_files_of_the_time_that_is_read_are_verified_newest_first():
    machine = Machine()
    assert damage(machine) is None
    assert machine.verified == CLOSED
    assert _journal_files.closed_files(HEADER, 0x50) == []
    assert len(_journal_files.closed_files(HEADER, 0)) == 3


@pytest.mark.parametrize("path", CLOSED)
def test_a_damaged_file_is_named(path):
    assert damage(Machine([path])) == f"journalctl --verify: FAIL: {path} (Bad message)"


def test_a_file_that_was_removed_meanwhile_is_no_damage():
    assert damage(Machine(CLOSED, words="Failed to open {0}: No such file or directory")) is None


def test_it_ends_in_time():
    machine = Machine(seconds=_journal_files.VERIFY_WITHIN_S)
    assert damage(machine) is None
    assert machine.verified == CLOSED[:1]
    assert damage(Machine(CLOSED, status=124)) is None


def test_a_namespace_is_listed_by_its_name():
    asked = []

    def run(argv, timeout):
        asked.append(argv)
        return _command.Outcome(0, "", "")

    assert _journal_files.damage(0, "agents", run, lambda: 0.0) is None
    assert asked == [["journalctl", "--no-pager", "--header", "--namespace=agents"]]
