# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Series: what was measured, by bucket of time, from the first look at a rollout to now."""

from __future__ import annotations

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._build import SCHEMA, build
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._series._files import SeriesError, load, write

__all__ = ["SCHEMA", "SeriesError", "build", "load", "write"]
