# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a look ended and the next one goes on, as one text: a cursor for each namespace, and the lines that were read back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _canary, _journal
from ansible_collections.cowboyai.rollout.plugins.module_utils._canary import Place

_NONCE = re.compile(r"[0-9a-f]{32}\Z")
_MAX_PARTS = 1000


@dataclass(frozen=True)
class Bookmark:
    """``cursors`` by namespace; ``places`` whose line with ``nonce`` was read back."""

    cursors: Dict[str, str] = field(default_factory=dict)
    nonce: str = ""
    places: Tuple[Place, ...] = ()

    def __str__(self) -> str:
        parts = [
            cursor if not name else "{0}>{1}".format(name, cursor) for name, cursor in sorted(self.cursors.items())
        ]
        marks = ["!{0}!{1}!{2}".format(self.nonce, place.namespace, place.owner) for place in sorted(self.places)]
        return " ".join(parts + (marks if self.nonce else []))


def parse(text: str) -> Optional[Bookmark]:
    """A bookmark; ``None`` for a text that is none. A bare cursor is one of the default namespace."""
    cursors: Dict[str, str] = {}
    places: List[Place] = []
    nonce = ""
    parts = text.split(" ")
    if len(parts) > _MAX_PARTS:
        return None
    for part in parts:
        if part.startswith("!"):
            fields = part.split("!")
            if len(fields) != 4 or not _NONCE.match(fields[1]) or not re.match(r"[0-9]{1,10}\Z", fields[3]):
                return None
            if not _canary.is_namespace(fields[2]):
                return None
            nonce = fields[1]
            places.append(Place(fields[2], int(fields[3])))
            continue
        name, _sign, cursor = part.rpartition(">")
        if not _canary.is_namespace(name) or not _journal.is_cursor(cursor):
            return None
        cursors[name] = cursor
    return Bookmark(cursors, nonce, tuple(places)) if cursors else None
