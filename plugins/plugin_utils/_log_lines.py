# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the lines of one instance are read: by its plan, else by its inventory, else by all shapes that are known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import PlaceholderError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError

if TYPE_CHECKING:
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan

VARIABLE = "rollout_agent_log_lines"
# Without a plan's own word every line must be read.
READABLE = 100.0


def of_instance(context: Context, agent: str, host: str) -> dict[str, Any]:
    """What the modules take as `log_lines`; empty where all shapes are tried. Raises StepError with host and key."""
    plan = context.plan
    given = plan.log_lines if plan is not None else None
    if given is not None and given.says_how:
        reading = given.reading()
    else:
        reading = _of_inventory(context, agent, host)
    harmless = (
        [{"name": each.name, "line": each.line, "at_most": each.at_most} for each in given.harmless] if given else []
    )
    return {**reading, "harmless": harmless} if harmless else reading


def readable(plan: Plan) -> float:
    """The share of lines that must be read, in percent."""
    return plan.log_lines.readable if plan.log_lines is not None else READABLE


def _of_inventory(context: Context, agent: str, host: str) -> dict[str, Any]:
    given = context.hostvar(host, VARIABLE)
    if not given:
        return {}
    if not isinstance(given, Mapping):
        raise StepError(
            f"{_written_at(given)}{VARIABLE} of host {host}: seen {given!r}, expected a mapping with shape, keys, pattern or levels."
        )
    try:
        text = json.dumps(given, default=str)
    except (TypeError, ValueError) as error:
        raise StepError(f"{VARIABLE} of host {host}: {error}; expected a mapping of texts.") from error
    raw = json.loads(text)
    shape = raw.get("shape")
    if isinstance(shape, str) and context.catalogue is not None and agent in context.catalogue:
        try:
            # Agents of one host may write in different shapes: a column of the agents file says which.
            raw["shape"] = context.catalogue.expand(shape, agent, host) or "auto"
        except PlaceholderError as error:
            raise StepError(f"{_written_at(given)}{VARIABLE}.shape of host {host}: {error}.") from error
    reading, faults = _checked(json.dumps(raw, sort_keys=True))
    if faults:
        where = _written_at(given)
        raise StepError("\n".join(f"{where}{VARIABLE}{fault} (host {host}, agent {agent})" for fault in faults))
    return reading


def _written_at(value: Any) -> str:
    """`<file>:<line>: ` of a variable; nothing where this Ansible does not know it (before 2.19)."""
    try:
        from ansible._internal._datatag._tags import Origin
    except ImportError:
        return ""
    origin = Origin.get_tag(value)
    return f"{origin.path}:{origin.line_num}: " if origin is not None and origin.path else ""


@lru_cache(maxsize=256)
def _checked(raw: str) -> tuple[dict[str, Any], list[str]]:
    """What an inventory says, as modules take it, and what can't be used of it."""
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import log_shape_from

    return log_shape_from(json.loads(raw))
