# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands out of a series: far from its median, measured in median absolute deviations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._statistics import MIN_SAMPLES

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# The median absolute deviation of normal noise is this much smaller than its standard deviation.
MAD_TO_SD = 1.4826
# Of normal noise two values in a billion are farther out; of a heavy tail, a few in a thousand.
FAR_OUT = 6.0
# Noise below this share of the median is how a gauge counts (pages, bins), and no measure of what is far.
SMALLEST_NOISE = 0.005


def anomalies(values: Array) -> Array:
    """Positions that lie more than FAR_OUT robust standard deviations from the median (Hampel 1974); none below MIN_SAMPLES."""
    import numpy as np

    values = np.asarray(values, dtype=float)
    finite = values[np.isfinite(values)]
    if len(finite) < MIN_SAMPLES:
        return np.zeros(0, dtype=int)
    middle = float(np.median(finite))
    noise = max(MAD_TO_SD * float(np.median(np.abs(finite - middle))), SMALLEST_NOISE * abs(middle), 1e-12)
    with np.errstate(invalid="ignore"):
        return np.flatnonzero(np.abs(values - middle) > FAR_OUT * noise)
