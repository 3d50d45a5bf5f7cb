# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commit-confirm: a host that is about to change first arms its own way back, which fires unless the rollout confirms."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _backup_manifest,
    _guard_file,
    _guard_record,
    _guard_timer,
    _instance,
    _revert,
    _state_folder,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._guard_record import Guard, Place
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import ArgumentProblem, InstanceError

_LONGEST = 30 * 86400.0
# A timer on a busy host: its own accuracy, and the start of Python.
_REHEARSAL_AFTER = 0.2
_REHEARSAL_LATE = 5.0
#: What agent_change takes, for its argument spec.
OPTION: Dict[str, Any] = {
    "type": "dict",
    "options": {
        "rollout": {"type": "str", "required": True},
        "directory": {"type": "str", "required": True},
        "within": {"type": "float", "required": True},
        "known": {"type": "list", "elements": "str", "default": []},
    },
}


@dataclass(frozen=True)
class Arming:
    """What is to be armed: for which rollout, from which backup, for how long; reverts that the ledger knows of."""

    rollout: str
    directory: str
    within_s: float
    known: Tuple[str, ...] = ()


def arming_from(raw: Optional[Mapping[str, Any]]) -> Optional[Arming]:
    """The argument of a module, checked."""
    if not raw:
        return None
    return Arming(
        _instance.check_agent(raw.get("rollout"), "guard.rollout"),
        _instance.check_path(raw.get("directory"), "guard.directory"),
        check_within(raw.get("within"), "guard.within"),
        tuple(str(each) for each in raw.get("known") or []),
    )


def check_within(value: Any, what: str) -> float:
    """How long a guard waits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= _LONGEST:
        raise ArgumentProblem("{0} is {1!r}; expected 1 to {2:g} seconds".format(what, value, _LONGEST))
    return float(value)


def refuse_reverted(place: Place, arming: Arming) -> None:
    """:class:`InstanceError` ``host_reverted`` when the host has put itself back and the rollout doesn't know it yet."""
    found = place.folder(arming.rollout).read(_guard_record.REVERTED)
    if found is not None and found.get("id") not in arming.known:
        raise InstanceError(
            "host_reverted",
            "this host has put itself back at {0}: {1}. Nothing was touched; the rollout records it and takes the rest "
            "back too".format(found.get("at"), found.get("why")),
        )


def arm(place: Place, arming: Arming, agents: Sequence[str]) -> Guard:
    """Arm the way back for ``agents``, besides those that are armed already. Call before the first write.

    Raises :class:`InstanceError` when there would be no way back; nothing is armed then that was not before.
    """
    refuse_reverted(place, arming)
    folder = place.folder(arming.rollout)
    manifest = _backup_manifest.load(arming.directory) if _backup_manifest.check_directory(arming.directory) else None
    for agent in agents:
        entry = manifest.agents.get(agent) if manifest else None
        if entry is None:
            raise InstanceError(
                "backup_missing",
                "the backup {0} has no agent {1}; it could not go back".format(arming.directory, agent),
            )
        _backup_manifest.read_copy(arming.directory, entry)
    before = _guard_record.read(folder)
    earlier = before.agents if before and before.directory == arming.directory else []
    guard = _guard_record.made(arming.rollout, arming.directory, list({*earlier, *agents}), arming.within_s)
    _guard_file.install(_revert, place.root)
    _guard_timer.enable_at_boot(place.root, _guard_file.argv(place.root, "boot", place.root), place.units)
    _set(place, guard, before)
    folder.remove(_guard_record.REVERTED)
    return guard


def _set(place: Place, guard: Guard, before: Optional[Guard]) -> None:
    """Timer first, then the record, then away with the old timer: killed anywhere, the host still has its way back."""
    argv = _guard_file.argv(place.root, "fire", place.root, guard.rollout)
    _guard_timer.start(guard.unit, guard.within_s, argv, place.run)
    try:
        _guard_record.keep(place.folder(guard.rollout), guard)
    except InstanceError:
        _guard_timer.stop(guard.unit, place.run)
        raise
    if before is not None:
        _guard_timer.stop(before.unit, place.run)


def renew(place: Place, rollout: str, within_s: float) -> bool:
    """Wait that long from now; whether there is a guard that waits."""
    before = _guard_record.read(place.folder(rollout))
    if before is None:
        return False
    _set(place, _guard_record.made(rollout, before.directory, before.agents, within_s), before)
    return True


def rehearse(place: Place) -> float:
    """Have a harmless timer fire; how late it was, in seconds. Leaves nothing behind.

    Raises :class:`InstanceError` ``guard_failed`` when a guard could not be relied on here.
    """
    if not os.access(place.units, os.W_OK):
        raise InstanceError(
            "guard_failed", "{0} can't be written, so a reboot would lose the guard".format(place.units)
        )
    fresh = not os.path.lexists(os.path.join(place.root, _guard_file.FILE))
    name = "cowboyai-rollout-rehearsal-" + os.urandom(6).hex()
    mark = os.path.join(place.root, name)
    _guard_file.install(_revert, place.root)
    due = time.monotonic() + _REHEARSAL_AFTER
    try:
        _guard_timer.start(name, _REHEARSAL_AFTER, _guard_file.argv(place.root, "rehearse", mark), place.run)
        while time.monotonic() < due + _REHEARSAL_LATE:
            try:
                with open(mark, encoding="ascii") as stream:
                    return max(0.0, float(stream.read()) - due)
            except OSError:
                time.sleep(0.02)
    finally:
        _guard_timer.stop(name, place.run)
        _clear(place, mark, fresh)
    raise InstanceError(
        "guard_failed",
        "a timer of systemd-run that was due at once had not run its program after {0:g} s; expected it within "
        "{1:g} s. Look at: journalctl -t cowboyai-rollout-guard".format(_REHEARSAL_LATE, 1.0),
    )


def _clear(place: Place, mark: str, fresh: bool) -> None:
    for path in [mark] + ([os.path.join(place.root, _guard_file.FILE)] if fresh else []):
        try:
            os.unlink(path)
        except OSError:
            pass
    if not _state_folder.rollouts(place.root):
        try:
            os.rmdir(place.root)
        except OSError:
            pass
