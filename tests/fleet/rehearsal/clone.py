# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to this clone: its id, its directories, the names of a fleet's containers and network."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FLEET_SOURCE = ROOT / "tests" / "fleet"
STATE = ROOT / "build" / "fleet"
AGENTS_FILE = ROOT / "inventories" / "rehearsal" / "group_vars" / "dgx" / "agents.csv"
DEFAULT_NAME = "demo"
LABEL = "ai.cowboy.rollout"
SOCKET_PATH_LIMIT = 108
SOCKET_NAME_ROOM = 40  # ssh appends a random suffix of 17 to the hashed name while it opens the socket


class FleetError(Exception):
    """Something an operator can act on: the text says what was tried, seen, expected, and what to do next."""


def clone_id() -> str:
    """Eight hex digits that tell this clone from another one on the same machine."""
    return hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:8]


class Fleet:
    """Names and paths of one fleet of this clone."""

    def __init__(self, name: str) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", name):
            raise FleetError(f"fleet name {name!r}: expected 1 to 31 lower-case letters, digits or dashes")
        self.name = name
        self.prefix = f"rollout-{clone_id()}-{name}"
        self.network = self.prefix
        self.directory = STATE / name
        self.key = self.directory / "id_ed25519"
        self.known_hosts = self.directory / "known_hosts"
        self.description = self.directory / "fleet.json"
        self.inventory = self.directory / "inventory"
        self.hosts_file = self.inventory / "hosts.json"

    def container(self, host: str) -> str:
        return f"{self.prefix}-{host}"

    def labels(self) -> list[str]:
        """Label filters (``key=value``) that every container and network of this fleet carries."""
        return [f"{LABEL}.clone={clone_id()}", f"{LABEL}.fleet={self.name}"]

    def socket_directory(self) -> Path:
        """Where ssh keeps its control sockets: short, because a unix socket path holds 108 bytes at most."""
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        leaf = f"rollout-{clone_id()}-{self.name}"
        if runtime and os.path.isdir(runtime) and os.access(runtime, os.W_OK):
            candidate = Path(runtime) / leaf
            if len(os.fsencode(candidate)) + SOCKET_NAME_ROOM < SOCKET_PATH_LIMIT:
                return candidate
        return Path("/tmp") / f"{leaf}-{os.getuid()}"

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Let one command at a time work on this fleet."""
        with exclusive(STATE / f".{self.name}.lock"):
            yield


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def private_directory(path: Path) -> None:
    """Make a directory that only we can enter, or check that an existing one is such: /tmp is shared."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        status = os.lstat(path)
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) != 0o700:
            raise FleetError(
                f"{path} should be a directory of mode 0700 owned by uid {os.getuid()} but is not; remove it"
            ) from None
