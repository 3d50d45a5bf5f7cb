# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The self-contained HTML report of a rollout: from ledger and evidence alone, at any time, and the same again."""

from __future__ import annotations

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._html._page import render, write_html

__all__ = ["render", "write_html"]
