# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import struct

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _output_route
from ansible_collections.cowboyai.rollout.plugins.module_utils._output_route import UnixSocket

SOCKETS = {
    1: UnixSocket(2, ""),
    2: UnixSocket(1, "/run/systemd/journal/stdout"),
    3: UnixSocket(4, ""),
    4: UnixSocket(3, "/run/systemd/journal.agents/stdout"),
    5: UnixSocket(None, ""),
    6: UnixSocket(99, ""),
    7: UnixSocket(8, ""),
    8: UnixSocket(7, "/run/collector"),
    9: UnixSocket(10, ""),
    10: UnixSocket(9, ""),
}


@pytest.mark.parametrize(
    ("target", "kind", "what"),
    [
        ("socket:[1]", "journal", ""),
        ("socket:[3]", "journal", "agents"),
        ("socket:[5]", "cut_off", "nobody holds"),
        ("socket:[6]", "cut_off", "nobody holds"),
        ("socket:[7]", "elsewhere", "a socket of /run/collector"),
        ("socket:[9]", "elsewhere", "a socket of another process"),
        ("socket:[77]", "unknown", "doesn't list"),
        ("/var/log/agent.log", "elsewhere", "/var/log/agent.log"),
        ("/dev/null", "elsewhere", "/dev/null"),
        ("pipe:[12]", "unknown", "a pipe"),
        ("/var/log/agent.log (deleted)", "elsewhere", "(deleted)"),
    ],
)
def test_where_a_stream_goes(target, kind, what):
    found = _output_route.route(target, "standard output", SOCKETS)
    assert found.kind == kind
    assert what in found.what


def test_a_kernel_that_does_not_tell_leaves_it_unknown():
    assert _output_route.route("socket:[1]", "standard output", None).kind == "unknown"
    assert _output_route.route("/dev/null", "standard output", None).kind == "elsewhere"


def test_streams_of_processes(tmp_path):
    folder = tmp_path / "7" / "fd"
    folder.mkdir(parents=True)
    os.symlink("socket:[1]", folder / "1")
    found = _output_route.routes([7, 8], lambda: SOCKETS, str(tmp_path))
    assert [(route.kind, route.stream) for route in found[7]] == [
        ("journal", "standard output"),
        ("elsewhere", "standard error"),
    ]
    assert {route.kind for route in found[8]} == {"unknown"}


def test_a_descriptor_that_may_not_be_read_is_unknown(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "readlink", refuse)
    found = _output_route.routes([7], lambda: SOCKETS, str(tmp_path))
    assert found[7][0].kind == "unknown"
    assert "Permission denied" in found[7][0].what


def message(inode, *attributes, kind=20):
    body = struct.pack("=BBBBIII", 1, 1, 1, 0, inode, 0, 0)
    for number, value in attributes:
        body += struct.pack("=HH", 4 + len(value), number) + value + b"\0" * (-len(value) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


def test_the_kernels_answer_is_parsed():
    found = {}
    data = message(1, (2, struct.pack("=I", 2)), (5, b"\1")) + message(2, (0, b"/run/x\0"), (2, struct.pack("=I", 0)))
    assert _output_route.parse_sockets(data, found) is False
    assert found == {1: UnixSocket(2, ""), 2: UnixSocket(None, "/run/x")}
    assert _output_route.parse_sockets(message(0, kind=3), found) is True


@pytest.mark.parametrize("data", [message(1, kind=2), struct.pack("=IHHII", 4, 20, 0, 1, 0), message(1)[:-4]])
def test_an_answer_that_is_none_is_no_empty_list(data):
    with pytest.raises(OSError, match="no list"):
        _output_route.parse_sockets(data, {})


def test_this_kernel_names_the_other_end_of_a_real_socket(tmp_path):
    path = str(tmp_path / "stdout")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)
        accepted, _address = server.accept()
        target = os.readlink(f"/proc/self/fd/{client.fileno()}")
        before = _output_route.route(target, "standard output", _output_route.unix_sockets())
        accepted.close()
        after = _output_route.route(target, "standard output", _output_route.unix_sockets())
    assert (before.kind, before.what) == ("elsewhere", "a socket of " + path)
    assert after.kind == "cut_off"
