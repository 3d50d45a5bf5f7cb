# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times that were covered, as ascending [from, to] spans in microseconds since the epoch."""

from __future__ import annotations


def covered(spans: list[list[int]], begin: int, end: int) -> None:
    """Add a span. One that begins where the last one ended, or before, makes that one longer."""
    if end <= begin:
        return
    if not spans or begin > spans[-1][1]:
        spans.append([begin, end])
    elif begin >= spans[-1][0]:
        spans[-1][1] = max(spans[-1][1], end)
    else:
        # A host's clock ran back, or lines were read in another order: rare, so sorting all of them will do.
        spans[:] = merged([*spans, [begin, end]])


def merged(spans: list[list[int]]) -> list[list[int]]:
    """The same times, ascending and apart."""
    out: list[list[int]] = []
    for begin, end in sorted(spans):
        if out and begin <= out[-1][1]:
            out[-1][1] = max(out[-1][1], end)
        else:
            out.append([begin, end])
    return out


def without(spans: list[list[int]], begin: int, end: int) -> list[list[int]]:
    """The spans less [begin, end]."""
    out: list[list[int]] = []
    for first, last in spans:
        if last <= begin or first >= end:
            out.append([first, last])
            continue
        if first < begin:
            out.append([first, begin])
        if last > end:
            out.append([end, last])
    return out
