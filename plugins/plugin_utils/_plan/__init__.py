# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: the YAML files that hold every number of a rollout. `load_plan` reads one, `PlanError` says what is wrong."""

from __future__ import annotations

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._load import (
    PlanError,
    load_plan,
    log_shape_from,
    plan_from_dict,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._model import Plan
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._schema import plan_json_schema
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._problems import Problem

__all__ = ["Plan", "PlanError", "Problem", "load_plan", "log_shape_from", "plan_from_dict", "plan_json_schema"]
