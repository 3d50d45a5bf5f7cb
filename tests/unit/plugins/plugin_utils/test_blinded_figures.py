# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each single figure of the evidence taken away: no metric reads another value without saying that something is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metric_names import METRICS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._metrics import read

from tests.unit.plugins.plugin_utils.recorded import evidence

Path = tuple[Any, ...]
ROOTS: list[Path] = [
    ("instances", "network-expert@dgx-1"), ("instances", "nix-expert@dgx-1"), ("hosts", "dgx-1"), ("nats", 0),
]  # fmt: skip
#: What names an instance is no figure; it comes from the plan.
NAMES = frozenset({"role", "agent", "host", "at"})
#: Trends are read from the series, whose gaps have tests of their own.
FIGURES = sorted(name for name, metric in METRICS.items() if not metric.trend and not metric.sequential)
LISTS_OF_THEIR_OWN = frozenset({"kinds", "counters", "lifecycle"})


def figures(value: Any, path: Path = ()) -> Iterator[Path]:
    if not isinstance(value, dict):
        return
    for key, each in value.items():
        if key not in NAMES or isinstance(each, dict):
            yield (*path, key)
        if key not in LISTS_OF_THEIR_OWN:
            yield from figures(each, (*path, key))


def at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def blinded(value: Any, path: Path) -> Any:
    """A copy in which nobody said this; the rest is shared with the original."""
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = None if len(path) == 1 else blinded(value[path[0]], path[1:])
    return copy


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_that_nobody_told_changes_no_value_unsaid(name: str) -> None:
    document = evidence()
    whole = read(name, document)
    unsaid = []
    for root in ROOTS:
        for path in figures(at(document, root)):
            try:
                seen = read(name, blinded(document, (*root, *path)))
            except (AttributeError, KeyError, TypeError):
                continue  # never a value: a gate without its evidence as it should be ends with an error
            if not seen.missing and (seen.value, seen.by) != (whole.value, whole.by):
                unsaid.append((*root, *path))
    assert unsaid == []


def test_there_are_figures_to_take_away() -> None:
    document = evidence()
    assert all(len(list(figures(at(document, root)))) > 10 for root in ROOTS)
