# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fencing: a host takes no action of a step that the rollout has left behind, however late its module arrives.

The controller gives each step that acts a token that rises. The host keeps the highest one and, under its lock and
before the first write, refuses a lower one. The same token again is the same step going on. Who acts on a host
without the controller (the host's own revert, a person without a ledger) takes the highest token over: nothing of the
steps so far gets in any more, and the rollout's next step, whose token is higher, does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

from ansible_collections.cowboyai.rollout.plugins.module_utils import _instance
from ansible_collections.cowboyai.rollout.plugins.module_utils._instance import ArgumentProblem, InstanceError
from ansible_collections.cowboyai.rollout.plugins.module_utils._state_folder import ROOT, StateFolder

FILE = "fence.json"
#: What the modules take, for their argument specs.
OPTION: Dict[str, Any] = {
    "type": "dict",
    "options": {
        "rollout": {"type": "str", "required": True},
        "step": {"type": "str", "required": True},
        "token": {"type": "int", "no_log": False},
    },
}


@dataclass(frozen=True)
class Fence:
    """Who acts: rollout, step, and the step's token; without a token the highest one is taken over."""

    rollout: str
    step: str
    token: Optional[int]


def fence_from(raw: Optional[Mapping[str, Any]]) -> Optional[Fence]:
    """The argument of a module, checked."""
    if not raw:
        return None
    token = raw.get("token")
    if token is not None and token < 1:
        raise ArgumentProblem("fence.token is {0!r}; expected a number from 1".format(token))
    return Fence(_instance.check_agent(raw.get("rollout"), "fence.rollout"), str(raw.get("step")), token)


def admit(fence: Optional[Fence], check: bool = False, root: str = ROOT, must_keep: bool = True) -> None:
    """Let a step in, and keep its token; :class:`InstanceError` ``fenced`` when it is left behind.

    Call under the host's lock, before the first write. With ``check`` nothing is kept. What must always work (a
    rollback, also on a full disk) goes on when the token can't be kept: ``must_keep`` is false.
    """
    if fence is None:
        return
    folder = StateFolder(fence.rollout, root)
    try:
        known = folder.read(FILE) or {}
        highest = _highest(folder, known)
        _refuse(fence, known, highest)
        if not check:
            _keep(folder, fence, highest)
    except InstanceError as problem:
        if must_keep or problem.reason == "fenced":
            raise


def _highest(folder: StateFolder, known: Mapping[str, Any]) -> int:
    token = known.get("token", 0)
    if isinstance(token, bool) or not isinstance(token, int):
        raise InstanceError(
            "state_altered", "{0} has the token {1!r}; expected a number".format(folder.file(FILE), token)
        )
    return token


def _refuse(fence: Fence, known: Mapping[str, Any], highest: int) -> None:
    if fence.token is None:
        return
    taken_over_by = known.get("taken_over_by")
    if fence.token < highest or (fence.token == highest and taken_over_by):
        raise InstanceError(
            "fenced",
            "this {0} of {1} has token {2}, the host has gone on with {3} ({4}); the action came too late or twice, and "
            "nothing was touched. Start the rollout's command again: its next step has a higher token".format(
                fence.step, fence.rollout, fence.token, highest, taken_over_by or known.get("step")
            ),
        )


def _keep(folder: StateFolder, fence: Fence, highest: int) -> None:
    if fence.token is None:
        take_over(folder, fence.step)
    elif fence.token > highest:
        folder.write(FILE, {"token": fence.token, "step": fence.step, "taken_over_by": None})


def take_over(folder: StateFolder, who: str) -> None:
    """Keep every step so far out, and let the next one in."""
    known = folder.read(FILE) or {}
    folder.write(FILE, {"token": _highest(folder, known), "step": known.get("step"), "taken_over_by": who})
