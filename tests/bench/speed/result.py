# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Medians, bars and the table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

OURS = "ours"


@dataclass(frozen=True)
class Under:
    """Ours must take less than this many seconds."""

    seconds: float

    def judge(self, samples: Mapping[str, list[float]]) -> tuple[bool, str]:
        seen = median(samples[OURS])
        met = seen < self.seconds
        return met, f"ours under {self.seconds:g} s: {seen:.2f} s, {'met' if met else 'MISSED'}"


@dataclass(frozen=True)
class Faster:
    """A peer must take at least so many times as long as ours."""

    peer: str
    times: float

    def judge(self, samples: Mapping[str, list[float]]) -> tuple[bool, str]:
        what = f"at least {self.times:g} times faster than {self.peer}"
        if not samples.get(self.peer):
            # Not measured is not met.
            return False, f"{what}: {self.peer} was not measured, MISSED"
        ratio = median(samples[self.peer]) / median(samples[OURS])
        met = ratio >= self.times
        return met, f"{what}: {ratio:.1f} times, {'met' if met else 'MISSED'}"


Bar = Under | Faster


def summary(name: str, samples: Mapping[str, list[float]]) -> dict[str, Any]:
    """One row of the result: medians in seconds, and beside them what they are the medians of."""
    peers = [peer for peer in samples if peer != OURS]
    return {
        "name": name,
        "unit": "s",
        "ours": round(median(samples[OURS]), 3),
        "peers": {peer: round(median(samples[peer]), 3) for peer in peers},
        "runs": len(samples[OURS]),
        "peer_runs": {peer: len(samples[peer]) for peer in peers},
        "min": {who: round(min(each), 3) for who, each in samples.items()},
        "max": {who: round(max(each), 3) for who, each in samples.items()},
    }


def judge(bars: tuple[Bar, ...], samples: Mapping[str, list[float]]) -> tuple[bool, list[str]]:
    """(all met, a line for each bar)."""
    verdicts = [bar.judge(samples) for bar in bars]
    return all(met for met, _line in verdicts), [line for _met, line in verdicts]


def table(rows: list[dict[str, Any]], verdicts: Mapping[str, list[str]]) -> list[str]:
    """The rows for people: median and range of each, peers as multiples of ours, then the bars."""
    lines = []
    for row in rows:
        lines.append(f"{row['name']}  (seconds, median, least to most)")
        counts = {OURS: row["runs"], **row["peer_runs"]}
        for who, value in {OURS: row["ours"], **row["peers"]}.items():
            ratio = "" if who == OURS else f"{value / row['ours']:7.1f} x ours"
            spread = f"{row['min'][who]:.2f} to {row['max'][who]:.2f}"
            runs = f"{counts[who]} run{'' if counts[who] == 1 else 's'}"
            lines.append(f"  {who:<12}{value:9.2f}  {spread:<20}{runs:<8}{ratio}".rstrip())
        lines += [f"  bar: {line}" for line in verdicts[row["name"]]]
    return lines
