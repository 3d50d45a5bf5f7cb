# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured before is gone or harmed, on the controller."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.campaign.instruments.bench import Bench
from tests.campaign.instruments.case import HOST, Case
from tests.rollout.scenario.story import StoryError

SOURCE = "recorded"


def harmed(pattern: str, harm: Callable[[Path], None]) -> Callable[[Bench], None]:
    """Each file of the monitoring folder that matches."""

    def blind(bench: Bench) -> None:
        found = [path for path in sorted(bench.story.monitoring.glob(pattern)) if path.is_file()]
        if not found:
            raise StoryError(f"no file {pattern} in {bench.story.monitoring}")
        for path in found:
            harm(path)

    return blind


def halved(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def zeroed(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def without_first_line(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))


def scribbled(path: Path) -> None:
    """A line in the middle that can't be read any more."""
    lines = path.read_bytes().splitlines(keepends=True)
    middle = len(lines) // 2
    lines[middle] = b"#" * (len(lines[middle]) - 1) + b"\n"
    path.write_bytes(b"".join(lines))


LOOKS, NATS = f"looks/*/*/{HOST}.jsonl", "looks/*/*/nats.jsonl"
CASES = [
    Case(SOURCE, "the looks at a host are gone", harmed(LOOKS, Path.unlink), quick=True),
    Case(SOURCE, "the looks at a host end in the middle", harmed(LOOKS, halved)),
    Case(SOURCE, "the looks at a host are zeros", harmed(LOOKS, zeroed)),
    Case(SOURCE, "the first look at a host is missing", harmed(LOOKS, without_first_line)),
    Case(SOURCE, "a look at a host is harmed", harmed(LOOKS, scribbled)),
    Case(SOURCE, "the NATS measurements are gone", harmed(NATS, Path.unlink)),
    Case(SOURCE, "the NATS measurements are zeros", harmed(NATS, zeroed)),
    Case(SOURCE, "a NATS measurement is harmed", harmed(NATS, scribbled)),
    Case(SOURCE, "the baseline's evidence is gone", harmed("**/*baseline*/evidence.json", Path.unlink)),
    Case(SOURCE, "the baseline's evidence is harmed", harmed("**/*baseline*/evidence.json", halved)),
]
