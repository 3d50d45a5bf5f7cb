# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the hosts of a phase must wait for their confirmation, so that none goes back while all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._sections import (
        Change,
        Phase,
        Rollback,
        Verify,
    )

DEFAULT = 900.0
# What a host's timer is asked for at most.
LONGEST = 30 * 86400.0
# Opening steps, looking at hosts and telling them, besides what the plan gives a time for.
_OVERHEAD = 60.0


def batches(serial: Any, hosts: int, done: int = 0) -> int:
    """How many batches Ansible makes of that many hosts, or has left where some are done; the last size of a list repeats."""
    sizes = [_size(each, hosts) for each in (serial if isinstance(serial, list) else [serial])]
    count, behind, left = 0, 0, 0
    while behind < hosts:
        behind += sizes[min(count, len(sizes) - 1)]
        count += 1
        left += behind > done
    return left


def _size(batch: int | str, hosts: int) -> int:
    if isinstance(batch, str):
        return max(1, int(hosts * float(batch.rstrip("%")) / 100.0))
    return max(1, batch)


def phase_needs_s(
    phase: Phase, change: Change, verify: Verify, hosts: int, done: int = 0, stop_s: float = 0.0
) -> float:
    """From the first batch, or the next where some hosts are done, to the end of a verify that used all of its time.

    `stop_s`: how long the old processes of a batch may take to end.
    """
    count = batches(phase.serial, hosts, done)
    deploying = count * (stop_s + change.proof.ready_within) + max(0, count - 1) * phase.stagger
    return deploying + phase.verify_within + verify.window + _OVERHEAD


def confirm_s(rollback: Rollback, needed: float) -> float:
    """What the plan says; where it says nothing, 15 minutes, or longer where a phase needs longer."""
    return rollback.confirm_within if rollback.confirm_within is not None else min(max(DEFAULT, needed), LONGEST)
