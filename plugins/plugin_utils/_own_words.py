# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook says itself of the rollout, against extra variables, which win in Ansible.

A wave's playbook says `rollout`, and each of its steps `phase` or `checkpoint`. One extra variable of such a name, the "" of an empty AWX
survey answer too, would win in every step of it: the checkpoint of T+1h would ask which checkpoint it is, after everything was changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES = ("rollout", "phase", "checkpoint", "approval")


def own_words(task: Any) -> dict[str, Any]:
    """The variables of the play that a task belongs to, as its playbook has them."""
    return dict(task.get_play().vars or {})


def overruled(task: Any, variables: Mapping[str, Any]) -> str:
    """Why a run whose playbook says its rollout itself can't go well; empty when it can."""
    own = own_words(task)
    if "rollout" not in own:
        return ""
    for name in NAMES:
        # An empty answer may have become None. It wins all the same.
        if name not in variables:
            continue
        seen = variables[name]
        # A play that does not say the name itself is no excuse: a later one of the same playbook does.
        if name not in own or not _same(seen, own[name]):
            says = (
                f"{name} {own[name]!r}"
                if name in own
                else f"rollout {own['rollout']!r}, and {name} where it needs one,"
            )
            return (
                f"this playbook says {says} itself, but an extra variable makes {name} {seen!r} in all of it. Leave {name} away: no -e {name}=, "
                "and no question for it in the AWX survey of template or workflow (an empty answer counts too). Nothing was begun."
            )
    return ""


def _same(seen: Any, own: Any) -> bool:
    # What is written as a template can't be compared; it says nothing of its own.
    return str(seen) == str(own) or "{{" in str(own)
