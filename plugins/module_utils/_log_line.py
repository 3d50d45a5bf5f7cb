# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One log line as it was read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

_TARGET = re.compile(r"([A-Za-z_][\w.-]{0,200}(?:::[\w.-]{1,100}){0,20}): (.*)\Z", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """One log line. ``level`` is ``None`` for text in another shape; ``panic`` marks the message of a panic.

    ``shape`` names the shape that read it, empty when none did.
    """

    level: Optional[str]
    target: str
    message: str
    panic: bool
    shape: str = ""

    @property
    def is_error(self) -> bool:
        """An ERROR line or a panic; an INFO line about errors is none."""
        return self.panic or self.level == "ERROR"

    @property
    def is_read(self) -> bool:
        """Whether the line says how bad it is."""
        return self.panic or self.level is not None


def line(level: str, text: str, shape: str, panic: bool = False, target: str = "") -> Line:
    """A line whose level was read; ``target: message`` is taken apart unless the target is known."""
    message = text.strip()
    if not target:
        parts = _TARGET.match(message)
        if parts:
            target, message = parts.groups()
    return Line(level, target, message, panic or (level == "ERROR" and "panicked at" in message), shape)
