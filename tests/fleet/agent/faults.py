# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the stand-in agent: what a fault file says, and how often a share of messages is hit."""

from __future__ import annotations

import os

UNITS = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
LEAK_LIMIT_BYTES = 512 * 1024**2  # a forgotten fault must not eat the machine that rehearses


class FaultError(ValueError):
    """A fault file that says something no fault is called."""


def _percent(key: str, text: str) -> float:
    try:
        value = float(text[:-1]) if text.endswith("%") else float("nan")
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 100:
        raise FaultError(f"{key}={text}: expected a percentage from 0% to 100%, such as {key}=5%")
    return value


def _seconds(key: str, text: str) -> float:
    for suffix, factor in (("ms", 0.001), ("s", 1.0), ("", 1.0)):
        if text.endswith(suffix):
            try:
                value = float(text[: len(text) - len(suffix)]) * factor
            except ValueError:
                break
            if 0 <= value < 86400:
                return value
            break
    raise FaultError(f"{key}={text}: expected a time such as {key}=150ms or {key}=5s")


def _bytes_per_second(key: str, text: str) -> int:
    number = text[: -len("/s")] if text.endswith("/s") else ""
    unit = number.lstrip("0123456789.")
    try:
        return int(float(number[: len(number) - len(unit)]) * UNITS[unit])
    except (KeyError, ValueError):
        raise FaultError(f"{key}={text}: expected bytes per second such as {key}=2MB/s") from None


class Faults:
    """What goes wrong once the new flag is on; every field's neutral value means ``not this fault``.

    crash_after and late are seconds, errors and drop percents (0..100), leak bytes per second.
    """

    __slots__ = ("crash_after", "drop", "errors", "late", "leak", "legacy_only", "noise")

    def __init__(self) -> None:
        self.crash_after: float | None = None
        self.errors = 0.0
        self.drop = 0.0
        self.late = 0.0
        self.leak = 0
        self.legacy_only = False
        self.noise = False

    @property
    def timed(self) -> bool:
        """True when a fault acts by itself, without a message coming in."""
        return self.crash_after is not None or self.leak > 0 or self.noise


def parse(text: str) -> Faults:
    """Read a fault file: one fault per line, empty lines and ``#`` comments allowed. Raises FaultError."""
    faults = Faults()
    for raw in text.splitlines():
        entry = raw.split("#", 1)[0].strip()
        if not entry:
            continue
        key, separator, value = (part.strip() for part in entry.partition("="))
        if key in ("legacy_only", "noise") and not separator:
            setattr(faults, key, True)
        elif key in ("errors", "drop"):
            setattr(faults, key, _percent(key, value))
        elif key in ("crash_after", "late"):
            setattr(faults, key, _seconds(key, value))
        elif key == "leak":
            faults.leak = _bytes_per_second(key, value)
        else:
            raise FaultError(
                f"{entry!r} is no fault: expected crash_after=5, errors=5%, drop=20%, late=150ms, legacy_only,"
                " leak=2MB/s or noise"
            )
    return faults


class Share:
    """Hits exactly the given percentage: 5 % is every twentieth, so that a test can count on it."""

    SCALE = 10_000

    def __init__(self) -> None:
        self.filled = 0

    def hit(self, percent: float) -> bool:
        self.filled += round(percent * self.SCALE)
        if self.filled < 100 * self.SCALE:
            return False
        self.filled -= 100 * self.SCALE
        return True


class FaultFile:
    """The fault file of one agent, read again only when the file has changed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.seen: tuple[int, int, int] | None = None

    def changed(self) -> Faults | None:
        """The faults when the file is new or differs from the last look, else None. Raises FaultError."""
        try:
            status = os.stat(self.path)
            identity = (status.st_ino, status.st_mtime_ns, status.st_size)
        except OSError:
            identity = (0, 0, 0)
        if identity == self.seen:
            return None
        self.seen = identity
        if identity == (0, 0, 0):
            return Faults()
        try:
            with open(self.path, encoding="utf-8") as stream:
                return parse(stream.read())
        except (OSError, UnicodeDecodeError) as error:
            raise FaultError(f"fault file {self.path}: {error}") from None
