# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checks may be left out, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.quality.changed import Files
from tests.quality.command import ROOT
from tests.quality.lint import CHECKS, ONLY_WHERE_CHANGED, left_out


def test_a_slow_check_is_left_out_where_nothing_that_it_reads_is_new() -> None:
    assert left_out(list(CHECKS), Files(("tests/unit/plugins/a.py", "Makefile"))) == ["antsibull-docs"]
    assert left_out(["ruff"], Files(())) == []


@pytest.mark.parametrize("name", ["plugins/modules/gate.py", "roles/soak/README.md", "docs/plan.md", "galaxy.yml"])
def test_and_only_there(name: str) -> None:
    assert left_out(list(CHECKS), Files((name,))) == []


def test_of_all_files_none_is_left_out() -> None:
    assert left_out(list(CHECKS), Files(None)) == []


def test_what_they_read_is_there() -> None:
    assert set(ONLY_WHERE_CHANGED) <= set(CHECKS)
    assert [top for tops in ONLY_WHERE_CHANGED.values() for top in tops if not Path(ROOT, top).exists()] == []
