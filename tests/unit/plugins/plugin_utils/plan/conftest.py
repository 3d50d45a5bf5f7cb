# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import Catalogue
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan import Plan, PlanError, Problem, load_plan

ROOT = Path(__file__).resolve().parents[5]
HOSTS = ["dgx-1", "dgx-2", "dgx-3"]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue.read(ROOT / "inventories/dgx/group_vars/dgx/agents.csv")


@pytest.fixture(scope="session")
def wave2_text() -> str:
    return (ROOT / "playbooks/plans/wave2.yml").read_text(encoding="utf-8")


@pytest.fixture
def read(tmp_path: Path, catalogue: Catalogue) -> Callable[[str], Plan]:
    """Load a plan from a text, with the catalogue and the three hosts of the fleet."""

    def load(text: str) -> Plan:
        path = tmp_path / "plan.yml"
        path.write_text(text, encoding="utf-8")
        return load_plan(str(path), catalogue, HOSTS)

    return load


@pytest.fixture
def problems(wave2_text: str, read: Callable[[str], Plan]) -> Callable[..., list[Problem]]:
    """The problems of wave 2's plan after replacing texts in it, in pairs of old and new."""

    def change(*replacements: str) -> list[Problem]:
        text = wave2_text
        for old, new in zip(replacements[::2], replacements[1::2], strict=True):
            assert old in text, f"{old!r} is not in the plan any more"
            text = text.replace(old, new, 1)
        try:
            read(text)
        except PlanError as error:
            return error.problems
        return []

    return change
