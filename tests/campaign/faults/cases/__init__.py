# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case but the kills: one module for what goes wrong with hosts, NATS, units, files, runs, clocks."""

from __future__ import annotations

from tests.campaign.faults.case import Case
from tests.campaign.faults.cases import clocks, files, hosts, nats, runs, units

CASES: list[Case] = [*hosts.CASES, *units.CASES, *files.CASES, *runs.CASES, *clocks.CASES, *nats.CASES]
