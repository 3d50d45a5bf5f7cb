# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is told what: levels with their channels, and the level of each event.

A plan holds names of channels only. Their URLs are secrets and come from the variable `rollout_notify_channels` or the
environment.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._fields import DurationOrZero, Section, refuse
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._pydantic import (
    BeforeValidator,
    Field,
    WithJsonSchema,
    field_validator,
)

# No underscore: the environment variable of a channel writes `-` as `_`, and two channels must not share one.
_CHANNEL = r"^[a-z][a-z0-9-]*$"
_CHANNEL_NAME = re.compile(_CHANNEL[:-1] + r"\Z")
HIGHEST_LEVEL = 9


def _channel(value: Any) -> str:
    expected = "the name of a channel: lower case letters, digits and '-', such as ops-alerts"
    if isinstance(value, str) and "://" in value:
        # Not shown again: a URL here is a secret in the wrong place.
        raise refuse(expected, "a URL is a secret: put it into rollout_notify_channels, and name it here", seen="a URL")
    if not isinstance(value, str) or not _CHANNEL_NAME.match(value):
        raise refuse(expected, "rollout_notify_channels, or the environment, has its URL")
    return value


def _level(key: Any) -> int:
    number = int(key) if isinstance(key, str) and key.isascii() and key.isdigit() else key
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= HIGHEST_LEVEL:
        hint = "1 informs, higher ones reach more people"
        raise refuse(f"a level from 1 to {HIGHEST_LEVEL}", hint, key=str(key), seen=str(key))
    return number


ChannelName = Annotated[str, BeforeValidator(_channel), WithJsonSchema({"type": "string", "pattern": _CHANNEL})]
Channels = Annotated[list[ChannelName], Field(min_length=1)]


def _event_level(text: str, default: int) -> Any:
    return Field(default=default, ge=0, le=HIGHEST_LEVEL, description=text)


class NotifyEvents(Section):
    """The level that each event is told at; 0 tells nobody."""

    deployment: int = _event_level("A phase begins to change hosts, and is deployed.", 1)
    checkpoint: int = _event_level("What a checkpoint decided, or that it was missed.", 1)
    approval: int = _event_level("A person's GO is wanted, was given, or did not come in time.", 2)
    incident: int = _event_level("A critical alert opened, was told again, or a warning became critical.", 2)
    warning: int = _event_level("A warning opened or was told again; an alert of either severity is over.", 1)
    rollback: int = _event_level("A rollback begins, and how it ended.", 3)
    report: int = _event_level("The decision, the end of a rollback, and a stop that waits for a person.", 1)


class Notify(Section):
    """Messages to people. Without this section nothing is sent; alerts are in the ledger and their log in any case."""

    resend: DurationOrZero = Field(
        default=1800.0, description="An alert that stays open is told again after this time; 0s: never."
    )
    levels: dict[int, Channels] = Field(
        min_length=1,
        description="Channels by level, `1: [ops-alerts]`. A level that is not listed takes the next lower one's; below the lowest nobody is told.",
        json_schema_extra={"propertyNames": {"pattern": f"^[1-{HIGHEST_LEVEL}]$"}},
    )
    events: NotifyEvents = Field(default_factory=NotifyEvents, description="The level of each event.")

    @field_validator("levels", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        """Levels are numbers in YAML and text in JSON; both mean the same."""
        if not isinstance(value, dict):
            return value
        read: dict[int, Any] = {}
        for key, channels in value.items():
            level = _level(key)
            if level in read:
                raise refuse("each level once", key=str(key), seen=str(key))
            read[level] = channels
        return read
