# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log lines of the stand-in agent: standard output, one line per entry, level in the text."""

from __future__ import annotations

import os
import time

LEVELS = {"trace": 0, "debug": 1, "info": 2, "warn": 3, "error": 4}


def stamp(nanoseconds: int) -> str:
    """UTC time with six digits and a ``Z``, as the real agent writes it; the argument is nanoseconds since 1970."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06d}Z"


def line(nanoseconds: int, level: str, target: str, message: str) -> str:
    """One log line without its newline; the level is padded to five characters on the left."""
    return f"{stamp(nanoseconds)} {level:>5} {target}: {message}"


class Log:
    """Writes lines at or above a level to a file descriptor, unbuffered so that a crash loses none."""

    def __init__(self, level: str = "info", descriptor: int = 1) -> None:
        self.threshold = LEVELS.get(level.lower(), LEVELS["info"])
        self.descriptor = descriptor

    def write(self, level: str, message: str, target: str = "agent_service") -> None:
        if LEVELS[level.lower()] < self.threshold:
            return
        data = (line(time.time_ns(), level, target, message) + "\n").encode("utf-8", "replace")
        while data:
            data = data[os.write(self.descriptor, data) :]

    def debug(self, message: str, target: str = "agent_service") -> None:
        self.write("DEBUG", message, target)

    def info(self, message: str, target: str = "agent_service") -> None:
        self.write("INFO", message, target)

    def warn(self, message: str, target: str = "agent_service") -> None:
        self.write("WARN", message, target)

    def error(self, message: str, target: str = "agent_service") -> None:
        self.write("ERROR", message, target)
