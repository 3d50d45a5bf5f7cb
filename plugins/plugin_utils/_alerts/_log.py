# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts log: a line for each thing that happened to an alert, for people and `tail -f`.

The ledger is what counts. The log is behind it by the lines that a killed run could not write any more; whoever comes next adds
them, and a log that is gone is written again from the ledger.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import short
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._private_folder import private_folder

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# In a line; the ledger has all of them.
_MOST_INSTANCES = 20


def line_of(record: Record) -> str:
    """`<UTC time> OPENED critical error_rate: <what is seen> | instances: ... | action: ...`, without its newline."""
    data = record.data
    event = record.kind.removeprefix("alert.").upper()
    parts = [f"{short(record.moment)} {event:<7} {data['severity']:<8} {data['name']}: {data['text']}"]
    instances = list(data.get("instances") or [])
    if instances:
        more = f" and {len(instances) - _MOST_INSTANCES} more" if len(instances) > _MOST_INSTANCES else ""
        parts.append(f"instances: {', '.join(instances[:_MOST_INSTANCES])}{more}")
    if data.get("action"):
        parts.append(f"action: {data['action']}")
    if data.get("why"):
        parts.append(str(data["why"]))
    if data.get("unseen"):
        parts.append("could not be seen at this look")
    # What agents log is in the text: it must not make lines of its own.
    return _CONTROL.sub(" ", " | ".join(parts))


def bring_up_to_date(path: Path, records: Iterable[Record]) -> int:
    """Add the lines that the log lacks of all alert records of a ledger (oldest first); returns how many it added.

    Raises OSError where it can't be written.
    """
    lines = [line_of(record) for record in records if record.kind.startswith("alert.")]
    if not lines and not path.exists():
        return 0
    private_folder(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    with os.fdopen(handle, "r+b") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        content = log.read()
        # What stands after the last newline is a line that a killed run did not finish.
        log.truncate(content.rfind(b"\n") + 1)
        missing = lines[content.count(b"\n") :]
        log.write("".join(f"{line}\n" for line in missing).encode("utf-8", "backslashreplace"))
    return len(missing)
