# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cowboyai.rollout.plugins.module_utils import _systemd
from ansible_collections.cowboyai.rollout.plugins.module_utils._command import Outcome
from hypothesis import given
from hypothesis import strategies as st

NEW = """\
MainPID=4711
NRestarts=2
ExecMainStartTimestamp=Fri 2026-11-20 11:04:10.123456 UTC
ExecMainStartTimestampMonotonic=5000000
MemoryCurrent=9437184
MemoryMax=8589934592
CPUUsageNSec=1500000000
Id=a.service
Names=a.service alias.service
LoadState=loaded
ActiveState=active
SubState=running
Result=success
UnitFileState=enabled
ActiveEnterTimestamp=Fri 2026-11-20 11:04:10.123999 UTC
ActiveEnterTimestampMonotonic=5000543
InvocationID=0123456789abcdef0123456789abcdef

MemoryCurrent=[not set]
MemoryMax=infinity
CPUUsageNSec=18446744073709551615
Id=gone.service
Names=gone.service
LoadState=not-found
ActiveState=inactive
SubState=dead
MainPID=0
ActiveEnterTimestamp=
ActiveEnterTimestampMonotonic=0
ExecMainStartTimestampMonotonic=0
InvocationID=
UnitFileState=
"""


def test_reads_a_running_and_a_missing_unit():
    units = _systemd.parse_show(NEW, ["a.service", "gone.service"], boot_us=0)
    unit = units["a.service"]
    assert (unit.main_pid, unit.restarts, unit.memory_bytes, unit.cpu_s, unit.enabled) == (
        4711,
        2,
        9437184,
        1.5,
        "enabled",
    )
    assert unit.started_at == 1795172650123456
    assert unit.exists
    assert unit.runs
    gone = units["gone.service"]
    assert not gone.exists
    assert not gone.runs
    assert (gone.memory_bytes, gone.memory_limit_bytes, gone.cpu_s, gone.main_pid) == (None, None, None, None)
    assert (gone.started_at, gone.active_since, gone.invocation_id, gone.enabled) == (None, None, None, None)


def test_coarse_times_of_old_systemd_get_their_microseconds_from_the_monotonic_clock():
    old = NEW.replace(".123456", "").replace(".123999", "")
    unit = _systemd.parse_show(old, ["a.service", "gone.service"], boot_us=7_000_000, fine=False)["a.service"]
    assert unit.started_at == 12_000_000


def test_units_that_systemctl_left_out_are_unknown_not_shifted():
    units = _systemd.parse_show(NEW, ["x.service", "alias.service", "gone.service"], boot_us=0)
    assert units["x.service"].load_state == "unknown"
    assert units["alias.service"].main_pid == 4711
    assert units["gone.service"].load_state == "not-found"


def test_one_call_for_all_and_an_older_systemctl_is_asked_again():
    calls = []

    def run(argv, timeout):
        calls.append(argv)
        if any(part.startswith("--timestamp") for part in argv):
            return Outcome(1, "", "systemctl: unrecognized option '--timestamp=us+utc'")
        return Outcome(0, NEW, "")

    units = _systemd.show(["a.service", "gone.service"], run)
    assert len(calls) == 2
    assert calls[1][-3:] == ["--", "a.service", "gone.service"]
    assert units["a.service"].active_state == "active"


def test_no_answer_is_an_error():
    try:
        _systemd.show(["a.service"], lambda argv, timeout: Outcome(1, "", "Failed to connect to bus"))
    except _systemd.SystemdError as problem:
        assert "Failed to connect to bus" in str(problem)
    else:
        raise AssertionError("no SystemdError")


def test_no_units_no_call():
    assert _systemd.show([], lambda argv, timeout: 1 / 0) == {}
    assert _systemd.restart([], 1.0, lambda argv, timeout: 1 / 0) == ""


def test_restart_is_one_call_and_keeps_the_complaint():
    calls = []

    def run(argv, timeout):
        calls.append(argv)
        return Outcome(1, "", "Job for b.service failed.\n")

    assert _systemd.restart(["a.service", "b.service"], 5.0, run) == "Job for b.service failed."
    assert len(calls) == 1


def test_stamps():
    assert _systemd.parse_stamp("Thu 1970-01-01 00:00:01.5 UTC") == 1_500_000
    assert _systemd.parse_stamp("Thu 1970-01-01 00:00:01 UTC") == 1_000_000
    assert _systemd.parse_stamp("n/a") is None


@given(st.text(max_size=300))
def test_junk_never_raises(text):
    assert set(_systemd.parse_show(text, ["a.service"], 0)) == {"a.service"}


def test_where_a_unit_writes_and_what_it_is_called():
    text = (
        "Id=run@a.service\nNames=run@a.service cim@a.service\nLoadState=loaded\nStandardOutput=append\nStandardError=inherit\n"
        "SyslogLevel=6\nLogNamespace=agents\nLogLevelMax=5\nLogRateLimitIntervalUSec=1min 30s\nLogRateLimitBurst=7\n"
    )
    unit = _systemd.parse_show(text, ["cim@a.service"], 0)["cim@a.service"]
    assert unit.output == _systemd.Output("append", "inherit", "agents", 6, 5, "", 90.0, 7)
    assert unit.all_names == ["cim@a.service", "run@a.service"]


def test_what_systemd_does_not_say_of_the_output_is_unknown():
    text = "Id=a.service\nLoadState=loaded\nLogLevelMax=-1\nLogRateLimitIntervalUSec=0\nLogRateLimitBurst=0\n"
    unit = _systemd.parse_show(text, ["a.service"], 0)["a.service"]
    assert unit.output == _systemd.Output()


def test_names_of_one_unit_are_found_whatever_they_are_called():
    blocks = [
        "Id=run@a.service\nLoadState=loaded",
        "Id=run@a.service\nLoadState=loaded",
        "Id=b.service\nLoadState=loaded",
    ]
    units = _systemd.parse_show("\n\n".join(blocks), ["run@a.service", "cim@a.service", "b.service"], 0)
    assert _systemd.one_unit_twice(units.values()) == {"run@a.service": ["run@a.service", "cim@a.service"]}
    gone = _systemd.parse_show(
        "Id=x.service\nLoadState=not-found\n\nId=x.service\nLoadState=not-found", ["x.service", "y.service"], 0
    )
    assert _systemd.one_unit_twice(gone.values()) == {}
