# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The URLs of channels. They are secrets: they are kept in memory, and go to the sender through a pipe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

VARIABLE = "rollout_notify_channels"
PREFIX = "ROLLOUT_NOTIFY_"


def environment_name(channel: str) -> str:
    """`ops-alerts` -> `ROLLOUT_NOTIFY_OPS_ALERTS`."""
    return PREFIX + channel.upper().replace("-", "_")


def urls_of(channels: list[str], variable: Any, environment: Mapping[str, str]) -> dict[str, list[str]]:
    """channel -> its URLs, of the channels that have any.

    `variable`: what rollout_notify_channels holds ({name: URL or list of URLs}); it goes before the environment, where
    several URLs of a channel stand side by side with white space in between.
    """
    given = variable if isinstance(variable, Mapping) else {}
    found = {}
    for channel in channels:
        value = given.get(channel)
        if not value:
            value = environment.get(environment_name(channel), "").split()
        listed = [value] if isinstance(value, str) else list(value) if isinstance(value, (list, tuple)) else []
        # A plain str each: what a vault hands over knows where it comes from, and must not go anywhere with that.
        urls = [str(url).strip() for url in listed if re.match(r"\s*[A-Za-z][A-Za-z0-9+.-]*://", str(url))]
        if urls:
            found[channel] = list(dict.fromkeys(urls))
    return found
