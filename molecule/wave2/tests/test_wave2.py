# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each host after the rollout, and after the same command once more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from testinfra.host import Host

testinfra_hosts = ["ansible://dgx"]

#: agent -> the flag that it must run with, and how often it was started since its host was made.
AGENTS = {
    "network-expert": ("true", 2),
    "tdd-expert": ("true", 2),
    "nix-expert": ("false", 1),
    "qa-expert": ("false", 1),
}
FLAG = "ENABLE_UNIFIED_SUBJECTS"


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_runs_with_what_was_announced_and_was_restarted_for_nothing_else(host: Host, agent: str) -> None:
    flag, starts = AGENTS[agent]
    unit = f"agent-runtime@{agent}.service"
    with host.sudo():
        assert host.service(unit).is_running
        pid = host.check_output(f"systemctl show {unit} --property=MainPID --value")
        assert f"{FLAG}={flag}" in host.check_output(f"tr '\\0' '\\n' < /proc/{pid}/environ").splitlines()
        assert int(host.check_output(f"journalctl -u {unit} -o cat --grep '^Started ' | wc -l")) == starts


def test_the_decision_is_go() -> None:
    reports = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "monitoring" / "reports" / "small"
    assert (reports / "decision.md").read_text().splitlines()[0].endswith(": GO")
