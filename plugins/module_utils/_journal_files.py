# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the journal that were closed: journalctl reads past damage in one without a word, so each is verified once.

A closed file never changes. Only those are verified that have entries of the time that is read: as a rule none, and after a
rotation one.
"""

from __future__ import annotations

import re
import time
from typing import Callable, List, Optional, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _command, _journal

_PATH = re.compile(r"File path: (.+)")
_STATE = re.compile(r"State: (\w+)")
_TAIL = re.compile(r"Tail realtime timestamp: .*\(([0-9a-f]{1,16})\)")
#: So long is spent on it at most, the newest files first. About 25 MB a second are verified.
VERIFY_WITHIN_S = 20.0
_GONE = "No such file or directory"


def closed_files(header: str, start: int) -> List[str]:
    """Paths of closed files with entries since ``start`` (microseconds), the newest first; ``header``: of ``journalctl --header``."""
    found: List[Tuple[int, str]] = []
    for block in header.split("\n\n"):
        path, state, tail = (pattern.search(block) for pattern in (_PATH, _STATE, _TAIL))
        if path and tail and (not state or state.group(1) == "ARCHIVED" or "@" in path.group(1)):
            at = int(tail.group(1), 16)
            if at >= start:
                found.append((at, path.group(1).strip()))
    return [path for _at, path in sorted(found, reverse=True)]


def damage(
    start: int,
    namespace: str = "",
    run: _command.Runner = _command.run,
    clock: Callable[[], float] = time.monotonic,
) -> Optional[str]:
    """What journalctl says about the first damaged file with entries since ``start``; ``None`` when none is known."""
    end = clock() + VERIFY_WITHIN_S
    listed = run(["journalctl", "--no-pager", "--header"] + _journal.of_namespace(namespace), VERIFY_WITHIN_S)
    for path in closed_files(listed.out, start):
        left = end - clock()
        if left <= 0:
            break
        done = run(["journalctl", "--no-pager", "--verify", "--file=" + path], left)
        words = done.err + done.out
        if done.status in (0, 124) or _GONE in words:
            continue
        told = [line.strip() for line in words.splitlines() if line.strip()]
        return "journalctl --verify: {0}".format(told[-1] if told else "{0} is damaged".format(path))
    return None
