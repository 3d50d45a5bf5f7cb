# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token that each action on a host carries: it rises with the ledger, so that a host can tell late from new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import Record

# More records than a ledger will ever have.
_RECORDS = 1_000_000


def token(records: Sequence[Record]) -> int | None:
    """When the ledger began, in seconds, and the number of its newest record; None before there is a record.

    The beginning comes first, so that a ledger that is begun anew (the old one is lost, or the controller's disk was)
    has higher tokens than the old one had, although its records count from 1 again.
    """
    if not records:
        return None
    return int(records[0].moment.timestamp()) * _RECORDS + records[-1].seq


def fence(rollout: str, step: str, records: Sequence[Record]) -> dict[str, Any]:
    """What the modules on the hosts take as `fence`, as of the newest record: that which announces the step.

    Without a ledger there is no number; the host then lets this step take over from all that were before it.
    """
    number = token(records)
    return {"rollout": rollout, "step": step, **({} if number is None else {"token": number})}
