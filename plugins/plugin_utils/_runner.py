# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether somebody is at work on a rollout, for those who only look: what its lease says, and what can be known of the process. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _lease
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import duration_text, parse_iso, short

# ALIVE and GONE are known of this machine alone. QUIET has shown no sign of life for longer than any step goes without one.
NOBODY, ALIVE, AWAY, LAUNCHED = "nobody", "alive", "away", "launched"
QUIET, GONE, EXPIRED, RELEASED = "quiet", "gone", "expired", "released"
# Where no process waits, a schedule launches the rollout again; each launch has the lease while it looks. One that comes more rarely is
# no longer taken for one that will come.
LAUNCHED_AGAIN_S = 900.0
# A clock that is ahead by more than this is wrong, or was set.
CLOCKS_DIFFER_S = 60.0


@dataclass(frozen=True)
class Runner:
    """`kind`: one of the words above; `text`: who it is and what is known, as a clause."""

    kind: str
    text: str = ""

    @property
    def works(self) -> bool:
        """Whether, for all that can be known, somebody is at work."""
        return self.kind in (ALIVE, AWAY, LAUNCHED)


def runner(lease: dict[str, Any] | None, now: datetime, gone: bool | None, launched: bool = False) -> Runner:
    """Who runs a rollout, by its lease, in real time.

    `gone`: whether the process has ended, None where that can't be told from here. `launched`: whether it is one that no process waits for.
    """
    if lease is None:
        return Runner(NOBODY, "no run has taken it up")
    by = _lease.holder_text(lease)
    if lease.get("released"):
        ended = parse_iso(lease["released"])
        if launched and (now - ended).total_seconds() < LAUNCHED_AGAIN_S:
            return Runner(
                LAUNCHED,
                f"is launched when something is due; the last launch, by {lease['by']}, ended at {short(ended)}",
            )
        return Runner(RELEASED, f"the last one, by {lease['by']}, ended at {short(ended)}")
    if gone:
        return Runner(GONE, f"{by}: its process has ended in the middle of it")
    quiet_s = (now - parse_iso(lease["heartbeat"])).total_seconds()
    ago = f"no sign of life for {duration_text(int(quiet_s))}"
    there = "its process is there" if gone is False else "whether its process is there can't be told from this machine"
    if quiet_s < -CLOCKS_DIFFER_S:
        there += f"; its last sign of life is {duration_text(int(-quiet_s))} ahead of this machine's clock, so one of the two clocks is wrong"
    if quiet_s <= float(lease.get("silence_s", _lease.silence_s(()))):
        return Runner(ALIVE if gone is False else AWAY, f"{by}: {there}")
    if gone is None and now >= _lease.expiry(lease):
        return Runner(EXPIRED, f"{by}: {ago}, and its lease has ended")
    return Runner(QUIET, f"{by}: {ago}; {there}")


def what_to_do(seen: Runner, rollout: str) -> str:
    """How somebody goes on with a rollout that nobody is at work on."""
    if seen.kind == QUIET:
        return (
            "look whether that run still goes on (its job, its terminal); if it does not, end it and start the same command again with "
            f"-e rollout_takeover=true, or put back what it changed: ansible-playbook playbooks/rollback.yml -e rollout={rollout}"
        )
    return f"start the same command again, or put back what it changed: ansible-playbook playbooks/rollback.yml -e rollout={rollout}"
