# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Buckets of time: whatever measures a moment puts it into the same one, on every host and on the controller."""

from __future__ import annotations

import math
from typing import Union

SHORTEST_S = 0.1
LONGEST_S = 86400.0


def checked(seconds: Union[int, float, None]) -> float:
    """The length of buckets in seconds, 0.0 for none. ValueError says what was seen and expected."""
    length = float(seconds or 0.0)
    if length and not SHORTEST_S <= length <= LONGEST_S:
        raise ValueError(
            "bucket: {0!r} s, expected 0 (no buckets) or {1:g} to {2:g}".format(seconds, SHORTEST_S, LONGEST_S)
        )
    return length


def index_of(epoch_s: float, bucket_s: float) -> int:
    """The bucket that a moment (seconds since the epoch) falls into, counted from the epoch: it covers
    ``[index * bucket_s, (index + 1) * bucket_s)``."""
    return math.floor(epoch_s / bucket_s)
