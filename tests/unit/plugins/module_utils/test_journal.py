# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
import threading
from types import SimpleNamespace

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _journal

STARTED = "39f53479d3a045ac8e11786248231fbf"


def entry(**fields):
    base = {
        "__REALTIME_TIMESTAMP": "1795173111797034",
        "__CURSOR": "s=a;i=5c;t=660b34fa3952a",
        "_SYSTEMD_UNIT": "agent@a.service",
        "_SYSTEMD_INVOCATION_ID": "inv1",
        "_PID": "77",
        "MESSAGE": "hello",
    }
    base.update(fields)
    return base


@pytest.fixture
def journalctl(tmp_path, monkeypatch):
    """A journalctl that notes its arguments and prints what the test says."""

    def make(output, status=0, said="", hang=False):
        (tmp_path / "out").write_bytes(output)
        program = tmp_path / "journalctl"
        program.write_text(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" > '{0}/args'\ncat '{0}/out'\n{2}echo '{1}' >&2\nexit {3}\n".format(
                tmp_path, said, "exec sleep 120\n" if hang else "", status
            )
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
        return lambda: (tmp_path / "args").read_text().splitlines()

    return make


def lines(*entries):
    return b"".join(json.dumps(e).encode() + b"\n" for e in entries)


def test_the_last_lines_are_read_however_old(journalctl):
    asked = journalctl(lines(entry(), entry(MESSAGE="bye")) + b"-- No entries --\nno json\n")
    seen = []
    reading = _journal.read_last(["_SYSTEMD_UNIT=agent@a.service"], lambda record: seen.append(record.text), 7)
    assert (seen, reading.entries) == (["hello", "bye"], 2)
    assert "--lines=7" in asked() and not any("since" in word for word in asked())


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("plain", ("plain", False)),
        (None, (None, True)),
        ([], (None, True)),
        ([72, 105], ("Hi", False)),
        ([27, 91, 109, 72], ("\x1b[mH", False)),
        ([72, 255], ("H\ufffd", True)),
        (["a", "b"], ("a\nb", False)),
        (["a", [98, 255]], ("a\nb\ufffd", True)),
        (17, (None, True)),
    ],
)
def test_message_in_every_shape(raw, expected):
    assert _journal.message_text(raw) == expected


def test_agent_line_and_manager_line_are_told_apart():
    line = _journal.record_of(entry())
    assert (line.unit, line.invocation_id, line.by_manager, line.event) == ("agent@a.service", "inv1", False, None)
    started = _journal.record_of(
        entry(_PID="1", UNIT="agent@a.service", INVOCATION_ID="inv2", _SYSTEMD_UNIT="init.scope", MESSAGE_ID=STARTED)
    )
    assert (started.unit, started.invocation_id, started.by_manager, started.event) == (
        "agent@a.service",
        "inv2",
        True,
        "started",
    )


def test_an_agent_can_not_speak_for_systemd():
    forged = _journal.record_of(entry(UNIT="other.service", INVOCATION_ID="x", MESSAGE_ID=STARTED))
    assert (forged.unit, forged.by_manager, forged.event) == ("agent@a.service", False, None)


def test_exit_is_reported_with_its_status():
    record = _journal.record_of(
        entry(
            _PID="1",
            UNIT="u.service",
            MESSAGE_ID="98e322203f7a4ed290d09fe03c09fe15",
            EXIT_CODE="exited",
            EXIT_STATUS="1",
        )
    )
    assert (record.event, record.detail) == ("exited", "code=exited status=1")


def test_one_call_bounded_by_time_with_matches_as_arguments(journalctl):
    arguments = journalctl(lines(entry()))
    seen = []
    reading = _journal.read(_journal.unit_matches(["a.service", "b.service"]), seen.append, since=1795173111000123)
    assert (reading.entries, reading.complete, reading.cursor) == (1, True, "s=a;i=5c;t=660b34fa3952a")
    assert "--since=@1795173111.000123" in arguments()
    assert arguments()[-8:-3] == ["_SYSTEMD_UNIT=b.service", "+", "_PID=1", "UNIT=a.service", "UNIT=b.service"]


def test_cursor_wins_over_since(journalctl):
    arguments = journalctl(b"")
    reading = _journal.read(["A=b"], print, since=5, cursor="s=1;i=2")
    assert "--cursor=s=1;i=2" in arguments()
    assert not [one for one in arguments() if one.startswith("--since")]
    assert reading.cursor == "s=1;i=2"


@pytest.mark.parametrize(
    ("cursor", "read"),
    [("s=a;i=5c;t=660b34fa3952a", 1), ("s=a;i=5c", 1), ("s=a", 1), ("s=a;i=5b;t=660b34fa3952a", 2), ("s=a;i=5", 2)],
)
def test_only_the_cursors_own_entry_is_left_out(journalctl, cursor, read):
    journalctl(lines(entry(), entry(__CURSOR="s=a;i=5d;t=660b34fa3952b")))
    seen = []
    reading = _journal.read(["A=b"], seen.append, cursor=cursor)
    assert (len(seen), reading.entries, reading.cursor) == (read, read, "s=a;i=5d;t=660b34fa3952b")


def test_never_reads_without_a_bound():
    with pytest.raises(ValueError, match="cursor or a time"):
        _journal.read(["A=b"], print)


def test_no_entries_is_nothing(journalctl):
    journalctl(b"-- No entries --\n")
    reading = _journal.read(["A=b"], print, since=1)
    assert (reading.entries, reading.complete) == (0, True)


def test_stops_at_the_bound_and_can_go_on(journalctl):
    journalctl(lines(*[entry(__CURSOR="c=" + str(n)) for n in range(5000)]))
    seen = []
    reading = _journal.read(["A=b"], seen.append, since=1, max_entries=3)
    assert len(seen) == 3
    assert (reading.complete, reading.reason, reading.cursor) == (False, "entries_bounded", "c=2")


def test_failure_is_typed(journalctl):
    journalctl(b"", status=1, said="Failed to seek to cursor: Invalid argument")
    reading = _journal.read(["A=b"], print, cursor="x=1")
    assert (reading.complete, reading.reason) == (False, "journal_unreadable")
    assert "Invalid argument" in reading.message


def test_missing_program_is_typed(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert _journal.read(["A=b"], print, since=1).reason == "journal_unreadable"


def test_deadline(journalctl, monkeypatch):
    journalctl(lines(entry()), hang=True)
    seen, timers = [], []

    class Timer(threading.Timer):
        """Goes off when the first record was read."""

        def start(self):
            timers.append(self)

    def read(record):
        seen.append(record)
        timers[0].function()

    monkeypatch.setattr(_journal, "threading", SimpleNamespace(Timer=Timer))
    reading = _journal.read(["A=b"], read, since=1, timeout=7.0)
    assert (len(seen), timers[0].interval) == (1, 7.0)
    assert (reading.complete, reading.reason) == (False, "journal_unreadable")
    assert "did not end within 7 s" in reading.message


TRACE = (
    "<31>Failed to read $container of PID 1, ignoring: Permission denied\n"
    "<31>File /var/log/journal/m/system.journal added.\n<31>Journal filter: _SYSTEMD_UNIT=a.service\n"
)


@pytest.mark.parametrize(
    "said",
    [
        "<28>Journal file /var/log/journal/m/system@1.journal is truncated, ignoring file.",
        "<28>Journal file /var/log/journal/m/system@1.journal corrupted, ignoring file.",
        "<29>Hint: You are currently not seeing messages from other users and the system.",
        "<31>Can't iterate through /var/log/journal/m/system@1.journal, ignoring: Bad message",
        "<31>Failed to open journal file /var/log/journal/m/system@1.journal: No such file or directory",
        "words that no log has written",
    ],
)
def test_whatever_journalctl_says_beside_a_good_status_leaves_the_reading_incomplete(journalctl, said):
    journalctl(lines(entry()), said=TRACE + said.replace("'", "'\\''"))
    reading = _journal.read(["A=b"], lambda record: None, since=1)
    assert (reading.entries, reading.complete, reading.reason) == (1, False, "journal_incomplete")
    assert said.partition(">")[2] in reading.message
    assert "Journal filter" not in reading.message


def test_a_trace_of_its_work_is_no_complaint(journalctl):
    journalctl(lines(entry()), said=TRACE)
    assert _journal.read(["A=b"], lambda record: None, since=1).complete


def test_what_is_said_is_bounded():
    told = _journal.complaints("\n".join(f"<28>file {number} is truncated" for number in range(1000)))
    assert told.startswith("file 0 is truncated; file 1 is truncated")
    assert len(told) < 1000


@pytest.mark.parametrize(
    ("raw", "expected"), [("3", 3), ("6", 6), (None, None), ("8", None), ("x", None), (["6", "2"], 2), ([], None)]
)
def test_the_priority_of_a_record(raw, expected):
    assert _journal.record_of(entry(PRIORITY=raw)).priority == expected


def test_dropped_lines_are_noticed(journalctl):
    journalctl(
        lines(
            entry(MESSAGE_ID=_journal._SUPPRESSED, _TRANSPORT="driver", MESSAGE="Suppressed 7 messages from a.service"),
            entry(MESSAGE_ID=_journal._SUPPRESSED, _TRANSPORT="stdout", MESSAGE="Suppressed 9 messages from a.service"),
        )
    )
    reading = _journal.read(["A=b"], lambda record: None, since=1)
    assert reading.suppressed == {"a.service": 7}


def test_what_cannot_be_read_leaves_the_reading_incomplete(journalctl):
    journalctl(b'{"cut\n[1]\nnull\n\n' + lines(entry(__REALTIME_TIMESTAMP=None), entry()))
    seen = []
    reading = _journal.read(["A=b"], seen.append, since=1)
    assert (reading.entries, reading.damaged, len(seen)) == (2, 4, 1)
    assert (reading.complete, reading.reason) == (False, "entries_damaged")
    assert reading.message.startswith("4 entries")


def test_journalctls_own_words_are_no_entries(journalctl):
    journalctl(b"-- Boot 5c --\n" + lines(entry(), entry(__CURSOR="s=a;i=5d;t=660b34fa3952b")))
    reading = _journal.read(["A=b"], lambda record: None, cursor="s=a;i=5c;t=660b34fa3952a")
    assert (reading.entries, reading.damaged, reading.complete) == (1, 0, True)


def test_a_line_that_was_cut_at_the_end_counts(journalctl):
    journalctl(lines(entry()) + lines(entry())[:40])
    reading = _journal.read(["A=b"], lambda record: None, since=1)
    assert (reading.entries, reading.damaged, reading.complete) == (1, 1, False)


def test_the_next_reading_begins_after_a_damaged_entry(journalctl):
    journalctl(lines(entry(__CURSOR="c=1"), entry(__CURSOR="c=2", __REALTIME_TIMESTAMP="soon")))
    assert _journal.read(["A=b"], lambda record: None, since=1).cursor == "c=2"


def test_worse_reasons_are_not_covered_by_damage(journalctl):
    journalctl(b"{\n", status=1, said="Bad message")
    assert _journal.read(["A=b"], lambda record: None, since=1).reason == "journal_unreadable"


def test_cursor_time():
    assert _journal.cursor_time("s=1;i=5c;b=0;m=4b;t=660b34fa3952a;x=7e") == 0x660B34FA3952A
    assert _journal.cursor_time("s=1") is None
    assert not _journal.is_cursor("$(reboot)=1")


@pytest.mark.parametrize("stamp", ["9" * 4400, "\N{SUPERSCRIPT TWO}", "", "1 "])
def test_an_entry_whose_time_is_none_is_left_out(stamp: str) -> None:
    assert _journal.record_of(entry(__REALTIME_TIMESTAMP=stamp)) is None
