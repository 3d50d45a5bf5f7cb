# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of the judge: numbers in, numbers out. docs/judgement.md says which is used where, and why.

numpy and scipy are imported inside the functions: a rollback, a status and a batch must never wait for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Two noisy samples differ by chance too often; from five a side on, rank tests hold what they promise.
MIN_SAMPLES = 5
# So many values are sorted sooner than numpy has begun.
FEW = 24


def median(values: Array) -> float:
    """The median of one row of finite values, one at least: numpy's own spends most of its time on what such a row can't have."""
    import numpy as np

    half = len(values) // 2
    if len(values) <= FEW:
        ordered = sorted(values.tolist())
        return float(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2.0)
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    lower, upper = np.partition(values, (half - 1, half))[half - 1 : half + 1].tolist()
    return float((lower + upper) / 2.0)
