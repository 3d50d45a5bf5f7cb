# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bucket a moment falls into."""

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _bucket


@pytest.mark.parametrize(
    "epoch_s, bucket_s, index",
    [(0.0, 60.0, 0), (59.999999, 60.0, 0), (60.0, 60.0, 1), (-0.5, 60.0, -1), (1769209930.067668, 1.0, 1769209930)],
)
def test_a_bucket_begins_where_the_one_before_ends(epoch_s: float, bucket_s: float, index: int) -> None:
    assert _bucket.index_of(epoch_s, bucket_s) == index


@pytest.mark.parametrize("given, length", [(None, 0.0), (0, 0.0), (0.1, 0.1), (60, 60.0), (86400, 86400.0)])
def test_lengths(given: float, length: float) -> None:
    assert _bucket.checked(given) == length


@pytest.mark.parametrize("given", [-1, 0.05, 86401, float("nan"), float("inf")])
def test_lengths_that_are_none(given: float) -> None:
    with pytest.raises(ValueError, match=r"bucket: .* expected 0"):
        _bucket.checked(given)
