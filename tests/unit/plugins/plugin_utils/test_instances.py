# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules on the hosts are given."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_options import parse_server
from ansible_collections.cowboyai.rollout.plugins.module_utils._nats_sample import parse_sample
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _instances
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context

from tests.unit.plugins.plugin_utils.recorded import HOSTS, PLANS, at

AGENTS = PLANS.parents[1] / "inventories" / "dgx" / "group_vars" / "dgx" / "agents.csv"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    of_host = {
        "rollout_agents_file": str(AGENTS),
        "rollout_agent_unit": "agent-runtime@{agent}.service",
        "rollout_agent_env_file": "/e/{agent}.env",
    }
    variables: dict[str, Any] = {
        "rollout": "wave2",
        "rollout_monitoring_dir": str(tmp_path / "monitoring"),
        "playbook_dir": str(PLANS.parent),
        "groups": {"all": HOSTS, "dgx": HOSTS},
        "ansible_play_hosts_all": HOSTS,
        "hostvars": dict.fromkeys(HOSTS, of_host),
    }
    return Context(variables)


def with_scale(context: Context, scale: float) -> Context:
    return Context({**context.variables, "rollout_time_scale": scale})


def test_a_change_knows_what_was_backed_up(context: Context) -> None:
    context.record("rollout.started", {}, at(0), attempt=1)
    agents = context.sure_plan.agents()
    manifests = {HOSTS[0]: {"instances": {agents[0]: "a" * 64}}, HOSTS[1]: {"sha256": "b" * 64}}
    context.record("backup.done", {"directory": "/b", "hosts": manifests}, at(1))
    [spec] = _instances.to_change(context, context.sure_plan, agents[:1], HOSTS[0])
    assert spec["backup_sha256"] == "a" * 64
    for host in HOSTS[1:]:
        [spec] = _instances.to_change(context, context.sure_plan, agents[:1], host)
        assert "backup_sha256" not in spec


def test_a_look_searches_for_the_plans_signs(context: Context) -> None:
    order = _instances.look_order(context, HOSTS[0], [], at(0))
    assert order["signs"] == list(context.sure_plan.corruption_signs)
    assert order["signs"]


@pytest.mark.parametrize(
    ("seconds", "over"),
    [
        (30.0, 24.0),  # a whole stagger
        (20.0, 14.0),  # one whose tasks began late: a round is left, in which an agent that hangs is found
        (15.9, None),
    ],
)
def test_a_short_wait_is_probed_as_long_as_a_round_is_left(
    context: Context, seconds: float, over: float | None
) -> None:
    plan = context.sure_plan
    assert plan.probe is not None and (plan.watch.probe_every, plan.probe.timeout) == (10.0, 5.0)
    order = _instances.low_rate_order(context, plan, plan.agents(), at(0), at(0) + timedelta(seconds=seconds), "low")
    assert [each["probe"]["over"] for each in order.values()] == ([over] if over else [])


@pytest.mark.parametrize("scale", [1, 60, 900, 86400])
def test_the_probe_of_a_look_fits_into_its_window(context: Context, scale: float) -> None:
    scaled = with_scale(context, scale)
    plan = scaled.sure_plan
    window = _instances.light_window(scaled, plan)
    orders = list(_instances.nats_order(scaled, plan, plan.agents(), window, requests=plan.watch.requests).values())
    assert len(orders) == 1
    order = orders[0]
    probe = order["probe"]
    # Spread, and with all its time for the last answer.
    assert probe["over"] > 0
    assert probe["over"] + probe["timeout"] <= window
    request = parse_sample(
        {"window": window, "patterns": order["patterns"], "agents": order["agents"], "probe": probe},
        parse_server({"server": "nats://127.0.0.1:4222"}),
    )
    assert request.probe is not None
