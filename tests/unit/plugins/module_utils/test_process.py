# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _host_metrics, _instant, _process

from tests.unit.plugins.paused_time import EPOCH, PausedTime

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:107E 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1
   1: 0100007F:A000 0100007F:107E 01 00000000:00000000 00:00000000 00000000     0        0 101 1
   2: 0100007F:107E 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 102 1
   3: 0100007F:A001 0100007F:107E 06 00000000:00000000 00:00000000 00000000     0        0 103 1
   4: cut
"""


def test_only_established_connections_of_the_client_side_count():
    assert _process.parse_tcp(TABLE, 4222) == {101}


def test_own_connection_is_found_and_gone_after_close():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert _process.nats_connections([os.getpid()], port) == {os.getpid(): 1}
        assert _process.nats_connections([os.getpid()], port) == {os.getpid(): 0}


def test_process_that_is_gone():
    assert _process.environ(2**22 + 1) is None
    assert _process.nats_connections([2**22 + 1], 4222) == {2**22 + 1: None}
    assert _process.usage(2**22 + 1) == (None, None)


def test_environ(tmp_path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "environ").write_bytes(b"A=1\0B=x=y\0C=a\nb\0junk\0D=\xff\0")
    assert _process.environ(7, str(tmp_path)) == b"A=1\0B=x=y\0C=a\nb\0junk\0D=\xff\0"


def test_usage_of_this_process():
    memory, cpu = _process.usage(os.getpid())
    assert memory > 1_000_000
    assert cpu >= 0


def test_usage_is_bytes_and_seconds(tmp_path):
    (tmp_path / "7").mkdir()
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    # Field 2 is the name of the program, which may hold anything.
    fields = ["S", *"123456789", "0", str(3 * ticks), str(2 * ticks), *"1234567", "0", "300"]
    fields[21] = "300"
    (tmp_path / "7" / "stat").write_text("7 (a b) c) " + " ".join(fields))
    assert _process.usage(7, str(tmp_path)) == (300 * page, 5.0)


def test_memory_and_load():
    text = "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  250 kB\n"
    assert _host_metrics.parse_memory(text) == {
        "total_bytes": 1024000,
        "available_bytes": 256000,
        "used_pct": 75.0,
    }
    assert _host_metrics.parse_memory("MemTotal: x\n") is None
    assert _host_metrics.parse_memory("MemTotal: 1000 kB\n") is None
    old = "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 90 kB\nSReclaimable: 10 kB\n"
    assert _host_metrics.parse_memory(old)["used_pct"] == 75.0
    assert _host_metrics.parse_load("0.5 1.0 2.25 1/2 3") == [0.5, 1.0, 2.25]
    for cut in ("junk", "", "0.", "0.5 1.0 2.2", "nan nan nan 1/2 3", "inf 1.0 2.0 1/2 3"):
        assert _host_metrics.parse_load(cut) == [], cut


@pytest.mark.parametrize(
    "cut", ["", "MemTotal: 1000 kB\nMemFree: 900 kB\n", "MemTotal: 1000 kB\nMemFree: 900 kB\nBuffers: 5 kB\n"]
)
def test_memory_that_was_cut_off_is_not_known(cut):
    assert _host_metrics.parse_memory(cut) is None


@pytest.mark.parametrize("name", ["", "\0\0", "8d1f3a52-77aa", "8d1f3a52-77aa-4c0e-9d5e-1234567890ab-x", "x" * 36])
def test_a_boots_name_that_is_no_uuid_names_no_boot(tmp_path, name):
    folder = tmp_path / "sys" / "kernel" / "random"
    folder.mkdir(parents=True)
    (folder / "boot_id").write_text(name)
    assert _host_metrics.boot_id(str(tmp_path)) is None
    (folder / "boot_id").write_text("8d1f3a52-77aa-4c0e-9d5e-1234567890ab\n")
    assert _host_metrics.boot_id(str(tmp_path)) == "8d1f3a52-77aa-4c0e-9d5e-1234567890ab"


def test_a_table_of_connections_without_its_heading_is_none(tmp_path):
    heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    folder = tmp_path / "self" / "net"
    folder.mkdir(parents=True)
    (folder / "tcp").write_text(heading)
    assert _process.connections(4222, str(tmp_path)) == set()
    (folder / "tcp6").write_text("")
    assert _process.connections(4222, str(tmp_path)) is None
    (folder / "tcp6").unlink()
    (folder / "tcp").write_text("")
    assert _process.connections(4222, str(tmp_path)) is None


def test_host_metrics_say_null_for_what_is_not_there(tmp_path):
    host = _host_metrics.collect(["/", "/no/such/disk"], 4222, None, proc=str(tmp_path))
    assert host["disks"]["/no/such/disk"] is None
    # A file system without a size is not one that is full.
    assert _host_metrics.disk("/proc") is None
    assert 0 <= host["disks"]["/"]["used_pct"] <= 100
    assert host["memory"] is None
    assert host["load"] == []
    assert host["nats_connections"] is None
    assert host["booted_at"] is None
    assert host["clock_offset_s"] is None


def test_clock_offset(monkeypatch):
    monkeypatch.setattr(_host_metrics, "time", PausedTime())
    found = _host_metrics.collect([], 4222, EPOCH - 10)
    assert (found["clock_offset_s"], _instant.parse(found["now"])) == (10.0, EPOCH * 1e6)


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("1970-01-01T00:00:01.5+00:00", 1_500_000),
        ("1970-01-01T01:00:01Z", 3601_000_000),
        ("1970-01-01T01:00:01+01:00", 1_000_000),
        ("1970-01-01 00:00:01", 1_000_000),
        ("1", 1_000_000),
        ("@1.25", 1_250_000),
    ],
)
def test_points_in_time(text, us):
    assert _instant.parse(text) == us
    assert _instant.parse(_instant.iso(us)) == us


@pytest.mark.parametrize("text", ["", "yesterday", "-1 hour", "2026-13-01T00:00:00Z", "1970-01-01"])
def test_no_points_in_time(text):
    with pytest.raises(ValueError):
        _instant.parse(text)
