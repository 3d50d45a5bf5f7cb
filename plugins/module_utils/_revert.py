# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard fires: the host puts its agents back by itself. The entry of the program that :mod:`_guard_file` makes."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Dict, List

from ansible_collections.cowboyai.rollout.plugins.module_utils import (
    _agent_restore,
    _fence,
    _guard_record,
    _guard_timer,
    _host_lock,
    _instant,
    _state_folder,
)
from ansible_collections.cowboyai.rollout.plugins.module_utils._guard_record import Place
from ansible_collections.cowboyai.rollout.plugins.module_utils._host import Host
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import ArgumentProblem, InstanceError
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import SystemdError

# A change that is under way ends within this time; the unit tries again when it did not.
_LOCK_WAIT = 600.0
_EARLY_S = 0.5
WHO = "the host's own revert"


def main(words: List[str]) -> int:
    """``fire ROOT ROLLOUT``, ``boot ROOT`` or ``rehearse FILE``; the exit status. What it says goes to the journal."""
    try:
        if words[:1] == ["rehearse"]:
            return _rehearse(words[1])
        place = Place(root=words[1])
        if words[0] == "boot":
            return boot(place, os.path.abspath(sys.argv[0]))
        return fire(place, words[2], Host())
    except (InstanceError, ArgumentProblem, SystemdError) as problem:
        say("could not put this host back, tried again in a minute: {0}".format(problem))
        return 1


def say(text: str) -> None:
    """A line for the journal."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def fire(place: Place, rollout: str, host: Host) -> int:
    """Put back what the guard is about, if it is due; 0 when nothing is left to do."""
    folder = place.folder(rollout)
    with _host_lock.host_lock(place.lock, _LOCK_WAIT):
        guard = _guard_record.read(folder)
        if guard is None:
            say("{0}: confirmed or taken back meanwhile, nothing to do".format(rollout))
            return 0
        if guard.remaining_s > _EARLY_S:
            # Never the end of it: this may be the last timer that there is.
            say("{0}: waits until {1}; looked at again in a minute".format(rollout, guard.deadline))
            return 1
        why = "the change of {0} was not confirmed within {1:g} s, until {2}".format(
            rollout, guard.within_s, guard.deadline
        )
        say("{0}; putting back {1} from {2}".format(why, ", ".join(guard.agents), guard.directory))
        # From here on no module of the steps so far may change anything, however late it gets the lock.
        try:
            _fence.take_over(folder, WHO)
        except InstanceError as problem:
            say("going on, though late modules of the rollout are not kept out: {0}".format(problem.message))
        begun = host.now_us()
        result = _agent_restore.restore(host, guard.directory, guard.agents)
        states = {one["state"] for one in result["instances"].values()}
        complete, nothing_left = states <= {"restored"}, "failed" not in states
        instances = {agent: _short(one) for agent, one in result["instances"].items()}
        folder.write(
            _guard_record.REVERTED,
            {
                "id": guard.id,
                "rollout": rollout,
                "at": _instant.iso(begun),
                "why": why,
                "complete": complete,
                "instances": instances,
            },
        )
        for agent in sorted(instances):
            one = instances[agent]
            say("{0}: {1}: {2}".format(agent, one["state"], one["message"]))
        if nothing_left:
            # What is back and does not show its proof is for a person: putting it back once more would change nothing.
            _guard_record.forget(place, folder)
        return 0 if nothing_left else 1


def _short(one: Dict[str, Any]) -> Dict[str, Any]:
    after = one.get("after") or {}
    return {
        "state": one["state"],
        "reason": one["reason"],
        "message": one["message"],
        "restarted": bool(one.get("restarted")),
        "sha256": after.get("sha256"),
    }


def boot(place: Place, program: str) -> int:
    """After a reboot: start the timers that are gone; one whose time has passed fires at once."""
    status = 0
    with _host_lock.host_lock(place.lock, _LOCK_WAIT):
        for rollout in _state_folder.rollouts(place.root):
            folder = place.folder(rollout)
            try:
                guard = _guard_record.read(folder)
                if guard is None:
                    continue
                remaining = max(guard.remaining_s, 0.0)
                argv = [sys.executable, "-I", program, "fire", place.root, rollout]
                # Counted before the timer starts, which is then never early, however long starting it takes.
                again = _guard_record.waiting(guard, remaining)
                # A try before this one may have started it; under the lock nothing fires.
                _guard_timer.stop(guard.unit, place.run)
                _guard_timer.start(guard.unit, remaining, argv, place.run)
                _guard_record.keep(folder, again)
                say("{0}: waits for its confirmation until {1}".format(rollout, guard.deadline))
            except InstanceError as problem:
                say("{0}: {1}".format(rollout, problem.message))
                status = 1
    return status


def _rehearse(path: str) -> int:
    _state_folder.put(path, "{0}\n".format(time.monotonic()).encode("ascii"))
    return 0
