# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case, by its source."""

from __future__ import annotations

from tests.campaign.instruments.case import Case
from tests.campaign.instruments.cases import journal, machine, probe, reach, recorded, sample, units

CASES: list[Case] = [
    *journal.CASES, *units.CASES, *machine.CASES, *reach.CASES, *sample.CASES, *probe.CASES, *recorded.CASES,
]  # fmt: skip
