# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verifier asks hosts itself, through testinfra: one command per host, since each costs a connection."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from testinfra.host import Host


@dataclass(frozen=True)
class Found:
    """A file as the host has it now."""

    bytes: bytes
    owner: tuple[int, int]
    mode: str

    @property
    def file(self) -> tuple[bytes, tuple[int, int], str]:
        return self.bytes, self.owner, self.mode

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.bytes).hexdigest()


def files(host: Host, paths: list[str]) -> dict[str, Found]:
    """Content, owner and mode of files; one that isn't there fails the test."""
    found = {}
    with host.sudo():
        script = "; ".join(f"stat -c '%u %g %a' '{path}' && base64 -w0 '{path}' && echo" for path in paths)
        lines = host.check_output(script).splitlines()
    assert len(lines) == 2 * len(paths), f"{host}: {lines}"
    for number, path in enumerate(paths):
        uid, gid, mode = lines[2 * number].split()
        found[path] = Found(base64.b64decode(lines[2 * number + 1]), (int(uid), int(gid)), oct(int(mode, 8)))
    return found


def active(host: Host, units: list[str]) -> dict[str, str]:
    """systemd's word for each unit."""
    with host.sudo():
        words = host.run("systemctl is-active " + " ".join(units)).stdout.split()
    return dict(zip(units, words, strict=True))
