# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence of an earlier gate decides only when it is what the ledger says."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._evidence_files import write_json
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._gathering import _recorded

from tests.unit.plugins.plugin_utils.recorded import at

PATH = "checkpoints/feature/baseline/evidence.json"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    made = Context({"rollout": "feature", "rollout_monitoring_dir": str(tmp_path)}, needs_plan=False, run="r")
    made.record("rollout.started", {"hosts": ["h"]}, at(0), attempt=1)
    sha256 = write_json(tmp_path / PATH, {"instances": {}})
    made.record("baseline.taken", {"evidence": PATH, "files": {"evidence.json": sha256}}, at(1))
    return made


def test_what_was_recorded_is_read(context: Context) -> None:
    assert _recorded(context, PATH) == {"instances": {}}


@pytest.mark.parametrize("content", ['{"instances": {"a@h": {}}}', '{"inst', ""])
def test_what_was_changed_or_half_written_is_refused(context: Context, content: str) -> None:
    (context.monitoring / PATH).write_text(content)
    with pytest.raises(StepError, match=r"seen SHA-256 .*as ledger record 2 says"):
        _recorded(context, PATH)


def test_what_is_gone_is_refused(context: Context) -> None:
    (context.monitoring / PATH).unlink()
    with pytest.raises(StepError, match="seen no such file, expected"):
        _recorded(context, PATH)
