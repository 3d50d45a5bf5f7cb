# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step really did, counted: read from JUnit files, kept as a file for the driver of `make test`."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.quality.command import RESULTS


@dataclass
class Tally:
    """Executed and not executed tests of one step; `unit` is the word for them in the summary."""

    unit: str
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """A step is good when something ran, nothing failed, and nothing was left out."""
        return self.passed > 0 and not self.failed and not self.skipped

    def say(self) -> str:
        parts = [f"{self.passed} passed", f"{len(self.failed)} failed"]
        if self.skipped:
            parts.append(f"{len(self.skipped)} skipped")
        return f"{', '.join(parts)} ({self.unit})"

    def add(self, other: Tally) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def write(self, step: str) -> None:
        """Leave the tally where the driver finds it."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{step}.json").write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, step: str) -> Tally | None:
        """The tally that a step left, or None when it left none (it died, or it never ran)."""
        path = RESULTS / f"{step}.json"
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    @staticmethod
    def forget(step: str) -> None:
        (RESULTS / f"{step}.json").unlink(missing_ok=True)


def from_junit(paths: Iterable[Path], unit: str) -> Tally:
    """Count the test cases of JUnit files; an expected failure (xfail) is reported there as skipped and counts so.

    Raises ElementTree.ParseError for a file that is cut off.
    """
    tally = Tally(unit)
    for path in paths:
        for case in ElementTree.parse(path).iter("testcase"):
            name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
            outcomes = {child.tag for child in case}
            if outcomes & {"failure", "error"}:
                tally.failed.append(name)
            elif "skipped" in outcomes:
                tally.skipped.append(name)
            else:
                tally.passed += 1
    return tally
