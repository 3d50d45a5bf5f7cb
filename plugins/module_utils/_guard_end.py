# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard ends without having fired: its change is confirmed, or taken back by a rollback."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Sequence

from ansible_collections.cowboyai.rollout.plugins.module_utils import _guard_record, _guard_timer
from ansible_collections.cowboyai.rollout.plugins.module_utils._guard_record import Place
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError


def confirm(place: Place, rollout: str) -> bool:
    """Disarm for good; whether there was a guard."""
    folder = place.folder(rollout)
    guard = _guard_record.read(folder)
    if guard is None:
        return False
    _guard_record.forget(place, folder)
    _guard_timer.stop(guard.unit, place.run)
    return True


def release(place: Place, rollout: str, restored: Sequence[str]) -> None:
    """After a rollback: agents that are back need no guard; it stays for those that are not."""
    folder = place.folder(rollout)
    try:
        guard = _guard_record.read(folder)
        left: List[str] = [agent for agent in guard.agents if agent not in restored] if guard else []
        if not left:
            confirm(place, rollout)
        elif guard and left != guard.agents:
            _guard_record.keep(folder, replace(guard, agents=left))
    except InstanceError:
        # A guard that stays puts back what is back already: no reason to call the rollback failed.
        pass
