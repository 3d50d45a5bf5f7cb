# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name, and vets what the host answers."""

from __future__ import annotations

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._vetted_module import VettedModule


class ActionModule(VettedModule):
    """See the module."""
