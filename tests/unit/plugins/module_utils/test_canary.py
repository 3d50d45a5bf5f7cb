# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _bookmark, _canary
from ansible_collections.cowboyai.rollout.plugins.module_utils._bookmark import Bookmark
from ansible_collections.cowboyai.rollout.plugins.module_utils._canary import Place

NONCE = "0123456789abcdef" * 2
CURSOR = "s=a;i=5c;b=0;m=4b;t=660b34fa3952a;x=7e"


@pytest.mark.parametrize(
    "mark",
    [
        Bookmark({"": CURSOR}),
        Bookmark({"": CURSOR, "agents": CURSOR}),
        Bookmark({"": CURSOR}, NONCE, (Place("", 0), Place("", 1000), Place("agents", 0))),
        Bookmark({"agents": CURSOR}, NONCE, (Place("agents", 65534),)),
    ],
)
def test_a_bookmark_is_read_as_it_was_written(mark):
    assert _bookmark.parse(str(mark)) == mark


def test_a_bare_cursor_of_an_earlier_version_is_a_bookmark():
    assert _bookmark.parse(CURSOR) == Bookmark({"": CURSOR})
    assert str(Bookmark({"": CURSOR})) == CURSOR


@pytest.mark.parametrize(
    "text",
    ["", "x", "$(reboot)=1", f"!{NONCE}!!0", CURSOR + " !short!!0", CURSOR + f" !{NONCE}!../x!0",
     CURSOR + f" !{NONCE}!!-1", "../x>" + CURSOR, CURSOR + "  " + CURSOR, " ".join([CURSOR] * 2000)],
)  # fmt: skip
def test_what_is_no_bookmark_is_none(text):
    assert _bookmark.parse(text) is None


@pytest.mark.parametrize(
    ("name", "is_one"), [("", True), ("agents", True), ("a/b", False), ("..", False), ("a b", False), ("*", False)]
)
def test_names_of_namespaces(name, is_one):
    assert _canary.is_namespace(name) is is_one


def test_the_sockets_of_namespaces():
    assert _canary.socket_path("") == "/run/systemd/journal/stdout"
    assert _canary.socket_path("agents") == "/run/systemd/journal.agents/stdout"


@pytest.fixture
def journald(monkeypatch):
    """What arrives at a socket in journald's place: (data, user id of the sender)."""
    # Not pytest's own folders, into which no other user may look.
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "stdout")
    arrived = []
    monkeypatch.setattr(_canary, "socket_path", lambda namespace: path)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    os.chmod(path, 0o666)
    os.chmod(folder, 0o755)
    server.listen()

    def serve():
        connection, _address = server.accept()
        with connection:
            peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            data = b""
            while True:
                chunk = connection.recv(4096)
                if not chunk:
                    break
                data += chunk
            arrived.append((data, int.from_bytes(peer[4:8], "little")))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    def arrive():
        thread.join(60.0)
        return arrived

    yield arrive
    server.close()
    shutil.rmtree(folder)


def test_a_line_gets_there_as_a_services_own_does(journald):
    assert _canary.write(Place("", os.geteuid()), "hello", 6) is None
    assert journald() == [(b"cowboyai.rollout\n\n6\n0\n0\n0\n0\nhello\n", os.geteuid())]


def test_a_line_of_another_user_is_written_by_that_user_or_by_none(journald):
    problem = _canary.write(Place("", 4711), "hello", 3)
    if os.geteuid() != 0:
        assert "user id 4711" in problem
        return
    assert problem is None
    assert journald() == [(b"cowboyai.rollout\n\n3\n0\n0\n0\n0\nhello\n", 4711)]


def test_where_no_line_can_be_written_the_reason_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(_canary, "socket_path", lambda namespace: str(tmp_path / "none"))
    assert "No such file" in (_canary.write(Place("", os.geteuid()), "hello") or "")
    assert "user id 4711" in (_canary.write(Place("", 4711), "hello") or "")
