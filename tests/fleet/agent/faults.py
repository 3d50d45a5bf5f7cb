# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the stand-in agent: what a fault file says, and how often a share of messages is hit."""

from __future__ import annotations

import os

UNITS = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
MEMORY_LIMIT_BYTES = 512 * 1024**2  # a forgotten fault must not eat the machine that rehearses
WORDS = ("always", "corrupt", "legacy_only", "nats_closed", "noise")
EXAMPLES = (
    "crash_after=5, errors=5%, drop=20%, late=150ms, late=25%, work=100ms, legacy_only, leak=2MB/s, fill=40MB,"
    " nats_closed, corrupt, noise; with them after=10s and always"
)


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


def _bytes(key: str, text: str, suffix: str = "") -> int:
    number = text[: len(text) - len(suffix)] if text.endswith(suffix) else ""
    unit = number.lstrip("0123456789.")
    try:
        return int(float(number[: len(number) - len(unit)]) * UNITS[unit])
    except (KeyError, ValueError):
        what = "bytes per second" if suffix else "bytes"
        raise FaultError(f"{key}={text}: expected {what} such as {key}=20MB{suffix}") from None


class Faults:
    """What goes wrong; every field's neutral value means ``not this fault``.

    after, crash_after, late and work are seconds, errors, drop and late_percent percents (0..100, late_percent of
    work), leak bytes per second, fill bytes. They act once the new flag is on, or with ``always`` whatever the flag;
    ``work``, how long an answer takes anyway, is no fault and has nothing to do with the flag.
    """

    __slots__ = (
        "after", "always", "corrupt", "crash_after", "drop", "errors", "fill", "late", "late_percent", "leak",
        "legacy_only", "nats_closed", "noise", "work",
    )  # fmt: skip

    def __init__(self) -> None:
        self.after = 0.0
        self.always = False
        self.corrupt = False
        self.crash_after: float | None = None
        self.drop = 0.0
        self.errors = 0.0
        self.fill = 0
        self.late = 0.0
        self.late_percent = 0.0
        self.leak = 0
        self.legacy_only = False
        self.nats_closed = False
        self.noise = False
        self.work = 0.0

    @property
    def delay(self) -> float:
        """Seconds by which each answer comes after its question."""
        return self.work * (1.0 + self.late_percent / 100.0) + self.late

    def without(self) -> Faults:
        """What is left while the faults don't act: the time that an answer takes anyway."""
        quiet = Faults()
        quiet.work = self.work
        return quiet


def parse(text: str) -> Faults:
    """Read a fault file: one fault per line, empty lines and ``#`` comments allowed. Raises FaultError."""
    faults = Faults()
    for raw in text.splitlines():
        entry = raw.split("#", 1)[0].strip()
        if not entry:
            continue
        key, separator, value = (part.strip() for part in entry.partition("="))
        if key in WORDS and not separator:
            setattr(faults, key, True)
        elif key == "late" and value.endswith("%"):
            faults.late_percent = _percent(key, value)
        elif key in ("errors", "drop"):
            setattr(faults, key, _percent(key, value))
        elif key in ("after", "crash_after", "late", "work"):
            setattr(faults, key, _seconds(key, value))
        elif key == "leak":
            faults.leak = _bytes(key, value, "/s")
        elif key == "fill":
            faults.fill = _bytes(key, value)
        else:
            raise FaultError(f"{entry!r} is no fault: expected one of {EXAMPLES}")
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

    @property
    def token(self) -> str:
        """Names the content that was last read: equal to what `stat` says of the file that was put there."""
        inode, mtime_ns, _size = self.seen or (0, 0, 0)
        return f"{inode}:{mtime_ns}"

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
