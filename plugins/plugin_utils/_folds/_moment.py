# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stored times as whole microseconds since the epoch, which compare and subtract without rounding."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import iso, parse_iso

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE = timedelta(microseconds=1)


def micros_of(moment: datetime) -> int:
    return (moment - _EPOCH) // _ONE


def micros(text: Any) -> int | None:
    """The moment of a stored time; None for what is none."""
    try:
        return micros_of(parse_iso(text))
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None


def text_of(moment: int) -> str:
    """The stored form of a moment."""
    return iso(_EPOCH + timedelta(microseconds=moment))


def bucket_of(moment: int, bucket_s: float) -> int:
    """The bucket that a moment falls into, counted from the epoch; hosts count the same way (`_bucket.index_of`)."""
    return math.floor(moment / SECOND / bucket_s)
