# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `ansible`, imported once: half of what one module costs the controller is the start of Python.

As a program (ansible_server.py SOCKET) it listens there; each connection sends one line, the arguments as JSON, and gets
what the command prints, until its end. Each command runs in a process of its own, forked before anything has run.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.host.waiting import HANG_S, until


class Running:
    """One command while it runs."""

    def __init__(self, path: Path, arguments: list[str]) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(300)
        self.connection.connect(str(path))
        self.connection.sendall(json.dumps(arguments).encode() + b"\n")

    def output(self) -> str:
        """All that it printed, when it has ended."""
        said = b""
        with self.connection:
            while data := self.connection.recv(65536):
                said += data
        return said.decode("utf-8", "replace")


class AnsibleServer:
    """One program for all modules of a session."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="rollout-ansible-")
        self.path = Path(self.folder.name) / "socket"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.host.ansible_server", str(self.path)],
            cwd=root, env=environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        until("the server listens", self.path.exists)

    def begin(self, arguments: list[str]) -> Running:
        return Running(self.path, arguments)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=HANG_S)
        self.folder.cleanup()


def serve(path: str) -> None:
    from ansible.cli.adhoc import AdHocCLI

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(8)
    # Ends with the tests, however they end.
    tests = os.getppid()
    listener.settimeout(1.0)
    while os.getppid() == tests:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        # What those that have ended used counts as ours, and so as that of the tests.
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if os.fork():
            connection.close()
            continue
        listener.close()
        os.setsid()
        connection.setblocking(True)
        with connection.makefile("r", encoding="utf-8") as sent:
            arguments = json.loads(sent.readline())
        for descriptor in (1, 2):
            os.dup2(connection.fileno(), descriptor)
        connection.close()
        AdHocCLI.cli_executor(["ansible", *arguments])
        sys.exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
