# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host as change, backup and restore see it: systemd, processes, journal and clock behind one small surface."""

from __future__ import annotations

import time
from typing import Callable, Dict, Optional, Sequence

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _environ,
    _journal,
    _process,
    _systemd,
    _unit_config,
)


class Host:
    """The real host. Tests put a scripted one in its place."""

    def show(self, units: Sequence[str]) -> Dict[str, _systemd.Unit]:
        """State of all units in one call."""
        return _systemd.show(units)

    def configuration(self, units: Sequence[str]) -> Dict[str, _unit_config.UnitConfig]:
        """Where the environment of each unit comes from."""
        return _unit_config.show(units)

    def reset_failed(self, units: Sequence[str]) -> None:
        """Forget failures and start limits."""
        _systemd.reset_failed(units)

    def restart(self, units: Sequence[str], timeout: float) -> str:
        """Restart all units in one call; what systemctl complained about."""
        return _systemd.restart(units, timeout)

    def environ(self, pid: int, invocation: Optional[str]) -> Optional[_environ.Environ]:
        """Environment of the main process of this invocation of a service; ``None`` when it is gone."""
        raw = _process.environ(pid)
        return None if raw is None else _environ.parse(raw, invocation)

    def read_journal(
        self,
        invocations: Sequence[str],
        on_record: Callable[[_journal.Record], None],
        since: int,
        cursor: Optional[str] = None,
        until: Optional[int] = None,
        namespace: str = "",
    ) -> _journal.Reading:
        """Lines of exactly these invocations, in one namespace of the journal or (``*``) in all."""
        return _journal.read(
            _journal.invocation_matches(invocations),
            on_record,
            since=since,
            cursor=cursor,
            until=until,
            max_entries=50000,
            timeout=20.0,
            namespace=namespace,
        )

    def now_us(self) -> int:
        """Wall clock, microseconds since the epoch (what systemd and the journal stamp with)."""
        return int(time.time() * 1000000)

    def monotonic(self) -> float:
        """Seconds for measuring how long something took."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
