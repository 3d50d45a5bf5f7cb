# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for scenarios: the shipped ones with smaller numbers, written where a story can name them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from tests.rollout.scenario.story import ROOT


def shipped(name: str) -> dict[str, Any]:
    """A plan of playbooks/plans as data, free to be changed."""
    content = yaml.safe_load((ROOT / "playbooks" / "plans" / f"{name}.yml").read_text())
    content = dict(copy.deepcopy(content))
    # This loader reads YAML 1.1, where an unquoted `on` is a boolean.
    content["rollback"] = {"on" if key is True else key: value for key, value in content["rollback"].items()}
    return content


def write(folder: Path, plan: dict[str, Any]) -> Path:
    """The plan as <folder>/<rollout>.yml."""

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{plan['rollout']}.yml"
    path.write_text("---\n" + yaml.dump(plan, Dumper=Plain, sort_keys=False, width=140))
    return path
