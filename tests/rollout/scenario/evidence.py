# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that each checkpoint of a wave leaves beside its evidence.json: the first one, later ones, and the last."""

from __future__ import annotations

EACH = {
    "summary.json",
    "agent_status.json",
    "errors.log",
    "nats_sampling.json",
    "nats_sampling.txt",
    "system_metrics.json",
    "series.json",
    "trends.json",
    "trends.txt",
}
LATER = EACH | {"analysis.txt", "comparison.json"}
LAST = LATER | {"final_analysis.md", "aggregate_metrics.json"}
