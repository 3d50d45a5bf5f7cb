# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a guard on its host: whom it would put back, from where, and until when it waits."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Optional

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _command,
    _guard_timer,
    _host_lock,
    _host_metrics,
    _instant,
    _state_folder,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import InstanceError
from ansible_collections.cowboyai.rollout.plugins.module_utils._state_folder import StateFolder

ARMED = "guard.json"
REVERTED = "reverted.json"


@dataclass(frozen=True)
class Place:
    """Where a host keeps all this, and how it runs programs; tests have one of their own."""

    root: str = _state_folder.ROOT
    units: str = _guard_timer.UNITS
    lock: str = _host_lock.LOCK_FILE
    run: _command.Runner = _command.run

    def folder(self, rollout: str) -> StateFolder:
        """The state of one rollout."""
        return StateFolder(rollout, self.root)


@dataclass(frozen=True)
class Guard:
    """An armed guard. In the boot that armed it the monotonic deadline counts, which no clock that is set can move."""

    id: str
    rollout: str
    directory: str
    agents: List[str]
    within_s: float
    armed_at: str
    deadline: str
    deadline_monotonic: float
    boot_id: Optional[str]

    @property
    def unit(self) -> str:
        """Its timer and service, without suffix. Each guard has units of its own, so that a late one can't be confused."""
        return "cowboyai-rollout-guard-{0}-{1}".format(self.rollout, self.id)

    @property
    def remaining_s(self) -> float:
        """Seconds until it is due. After a reboot by the wall clock, but never longer than it was armed for."""
        if self.boot_id == _host_metrics.boot_id():
            return self.deadline_monotonic - time.monotonic()
        by_clock = (_instant.parse(self.deadline) - _now_us()) / 1e6
        return min(by_clock, self.within_s)


def _now_us() -> int:
    return int(time.time() * 1000000)


def made(rollout: str, directory: str, agents: List[str], within_s: float) -> Guard:
    """A new guard that is due in ``within_s`` seconds."""
    return waiting(
        Guard(os.urandom(6).hex(), rollout, directory, sorted(agents), within_s, "", "", 0.0, None), within_s
    )


def waiting(guard: Guard, for_s: float) -> Guard:
    """The same guard, due in ``for_s`` seconds of this boot."""
    now = _now_us()
    return Guard(
        guard.id,
        guard.rollout,
        guard.directory,
        guard.agents,
        guard.within_s,
        guard.armed_at or str(_instant.iso(now)),
        str(_instant.iso(now + int(for_s * 1e6))),
        time.monotonic() + for_s,
        _host_metrics.boot_id(),
    )


def read(folder: StateFolder) -> Optional[Guard]:
    """The armed guard, ``None`` when there is none."""
    raw = folder.read(ARMED)
    if raw is None:
        return None
    try:
        return Guard(**raw)
    except TypeError as problem:
        raise InstanceError("state_altered", "{0} is no guard: {1}".format(folder.file(ARMED), problem)) from None


def keep(folder: StateFolder, guard: Guard) -> None:
    """Write it down, so that it survives a reboot."""
    folder.write(ARMED, asdict(guard))


def forget(place: Place, folder: StateFolder) -> None:
    """Disarm: nothing fires any more, whatever timers are left. The last one takes the boot service with it."""
    folder.remove(ARMED)
    others = [place.folder(name) for name in _state_folder.rollouts(place.root)]
    if not any(os.path.lexists(other.file(ARMED)) for other in others):
        _guard_timer.disable_at_boot(place.units)


def status(place: Place, rollout: str) -> Dict[str, Any]:
    """How a rollout stands with this host: ``none``, ``armed`` or ``reverted``. Reads only."""
    folder = place.folder(rollout)
    guard, reverted = read(folder), folder.read(REVERTED)
    return {
        "state": "armed" if guard else "reverted" if reverted else "none",
        "deadline": guard.deadline if guard else None,
        "agents": guard.agents if guard else [],
        "reverted": reverted,
    }


def seen(place: Place, rollout: str) -> Dict[str, Any]:
    """How the guard stands, for a module's result: it never fails."""
    try:
        return status(place, rollout)
    except InstanceError as problem:
        return {"state": "unknown", "deadline": None, "agents": [], "reverted": None, "message": problem.message}
