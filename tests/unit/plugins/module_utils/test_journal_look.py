# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at scripted journals: whatever keeps lines from a reader leaves the look incomplete, or the agent with a gap."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _host_metrics,
    _instance,
    _journal,
    _journal_look,
    _journald_limits,
    _output_route,
    _process,
    _systemd,
    _unit_journal,
    _unit_processes,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._canary import Place
from ansible_collections.cowboyai.rollout.plugins.module_utils._output_route import Route

from tests.unit.plugins.module_utils.scripted_clock import ScriptedClock

UNIT, ALIAS = "run@a.service", "cim@a.service"
BOOT = 1_800_000_000_000_000
NOW = BOOT + 3_600_000_000
BOOM = "2026-01-23T23:58:11Z ERROR a: boom"
INVOCATION = "ab" * 16
JOURNAL = Route("journal", "", "standard output")


@dataclass
class ScriptedHost(ScriptedClock, _journal_look.Edge):
    """Journals by namespace, a clock, and a process that writes to one of them."""

    us: int = NOW
    entries: dict[str, list[_journal.Record]] = field(default_factory=dict)
    stores: bool = True
    delay_reads: int = 0
    refuses: str | None = None
    says: list[str] = field(default_factory=list)
    gone: bool = False
    nonces: int = 0
    owner: int = 0
    behind: list[int] = field(default_factory=list)
    routes: dict[int, Route] = field(default_factory=dict)
    written: list[tuple[Place, int]] = field(default_factory=list)
    speaks: bool = False
    damaged: str | None = None
    late: list[tuple[str, _journal.Record]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    def nonce(self):
        self.nonces += 1
        return f"{self.nonces:032x}"

    def write(self, place, text, level):
        self.written.append((place, level))
        if self.refuses:
            return self.refuses
        if self.stores:
            self.late.append((place.namespace, self.record(text, unit="ssh.service", invocation="session")))
        return None

    def damage(self, start, namespace):
        return self.damaged

    def record(self, text, at=None, unit=UNIT, invocation=INVOCATION, manager=False, event=None):
        return _journal.Record(at or self.us, "", unit, invocation, text, False, manager, event, "", 6)

    def say(self, text, namespace="", **more):
        self.entries.setdefault(namespace, []).append(self.record(text, **more))

    def arrive(self):
        if self.delay_reads:
            self.delay_reads -= 1
            return
        for namespace, record in self.late:
            self.entries.setdefault(namespace, []).append(record)
        self.late = []

    def read(self, matches, on_record, since=None, cursor=None, max_entries=0, namespace="", most=1000, **more):
        self.reads.append(namespace)
        self.arrive()
        begin = int(cursor.partition("i=")[2].partition(";")[0]) + 1 if cursor else 0
        said = self.says.pop(0) if self.says else None
        reading = _journal.Reading(cursor=cursor)
        for number, record in enumerate(self.entries.get(namespace, [])):
            wanted = "_SYSTEMD_UNIT=" + record.unit in matches or "MESSAGE=" + (record.text or "") in matches
            wanted = wanted or "_SYSTEMD_INVOCATION_ID=" + record.invocation_id in matches
            if number >= begin and wanted and (cursor or record.at >= since) and reading.entries < most:
                reading.entries, reading.cursor = reading.entries + 1, f"s=1;i={number}"
                on_record(record)
        if said:
            reading.complete, reading.reason, reading.message = False, "journal_incomplete", said
        return reading

    def holds(self, matches, namespace=""):
        if len(matches) > 1:
            return self.speaks
        name, _sign, value = matches[0].partition("=")
        found = {"MESSAGE": [r.text for r in self.entries.get(namespace, [])]}
        found["_SYSTEMD_INVOCATION_ID"] = [r.invocation_id for r in self.entries.get(namespace, [])]
        return value in found[name] and not self.gone


@pytest.fixture
def host(monkeypatch):
    scripted = ScriptedHost()
    monkeypatch.setattr(_journal, "read", scripted.read)
    monkeypatch.setattr(_journal, "holds", scripted.holds)
    monkeypatch.setattr(_journal, "oldest", lambda namespace="": BOOT)
    monkeypatch.setattr(_journal, "end_cursor", lambda namespace="": None)
    monkeypatch.setattr(_host_metrics, "booted_at", lambda proc="/proc": BOOT)
    monkeypatch.setattr(_process, "owner", lambda pid: scripted.owner)
    monkeypatch.setattr(_unit_processes, "working", lambda pid, group: [pid, *scripted.behind])
    monkeypatch.setattr(
        _output_route, "routes", lambda pids: {pid: [scripted.routes.get(pid, JOURNAL)] for pid in pids}
    )
    return scripted


def unit(name=UNIT, identity=UNIT, **output):
    text = f"Id={identity}\nNames={UNIT} {ALIAS}\nLoadState=loaded\nActiveState=active\nMainPID=7\nInvocationID={INVOCATION}\n"
    return replace(_systemd.parse_show(text, [name], 0)[name], output=_systemd.Output(**output), started_at=BOOT + 5)


def look(host, *units, since=NOW - 1, cursor=None, proven=None):
    units = units or (unit(),)
    instances = [_instance.Instance(f"a{number}", one.name, proven=proven) for number, one in enumerate(units)]
    by_name = {one.name: one for one in units}
    return _unit_journal.read(instances, by_name, [], 0.0, since, cursor, 1000, host)


def errors(reading, name=UNIT):
    return reading.collector.tallies[name].errors


def test_a_look_reads_until_its_own_line_comes_by(host):
    host.say(BOOM)
    host.delay_reads = 3
    reading = look(host)
    assert (errors(reading), reading.looked.complete) == (1, True)
    assert reading.looked.proven_at == NOW
    assert len(host.reads) == 4
    assert reading.collector.tallies[UNIT].lines == 1


def test_a_journal_that_takes_nothing_is_no_silence(host):
    host.stores = False
    reading = look(host)
    assert (reading.looked.complete, reading.looked.reason, reading.looked.proven_at) == (False, "canary_unseen", None)
    assert "Storage=" in reading.looked.message
    assert host.us >= NOW + int(_journal_look.CANARY_WITHIN_S * 1e6)


def test_a_journald_that_takes_no_connection(host):
    host.refuses = "/run/systemd/journal/stdout: timed out"
    reading = look(host)
    assert reading.looked.reason == "canary_unseen"
    assert "timed out" in reading.looked.message
    assert host.us == NOW


def test_lines_of_another_user_get_a_canary_of_that_user(host):
    host.owner = 1000
    assert look(host).looked.complete
    assert host.written == [(Place("", 0), 6), (Place("", 1000), 6)]


def test_the_canary_is_no_more_urgent_than_what_the_service_writes(host):
    look(host, unit(level=7))
    assert host.written == [(Place("", 0), 7)]


def test_a_unit_that_is_named_by_an_alias_is_read_by_its_identity(host):
    host.say(BOOM)
    host.say("exited", manager=True, event="exited")
    reading = look(host, unit(ALIAS))
    assert errors(reading, ALIAS) == 1
    assert [event["event"] for event in reading.collector.lifecycles[ALIAS]] == ["exited"]


def test_a_line_under_a_name_that_nobody_knows_is_found_by_its_invocation(host):
    host.say(BOOM, unit="renamed.service")
    assert errors(look(host)) == 1


def test_a_namespace_is_read_from_where_the_look_before_ended_in_it(host, monkeypatch):
    monkeypatch.setattr(_output_route, "routes", lambda pids: {7: [Route("journal", "agents", "standard output")]})
    host.say(BOOM, namespace="agents")
    host.say("hello", namespace="")
    first = look(host, unit(namespace="agents"))
    assert (errors(first), first.journal()["namespaces"], first.gaps) == (1, ["agents"], {})
    again = look(host, unit(namespace="agents"), cursor=first.journal()["cursor"])
    assert (again.collector.tallies[UNIT].lines, again.looked.complete) == (0, True)
    host.say(BOOM, namespace="agents")
    assert errors(look(host, unit(namespace="agents"), cursor=again.journal()["cursor"])) == 1


def test_a_namespace_whose_journald_is_dead(host):
    def write(place, text, level):
        return "no such socket" if place.namespace else ScriptedHost.write(host, place, text, level)

    host.write = write
    found = look(host, unit(namespace="agents")).looked
    assert (found.reason, "namespace agents" in found.message) == ("canary_unseen", True)


def test_what_the_look_before_wrote_must_still_be_there(host):
    cursor = look(host).journal()["cursor"]
    assert look(host, cursor=cursor).looked.complete
    host.gone = True
    assert look(host, cursor=cursor).looked.reason == "journal_rotated"


def test_a_file_that_is_rotated_while_it_is_opened_is_read_anew(host):
    host.say(BOOM)
    host.says = ["it said: Failed to open journal file x: No such file or directory"]
    reading = look(host)
    assert (errors(reading), reading.looked.complete) == (1, True)
    host.says = ["No journal files were found."] * 9
    assert look(host).looked.reason == "journal_incomplete"


def test_a_reader_that_stops_short_is_no_whole_one(host, monkeypatch):
    """As `journalctl | head`: what it gives is sound, what it leaves out comes with the next reading."""
    for number in range(5):
        host.say(BOOM, at=NOW - 5_000_000 + number)
    whole = host.read
    monkeypatch.setattr(_journal, "read", lambda *words, **more: whole(*words, **{**more, "most": 2}))
    found = look(host, since=NOW - 60_000_000).looked
    assert (found.complete, found.reason) == (False, "journal_incomplete")
    assert "left out" in found.message


def test_what_is_written_while_it_is_read_is_nothing_left_out(host):
    host.delay_reads = 2
    sleep = host.sleep

    def busy(seconds):
        host.say(BOOM)
        sleep(seconds)

    host.sleep = busy
    reading = look(host)
    assert (errors(reading), reading.looked.complete) == (2, True)


def test_a_damaged_file_is_told_with_its_words(host):
    host.says = ["it said: x is truncated, ignoring file."]
    found = look(host).looked
    assert (found.reason, found.message) == ("journal_incomplete", "it said: x is truncated, ignoring file.")


def test_damage_that_journalctl_reads_past_is_told(host):
    host.damaged = "journalctl --verify: FAIL: x (Bad message)"
    found = look(host).looked
    assert (found.reason, found.message) == ("journal_incomplete", host.damaged)


def test_a_clock_that_was_set_back(host):
    host.say(BOOM, at=NOW + 3_600_000_000)
    assert look(host).looked.reason == "clock_moved"
    host.entries = {}
    host.say("later", at=NOW)
    host.say("earlier", at=NOW - 10_000_000)
    assert look(host, since=NOW - 60_000_000).looked.reason == "clock_moved"
    host.entries = {}
    host.say("read before", at=NOW - 60_000_000)
    assert look(host, cursor=f"s=1;i=0;t={NOW + 60_000_000:x}").looked.reason == "clock_moved"


def test_without_a_start_nothing_is_counted_and_the_end_is_proven(host):
    host.say(BOOM)
    reading = look(host, since=None)
    assert (errors(reading), reading.looked.complete, reading.looked.proven_at) == (0, True, NOW)


def test_a_program_behind_a_wrapper_that_writes_elsewhere(host):
    host.behind, host.routes = [8], {8: Route("elsewhere", "/var/log/x", "standard error", 8)}
    gap = look(host).gaps[UNIT]
    assert gap.reason == "output_elsewhere"
    assert "the standard error of process 8 (run@a.service) goes to /var/log/x" in gap.message


def test_a_daemon_that_sends_its_lines_to_journald_itself(host):
    host.routes = {7: Route("elsewhere", "/dev/null", "standard error", 7)}
    assert look(host).gaps[UNIT].reason == "output_elsewhere"
    host.speaks = True
    assert look(host).gaps == {}
    host.routes = {7: Route("elsewhere", "/var/log/x", "standard error", 7)}
    assert look(host).gaps[UNIT].reason == "output_elsewhere"


def test_as_many_lines_as_the_limit_lets_pass_are_a_gap(host):
    for number in range(5):
        host.say("INFO a: hello", at=NOW - 100 + number)
    limited = {"rate_interval_s": 30.0, "rate_burst": 5}
    assert look(host, unit(**limited), since=NOW - 1000).gaps[UNIT].reason == "lines_suppressed"
    assert look(host, unit(rate_interval_s=30.0, rate_burst=6), since=NOW - 1000).gaps == {}
    assert look(host, unit(rate_interval_s=1e-6, rate_burst=5), since=NOW - 1000).gaps == {}


def test_the_limit_of_journald_itself_counts_where_the_unit_has_none(host, monkeypatch):
    for number in range(5):
        host.say("INFO a: hello", at=NOW - 100 + number)
    monkeypatch.setattr(_journald_limits, "limits", lambda namespace="": (30.0, 5))
    assert look(host, since=NOW - 1000).gaps[UNIT].reason == "lines_suppressed"
    monkeypatch.setattr(_journald_limits, "limits", lambda namespace="": (0.0, 0))
    assert look(host, since=NOW - 1000).gaps == {}


def test_lines_that_were_dropped_count_for_an_alias_too(host, monkeypatch):
    def read(*arguments, **more):
        return replace(ScriptedHost.read(host, *arguments, **more), suppressed={UNIT: 3, "other.service": 9})

    monkeypatch.setattr(_journal, "read", read)
    found = look(host, unit(ALIAS)).looked
    assert (found.reason, UNIT in found.message, "other" in found.message) == ("lines_suppressed", True, False)


def test_a_process_that_was_proven_must_have_a_line(host):
    assert look(host, proven=INVOCATION).gaps[UNIT].reason == "process_unseen"
    assert look(host, proven="cd" * 16).gaps == {}
    host.say("hello", at=NOW - 60_000_000)
    assert look(host, proven=INVOCATION).gaps == {}


def test_a_process_whose_first_lines_were_rotated_away_is_none_that_nobody_can_see(host, monkeypatch):
    monkeypatch.setattr(_journal, "oldest", lambda namespace="": NOW - 1_000_000)
    assert look(host, proven=INVOCATION).gaps == {}
