# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that people set, with their types: whoever reads one, in Python or in YAML (lookup `given`), reads it here. Pure.

A command line gives text, an inventory gives YAML, and AWX gives text that ansible-core resolves anew: `false`, `no`, `0123` and an empty
answer arrive as False, False, 83 and None. `_extra_vars` brings back what was written; here it gets its type, or is refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._step_error import StepError

YES, NO = ("true", "yes", "on", "y", "t", "1"), ("false", "no", "off", "n", "f", "0")


@dataclass(frozen=True)
class Kind:
    """`read` makes the value of what was given, and raises ValueError for what is none; `expected` says what is one."""

    expected: str
    read: Callable[[Any], Any]
    is_text: bool = False


def _yes_no(value: Any) -> bool:
    word = str(value).strip().lower()
    if isinstance(value, (bool, int, str)) and word in (*YES, *NO):
        return word in YES
    raise ValueError


def _scalar(value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple, set)):
        raise ValueError
    return str(value)


def _text(value: Any) -> str:
    # What nobody can bring back any more: in YAML `no` and `false` are the same word.
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else _scalar(value)


def _name(value: Any) -> str:
    # A survey with several choices answers with a list.
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        raise ValueError
    return _scalar(value).strip()


def _names(value: Any) -> list[str]:
    given = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    return [name for name in map(_name, given) if name]


def _whole(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _looks(value: Any) -> int:
    looks = _whole(value)
    if not 1 <= looks <= 1000:
        raise ValueError
    return looks


def _scale(value: Any) -> float:
    scale = _number(value)
    if not 1.0 <= scale <= 1_000_000.0:
        raise ValueError
    return scale


YES_NO = Kind("true or false", _yes_no)
TEXT = Kind("text", _text, is_text=True)
NAME = Kind("one name, as text; in YAML and JSON put it in quotes", _name, is_text=True)
NAMES = Kind("names: a list, or a text with commas", _names, is_text=True)
WHOLE = Kind("a whole number", _whole)
LOOKS = Kind("a whole number from 1 to 1000", _looks)
SCALE = Kind("nothing: say -e rollout_skip_waits=true for a rehearsal that skips its waits, or leave it out", _scale)
# What it must be is said where it is used.
RAW = Kind("anything", lambda value: value)


@dataclass(frozen=True)
class Variable:
    kind: Kind
    # What counts where it is not given.
    default: Any = None


VARIABLES: dict[str, Variable] = {
    # What a run is about.
    "rollout": Variable(NAME, ""),
    "phase": Variable(NAME, ""),
    "checkpoint": Variable(NAME, ""),
    "approval": Variable(NAME, ""),
    "agent": Variable(NAMES, []),
    "plan": Variable(NAME, ""),
    # What people answer.
    "decision": Variable(NAME, ""),
    "reason": Variable(TEXT, ""),
    "stop_with": Variable(NAME, ""),
    "lift": Variable(YES_NO, False),
    "live": Variable(YES_NO, True),
    "message": Variable(TEXT, ""),
    "notify_test": Variable(YES_NO, False),
    "notify_level": Variable(WHOLE),
    "notify_channels": Variable(NAMES, []),
    "store_from": Variable(NAME, ""),
    "store_to": Variable(NAME, ""),
    "soak_rounds": Variable(WHOLE, 3),
    "rollback_forced": Variable(YES_NO, False),
    "rollback_leaves_hold": Variable(YES_NO, False),
    "rollback_ends_failed": Variable(YES_NO, False),
    # How a rollout goes on.
    "rollout_wait": Variable(YES_NO, True),
    "rollout_new_attempt": Variable(YES_NO, False),
    "rollout_takeover": Variable(YES_NO, False),
    "rollout_shadow": Variable(YES_NO, False),
    "rollout_skip_waits": Variable(YES_NO, False),
    "rollout_looks_per_wait": Variable(LOOKS),
    "rollout_time_scale": Variable(SCALE, 1.0),
    "rollout_rehearsal": Variable(YES_NO, False),
    "rollout_accept_gaps": Variable(YES_NO, False),
    "rollout_accept_missed": Variable(NAMES, []),
    "rollout_accept_plan": Variable(NAME, ""),
    "rollout_accept_unproven": Variable(NAMES, []),
    "rollout_backup_dir": Variable(NAME, ""),
    # Where things are.
    "rollout_plan": Variable(NAME, ""),
    "rollout_plans_dir": Variable(NAME, ""),
    "rollout_monitoring_dir": Variable(NAME, ""),
    "rollout_textfile_dir": Variable(NAME, ""),
    "rollout_store": Variable(NAME, ""),
    "rollout_store_auth": Variable(RAW),
    "rollout_store_tls": Variable(RAW),
    "rollout_store_replicas": Variable(RAW),
    "rollout_notify_channels": Variable(RAW),
    "rollout_notify_templates": Variable(NAME, ""),
    # What an inventory says of its hosts.
    "rollout_agents_file": Variable(NAME, ""),
    "rollout_agent_unit": Variable(NAME, ""),
    "rollout_agent_env_file": Variable(NAME, ""),
    "rollout_agent_catalogue": Variable(RAW),
    "rollout_agent_log_lines": Variable(RAW),
    "rollout_disk_paths": Variable(NAMES, []),
    "rollout_host_key": Variable(NAME, ""),
    "rollout_nats_url": Variable(NAME),
    "rollout_nats_auth": Variable(RAW, {}),
    "rollout_nats_tls": Variable(RAW, {}),
    "rollout_nats_monitor_url": Variable(NAME, ""),
    "rollout_measure_from": Variable(NAME, "localhost"),
    "rollout_measure_become": Variable(YES_NO, False),
}
# What AWX says of its job: names that people gave, and numbers.
FOREIGN = ("awx_", "tower_")


def kind_of(name: str) -> Kind:
    """The type of a variable; RAW for one that is not ours, such as Ansible's own."""
    if name in VARIABLES:
        return VARIABLES[name].kind
    return TEXT if name.startswith(FOREIGN) else RAW


def default_of(name: str) -> Any:
    return VARIABLES[name].default


def value_of(variables: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """A variable of a play or a host in its type. Undefined and empty (an AWX survey's question without an answer) count as not given.

    Raises StepError, with name and value, for what is not of its type.
    """
    value = variables.get(name)
    if value is None or value == "":
        return default
    kind = kind_of(name)
    try:
        read = kind.read(value)
    except (ValueError, OverflowError):
        raise StepError(
            f"{name}: seen {_shown(value)}, expected {kind.expected}. Correct it and start again."
        ) from None
    return default if read in ("", []) else read


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        # Its values may be secrets.
        return "a mapping"
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def is_true(variables: Mapping[str, Any], name: str) -> bool:
    """What a variable says that is true or false."""
    return bool(value_of(variables, name, default_of(name)))
