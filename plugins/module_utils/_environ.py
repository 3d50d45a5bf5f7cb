# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment that systemd gave a service's process, and whether it can still be read from the process.

``/proc/PID/environ`` shows memory of the process. Programs that set their title write over it, and a wrapper may start
the program with another one. systemd gives every service its ``INVOCATION_ID``: where that is missing, nothing else
that is there, or missing, says anything about the service's configuration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional

_ID = "INVOCATION_ID"
# Shells export functions under names such as BASH_FUNC_x%%; a title that lies over the memory has blanks and the like.
_NAME = re.compile(r"[^\s\x00-\x1f=]+\Z")


@dataclass(frozen=True)
class Environ:
    """What could be read. ``ours``: it is that of the invocation; ``whole``: no part of it was written over."""

    values: Dict[str, str]
    ours: bool
    whole: bool

    @property
    def readable(self) -> bool:
        """Whether a key that is not there was not given to the process."""
        return self.ours and self.whole

    def differing(self, wanted: Mapping[str, str]) -> Optional[List[str]]:
        """Names of the keys that have another value or none; ``None`` when nobody can tell."""
        if not self.ours:
            return None
        keys = sorted(key for key, value in wanted.items() if self.values.get(key) != value)
        return keys if self.whole or not keys else None


def parse(raw: bytes, invocation: Optional[str]) -> Environ:
    """The content of ``/proc/PID/environ`` of a service's process, whose present invocation has this id."""
    values: Dict[str, str] = {}
    items = raw.split(b"\0")
    whole = bool(raw) and items[-1] == b""
    for item in items[:-1]:
        name, sign, value = item.decode("utf-8", "surrogateescape").partition("=")
        if not sign or not _NAME.match(name):
            whole = False
        else:
            values[name] = value
    found = values.get(_ID)
    return Environ(values, found is not None and found == (invocation or found), whole)


def unreadable(pid: Optional[int], unit: str, keys: Optional[List[str]] = None) -> str:
    """A sentence for the operator."""
    return (
        "the environment of the main process {0} of {1} can't be read: systemd's INVOCATION_ID is not in it, or part of it "
        "is written over, as programs do that set their title or are started with an environment of their own (env -i, "
        "sudo). Whether the process runs with the wanted value of {2} is unknown".format(
            pid if pid else "?", unit, ", ".join(keys) if keys else "the changed keys"
        )
    )
